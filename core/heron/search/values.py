"""Reads plain values of one field of the query language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from heron.convert import loads
from heron.errors import QueryError
from heron.models import Json
from heron.search.tree import Field

Value = str | bool | float | datetime | None
"""A value of a field; None if it is missing."""


def check_plain(field: Field) -> Field:
    """The field; raises QueryError if its values are not plain."""
    if field.affinity == "json" or field.home in ("vector", "frame vector"):
        raise QueryError(f"{field.name} ({field.type_name}) has no plain values")
    return field


def plain(field: Field, stored: Json) -> Value:
    """What is stored, as a truth value or a date where the field is of that type."""
    found: Value = stored
    if stored is None:
        found = None
    elif field.decode is not None:
        shown = field.decode(stored)
        found = shown if isinstance(shown, str | int | float) else str(shown)
    elif field.type == "boolean":
        found = bool(stored)
    elif field.type == "datetime" and isinstance(stored, str):
        found = datetime.fromisoformat(stored)
    elif not isinstance(stored, str | int | float):
        found = str(stored)
    return found


def shown(field: Field, stored: Json) -> Json:
    """What is stored, as JSON in the form that people write; a media fact with parts stays a text of JSON."""
    value = stored
    if field.affinity == "json" and isinstance(stored, str):
        value = loads(stored)
    elif field.type == "boolean" and stored is not None:
        value = bool(stored)
    return value if value is None or field.decode is None else field.decode(value)


def rank(value: Json) -> tuple[int, Any]:
    """What stored values sort by in SQLite."""
    return (1, value.encode()) if isinstance(value, str) else (0, value)
