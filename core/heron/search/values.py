"""The values of one field of the query language: its SQL, and what SQLite answers as plain values."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from heron.errors import QueryError
from heron.models import Json
from heron.search.planning import Planner
from heron.search.tree import ValueType

Value = str | bool | float | datetime | None
"""A value of a field; None where it has none."""


@frozen
class FieldValues:
    """A field to be read: its name, the SQL of its value, and how that is to be taken."""

    name: str
    sql: str
    type: ValueType

    def value(self, answered: Json) -> Value:
        """What SQLite answered, as a truth value or a date where the field is of that type."""
        found: Value = answered
        if answered is None:
            found = None
        elif self.type == "boolean":
            found = bool(answered)
        elif self.type == "datetime" and isinstance(answered, str):
            found = datetime.fromisoformat(answered)
        elif not isinstance(answered, str | int | float):
            found = str(answered)
        return found


def field_values(planner: Planner, name: str, *, frames: bool = False) -> FieldValues:
    """The field of a name, of items or of `frames`; raises QueryError where there is none, or it has no plain values."""
    field, sql = planner.field(name, frames=frames)
    if field.type == "json" or field.home in ("vector", "frame vector"):
        raise QueryError(f"{field.name} ({field.type_name}) has no plain values")
    return FieldValues(field.name, sql, field.type)
