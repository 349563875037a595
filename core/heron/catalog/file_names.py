"""The items that a file belongs to, by its name: their own file, or a member of a group, sequence or series, also in an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heron.catalog.paths import path_sql
from heron.metadata.keys import ARCHIVE_MARK

if TYPE_CHECKING:
    from heron.catalog.database import Database


def named_sql(column: str) -> str:
    """The SQL that the file at the URL in a column has a name; its two parameters are `patterns`."""
    path = f"'/' || replace({path_sql(column)}, '{ARCHIVE_MARK}', '{ARCHIVE_MARK}/')"
    return f"({path} LIKE ? ESCAPE '!' OR {path} LIKE ? ESCAPE '!')"


def has_file_sql() -> str:
    """The SQL that a row of `items` has a file of a name; its four parameters are `patterns`, twice."""
    return f"({named_sql('items.url')} OR items.id IN (SELECT item_id FROM members WHERE {named_sql('members.url')}))"


def of_several_files(database: Database, name: str) -> list[int]:
    """The inner ids of the items of several files that have a file of a name."""
    sql = f"SELECT DISTINCT item_id FROM members WHERE {named_sql('members.url')}"
    return [row[0] for row in database.rows(sql, list(patterns(name)))]


def patterns(name: str, *, exact: bool = False) -> tuple[str, str]:
    """The patterns for a file name, or the end of a path, and for an archive of that name.

    In the name, % stands for anything, unless it is to be `exact`.
    """
    escaped = name.lstrip("/").replace("!", "!!").replace("_", "!_")
    pattern = "%/" + (escaped.replace("%", "!%") if exact else escaped)
    return pattern, f"{pattern}{ARCHIVE_MARK}%"
