"""Records as tables: a column for each field, fact and metadata key, for pandas, Polars and Arrow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Literal

import attrs
from attrs import Factory, define

from heron.convert import dumps
from heron.errors import InvalidInput, PluginError
from heron.models import DatasetRow, Frame, Item, Match, MediaFacts

Type = Literal["text", "integer", "float", "boolean", "time", "texts"]

_OF_ANNOTATION: dict[str, Type] = {
    "str": "text",
    "Kind": "text",
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "datetime": "time",
}
_INNER = frozenset({"id", "folder_id", "integration_id"})
_LARGEST = 2**63
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
"""Times as the catalogue keeps them: values of keys of type datetime."""


@define
class Column:
    """The values of a column, None where there is none, and the type of all others."""

    type: Type
    values: list[Any] = Factory(list)


def columns_of(rows: Sequence[Any], matches: Sequence[Match] = ()) -> dict[str, Column]:
    """The columns of items, frames or rows of a dataset, in their order; raises InvalidInput for other records."""
    table: dict[str, Column] = {}
    kind = type(rows[0]) if rows else Item
    if kind is DatasetRow:
        table["position"] = Column("integer", [row.position for row in rows])
        rows = [row.item for row in rows]
        kind = Item
    if kind not in (Item, Frame):
        raise InvalidInput(f"records of type {kind.__name__} have no table", hint="items and frames have one")
    table.update(_fields(Item, rows, MediaFacts) if kind is Item else _fields(Frame, rows))
    extra = _facts if kind is Item else _metrics
    table.update(_flattened(extra(row) for row in rows))
    table.update(_flattened({f"metadata.{k}": v for k, v in row.metadata.items()} for row in rows))
    if matches:
        table["score"] = Column("float", [match.score for match in matches])
        if kind is Item and any(match.frame for match in matches):
            numbers = [match.frame.number if match.frame else None for match in matches]
            table["score.frame"] = Column("integer", numbers)
    return table


def _fields(record: type, rows: Sequence[Any], facts: type | None = None) -> dict[str, Column]:
    """The plain fields of a record, and of its facts in the place where these stand."""
    table: dict[str, Column] = {}
    for part in attrs.fields(record):
        if part.name == "facts" and facts is not None:
            table.update(_fields(facts, [row.facts for row in rows]))
        if part.name in _INNER:
            continue
        name = {"folder_path": "folder"}.get(part.name, part.name)
        values = [getattr(row, part.name) for row in rows]
        if part.name == "tags":
            table[name] = Column("texts", [list(value) for value in values])
            continue
        type = _OF_ANNOTATION.get(str(part.type).removesuffix(" | None"))
        if type == "text" and name.endswith("_at"):
            type, values = "time", [_moment(value) for value in values]
        if type is not None:
            table[name] = Column(type, values)
    return table


def _moment(value: Any) -> Any:
    return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else value


def _facts(item: Item) -> dict[str, Any]:
    """Further facts by the names under which they are queried, such as `exif.Model`."""
    found: dict[str, Any] = {}
    for space, values in item.facts.extra.items():
        if isinstance(values, Mapping):
            found.update((f"{space}.{name}", value) for name, value in values.items())
        else:
            found[space] = values
    return found


def _metrics(frame: Frame) -> dict[str, Any]:
    return {f"metric.{name}": value for name, value in frame.metrics.items()}


def _flattened(records: Iterable[Mapping[str, Any]]) -> dict[str, Column]:
    """A column for each key that occurs, of the type that all its values have, and else of text as in CSV."""
    found: dict[str, list[Any]] = {}
    count = 0
    for count, record in enumerate(records, start=1):
        for key, value in record.items():
            values = found.setdefault(key, [])
            values.extend([None] * (count - 1 - len(values)))
            values.append(value)
    return {key: _column([*values, *[None] * (count - len(values))]) for key, values in found.items()}


def _column(values: list[Any]) -> Column:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return Column("boolean", values)
    if kinds == {int} and all(value is None or -_LARGEST <= value < _LARGEST for value in values):
        return Column("integer", values)
    if kinds and kinds <= {int, float}:
        return Column("float", [None if value is None else float(value) for value in values])
    if kinds == {str} and all(value is None or _TIME.fullmatch(value) for value in values):
        return Column("time", [_moment(value) for value in values])
    return Column("text", [_text(value) for value in values])


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else dumps(value)


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise PluginError(f"this table needs {name}", hint=f'pip install "heron[{extra}]"') from error


def to_pandas(rows: Sequence[Any], matches: Sequence[Match] = ()) -> Any:
    """The columns as a pandas DataFrame; raises PluginError where pandas is missing."""
    pandas = _library("pandas", "pandas")
    types = {
        "integer": "Int64",
        "float": "float64",
        "boolean": "boolean",
        "texts": "object",
        "text": "object",
    }

    def series(column: Column) -> Any:
        if column.type == "time":
            return pandas.Series(pandas.to_datetime(column.values, utc=True)).astype("datetime64[us, UTC]")
        return pandas.Series(column.values, dtype=types[column.type])

    table = columns_of(rows, matches)
    return pandas.DataFrame({name: series(column) for name, column in table.items()})


def to_polars(rows: Sequence[Any], matches: Sequence[Match] = ()) -> Any:
    """The columns as a Polars DataFrame; raises PluginError where polars is missing."""
    polars = _library("polars", "polars")
    types = {
        "integer": polars.Int64,
        "float": polars.Float64,
        "boolean": polars.Boolean,
        "text": polars.String,
        "texts": polars.List(polars.String),
        "time": polars.Datetime("us", "UTC"),
    }
    table = columns_of(rows, matches)
    return polars.DataFrame([polars.Series(name, c.values, dtype=types[c.type]) for name, c in table.items()])


def to_arrow(rows: Sequence[Any], matches: Sequence[Match] = ()) -> Any:
    """The columns as an Arrow Table; raises PluginError where pyarrow is missing."""
    arrow = _library("pyarrow", "arrow")
    types = {
        "integer": arrow.int64(),
        "float": arrow.float64(),
        "boolean": arrow.bool_(),
        "text": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "time": arrow.timestamp("us", "UTC"),
    }
    table = columns_of(rows, matches)
    return arrow.table({name: arrow.array(c.values, types[c.type]) for name, c in table.items()})
