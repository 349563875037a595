"""Orders: everything that a query finds, by position, so that any part of it can be shown at once.

A page with a cursor is for reading from the beginning. Somebody who looks at a grid of a million tiles drags to its middle, and wants
that part. The order of the last few queries is kept until the catalogue changes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.catalog.database import Database

if TYPE_CHECKING:
    import numpy

    from heron.search.sureness import Scale

    Array = numpy.ndarray[Any, Any]

KEPT = 4
"""The number of queries whose order is kept; one of 1,000,000 rows takes 8 MB."""


@frozen(eq=False)
class Order:
    """The inner ids of all rows of a query, int64, in its order; for similarity also their scores, the frames found, and the key; for a text
    how sure they are.
    """

    ids: Array
    scores: Array | None = None
    frames: Array | None = None
    key: str | None = None
    scale: Scale | None = None


def no_rows() -> tuple[Array, Array, Array]:
    """The ids, scores and frames of no rows."""
    import numpy as np

    return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)


class Orders:
    """The orders of the last few queries, in one state of the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state: Hashable = None
        self._known: dict[Hashable, Order] = {}

    def of(self, asked: Hashable, find: Callable[[], Order]) -> Order:
        """The order of a query; `find` is called unless it is known."""
        state = self._database.state()
        if state != self._state:
            self._known, self._state = {}, state
        found = self._known.pop(asked, None) or find()
        if not self._database.is_writing and self._database.state() == state:
            self._known[asked] = found
        while len(self._known) > KEPT:
            del self._known[next(iter(self._known))]
        return found
