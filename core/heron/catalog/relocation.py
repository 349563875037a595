"""Gives the files below one URL, which were moved, their new URLs; all else that the catalogue knows of them stays."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.places import located
from heron.errors import AlreadyExists, NotFound
from heron.models import now

_MEMBERS = "members JOIN items ON items.id = members.item_id"
_EXAMPLES = 3


@frozen
class Relocated:
    """What a relocation changed, or would change: how many items, files of items that have several, and synced folders."""

    items: int
    files: int
    synced_folders: int


class Relocation:
    """From one URL prefix to another. Both end with a slash."""

    def __init__(self, database: Database, access: Access, old: str, new: str) -> None:
        self._database = database
        self._access = access
        self._old, self._new = old, new

    def check(self) -> Relocated:
        """Count what would change.

        Raises NotFound where nothing lies below the old place, PermissionDenied, and AlreadyExists where a folder has
        an item with the new URL of another one of its items: then one of the two has to go first.
        """
        counts = []
        for source, column in (("items", "items.url"), (_MEMBERS, "members.url")):
            where, given = self._below(column)
            scope = self._access.scope("item", "items")
            counts.append(
                self._database.value(f"SELECT count(*) FROM {source} WHERE {where} AND {scope}", given)
            )
        where, given = self._below("prefix")
        seen = f"folder_id IN (SELECT id FROM folders WHERE {self._access.scope('folder', 'folders')})"
        counts.append(
            self._database.value(f"SELECT count(*) FROM synced_folders WHERE {where} AND {seen}", given)
        )
        if not any(counts):
            raise NotFound(
                f"no file of the catalogue lies below {self._old}", hint="heron items shows their URLs"
            )
        self._access.require_where("update", "item", *self._below("items.url"))
        where, given = self._below("prefix")
        synced = f"folders.id IN (SELECT folder_id FROM synced_folders WHERE {where})"
        self._access.require_where("update", "folder", synced, given)
        self._refuse_doubles()
        return Relocated(*counts)

    def _refuse_doubles(self) -> None:
        where, given = self._below("items.url")
        rows = self._database.rows(
            f"SELECT items.name FROM items JOIN items AS other ON other.folder_id = items.folder_id AND other.url = "
            f"{self._moved('items.url')} AND other.id <> items.id WHERE {where} "
            "AND items.deleted_at IS NULL AND other.deleted_at IS NULL LIMIT ?",
            [self._new, len(self._old) + 1, *given, _EXAMPLES],
        )
        if rows:
            names = ", ".join(row[0] for row in rows)
            raise AlreadyExists(
                f"files below {self._new} were imported already, beside the items of the same files below {self._old}: {names}",
                hint="delete one of the two items of each file first: heron items delete UUID",
            )

    def urls(self) -> Iterator[tuple[int | None, str]]:
        """Each new URL of a file, with the inner id of the integration that reads it; a group gives its files."""
        where, given = self._below("items.url")
        place = 0
        while rows := self._database.rows(
            f"SELECT id, integration_id, {self._moved('items.url', stored=False)} FROM items WHERE id > ? AND {where} "
            f"AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM members WHERE item_id = items.id) ORDER BY id LIMIT 1000",
            [self._new, len(self._old) + 1, place, *given],
        ):
            yield from ((row[1], row[2]) for row in rows)
            place = rows[-1][0]
        where, given = self._below("members.url")
        for row in self._database.rows(
            f"SELECT integration_id, {self._moved('members.url', stored=False)} FROM {_MEMBERS} WHERE {where} "
            "AND deleted_at IS NULL",
            [self._new, len(self._old) + 1, *given],
        ):
            yield row[0], row[1]

    def apply(self) -> Relocated:
        """Change the URLs in one transaction; raises as `check` does."""
        with self._database.write():
            done = self.check()
            change = [self._new, len(self._old) + 1]
            where, given = self._below("items.url")
            self._database.execute(
                f"UPDATE items SET url = {self._moved('items.url')}, updated_at = ? WHERE {where}",
                [*change, now(), *given],
            )
            for table in ("members", "sidecars", "series_parts"):
                where, given = self._below("url")
                moved = self._moved("url", stored=table != "series_parts")
                self._database.execute(f"UPDATE {table} SET url = {moved} WHERE {where}", [*change, *given])
            where, given = self._below("prefix")
            self._database.execute(
                f"UPDATE synced_folders SET prefix = {self._moved('prefix')} WHERE {where}", [*change, *given]
            )
        return done

    def _below(self, column: str) -> tuple[str, list[str | int]]:
        """A condition that a URL lies below the old place, and its parameters."""
        return f"substr({located(column)}, 1, ?) = ?", [len(self._old), self._old]

    def _moved(self, column: str, *, stored: bool = True) -> str:
        """The SQL of the new URL, with the new place and the start of the rest as parameters."""
        moved = f"? || substr({located(column)}, ?)"
        return f"kept({moved})" if stored else moved
