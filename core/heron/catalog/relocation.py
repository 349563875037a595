"""Gives the files below one URL, which were moved, their new URLs; all else that the catalogue knows of them stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.places import located
from heron.catalog.stores import Origin, StoreTable, different_stores
from heron.errors import AlreadyExists, InvalidInput, NotFound
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
    """From one URL prefix to another. Both end with a slash.

    `origin` is where the files lie then; None leaves the items in their store, with their integration.
    """

    def __init__(
        self, database: Database, access: Access, old: str, new: str, origin: Origin | None = None
    ) -> None:
        self._database = database
        self._access = access
        self._old, self._new = old, new
        self._origin = origin
        self._stores = StoreTable(database)
        self._claims = old == new and origin is not None
        """Whether the files lie where they lay, and the origin is said for the items whose store is not known."""

    def check(self) -> Relocated:
        """Count what would change.

        Raises NotFound where nothing lies below the old place, PermissionDenied, InvalidInput where items of several stores
        do, and AlreadyExists where a folder has an item with the new URL, in the same store, of another one of its items:
        then one of the two has to go first.
        """
        counts = []
        for source, column in (("items", "items.url"), (_MEMBERS, "members.url")):
            where, given = self._below(column)
            scope = self._access.scope("item", "items")
            counts.append(
                self._database.value(f"SELECT count(*) FROM {source} WHERE {where} AND {scope}", given)
            )
        if self._claims:
            self._require_any(counts)
            self._access.require_where("update", "item", *self._below("items.url"))
            self._refuse_doubles()
            return Relocated(counts[0], counts[1], 0)
        where, given = self._below("prefix")
        seen = f"folder_id IN (SELECT id FROM folders WHERE {self._access.scope('folder', 'folders')})"
        counts.append(
            self._database.value(f"SELECT count(*) FROM synced_folders WHERE {where} AND {seen}", given)
        )
        self._require_any(counts)
        self._access.require_where("update", "item", *self._below("items.url"))
        where, given = self._below("prefix")
        synced = f"folders.id IN (SELECT folder_id FROM synced_folders WHERE {where})"
        self._access.require_where("update", "folder", synced, given)
        self._refuse_several_stores()
        self._refuse_doubles()
        return Relocated(*counts)

    def _require_any(self, counts: Iterable[int]) -> None:
        if any(counts):
            return
        what = "file whose store is not known" if self._claims else "file of the catalogue"
        raise NotFound(f"no {what} lies below {self._old}", hint="heron items shows their URLs")

    def _refuse_several_stores(self) -> None:
        where, given = self._below("items.url")
        rows = self._database.rows(
            f"SELECT DISTINCT stores.name FROM items JOIN stores ON stores.id = items.store_id WHERE {where}",
            given,
        )
        if len(rows) > 1:
            raise InvalidInput(
                f"items below {self._old} lie in {len(rows)} stores, {different_stores(row[0] for row in rows)}, "
                "and only those of one can be relocated",
                hint="give a longer place; heron items --columns store,url shows which items are where",
            )

    def _refuse_doubles(self) -> None:
        where, given = self._below("items.url")
        same, parameters = "other.store_id IS items.store_id", list[str | None]()
        if self._origin is not None:
            same, store = self._stores.within(self._origin, "other.store_id")
            parameters = [*store]
        rows = self._database.rows(
            f"SELECT items.name FROM items JOIN items AS other ON other.folder_id = items.folder_id AND other.url = "
            f"{self._moved('items.url')} AND other.id <> items.id AND {same} WHERE {where} "
            "AND items.deleted_at IS NULL AND other.deleted_at IS NULL LIMIT ?",
            [self._new, len(self._old) + 1, *parameters, *given, _EXAMPLES],
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
            yield from ((self._reader(row[1]), row[2]) for row in rows)
            place = rows[-1][0]
        where, given = self._below("members.url")
        for row in self._database.rows(
            f"SELECT integration_id, {self._moved('members.url', stored=False)} FROM {_MEMBERS} WHERE {where} "
            "AND deleted_at IS NULL",
            [self._new, len(self._old) + 1, *given],
        ):
            yield self._reader(row[0]), row[1]

    def _reader(self, integration: int | None) -> int | None:
        """The inner id of the integration that reads an item then, which came by another one."""
        return integration if self._origin is None else self._origin.integration_id

    def apply(self) -> Relocated:
        """Change the URLs in one transaction; raises as `check` does."""
        with self._database.doing(self, "relocate"):
            done = self.check()
            of, places = self._access.user.email, {"old": self._old, "new": self._new}
            self._database.deeds.note(of, "item", self._old, None, done.items, places)
            change = [self._new, len(self._old) + 1]
            where, given = self._below("items.url")
            if self._origin is not None:
                place = [self._stores.id_of(self._origin), self._origin.integration_id]
                self._database.execute(
                    f"UPDATE items SET store_id = ?, integration_id = ? WHERE {where}", [*place, *given]
                )
                if self._claims:
                    return done
            self._database.execute(
                f"UPDATE items SET url = {self._moved('items.url')}, updated_at = ? WHERE {where}",
                [*change, now(), *given],
            )
            for table in ("members", "sidecars", "series_parts", "import_waiting"):
                where, given = self._below("url")
                moved = self._moved("url", stored=table not in ("series_parts", "import_waiting"))
                self._database.execute(f"UPDATE {table} SET url = {moved} WHERE {where}", [*change, *given])
            where, given = self._below("prefix")
            if self._origin is not None:
                self._database.execute(
                    f"UPDATE synced_folders SET integration_id = ? WHERE {where}",
                    [self._origin.integration_id, *given],
                )
            self._database.execute(
                f"UPDATE synced_folders SET prefix = {self._moved('prefix')} WHERE {where}", [*change, *given]
            )
        return done

    def _below(self, column: str) -> tuple[str, list[str | int]]:
        """A condition that a URL lies below the old place, and its parameters."""
        condition = f"substr({located(column)}, 1, ?) = ?"
        if self._claims:
            unknown = "(SELECT id FROM stores WHERE name IS NULL)"
            condition += f" AND (items.store_id IS NULL OR items.store_id IN {unknown})"
        return condition, [len(self._old), self._old]

    def _moved(self, column: str, *, stored: bool = True) -> str:
        """The SQL of the new URL, with the new place and the start of the rest as parameters."""
        moved = f"? || substr({located(column)}, ?)"
        return f"kept({moved})" if stored else moved
