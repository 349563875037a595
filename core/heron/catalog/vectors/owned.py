"""The vectors of some keys that given items and frames own, for exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from heron.catalog.database import Database
from heron.convert import dumps
from heron.models import Json

if TYPE_CHECKING:
    from heron.catalog.vectors.rows import VectorSet
    from heron.catalog.vectors.store import VectorStore

Vectors = dict[str, Any]
"""Vectors by key, each float32 of shape (size,)."""


class OwnedVectors:
    """Reads the vectors of some embedding keys."""

    def __init__(self, database: Database, store: Callable[[], VectorStore], keys: Sequence[str]) -> None:
        """Raises NotFound for a key without vectors that the acting user may see."""
        self._database = database
        self._store = store
        sets = [store()._rights.get(key) for key in dict.fromkeys(keys)]
        self.sizes: Mapping[str, int] = {kept.key: kept.size for kept in sets}
        """How many numbers the vectors of each key have."""

    def of_items(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """The vectors of items by inner id. The caller has read the items, and so may read their vectors."""
        return self._found("item_id", "frame_id = 0 AND item_id", [], ids)

    def of_frames(self, item: int, ids: Sequence[int]) -> dict[int, Vectors]:
        """The vectors of frames of an item by inner id."""
        return self._found("frame_id", "item_id = ? AND frame_id", [item], ids)

    def _found(
        self, owner: str, condition: str, parameters: Sequence[int], ids: Sequence[int]
    ) -> dict[int, Vectors]:
        found: dict[int, Vectors] = {}
        for key in self.sizes:
            read = partial(
                self._read,
                f"SELECT {owner}, row FROM vectors WHERE {condition} IN (SELECT value FROM json_each(?)) AND set_id = ?",
                [*parameters, dumps(list(ids))],
            )
            for id, vector in self._store()._rows.steady(key, read) or ():
                found.setdefault(id, {})[key] = vector
        return found

    def _read(self, statement: str, parameters: Sequence[Json], kept: VectorSet) -> list[tuple[int, Any]]:
        """The owners that a statement finds with their vectors; raises CatalogueError if the file has lost some."""
        rows = self._database.rows(statement, [*parameters, kept.id])
        if not rows:
            return []
        numbers = self._store()._rows.matrix(kept).mapped(kept.row_count)
        chosen = numbers[[row[1] for row in rows]].astype("float32")
        return [(row[0], vector) for row, vector in zip(rows, chosen, strict=True)]
