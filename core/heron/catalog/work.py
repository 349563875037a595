"""What people have done with items: their metadata, collections and datasets."""

from __future__ import annotations

from collections.abc import Iterable

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.convert import dumps

REDUNDANT = "redundant items, found by heron duplicates"
"""Description of a collection that `heron duplicates` makes; it is no work of people."""

_KEPT = "best of each group, found by heron duplicates"
"""Description of the collection of the kept items."""

FOUND = {"kept": _KEPT, "redundant": REDUNDANT}
"""Descriptions of the collections that `heron duplicates` makes."""

Work = tuple[int, int, int]
"""Numbers of metadata keys, with frames that have metadata, of collections, and of datasets."""


def work_on(database: Database, access: Access, ids: Iterable[int]) -> dict[int, Work]:
    """What people have done with some items, by inner id; items without any are left out.

    Counts what the acting user may see; collections made by `heron duplicates` do not count.
    """
    rows = database.rows(
        "SELECT items.id, (SELECT count(*) FROM json_each(items.metadata)) + (SELECT count(*) FROM frames "
        "WHERE item_id = items.id AND metadata <> '{}') AS keys, (SELECT count(*) FROM collection_items AS m "
        "JOIN collections ON collections.id = m.collection_id WHERE m.item_id = items.id "
        f"AND collections.description NOT IN (?, ?) AND {access.scope('collection', 'collections')}) AS held, "
        "(SELECT count(DISTINCT r.dataset_id) FROM dataset_rows AS r JOIN datasets ON datasets.id = r.dataset_id "
        f"WHERE r.item_id = items.id AND {access.scope('dataset', 'datasets')}) AS used "
        f"FROM items WHERE items.id IN (SELECT value FROM json_each(?)) AND {access.scope('item', 'items')}",
        [*FOUND.values(), dumps(list(ids))],
    )
    work = {row["id"]: (row["keys"], row["held"], row["used"]) for row in rows}
    return {id: numbers for id, numbers in work.items() if any(numbers)}
