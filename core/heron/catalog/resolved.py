"""Finds the items that a verb was given before the catalogue is locked, because finding many takes longer than writing them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
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


def ids_of(items: ItemService, refs: ItemRefs) -> Sequence[int]:
    """The inner ids of items in the order given, of 8 bytes each; raises NotFound, and InvalidInput for an ambiguous name."""
    found = array("q")
    for bundle in bundles(ITEM.many(refs)):
        found.extend(items._ids(bundle))
    return found


def in_bundles(database: Database, ids: Sequence[int]) -> Iterator[str]:
    """The ids as JSON arrays, each with its items still there; raises NotFound if one was deleted since it was found."""
    for part in parts(database, ids):
        gone = database.value(
            "SELECT count(*) FROM json_each(?) WHERE value NOT IN (SELECT id FROM items)", [part]
        )
        if gone:
            raise NotFound(
                f"{gone:,} of the items were deleted from the catalogue at this moment",
                hint="repeat the command",
            )
        yield part


def parts(database: Database, ids: Sequence[int]) -> Iterator[str]:
    """The ids as JSON arrays, of which those who wait for the transaction at hand are told."""
    for start in range(0, len(ids), BUNDLE):
        database.working(f"{start:,} of {len(ids):,} items")
        yield dumps(list(ids[start : start + BUNDLE]))
