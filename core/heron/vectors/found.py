"""The filter that a search takes, and the result that it returns."""

from __future__ import annotations

from typing import Literal, Protocol

from attrs import frozen

from heron.vectors.matrix import Array

Way = Literal["index", "scan", "index, then scan"]


class Filter(Protocol):
    """Says which rows may be found; the planner asks whichever question is cheaper.

    If the rows are known already, a search takes their ascending numbers in place of a filter.
    """

    def keeps(self, rows: Array) -> Array:
        """For some row numbers, int64, whether each is allowed: bool, of the same length."""

    def quick_rows(self) -> Array | None:
        """The same as `rows`, where that costs about as much as a scan of the vectors; None where it may cost much more.

        A search calls this once at most, and then calls `rows` only if the answer is None.
        """

    def rows(self) -> Array:
        """All rows allowed, int64, ascending. A search calls this once at most."""


@frozen
class SearchPlan:
    """How a search was done: by index or scan, why, and how many rows each step took."""

    way: Way
    reason: str
    """One sentence for people."""

    candidates: int
    """Rows whose true vectors were compared with the query."""

    scanned: int
    """Rows that were scored approximately, by their codes, or by their vectors if there are no codes."""

    asked: int
    """Rows that the filter was asked about; if it was asked for all allowed rows, their number."""

    expansion: int
    """Candidates that the graph considered."""

    is_sure: bool
    """Whether no row that was not compared can be among the best, judged by how far approximate scores are off."""


@frozen(eq=False)
class Found:
    """The best rows, best first; of rows with equal scores the lower row first.

    `rows` int64; `scores` float32, the cosine similarities of the true vectors, from -1 to 1. A vector of
    zeros has no direction and is never found, so there may be fewer results than `k` though there are enough
    rows.
    """

    rows: Array
    scores: Array
    plan: SearchPlan
