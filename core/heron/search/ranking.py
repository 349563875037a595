"""Rows in the order of their similarity: which of them a condition allows, asked of SQLite as seldom as may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from heron.convert import dumps, loads
from heron.errors import QueryError
from heron.models import Frame, Item, Json
from heron.search.planning import FRAMES, Plan
from heron.search.similar import Sought

if TYPE_CHECKING:
    from heron.catalog.vectors.sets import OpenSet
    from heron.vectors.found import Plan as SearchPlan

Array = np.ndarray[Any, Any]
Answer = Callable[[str, Sequence[Json]], Sequence[Any]]


@frozen(eq=False)
class Ranked:
    """What is nearest, best first: inner ids of items, of the frames that are meant (0: the item itself), and scores."""

    items: Array
    frames: Array
    scores: Array
    plan: SearchPlan


class RowFilter:
    """Which rows of a set a condition allows, and which belong to what is searched."""

    def __init__(self, opened: OpenSet, plan: Plan, answer: Answer, without: Array, *, frames: bool) -> None:
        self._opened = opened
        self._plan = plan
        self._answer = answer
        self._without = without
        self._frames = frames
        self._ids = opened.frames if frames else opened.items

    def keeps(self, rows: Array) -> Array:
        """Whether each of some rows is allowed."""
        ids = self._ids[rows]
        kept: Array = self._opened.live[rows] & ~np.isin(ids, self._without)
        wanted = dumps(np.unique(ids[kept]).tolist())
        source = "items ON items.id = wanted.value"
        if self._frames:
            source = "frames ON frames.id = wanted.value CROSS JOIN items ON items.id = frames.item_id"
        found = self._answer(
            f"SELECT wanted.value FROM json_each(?) AS wanted CROSS JOIN {source} WHERE {self._plan.condition}",
            [wanted, *self._plan.parameters],
        )
        return kept & np.isin(ids, [row[0] for row in found])

    def rows(self) -> Array:
        """All rows that are allowed, ascending."""
        table, source = ("frames", FRAMES) if self._frames else ("items", "items")
        found = self._answer(
            f"SELECT json_group_array({table}.id) FROM {source} WHERE {self._plan.condition}",
            self._plan.parameters,
        )
        ids = np.array(loads(found[0][0]), dtype=np.int64)
        top = int(max(self._ids.max(initial=0), ids.max(initial=0))) + 1
        is_allowed = np.zeros(top, dtype=bool)
        is_allowed[ids] = True
        is_allowed[self._without[self._without < top]] = False  # what has no vector may lie beyond
        is_allowed[0] = False
        return np.flatnonzero(is_allowed[self._ids] & self._opened.live)


def ranked(
    opened: OpenSet, sought: Sought, plan: Plan, answer: Answer, count: int, *, frames: bool, exact: bool
) -> Ranked:
    """The `count` most similar items, each by its best row, or frames. What the query is like is left out."""
    items = [thing.id for thing in sought.things if isinstance(thing, Item)]
    if frames:
        if not (opened.frames > 0).any():
            raise QueryError(
                f"no frame has a vector under {sought.key!r}",
                hint=f"heron embed --frames --key '{sought.key}' makes them",
            )
        without = [thing.id for thing in sought.things if isinstance(thing, Frame)]
        without += opened.frames[np.isin(opened.items, items)].tolist()
    else:
        without = items + _items_of(sought, answer)
    allowed = RowFilter(opened, plan, answer, np.array(without, dtype=np.int64), frames=frames)
    groups = None if frames else opened.items
    found = opened.space.search(sought.vector, count, filter=allowed, groups=groups, exact=exact)
    return Ranked(opened.items[found.rows], opened.frames[found.rows], found.scores, found.plan)


def _items_of(sought: Sought, answer: Answer) -> list[int]:
    """The items of the frames that a query is like."""
    uuids = [thing.item for thing in sought.things if isinstance(thing, Frame)]
    rows = answer("SELECT id FROM items WHERE uuid IN (SELECT value FROM json_each(?))", [dumps(uuids)])
    return [row[0] for row in rows]
