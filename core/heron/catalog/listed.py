"""Reads the items of a list of inner ids, some at a time, though SQLite gives the ids of deleted items to new ones meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from heron.catalog.items import BUNDLE, ItemService
from heron.catalog.newest import Newest
from heron.models import Item

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def listed(items: ItemService, find: Callable[[], Array], limit: int | None) -> Iterator[Item]:
    """The first `limit` items that `find` lists by inner id, without those that were deleted before they are read.

    An id can only belong to another item once the newest item was deleted. Then `find` is asked again, and only what it still lists is read.
    """
    import numpy as np

    newest = Newest.of(items._database)
    ids = find()[:limit]
    while newest.item is not None:
        ids = ids[ids <= newest.item[0]]  # one above could be given away unnoticed
        if not len(ids):
            return
        part = ids[:BUNDLE].tolist()
        found = items._records(part)
        if newest.is_there():
            yield from (found[id] for id in part if id in found and found[id].deleted_at is None)
            ids = ids[BUNDLE:]
        else:
            newest = Newest.of(items._database)
            ids = ids[np.isin(ids, find())]
