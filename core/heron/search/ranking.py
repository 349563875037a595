"""Rows in the order of their similarity. The engine is asked as rarely as possible which rows a plan allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from heron.errors import QueryError
from heron.models import Frame, Item
from heron.search import tree
from heron.search.engine import Engine
from heron.search.fields import ITEM_UUID
from heron.search.plan import Plan
from heron.search.similar import Sought

if TYPE_CHECKING:
    from heron.catalog.vectors.sets import OpenSet
    from heron.vectors.found import SearchPlan

Array = np.ndarray[Any, Any]


@frozen(eq=False)
class Ranked:
    """The nearest rows, best first: inner ids of items, of the frames that were found (0: the item itself), and scores.

    `notes` are what is to be said of the condition.
    """

    items: Array
    frames: Array
    scores: Array
    plan: SearchPlan
    notes: Sequence[str] = ()


class RowFilter:
    """A filter of the rows of a set: rows that the plan allows, without the items or frames of the query itself."""

    def __init__(self, opened: OpenSet, plan: Plan, engine: Engine, without: Array) -> None:
        self._opened = opened
        self._plan = plan
        self._engine = engine
        self._without = without
        self._ids = opened.frames if plan.table == "frames" else opened.items

    def keeps(self, rows: Array) -> Array:
        """Whether each of some rows is allowed."""
        ids = self._ids[rows]
        kept: Array = self._opened.live[rows] & ~np.isin(ids, self._without)
        kept[kept] = self._engine.keeps(self._plan, ids[kept])
        return kept

    def quick_rows(self) -> Array | None:
        """All rows that are allowed, ascending, if the engine tells them quickly."""
        mask = self._engine.quick_mask(self._plan, self._top)
        return None if mask is None else self._rows_of(mask)

    def rows(self) -> Array:
        """All rows that are allowed, ascending."""
        return self._rows_of(self._engine.mask(self._plan, self._top))

    @property
    def _top(self) -> int:
        return int(self._ids.max(initial=0)) + 1

    def _rows_of(self, is_allowed: Array) -> Array:
        """The rows whose ids are allowed, by inner id."""
        of_query = self._without[self._without < len(is_allowed)]  # an id without a vector may be beyond
        is_allowed[of_query] = False
        is_allowed[0] = False
        return np.flatnonzero(is_allowed[self._ids] & self._opened.live)


def ranked(
    opened: OpenSet,
    sought: Sought,
    plan: Plan,
    engine: Engine,
    count: int,
    *,
    exact: bool,
    least: float | None = None,
) -> Ranked:
    """The `count` most similar frames, or items, each by its best row, and of equal scores the one added first. The items or
    frames of the query are left out.

    Of those that score below `least`, some or none are among them.
    """
    items = [thing.id for thing in sought.things if isinstance(thing, Item)]
    if plan.table == "frames":
        if not (opened.frames > 0).any():
            raise QueryError(
                f"no frame has a vector under {sought.key!r}",
                hint=f"heron embed --frames --key '{sought.key}' makes them",
            )
        without = [thing.id for thing in sought.things if isinstance(thing, Frame)]
        without += opened.frames[np.isin(opened.items, items)].tolist()
    else:
        without = items + _items_of(sought, engine)
    allowed = RowFilter(opened, plan, engine, np.array(without, dtype=np.int64))
    ids = opened.frames if plan.table == "frames" else opened.items
    groups = None if plan.table == "frames" else opened.items
    found = opened.space.search(
        sought.vector, count, filter=allowed, groups=groups, ids=ids, exact=exact, least=least
    )
    return Ranked(opened.items[found.rows], opened.frames[found.rows], found.scores, found.plan, plan.notes)


def _items_of(sought: Sought, engine: Engine) -> list[int]:
    """The items of the frames to which a query is similar."""
    uuids = [tree.Value(thing.item, "text") for thing in sought.things if isinstance(thing, Frame)]
    if not uuids:
        return []
    found: list[int] = engine.ids(Plan("items", tree.InList(tree.FieldRef(ITEM_UUID), tuple(uuids)))).tolist()
    return found
