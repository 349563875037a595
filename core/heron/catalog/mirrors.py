"""Datasets with a backing folder: their rows are the items of this folder and of the folders below it."""

from __future__ import annotations

from collections.abc import Sequence

from heron.catalog.database import Database
from heron.models import Json

_WITHIN = "(place.id = top.id OR substr(place.path, 1, length(top.path) + 1) = top.path || '/')"
"""Whether the folder `place` is the backing folder `top` of a dataset, or lies below it."""

_OUTSIDE = (
    "DELETE FROM dataset_rows WHERE id IN (SELECT r.id FROM datasets CROSS JOIN folders AS top ON top.id = backing_folder_id "
    "CROSS JOIN dataset_rows AS r ON r.dataset_id = datasets.id JOIN items ON items.id = r.item_id "
    f"JOIN folders AS place ON place.id = items.folder_id WHERE NOT {_WITHIN})"
)


def mirror(database: Database, chosen: str, parameters: Sequence[Json]) -> None:
    """Make rows of the items for which an SQL condition on `items` holds, in each dataset that mirrors their folder.

    Items that are rows already keep their places; the others come last. It works in the caller's transaction.
    """
    if not _is_any(database):
        return
    database.execute(
        "INSERT INTO dataset_rows (dataset_id, item_id) SELECT datasets.id, items.id FROM items "
        "CROSS JOIN folders AS place ON place.id = items.folder_id CROSS JOIN datasets ON backing_folder_id IS NOT NULL "
        f"CROSS JOIN folders AS top ON top.id = backing_folder_id WHERE {_WITHIN} AND items.deleted_at IS NULL AND {chosen} "
        "AND NOT EXISTS (SELECT 1 FROM dataset_rows AS r WHERE r.dataset_id = datasets.id AND r.item_id = items.id) "
        "ORDER BY items.id",
        parameters,
    )


def mirror_moved_folder(database: Database, chosen: str, parameters: Sequence[Json]) -> None:
    """Bring the datasets that mirror a folder up to date after a move of folders; `chosen` holds for the items in these."""
    if _is_any(database):
        database.execute(_OUTSIDE)
        mirror(database, chosen, parameters)


def _is_any(database: Database) -> bool:
    return database.value("SELECT 1 FROM datasets WHERE backing_folder_id IS NOT NULL LIMIT 1") is not None
