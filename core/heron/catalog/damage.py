"""Finds what of a catalogue Heron did not write, once a command has failed for no other reason: a missing table or column, a value of the wrong type."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path

from heron.catalog.migrations import migrations
from heron.catalog.places import Places
from heron.catalog.stored import add_columns, missing_columns
from heron.inside import require_catalogue
from heron.metadata.keys import printable

_TYPES = {
    "INTEGER": ("a whole number", "'integer'"),
    "REAL": ("a number", "'integer', 'real'"),
    "TEXT": ("text", "'text'"),
    "BLOB": ("bytes", "'blob'"),
}
"""For each type of a column: what its values are in words, and in SQLite."""

_OBJECTS = frozenset({"metadata", "facts", "metrics", "options", "parameters", "query", "details", "schema"})
"""Columns of text whose values are JSON objects."""

_DAY = "'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*'"

Tables = Mapping[str, Mapping[str, tuple[str, bool]]]
"""For each table its columns, each with its type and whether it must have a value."""


def damage_of(file: Path) -> str | None:
    """The first thing in a catalogue that Heron did not write, in words; None if all is as it should be, or nothing can be read.

    Every row is read. Values are not shown, only where they are.
    """
    require_catalogue(file)
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            found = tables_of(connection)
            for table, columns in _expected().items():
                if table not in found:
                    return f"it has no table {table}"
                if missing := columns.keys() - found[table].keys():
                    return f"its table {table} has no column {min(missing)}"
                for reason in _wrong(connection, table, columns):
                    return reason
        except sqlite3.Error as error:
            return f"SQLite cannot read it: {error}"
    return None


def _wrong(
    connection: sqlite3.Connection, table: str, columns: Mapping[str, tuple[str, bool]]
) -> Iterator[str]:
    """The first row of a table with a value of the wrong type."""
    named = next((name for name in ("uuid", "name", "id", "item_id") if name in columns), next(iter(columns)))
    conditions = {name: _condition(name, *of) for name, of in columns.items()}
    broken = " ".join(
        f"WHEN {condition} THEN {place}" for place, (condition, _) in enumerate(conditions.values())
    )
    row = connection.execute(
        f"SELECT CASE {broken} END AS broken, {named} FROM {table} WHERE broken IS NOT NULL LIMIT 1"
    ).fetchone()
    if row is not None:
        name = list(columns)[row[0]]
        which = f"the row of {table} with the {named} {printable(row[1])}"
        yield f"in {which}, the value of {name} is not {conditions[name][1]}"


def _condition(name: str, type: str, is_needed: bool) -> tuple[str, str]:
    """The SQL condition that a value is wrong, and in words what it should be."""
    words, types = _TYPES[type]
    wrong = f"typeof({name}) NOT IN ({types}{'' if is_needed else ', ' + repr('null')})"
    if type == "TEXT" and name in _OBJECTS:
        is_object = f"CASE WHEN json_valid({name}) THEN json_type({name}) = 'object' ELSE 0 END"
        return f"({wrong} OR ({name} IS NOT NULL AND NOT {is_object}))", "a JSON object"
    if type == "TEXT" and name.endswith("_at"):
        return f"({wrong} OR {name} NOT GLOB {_DAY})", "a time"
    if type == "TEXT" and name == "uuid":
        return f"({wrong} OR length({name}) <> 36 OR {name} GLOB '*[^0-9a-f-]*')", "a UUID"
    if type == "TEXT":
        return f"({wrong} OR instr({name}, char(0)))", words
    return wrong, words


@cache
def _expected() -> Tables:
    """The tables of a new catalogue."""
    with closing(sqlite3.connect(":memory:")) as new:
        Places(Path()).define(
            lambda name, arguments, function: new.create_function(name, arguments, function)
        )
        migrations.apply(new)
        add_columns(new, missing_columns(new))
        return tables_of(new)


def tables_of(connection: sqlite3.Connection) -> Tables:
    """The tables of a catalogue without those of SQLite and of full-text indexes."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_sqlite_*' "
        "AND name NOT GLOB 'text_[0-9]*'"
    ).fetchall()
    return {
        table: {
            name: (type, bool(is_needed))
            for _, name, type, is_needed, *_ in connection.execute(
                "SELECT * FROM pragma_table_info(?)", [table]
            )
        }
        for (table,) in tables
    }
