"""Stores: the endpoints and accounts in which objects lie. Store and URL together identify an object.

A row with a name is a store. One without is a store that is not known: of items of an older catalogue, until the plugin says what
their integration or the defaults mean, or of items whose integration is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from heron.catalog.database import Database
from heron.errors import InvalidInput


@frozen
class Origin:
    """Where the object of a URL lies: its store, and the inner id of the integration that reads it.

    `scheme` is empty where the URL alone identifies an object, as for local files. Otherwise a `store` of None is not
    known. `is_given` says that the user has named the integration.
    """

    integration_id: int | None = None
    scheme: str = ""
    store: str | None = None
    is_given: bool = False


HERE = Origin()
"""The origin of objects that their URL alone identifies."""

OriginOf = Callable[[str], Origin]
"""Returns the origin of a canonical URL."""


class StoreTable:
    """The stores of a catalogue, by inner id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def can_write(self) -> bool:
        """Whether stores can be added."""
        return self._database.may_write

    def names(self) -> dict[int | None, str | None]:
        """The names of all stores, None for those that are not known."""
        return {row["id"]: row["name"] for row in self._database.rows("SELECT id, name FROM stores")}

    def id_of(self, origin: Origin) -> int | None:
        """The inner id of the store of an origin, which is added if it is missing; in the caller's transaction."""
        if not origin.scheme:
            return None
        found: int | None = self._database.value(
            "SELECT id FROM stores WHERE scheme = ? AND name IS ? AND integration_id IS NULL AND NOT is_default",
            [origin.scheme, origin.store],
        )
        if found is None:
            self._database.execute(
                "INSERT INTO stores (scheme, name) VALUES (?, ?)", [origin.scheme, origin.store]
            )
            found = int(self._database.value("SELECT last_insert_rowid()"))
        return found

    def within(self, origin: Origin, column: str = "items.store_id") -> tuple[str, Sequence[str | None]]:
        """A condition that an item is in the store of an origin, and its parameters."""
        if not origin.scheme:
            return "TRUE", []
        return f"{column} IN (SELECT id FROM stores WHERE scheme = ? AND name IS ?)", [
            origin.scheme,
            origin.store,
        ]

    def pending(self) -> Sequence[tuple[int, str, int | None, bool]]:
        """The stores whose names the plugins have not said yet: inner id, scheme, integration, and whether it is the default."""
        rows = self._database.rows(
            "SELECT id, scheme, integration_id, is_default FROM stores "
            "WHERE name IS NULL AND (is_default OR integration_id IS NOT NULL)"
        )
        return [(row[0], row[1], row[2], bool(row[3])) for row in rows]

    def settle(self, id: int, origin: Origin) -> None:
        """Give the items of a store that was not known their store."""
        with self._database.write():
            if self._database.row("SELECT 1 FROM stores WHERE id = ? AND name IS NULL", [id]) is None:
                return  # another process has done it
            self._database.execute(
                "UPDATE items SET store_id = ? WHERE store_id = ?", [self.id_of(origin), id]
            )
            self._database.execute("DELETE FROM stores WHERE id = ?", [id])


class Matching:
    """Tells the items of one store from those that have the same URL in another one."""

    def __init__(self, table: StoreTable, origin_of: OriginOf) -> None:
        self._names = table.names()
        self._origin_of = origin_of
        self._foreign: dict[str, str | None] = {}
        self._own: set[str] = set()

    def __call__(self, url: str, store_id: int | None) -> bool:
        """Whether the item with this URL in a store, by its inner id, is the object that the import means."""
        origin = self._origin_of(url)
        if not origin.scheme:
            return True
        store = self._names.get(store_id)
        if store == origin.store:
            self._own.add(url)
            return True
        if store is None or origin.store is None or not origin.is_given:
            self._foreign[url] = store
        return False

    def require_unambiguous(self) -> None:
        """Raise InvalidInput if an import names an object and cannot know whether it is one of another store."""
        for url, store in self._foreign.items():
            if url not in self._own:
                raise _unclear(url, store, self._origin_of(url))


def _unclear(url: str, store: str | None, origin: Origin) -> InvalidInput:
    bucket = "/".join(url.split("/")[:3]) + "/"
    if store is None:
        return InvalidInput(
            f"{url} is in the folder already, in a store that is not known, so it may be another object",
            hint=f"heron relocate {bucket} {bucket} --integration NAME says which integration reads the items there",
        )
    meant = f"the store {origin.store}" if origin.store else "no store that is known"
    return InvalidInput(
        f"{url} is in the folder already, in the store {store}, and without an integration it means {meant}",
        hint="give --integration NAME, which says the store",
    )


def different_stores(names: Iterable[str | None]) -> str:
    """The names of stores for a message: `minio.example:9000 and aws`."""
    return " and ".join(sorted(name or "a store that is not known" for name in names))
