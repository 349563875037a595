"""Frames: the pictures of an item with several, as rows with metadata of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from heron.catalog.access import Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.items import ItemRef, ItemService
from heron.catalog.schema import SchemaService
from heron.convert import loads
from heron.errors import InvalidInput, NotFound
from heron.metadata.validation import Validator
from heron.models import Frame, Json


class FrameService:
    """The frames of items."""

    def __init__(self, database: Database, access: Access, items: ItemService, schema: SchemaService) -> None:
        self._database = database
        self._access = access
        self._items = items
        self._schema = schema

    @one_transaction
    def add(self, item: ItemRef, frames: Iterable[tuple[int, float | None, bool]]) -> int:
        """Add frames as (number from 0, presentation time in seconds or None, whether a key frame).

        A frame that is there already keeps its metadata and becomes a key frame when it is given as one.
        Raises InvalidInput for a number outside the item.
        """
        owner = self._items.get(item)
        self._access.require("update", "frame", owner.name)
        rows = []
        for number, seconds, is_key in frames:
            count = owner.facts.frame_count
            if number < 0 or (count is not None and number >= count):
                raise InvalidInput(f"{owner.name}: there is no frame {number}, the item has {count} frames")
            rows.append((owner.id, number, seconds, is_key))
        return self._database.execute_many(
            "INSERT INTO frames (item_id, number, seconds, is_key) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (item_id, number) DO UPDATE SET is_key = max(is_key, excluded.is_key)",
            rows,
        )

    def list(self, item: ItemRef) -> Iterator[Frame]:
        """The frames of an item by number."""
        owner = self._items.get(item)
        self._access.require("read", "frame", owner.name)
        for row in self._database.rows("SELECT * FROM frames WHERE item_id = ? ORDER BY number", [owner.id]):
            yield _frame(row, owner.uuid)

    def get(self, item: ItemRef, number: int) -> Frame:
        """One frame; raises NotFound."""
        owner = self._items.get(item)
        row = self._database.row("SELECT * FROM frames WHERE item_id = ? AND number = ?", [owner.id, number])
        if row is None:
            raise NotFound(f"{owner.name}: frame {number} is not in the catalogue")
        return _frame(row, owner.uuid)

    @one_transaction
    def set_metadata(
        self, item: ItemRef, number: int, metadata: Mapping[str, Json], *, merge: bool = False
    ) -> Frame:
        """Replace a frame's metadata, or merge into it; merged, a key given as None goes."""
        with self._database.write():
            owner = self._items.get(item)
            frame, place = self.get(owner, number), f"{owner.name}, frame {number}"
            self._access.require("update", "frame", place)
            validator = Validator(self._schema.current())
            kept = {key: value for key, value in frame.metadata.items() if merge and key not in metadata}
            text = validator.write({**kept, **validator.encode(metadata, place)}, place)
            self._database.execute("UPDATE frames SET metadata = ? WHERE id = ?", [text, frame.id])
        return self.get(owner, number)

    @one_transaction
    def delete(self, item: ItemRef, numbers: Iterable[int]) -> int:
        """Remove frames from the catalogue; returns the number removed."""
        owner = self._items.get(item)
        self._access.require("delete", "frame", owner.name)
        return self._database.execute_many(
            "DELETE FROM frames WHERE item_id = ? AND number = ?", [(owner.id, number) for number in numbers]
        )


def _frame(row: Row, item: str) -> Frame:
    return Frame(
        id=row["id"],
        item=item,
        number=row["number"],
        seconds=row["seconds"],
        is_key=bool(row["is_key"]),
        metadata=loads(row["metadata"]),
    )
