"""The rows of members: the files of items that are several files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from heron.catalog.database import Database
from heron.catalog.places import KEPT
from heron.models import NewItem

COLUMNS_OF_MEMBERS = ("item_id", "position", "url", "size", "etag", "frame_count")
"""The columns of a member, in the order of `rows_of_members`; the URL is not in its stored form yet."""


def insert_members(database: Database, items: Iterable[tuple[int, NewItem]]) -> None:
    """Insert the members of items, which are given with their inner ids."""
    rows = rows_of_members(items)
    if rows:
        marks = ", ".join(KEPT if column == "url" else "?" for column in COLUMNS_OF_MEMBERS)
        database.execute_many(f"INSERT INTO members ({', '.join(COLUMNS_OF_MEMBERS)}) VALUES ({marks})", rows)


def rows_of_members(items: Iterable[tuple[int, NewItem]]) -> Sequence[tuple[Any, ...]]:
    """The rows of the members of items, which are given with their inner ids."""
    return [
        (id, position, member.url, member.size, member.etag, member.frame_count)
        for id, item in items
        if item.members
        for position, member in enumerate(item.members)
    ]
