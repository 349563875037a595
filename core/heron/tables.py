"""Converts records to tables of pandas, Polars and Arrow: a column for each field, fact and metadata key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

from attrs import Factory, define

from heron.convert import dumps
from heron.errors import InvalidInput, PluginError
from heron.fields import Form, RecordField
from heron.models import FACT_FIELDS, FRAME_FIELDS, ITEM_FIELDS, DatasetRow, Frame, Item, Match
from heron.times import moment_or_none

Type = Literal["text", "integer", "float", "boolean", "time", "texts"]

_OF_FORM: dict[Form, Type] = {"boolean": "boolean", "time": "time"}
_OF_SQL: dict[str, Type] = {"TEXT": "text", "INTEGER": "integer", "REAL": "float"}
_LARGEST = 2**63
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
"""Times as the catalogue stores them: values of keys of the type datetime."""


@define
class Column:
    """The values of a column, None if missing, and the type of the others."""

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
        raise InvalidInput(
            f"records of type {kind.__name__} cannot become a table", hint="items and frames can"
        )
    if kind is Frame:
        table["item"] = Column("text", [row.item for row in rows])
    table.update(_fields(ITEM_FIELDS if kind is Item else FRAME_FIELDS, rows))
    extra = _facts if kind is Item else _metrics
    table.update(_flattened(extra(row) for row in rows))
    table.update(_flattened({f"metadata.{k}": v for k, v in row.metadata.items()} for row in rows))
    if matches:
        table["score"] = Column("float", [match.score for match in matches])
        if kind is Item and any(match.frame for match in matches):
            numbers = [match.frame.number if match.frame else None for match in matches]
            table["score.frame"] = Column("integer", numbers)
    return table


def _fields(declared: Mapping[str, RecordField], rows: Sequence[Any]) -> dict[str, Column]:
    """The declared fields of records by name; fields with parts have a column for each part."""
    table: dict[str, Column] = {}
    for name, field in declared.items():
        of = [row.facts for row in rows] if declared is ITEM_FIELDS and name in FACT_FIELDS else rows
        values = [getattr(part, field.attribute) for part in of]
        if field.form == "lines":
            table[name] = Column("texts", [list(value) for value in values])
        elif field.form != "json":
            table[name] = Column(
                _OF_FORM.get(field.form) or _OF_SQL[(field.sql or "TEXT").split()[0]], values
            )
    return table


def _facts(item: Item) -> dict[str, Any]:
    """Further facts by their names in queries, such as `exif.Model`."""
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
    """A column for each key that occurs, of the type of all its values, or else of text as in CSV."""
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
        return Column("time", [moment_or_none(value) for value in values])
    return Column("text", [_text(value) for value in values])


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else dumps(value)


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise PluginError(f"this table needs {name}", hint=f'pip install "heron[{extra}]"') from error


def to_pandas(rows: Sequence[Any], matches: Sequence[Match] = ()) -> Any:
    """The columns as a pandas DataFrame; raises PluginError if pandas is not installed."""
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
    """The columns as a Polars DataFrame; raises PluginError if polars is not installed."""
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
    """The columns as an Arrow Table; raises PluginError if pyarrow is not installed."""
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
