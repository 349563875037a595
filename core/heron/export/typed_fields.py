"""The types of columns for the fields of items and frames, for keys of the schema, and the names of further facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from heron.columns.typed import Type
from heron.fields import RecordField
from heron.models import ITEM_FIELDS

OF_SCHEMA: Mapping[str, Type] = {
    "boolean": "boolean", "datetime": "time", "number": "float", "uuid": "text", "varchar": "text", "text": "text",
    "enum": "text", "geospatial": "place",
}  # fmt: skip
"""The type of a column for each built-in type of keys."""

_OF_FORM: Mapping[str, Type] = {"time": "time", "boolean": "boolean", "lines": "texts"}
_OF_SQL: Mapping[str, Type] = {"TEXT": "text", "INTEGER": "integer", "REAL": "float"}


def type_of_field(field: RecordField) -> Type:
    """The type of the column of a field that is not JSON."""
    return _OF_FORM.get(field.form) or _OF_SQL[(field.sql or "TEXT").split()[0]]


def flat_facts(extra: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Further facts of an item by their names in queries: `exif.Model`, or `facts.exif.Model` where that is another name."""
    for space, values in extra.items():
        if type(values) is dict:
            for name, value in values.items():
                yield _name_of(space, name), value
        else:
            yield _name_of(space), values


@lru_cache(maxsize=10_000)
def _name_of(*path: str) -> str:
    name = ".".join(path)
    return f"facts.{name}" if path[0] in ITEM_FIELDS or path[0] == "metadata" else name
