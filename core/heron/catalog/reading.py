"""Turns rows into records: the columns of a SELECT, and the values of a row by position."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heron.catalog.places import located
from heron.convert import loads
from heron.errors import CatalogueError, InvalidInput
from heron.fields import Form, RecordField
from heron.metadata.keys import printable
from heron.times import moment

_LOAD: dict[Form, tuple[Callable[[Any], Any], Any]] = {
    "boolean": (bool, None),
    "json": (loads, None),
    "lines": (lambda text: tuple(text.split("\n")) if text else (), ()),
    "time": (moment, None),
}
"""For each form: how a stored value is read, and the value for NULL."""
_IS_NO: dict[Form, str] = {"json": "no JSON", "time": "no time"}


class Columns:
    """Columns of a table for the attributes of a record, in the order of the SELECT, on which `values` relies.

    `declared` are the fields of the record, which say how the value of a column is read. An attribute that is not
    declared is a column with the same name.
    """

    def __init__(self, table: str, declared: Mapping[str, RecordField], attributes: Sequence[str]) -> None:
        self.table = table
        fields = {field.attribute: field for field in declared.values()}
        self.names = [fields[name].name if name in fields else name for name in attributes]
        self._coded = [
            (place, *_LOAD[fields[name].form])
            for place, name in enumerate(attributes)
            if name in fields and fields[name].form in _LOAD
        ]
        self._urls = {
            fields[name].name for name in attributes if name in fields and fields[name].form == "url"
        }
        self._forms = {place: fields[attributes[place]].form for place, _, _ in self._coded}

    def selected(self, **computed: str) -> str:
        """The columns that a SELECT must name first; `computed` are SQL expressions for names that are not columns."""
        return ", ".join(
            expression if expression == f"{self.table}.{name}" else f"{expression} AS {name}"
            for name, expression in self.expressions(**computed).items()
        )

    def expressions(self, **computed: str) -> dict[str, str]:
        """The SQL of each column by its name, as `selected` names them."""
        computed |= {name: located(f"{self.table}.{name}") for name in self._urls}
        return {name: computed.get(name, f"{self.table}.{name}") for name in self.names}

    def values(self, row: Sequence[Any], owner: str | None = None) -> list[Any]:
        """The values of a row that begins with these columns, in order.

        Raises CatalogueError for a value of the wrong type; `owner` is the UUID of the item that the row belongs to.
        """
        values = [*row]
        place = 0
        try:
            for place, load, empty in self._coded:
                value = values[place]
                values[place] = empty if value is None else load(value)
        except (InvalidInput, ValueError, TypeError, AttributeError) as error:
            raise self._damaged(values, place, owner) from error
        return values

    def _damaged(self, values: Sequence[Any], place: int, owner: str | None) -> CatalogueError:
        """An error that names the row and the column."""
        by = "uuid" if owner is None else "number"
        row = f"{self.table.removesuffix('s')} {printable(values[self.names.index(by)])}"
        what = _IS_NO.get(self._forms[place], "not of its type")
        return CatalogueError(
            f"{row}{f' of item {owner}' if owner else ''}: its column {self.names[place]} contains "
            f"{printable(values[place])}, which is {what}",
            hint="it was not written by Heron: correct it with the sqlite3 program, or restore a backup",
        )
