"""Typed columns of many rows, each under one name: which type a name has in all rows, and its values as a series of Polars."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from heron.convert import dumps

if TYPE_CHECKING:
    import polars

Type = Literal["text", "integer", "float", "boolean", "time", "texts", "place"]
"""The type of a column: `time` is in UTC with microseconds, `place` is a latitude and a longitude in degrees."""

_BOOLEAN, _INTEGER, _INEXACT, _HUGE, _FLOAT, _TIME, _TEXT, _OTHER = (1 << bit for bit in range(8))
_KINDS: dict[type, int] = {bool: _BOOLEAN, float: _FLOAT}
_EXACT, _LARGEST = 2**53, 2**63
_TIME_LENGTH = 27
_is_time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z").fullmatch
_FORMAT = "%Y-%m-%dT%H:%M:%S%.fZ"


@frozen
class TypedColumn:
    """A column; `takes_all` if values of other types are written as JSON texts instead of being left out."""

    name: str
    type: Type
    takes_all: bool = False


class Observed:
    """The types of the values of names, of which one record after the other is shown."""

    def __init__(self) -> None:
        self._kinds: dict[str, int] = {}

    def add(self, values: Iterable[tuple[str, Any]]) -> None:
        """Take note of values by name."""
        kinds = self._kinds
        for name, value in values:
            if value is not None:
                kinds[name] = kinds.get(name, 0) | _kind_of(value)

    def types(self) -> dict[str, Type]:
        """The type of each name that had a value: that of all its values, or text, in which numbers, lists and objects are JSON."""
        return {name: _type_of(kinds) for name, kinds in self._kinds.items()}


def _kind_of(value: Any) -> int:
    kind = type(value)
    if kind is str:
        return _TIME if len(value) == _TIME_LENGTH and _is_time(value) else _TEXT
    if kind is int:
        size = abs(value)
        return _INTEGER if size <= _EXACT else _INEXACT if size < _LARGEST else _HUGE
    return _KINDS.get(kind, _OTHER)


def _type_of(kinds: int) -> Type:
    if kinds == _BOOLEAN:
        return "boolean"
    if not kinds & ~(_INTEGER | _INEXACT):
        return "integer"
    if not kinds & ~(_INTEGER | _FLOAT):
        return "float"
    return "time" if kinds == _TIME else "text"


def series_of(column: TypedColumn, values: Sequence[Any]) -> tuple[polars.Series, int]:
    """The values of a column, None where there is none, and how many were left out because they are of another type.

    Values of the type `texts` are given as one text, with a line for each.
    """
    import polars as pl

    if column.type == "time":
        texts = pl.Series(column.name, [v if type(v) is str else None for v in values], pl.String)
        times = texts.str.to_datetime(_FORMAT, time_unit="us", strict=False).dt.replace_time_zone("UTC")
        return times, _missing(values, times)
    if column.type == "texts":
        return _lists(column.name, values), 0
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if column.type == "integer" and kinds <= {int}:
        with suppress(OverflowError, pl.exceptions.PolarsError):  # a number that does not fit
            return pl.Series(column.name, values, pl.Int64), 0
    if not kinds <= _PLAIN.get(column.type, frozenset()):
        convert = _as_text if column.takes_all and column.type == "text" else _CONVERTED[column.type]
        values, given = [None if value is None else convert(value) for value in values], values
        found = pl.Series(column.name, values, dtype_of(column.type))
        return found, _missing(given, found)
    return pl.Series(column.name, values, dtype_of(column.type), strict=False), 0


def _lists(name: str, lines: Sequence[str | None]) -> polars.Series:
    """Lists of texts, which are given with a line for each text."""
    import polars as pl

    texts = pl.Series(name, lines, pl.String).fill_null("")
    return texts.str.split("\n").list.eval(pl.element().filter(pl.element() != ""))


def dtype_of(type: Type) -> Any:
    """The type of Polars for a type of columns."""
    import polars as pl

    types: dict[Type, Any] = {
        "text": pl.String,
        "integer": pl.Int64,
        "float": pl.Float64,
        "boolean": pl.Boolean,
        "time": pl.Datetime("us", "UTC"),
        "texts": pl.List(pl.String),
        "place": pl.Struct({"latitude": pl.Float64, "longitude": pl.Float64}),
    }
    return types[type]


def _missing(given: Sequence[Any], found: polars.Series) -> int:
    return found.null_count() - sum(value is None for value in given)


_PLAIN: Mapping[Type, frozenset[type]] = {
    "text": frozenset({str}),
    "float": frozenset({float}),
    "boolean": frozenset({bool}),
}
"""Types of Python that a series takes as they are."""


def _whole(value: Any) -> int | None:
    return value if type(value) is int and abs(value) < _LARGEST else None


def _real(value: Any) -> float | None:
    return float(value) if type(value) is float or (type(value) is int and abs(value) <= _EXACT) else None


def _truth(value: Any) -> bool | None:
    return bool(value) if type(value) is bool or value in (0, 1) else None


def _place(value: Any) -> dict[str, float] | None:
    if type(value) is not dict or set(value) != {"latitude", "longitude"}:
        return None
    found = {name: _real(degrees) for name, degrees in value.items()}
    return None if None in found.values() else found  # type: ignore[return-value]


def _as_text(value: Any) -> str:
    return value if type(value) is str else dumps(value)


_CONVERTED: Mapping[Type, Callable[[Any], Any]] = {
    "text": lambda value: value if type(value) is str else None,
    "integer": _whole,
    "float": _real,
    "boolean": _truth,
    "place": _place,
}
"""For each type, its form of a value, or None for one of another type."""
