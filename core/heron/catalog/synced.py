"""Synced folders: the URL that each folder is kept equal to, and the state of the last sync."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime

from heron.catalog.access import Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.folders import FolderService, subtree, within
from heron.catalog.integrations import IntegrationService
from heron.catalog.items import BUNDLE, bundles
from heron.catalog.limits import at_most
from heron.catalog.places import KEPT, located
from heron.catalog.referring import FolderRef, IntegrationRef
from heron.catalog.registration import Known
from heron.catalog.stores import HERE, Matching, Origin, OriginOf, StoreTable
from heron.convert import dumps
from heron.errors import AlreadyExists, InvalidInput, NotFound
from heron.hooks import StoredObject
from heron.jobs import SyncedFolder
from heron.metadata.sidecars import SUFFIX
from heron.models import Folder, now
from heron.times import utc_iso

_SELECT = (
    f"SELECT folder_id, folders.path, {located('prefix')} AS prefix, integrations.name AS integration, sidecar_suffix, sidecars_paused, "
    "synced_at, flat FROM synced_folders JOIN folders ON folders.id = folder_id LEFT JOIN integrations ON integrations.id = integration_id"
)
_BELOW = f"substr({located('url')}, 1, ?) = ?"
_LISTED = f"{_BELOW} AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM members WHERE item_id = items.id)"
"""The items that a listing of objects below a URL would contain; items of several files are not objects."""


class SyncedFolderService:
    """The synced folders of a workspace."""

    def __init__(
        self, database: Database, access: Access, folders: FolderService, integrations: IntegrationService
    ) -> None:
        self._database = database
        self._access = access
        self._folders = folders
        self._integrations = integrations
        self._stores = StoreTable(database)

    @one_transaction
    def bind(
        self,
        folder: FolderRef,
        prefix: str,
        *,
        integration: IntegrationRef | None = None,
        sidecar_suffix: str | None = SUFFIX,
        flat: bool = False,
        origin: Origin | None = None,
    ) -> SyncedFolder:
        """Make a folder, which is created if it is missing, a synced folder of a canonical URL; `heron sync`
        then imports the objects: into folders below it, as they are nested there, or with `flat` all into the folder.

        Its items below that URL, in the store of `origin` if given, are read with this integration from now on. Raises AlreadyExists for a folder
        that is synced already.
        """
        target = self._folders.ensure(folder)
        self._access.require("update", target)
        if sidecar_suffix == "":
            raise InvalidInput("the suffix of sidecars cannot be empty", hint="--no-sidecars reads none")
        if self._database.row("SELECT 1 FROM synced_folders WHERE folder_id = ?", [target.id]):
            raise AlreadyExists(f"folder {target.path!r} is synced already", hint="heron folders unsync")
        by = self._integrations.get(integration).id if integration is not None else None
        self._database.execute(
            "INSERT INTO synced_folders (folder_id, prefix, integration_id, sidecar_suffix, flat) "
            f"VALUES (?, {KEPT}, ?, ?, ?)",
            [target.id, prefix, by, sidecar_suffix, flat],
        )
        if by is not None:
            inside, parameters = subtree("folder_id", target, recursive=True)
            there, store = self._stores.within(origin or HERE)
            self._database.execute(
                f"UPDATE items SET integration_id = ? WHERE {inside} AND {_BELOW} AND {there}",
                [by, *parameters, len(prefix), prefix, *store],
            )
        return self.get(target)

    def get(self, folder: FolderRef) -> SyncedFolder:
        """The sync settings of a folder; raises NotFound for a folder that is not synced."""
        target = self._folders.get(folder)
        synced = self.find(target)
        if synced is None:
            raise NotFound(
                f"folder {target.path!r} is not synced", hint="heron folders create NAME --sync URL makes one"
            )
        return synced

    def find(self, folder: FolderRef) -> SyncedFolder | None:
        """The sync settings of a folder, or None; raises NotFound for a folder that does not exist."""
        row = self._database.row(f"{_SELECT} WHERE folder_id = ?", [self._folders.get(folder).id])
        return _synced(row) if row is not None else None

    def list(self, *, limit: int | None = None) -> list[SyncedFolder]:
        """All, or the first `limit`, synced folders by path."""
        rows = self._database.rows(
            f"{_SELECT} WHERE {self._access.scope('folder', 'folders')} ORDER BY folders.path LIMIT ?",
            [at_most(limit)],
        )
        return [_synced(row) for row in rows]

    @one_transaction
    def release(self, folder: FolderRef) -> None:
        """Make a synced folder an ordinary one; its items stay."""
        synced = self.get(folder)
        self._access.require("update", synced)
        self._database.execute(
            "DELETE FROM synced_folders WHERE folder_id = ?", [self._folders.get(folder).id]
        )

    @one_transaction
    def set_sidecars(self, folder: FolderRef, suffix: str | None, *, paused: bool = False) -> SyncedFolder:
        """Change the suffix of sidecars (None: they are ordinary files), or skip them with `paused`."""
        synced = self.get(folder)
        self._access.require("update", synced)
        if suffix == "":
            raise InvalidInput("the suffix of sidecars cannot be empty", hint="--no-sidecars reads none")
        target = self._folders.get(folder)
        self._database.execute(
            "UPDATE synced_folders SET sidecar_suffix = ?, sidecars_paused = ? WHERE folder_id = ?",
            [suffix, paused, target.id],
        )
        return self.get(target)

    def _note_synced(self, folder: Folder) -> None:
        """Store that a folder was synced completely just now."""
        self._access.require("update", folder)
        self._database.execute(
            "UPDATE synced_folders SET synced_at = ? WHERE folder_id = ?", [now(), folder.id]
        )

    def _known_sidecars(
        self, urls: Sequence[str], folder: Folder, origin_of: OriginOf = lambda url: HERE
    ) -> dict[str, Known]:
        """Those of the sidecars that were applied to an item in the folder or below it, in the state of that time."""
        self._access.require("read", folder)
        known: dict[str, Known] = {}
        inside, parameters = within(folder)
        is_meant = Matching(self._stores, origin_of)
        for bundle in bundles(urls, 500):
            given = self._database.places.by_stored_form(bundle)
            rows = self._database.rows(
                "SELECT sidecars.url, items.id, items.uuid, sidecars.size, sidecars.etag, sidecars.modified_at, "
                "store_id "
                "FROM sidecars CROSS JOIN items ON items.id = item_id CROSS JOIN folders ON folders.id = folder_id "
                f"WHERE sidecars.url IN ({','.join('?' * len(given))}) AND {inside}",
                [*given, *parameters],
            )
            for url, id, uuid, size, etag, modified_at, store in rows:
                if is_meant(given[url], store):
                    known[given[url]] = Known(id, uuid, size, etag, modified_at, is_deleted=False)
        return known

    def _new_since(self, moment: datetime, ids: Sequence[int]) -> set[int]:
        """Those of some items that were registered at a moment or later."""
        rows = self._database.rows(
            "SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) AND created_at >= ?",
            [dumps(list(ids)), utc_iso(moment)],
        )
        return {row["id"] for row in rows}

    def _note_sidecars(self, applied: Iterable[tuple[int, StoredObject]]) -> None:
        """Store which sidecars were applied, each with the inner id of its item."""
        noted = list(applied)
        self._access.require_all("update", "item", (id for id, _ in noted))
        self._database.execute_many(
            "INSERT OR REPLACE INTO sidecars (item_id, url, size, etag, modified_at) "
            f"VALUES (?, {KEPT}, ?, ?, ?)",
            (
                (id, stored.url, stored.size, stored.etag, stored.modified_at and utc_iso(stored.modified_at))
                for id, stored in noted
            ),
        )

    def _count_below(self, folder: Folder, prefix: str, origin: Origin = HERE) -> int:
        """Number of items in the folder and below it that lie below a URL of a store and are not marked as deleted, groups left out."""
        self._access.require("read", folder)
        inside, parameters = subtree("folder_id", folder, recursive=True)
        there, store = self._stores.within(origin)
        return int(
            self._database.value(
                f"SELECT count(*) FROM items WHERE {inside} AND {_LISTED} AND {there}",
                [*parameters, len(prefix), prefix, *store],
            )
        )

    def _newest_id(self) -> int:
        """The inner id of the newest item."""
        scope = self._access.scope("item", "items")
        return int(self._database.value(f"SELECT max(id) FROM items WHERE {scope}") or 0)

    def _vanished(
        self, folder: Folder, prefix: str, seen: Container[int], up_to: int, origin: Origin = HERE
    ) -> Iterator[Sequence[int]]:
        """The items in a folder and below it, up to the inner id `up_to`, that lie below a URL of a store and are not among
        those `seen`.

        They come as inner ids, up to 1000 at a time.
        """
        self._access.require("read", folder)
        gone: list[int] = []
        there, store = self._stores.within(origin)
        for place in (folder, *self._folders.list(folder)):
            after = 0
            while rows := self._database.rows(
                f"SELECT id FROM items WHERE folder_id = ? AND {_LISTED} AND {there} AND id > ? AND id <= ? ORDER BY id LIMIT ?",
                [place.id, len(prefix), prefix, *store, after, up_to, BUNDLE],
            ):
                after = rows[-1]["id"]
                gone += [row["id"] for row in rows if row["id"] not in seen]
                while len(gone) >= BUNDLE:
                    yield gone[:BUNDLE]
                    gone = gone[BUNDLE:]
        if gone:
            yield gone

    def _mark_vanished(self, ids: Sequence[int]) -> int:
        """Mark items as deleted; collections and datasets keep them. Returns how many were not marked before."""
        self._access.require_all("update", "item", ids)
        moment = now()
        return self._database.execute_many(
            "UPDATE items SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL",
            [(moment, id) for id in ids],
        )


def _synced(row: Row) -> SyncedFolder:
    return SyncedFolder(
        folder=row["path"],
        prefix=row["prefix"],
        integration=row["integration"],
        sidecar_suffix=row["sidecar_suffix"],
        synced_at=row["synced_at"],
        sidecars_paused=bool(row["sidecars_paused"]),
        folder_id=row["folder_id"],
        flat=bool(row["flat"]),
    )
