"""The names that begin with a text, for completion: read-only, and fast in a large catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from heron.catalog.access import SCHEMA, Access
from heron.catalog.database import Database

Named = Literal[
    "folder",
    "item",
    "collection",
    "dataset",
    "preset",
    "integration",
    "vector",
    "project",
    "user",
    "group",
    "tag",
]

_COLUMNS: dict[Named, tuple[str, str]] = {
    "folder": ("folders", "path"),
    "item": ("items", "name"),
    "collection": ("collections", "title"),
    "dataset": ("datasets", "title"),
    "preset": ("presets", "name"),
    "integration": ("integrations", "name"),
    "vector": ("vector_sets", "key"),
    "project": ("projects", "title"),
    "user": ("users", "email"),
    "group": ("user_groups", "name"),
    "tag": ("project_tags", "name"),
}
"""For each noun, the table and column of its names; every column is indexed."""

_LAST = "\U0010ffff"
"""The last Unicode character."""


class Names:
    """Names of a catalogue that the acting user may see."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def beginning(self, noun: Named, text: str, limit: int = 100) -> Sequence[str]:
        """The first names of a noun that begin with a text, in order, each once."""
        table, column = _COLUMNS[noun]
        there = " AND deleted_at IS NULL" if noun == "item" else ""
        rows = self._database.rows(
            f"SELECT DISTINCT {column} FROM {table} WHERE {column} >= ? AND {column} < ?{there} "
            f"AND {self._access.scope(noun, table)} ORDER BY {column} LIMIT ?",
            [text, text + _LAST, limit],
        )
        return [row[0] for row in rows]

    def keys(self) -> Sequence[str]:
        """The keys of the metadata schema."""
        self._access.require("read", SCHEMA)
        rows = self._database.rows(
            "SELECT name FROM schema_keys WHERE state = 'active' ORDER BY position, id"
        )
        return [row[0] for row in rows]
