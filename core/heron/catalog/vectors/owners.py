"""The owners of vectors: from items and frames to inner ids, and back."""

from __future__ import annotations

from collections.abc import Sequence

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.items import ItemService, bundles
from heron.catalog.referring import ItemRef, item_name
from heron.catalog.vectors.rows import Owner
from heron.convert import dumps
from heron.errors import NotFound
from heron.models import Frame


class Owners:
    """Finds the owners of vectors."""

    def __init__(self, database: Database, access: Access, items: ItemService) -> None:
        self._database = database
        self._access = access
        self._items = items

    def of(self, things: Sequence[ItemRef]) -> list[Owner]:
        """The inner ids of items and frames; raises NotFound."""
        bare = [thing for thing in things if not isinstance(thing, Frame)]
        ids = iter(self._items._ids(bare))
        of_frames = self._items_of([thing for thing in things if isinstance(thing, Frame)])
        return [(of_frames[t.id], t.id) if isinstance(t, Frame) else (next(ids), 0) for t in things]

    def _items_of(self, frames: Sequence[Frame]) -> dict[int, int]:
        """The inner id of the item of each frame, by the inner id of the frame; raises NotFound."""
        found: dict[int, int] = {}
        for part in bundles(frames):
            places = ",".join("?" * len(part))
            rows = self._database.rows(
                f"SELECT id, item_id FROM frames WHERE id IN ({places}) AND {self._access.scope('frame', 'frames')}",
                [f.id for f in part],
            )
            found.update((row[0], row[1]) for row in rows)
        for frame in frames:
            if frame.id not in found:
                raise NotFound(f"{item_name(frame)} is not in the catalogue any more")
        return found

    def names(self, owners: Sequence[Owner]) -> dict[Owner, tuple[str, int | None]]:
        """The UUID of the item and the number of the frame, for those owners that are in the catalogue."""
        rows = self._database.rows(
            "SELECT items.id, coalesce(frames.id, 0), items.uuid, frames.number FROM json_each(?) AS owner "
            "JOIN items ON items.id = json_extract(owner.value, '$[0]') "
            "LEFT JOIN frames ON frames.id = json_extract(owner.value, '$[1]') AND frames.item_id = items.id "
            f"WHERE (frames.id IS NOT NULL OR json_extract(owner.value, '$[1]') = 0) AND {self._access.scope('item', 'items')}",
            [dumps(owners)],
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}
