"""Results of curation that are stored with items: content hashes and uniqueness."""

from __future__ import annotations

from collections.abc import Iterable

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.models import Item


class Findings:
    """Stores results of curation, by inner ids of items."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def require(self, items: Iterable[int]) -> None:
        """Check the right to store results with these items, before they are computed."""
        self._access.require_all("update", "item", items)

    def keep_hashes(self, found: Iterable[tuple[Item, str]]) -> None:
        """Store the SHA-256 of the files of items, except those that were deleted meanwhile."""
        rows = [(content, item.id, item.uuid) for item, content in found]
        self.require(id for _, id, _ in rows)
        self._database.execute_many("UPDATE items SET content_hash = ? WHERE id = ? AND uuid = ?", rows)

    def keep_uniqueness(self, found: Iterable[tuple[int, str, float]]) -> None:
        """Store how unique items are, by inner id and UUID, as their `metric.uniqueness`; except those that were deleted meanwhile."""
        rows = [(score, id, uuid) for id, uuid, score in found]
        self.require(id for _, id, _ in rows)
        self._database.execute_many(
            "UPDATE items SET facts = json_set(facts, '$.metric.uniqueness', ?) WHERE id = ? AND uuid = ?",
            rows,
        )
