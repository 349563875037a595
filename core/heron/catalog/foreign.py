"""Refuses catalogues with triggers and views that Heron did not make, because SQLite runs these without being asked.

`PRAGMA trusted_schema = OFF` cannot be used instead: it would forbid FTS5 to the full-text triggers.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from heron.catalog.full_text import full_text_statements, older_statements
from heron.catalog.scripts import SCRIPTS
from heron.errors import CatalogueError

_TEXT = re.compile(r"(text_[0-9]+)_(?:insert|delete|update|source)")


def json_path(key: str, table: str = "items") -> str:
    """The SQL expression for a metadata key's value in the items, or frames, table; `key` is a legal schema key."""
    return f"""json_extract({table}.metadata, '$."{key.replace("'", "''")}"')"""


def require_own_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise CatalogueError for a trigger that Heron did not make, and for a view that replaces one of its tables.

    Views with other names are allowed: Heron never reads them.
    """
    for type, name, sql in connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') OR sql LIKE 'CREATE VIRTUAL%'"
    ).fetchall():
        is_ours = f"{sql}" in SCRIPTS or (_TEXT.fullmatch(name) and sql in _of_full_text(connection, name))
        takes_place = f"CREATE TABLE {name} " in SCRIPTS
        if takes_place or (not is_ours and (type == "trigger" or _TEXT.fullmatch(name))):
            raise CatalogueError(
                f"{path} contains a {type} {name[:60]!r} that Heron did not make, and is not used",
                hint="SQLite would run it without being asked; remove it with the sqlite3 program if it is yours",
            )


def _of_full_text(connection: sqlite3.Connection, name: str) -> Sequence[str]:
    """The statements of the full-text index to which a trigger or view belongs, as Heron would write them."""
    found = _TEXT.fullmatch(name)
    assert found is not None
    row = connection.execute("SELECT name FROM schema_keys WHERE 'text_' || id = ?", [found[1]]).fetchone()
    if row is None:
        return ()
    path = json_path(str(row[0]))
    return (*full_text_statements(found[1], path), *older_statements(found[1], path))
