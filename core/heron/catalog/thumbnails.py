"""Thumbnails: small JPEG pictures of items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.items import ItemService
from heron.catalog.referring import ItemRef
from heron.convert import dumps
from heron.models import Item


class ThumbnailStore:
    """The thumbnails of a workspace."""

    def __init__(self, database: Database, access: Access, items: ItemService) -> None:
        self._database = database
        self._access = access
        self._items = items

    def find(self, item: ItemRef) -> bytes | None:
        """The JPEG of an item, or None if none was made."""
        owner = self._items.get(item)
        jpeg: bytes | None = self._database.value("SELECT jpeg FROM thumbnails WHERE item_id = ?", [owner.id])
        return jpeg

    def _put(self, pictures: Iterable[tuple[int, bytes]]) -> None:
        """Store the JPEGs of items that were just registered, by their inner ids."""
        rows = list(pictures)
        if rows:
            self._access.require_all("create", "item", (id for id, _ in rows))
            self._database.execute_many(
                "INSERT OR REPLACE INTO thumbnails (item_id, jpeg) VALUES (?, ?)", rows
            )

    def _keep(self, pictures: Iterable[tuple[Item, bytes, Mapping[str, float]]]) -> int:
        """Store the JPEGs of items, and their metrics, if any; returns their number. Those that were deleted meanwhile are left out."""
        rows = [(item.id, item.uuid, jpeg, dumps(metrics)) for item, jpeg, metrics in pictures]
        self._access.require_all("update", "item", (id for id, *_ in rows))
        with self._database.write():
            kept = self._database.execute_many(
                "INSERT OR REPLACE INTO thumbnails (item_id, jpeg) SELECT id, ? FROM items WHERE id = ? AND uuid = ?",
                [(jpeg, id, uuid) for id, uuid, jpeg, _ in rows],
            )
            self._database.execute_many(
                "UPDATE items SET facts = json_patch(facts, json_object('metric', json(?))) WHERE id = ? AND uuid = ?",
                [(metrics, id, uuid) for id, uuid, _, metrics in rows if metrics != "{}"],
            )
        return max(0, kept)
