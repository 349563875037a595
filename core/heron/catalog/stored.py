"""Turns declared fields of records into values of columns, and adds columns that a catalogue lacks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from heron.convert import dumps
from heron.fields import Form, RecordField
from heron.models import FRAME_FIELDS, ITEM_FIELDS
from heron.times import utc_iso

_DUMP: dict[Form, Callable[[Any], Any]] = {
    "json": lambda value: dumps(value) if value else "{}",
    "lines": "\n".join,
    "time": utc_iso,
}
_EMPTY: dict[Form, str] = {"json": "'{}'"}
_TABLES = {"items": ITEM_FIELDS, "frames": FRAME_FIELDS}


def dumper(fields: Iterable[RecordField]) -> Callable[[Any], Sequence[Any]]:
    """A function that returns the stored values of these fields of a record, in order."""
    chosen = list(fields)
    values = attrgetter(*(field.attribute for field in chosen))
    coded = [(place, _DUMP[field.form]) for place, field in enumerate(chosen) if field.form in _DUMP]
    if len(chosen) == 1:
        dump = coded[0][1] if coded else None
        return lambda record: (
            dump(value) if dump and (value := values(record)) is not None else values(record),
        )

    def dumped(record: Any) -> Sequence[Any]:
        row = list(values(record))
        for place, dump in coded:
            if row[place] is not None:
                row[place] = dump(row[place])
        return row

    return dumped if coded else values


def missing_columns(connection: sqlite3.Connection) -> Mapping[str, Sequence[RecordField]]:
    """The fields for which a table has no column, by table."""
    missing = {}
    for table, fields in _TABLES.items():
        there = {row[0] for row in connection.execute("SELECT name FROM pragma_table_info(?)", [table])}
        missing[table] = [field for field in fields.values() if field.sql and field.name not in there]
    return {table: fields for table, fields in missing.items() if fields}


def add_columns(connection: sqlite3.Connection, missing: Mapping[str, Sequence[RecordField]]) -> None:
    """Add columns within the caller's transaction."""
    for table, fields in missing.items():
        for field in fields:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {field.name} {field.sql}")


def imagine_columns(
    connection: sqlite3.Connection, missing: Mapping[str, Sequence[RecordField]], *, has_stores: bool
) -> None:
    """Add the columns, without values, to a file that cannot be written: by a view of this connection only.

    Unless the file `has_stores`, it gets an empty table of them too.
    """
    empty = {
        table: [f"{_EMPTY.get(field.form, 'NULL')} AS {field.name}" for field in fields]
        for table, fields in missing.items()
    }
    if not has_stores:
        connection.execute("CREATE TEMP TABLE stores (id, scheme, name, integration_id, is_default)")
        empty.setdefault("items", []).append("NULL AS store_id")
    for table, columns in empty.items():
        connection.execute(f"CREATE TEMP VIEW {table} AS SELECT *, {', '.join(columns)} FROM main.{table}")
