"""What a search is given and what it answers."""

from __future__ import annotations

from typing import Literal, Protocol

from attrs import frozen

from heron.vectors.matrix import Array

Way = Literal["index", "scan", "index, then scan"]


class Filter(Protocol):
    """Which rows may be found, asked of whoever knows; the planner takes the cheaper question.

    Where the rows are known already, a search takes their ascending numbers in place of a filter.
    """

    def keeps(self, rows: Array) -> Array:
        """For some row numbers, int64, whether each is allowed: bool, of the same length."""

    def rows(self) -> Array:
        """All rows allowed, int64, ascending. It is asked once at most."""


@frozen
class Plan:
    """How a search was done: the way, why, and what it took."""

    way: Way
    reason: str
    """One sentence for people."""

    candidates: int
    """Rows that were compared with the query by their true vectors."""

    scanned: int
    """Rows that were scored by their codes, or without codes by their vectors."""

    asked: int
    """Rows that the filter was asked about; all that are allowed, where it was asked for these."""

    expansion: int
    """Candidates that the graph considered."""


@frozen(eq=False)
class Found:
    """The best rows, best first, and of equal ones the lower row first.

    `rows` int64; `scores` float32, the cosine similarities of the true vectors, from -1 to 1. A vector of
    zeros has no direction and is never found, so there may be fewer than asked for though there are enough
    rows.
    """

    rows: Array
    scores: Array
    plan: Plan
