"""Rights on vectors: on the set of a key, and on the items that its vectors belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from heron.catalog.access import WORKSPACE, Access, Verb
from heron.catalog.database import Database
from heron.catalog.vectors.rows import Owner, VectorRows, VectorSet
from heron.convert import dumps, loads
from heron.errors import NotFound

if TYPE_CHECKING:
    from heron.catalog.vectors.sets import OpenSet


class VectorRights:
    """The vector sets that the acting user sees, and the rights on them."""

    def __init__(self, database: Database, access: Access, rows: VectorRows) -> None:
        self._database = database
        self._access = access
        self._rows = rows

    def require(self, verb: Verb, key: str) -> None:
        """Check a right on the set of a key; if there is no set yet, the right to create one."""
        kept = self._rows.find(key)
        if kept is not None:
            self._access.require(verb, kept)
        elif verb == "read":
            self._access.require(verb, WORKSPACE)
        else:
            self._access.require("create", WORKSPACE, "vector")

    def require_owners(self, owners: Iterable[Owner]) -> None:
        """Check the right to change the items that vectors belong to."""
        self._access.require_all("update", "item", (item for item, _ in owners))

    def require_all_of(self, kept: VectorSet, more: str = "") -> None:
        """Check the right to change all items with a vector in a set; `more` is a condition on `vectors`."""
        where = f"items.id IN (SELECT item_id FROM vectors WHERE set_id = ?{more})"
        self._access.require_where("update", "item", where, [kept.id])

    def find(self, key: str) -> VectorSet | None:
        """The set of a key that the user sees, or None."""
        kept = self._rows.find(key)
        return kept if kept is not None and self._visible([kept]) else None

    def get(self, key: str) -> VectorSet:
        """The set of a key that the user sees; raises NotFound."""
        kept = self.find(key)
        if kept is None:
            known = ", ".join(kept.key for kept in self.all())
            raise NotFound(
                f"no vectors are kept under {key!r}",
                hint=f"there are: {known}" if known else "heron embed makes some",
            )
        return kept

    def all(self) -> list[VectorSet]:
        """The sets that the user sees. A user who does not see all items gets only sets with vectors of visible ones."""
        kept = self._visible(self._rows.all())
        return kept if self._access.sees_all("item") else [each for each in kept if self.has_some(each)]

    def count(self, kept: VectorSet) -> int:
        """Number of vectors of a set that belong to items that the user sees."""
        rows = self.rows(kept)
        return self._rows.live_count(kept) if rows is None else len(rows)

    def has_some(self, kept: VectorSet) -> bool:
        """Whether there is a vector of a set that belongs to an item that the user sees; not all are counted."""
        if self._access.sees_all("item"):
            return bool(self._rows.live_count(kept))
        found = self._database.value(
            "SELECT EXISTS (SELECT 1 FROM vectors JOIN items ON items.id = item_id "
            f"WHERE set_id = ? AND {self._access.scope('item', 'items')})",
            [kept.id],
        )
        return bool(found)

    def rows(self, kept: VectorSet) -> list[int] | None:
        """The rows of a set that belong to items that the user sees; None means all rows."""
        if self._access.sees_all("item"):
            return None
        found = self._database.rows(
            "SELECT row FROM vectors JOIN items ON items.id = item_id "
            f"WHERE set_id = ? AND {self._access.scope('item', 'items')}",
            [kept.id],
        )
        return [row[0] for row in found]

    def narrowed(self, opened: OpenSet) -> OpenSet | None:
        """An open set in which rows of items that the user does not see are not live; None if no row is left."""
        if self._access.sees_all("item"):
            return opened
        import numpy as np

        scope = self._access.scope("item", "items")
        ids = loads(self._database.value(f"SELECT json_group_array(id) FROM items WHERE {scope}"))
        live = opened.live & np.isin(opened.items, np.array(ids, dtype=np.int64))
        doubts = tuple(f"some vectors of {opened.kept.key!r} cannot be trusted" for _ in opened.doubts[:1])
        return evolve(opened, live=live, doubts=doubts) if live.any() else None

    def seen(self, items: Sequence[int]) -> Sequence[int]:
        """Those of some items, by inner ids, that the user sees."""
        if self._access.sees_all("item"):
            return items
        rows = self._database.rows(
            f"SELECT id FROM items WHERE id IN (SELECT value FROM json_each(?)) AND {self._access.scope('item', 'items')}",
            [dumps(list(items))],
        )
        return [row[0] for row in rows]

    def _visible(self, sets: list[VectorSet]) -> list[VectorSet]:
        if self._access.sees_all("vector"):
            return sets
        rows = self._database.rows(
            f"SELECT id FROM vector_sets WHERE {self._access.scope('vector', 'vector_sets')}"
        )
        there = {row[0] for row in rows}
        return [kept for kept in sets if kept.id in there]
