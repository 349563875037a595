"""Which frozen rows the acting user sees, and what the catalogue knows of their items now."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.versions.blocks import Block, Values, uuid_of
from heron.convert import dumps


@frozen
class Known:
    """An item as the catalogue has it now."""

    id: int
    updated_at: str
    is_deleted: bool


class Sight:
    """Says which frozen rows the acting user sees.

    A row is seen if its item is. An item that is no longer in the catalogue is seen by those who see all items, and by those
    who see the folder in which it was.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access
        self.sees_all = access.sees_all("item")

    def known(self, uuids: Sequence[str]) -> dict[str, Known]:
        """Those of some items that are in the catalogue and that the user sees."""
        rows = self._database.rows(
            "SELECT uuid, id, updated_at, deleted_at IS NOT NULL FROM items WHERE uuid IN (SELECT value FROM json_each(?)) "
            f"AND {self._access.scope('item', 'items')}",
            [dumps([*uuids])],
        )
        return {row[0]: Known(row[1], row[2], bool(row[3])) for row in rows}

    def folders(self, uuids: Sequence[str]) -> dict[str, int]:
        """The inner ids of those of some folders that are there and that the user sees."""
        rows = self._database.rows(
            f"SELECT uuid, id FROM folders WHERE uuid IN (SELECT value FROM json_each(?)) AND {self._access.scope('folder', 'folders')}",
            [dumps([*dict.fromkeys(uuids)])],
        )
        return {row[0]: row[1] for row in rows}

    def mask(self, block: Block) -> Sequence[bool] | None:
        """For each row of a block, whether the user sees it; None for all of them."""
        if self.sees_all:
            return None
        names, rows = block.rows()
        return self.mask_of([uuid_of(key) for key in block.owners()], rows, names.index("folder_id"))

    def mask_of(self, uuids: Sequence[str], rows: Sequence[Values], folder: int) -> Sequence[bool]:
        """For each of some rows, whether the user sees it; `folder` is the place of its folder's UUID."""
        if self.sees_all:
            return [True] * len(rows)
        seen = self.known(uuids)
        there = {
            row[0]
            for row in self._database.rows(
                "SELECT uuid FROM items WHERE uuid IN (SELECT value FROM json_each(?))", [dumps([*uuids])]
            )
        }
        folders = self.folders([values[folder] for values in rows])
        return [
            uuid in seen or (uuid not in there and values[folder] in folders)
            for uuid, values in zip(uuids, rows, strict=True)
        ]
