"""Finds the items that a verb was given before the catalogue is locked, because finding many takes longer than writing them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from heron.catalog.database import Database
from heron.catalog.limits import bundles
from heron.catalog.referring import ITEM, ItemRefs
from heron.convert import dumps
from heron.errors import NotFound

if TYPE_CHECKING:
    from heron.catalog.items import ItemService

BUNDLE = 10_000
"""The most items that one statement writes."""


class Found:
    """Items that were found: their inner ids in order, and of each a hash of its UUID, since a new item may have the id of a deleted one."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._hashes = array("q")

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: int, hashed: int) -> None:
        """Add an item."""
        self._ids.append(id)
        self._hashes.append(hashed)

    def once(self) -> Found:
        """The items without those that are there already."""
        found = Found()
        for id, hashed in dict(zip(self._ids, self._hashes, strict=True)).items():
            found.add(id, hashed)
        return found

    def parts(self, database: Database) -> Iterator[tuple[Sequence[int], int]]:
        """The ids of the items that are still there, in parts, each with the number of those that are not.

        Those who wait for the transaction at hand are told how far it is.
        """
        for start in range(0, len(self), BUNDLE):
            database.working(f"{start:,} of {len(self):,} items")
            ids = self._ids[start : start + BUNDLE]
            now = _hashes_of(database, ids)
            then = zip(ids, self._hashes[start : start + BUNDLE], strict=True)
            there = [id for id, hashed in then if now.get(id) == hashed]
            yield there, len(ids) - len(there)


def ids_of(items: ItemService, refs: ItemRefs) -> Found:
    """Items in the order given, of 16 bytes each; raises NotFound, and InvalidInput for an ambiguous name."""
    found, database = Found(), items._database

    def read(some: ItemRefs) -> tuple[Sequence[int], dict[int, int]]:
        ids = items._ids(some)
        return ids, _hashes_of(database, ids)

    for bundle in bundles(ITEM.many(refs)):
        ids, hashes = database.in_one_state(partial(read, bundle))
        for id in ids:
            found.add(id, hashes[id])
    return found


def in_bundles(database: Database, found: Found) -> Iterator[str]:
    """The ids as JSON arrays; raises NotFound if an item was deleted since it was found."""
    for there, gone in found.parts(database):
        if gone:
            raise NotFound(
                f"{gone:,} of the items were deleted from the catalogue at this moment",
                hint="repeat the command",
            )
        yield dumps(there)


def parts(database: Database, found: Found) -> Iterator[str]:
    """The ids as JSON arrays, without those of items that were deleted since they were found."""
    for there, _ in found.parts(database):
        yield dumps(there)


def _hashes_of(database: Database, ids: Sequence[int]) -> dict[int, int]:
    rows = database.rows(
        "SELECT id, uuid FROM items WHERE id IN (SELECT value FROM json_each(?))", [dumps([*ids])]
    )
    return {row[0]: hash(row[1]) for row in rows}
