"""Candidates in the order of their approximate scores, and the short list of those with exact scores."""

from __future__ import annotations

import numpy as np
from attrs import define, field

from heron.vectors.matrix import Array
from heron.vectors.scoring import Query, true_scores

_LEAST_MARGIN = 0.002
"""Scores by codes of 512 numbers are off by 0.0005 on average; a few candidates may show less."""

_SAMPLE = 4096


class Ranking:
    """Rows with approximate scores, float32. If `rows` is None, row i has score i."""

    def __init__(self, scores: Array, rows: Array | None = None) -> None:
        self._scores = scores
        self._rows = rows

    def __len__(self) -> int:
        return len(self._scores)

    def best(self, count: int) -> tuple[Array, Array]:
        """The `count` rows with the highest scores, and these scores, best first; of equal ones the lower row
        first.
        """
        positions = _largest(self._scores, count)
        return positions if self._rows is None else self._rows[positions], self._scores[positions]

    def at_least(self, score: float) -> int:
        """How many rows have this approximate score or a higher one."""
        return int(np.count_nonzero(self._scores >= score))


def _largest(scores: Array, count: int) -> Array:
    """Positions of the highest scores, best first; of equal scores the first position first.

    A threshold estimated from a sample leaves few to sort; that takes a tenth of the time of a partition of
    all.
    """
    if count < len(scores) // 4:
        sample = np.sort(scores[:: max(1, len(scores) // _SAMPLE)])
        share = 1 - 2 * count / len(scores)
        positions = np.flatnonzero(scores >= sample[max(0, int(share * len(sample)) - 4)])
        if len(positions) < count:
            positions = np.flatnonzero(
                scores >= np.partition(scores, len(scores) - count)[len(scores) - count]
            )
    else:
        positions = np.arange(len(scores))
    return positions[np.argsort(-scores[positions], kind="stable")[:count]]


def _empty(dtype: str) -> Array:
    return np.empty(0, dtype)


@define(eq=False)
class ShortList:
    """Rows with exact scores: the `k` best of those added, and of each group only the best one.

    Rows of equal scores stand in the order of their numbers in `ids`, or of their own.
    """

    truth: Array
    query: Query
    k: int
    groups: Array | None
    ids: Array | None = None
    off: float = 0.0
    """The largest difference seen between an approximate score and the exact one."""

    rows: Array = field(factory=lambda: _empty("int64"))
    scores: Array = field(factory=lambda: _empty("float32"))

    def add(self, rows: Array, near: Array) -> None:
        """Compute the exact scores of rows that were not added before, whose approximate scores are `near`."""
        true = self.gauge(rows, near)
        scores, rows = np.concatenate([self.scores, true]), np.concatenate([self.rows, rows])
        ids = rows if self.ids is None else self.ids[rows]
        order = np.lexsort((rows, ids, -scores))
        order = order[: len(order) - int(np.count_nonzero(np.isnan(scores)))]  # NaN is sorted last
        if self.groups is not None:
            firsts = np.unique(self.groups[rows[order]], return_index=True)[1]
            order = order[np.sort(firsts)]
        self.rows, self.scores = rows[order[: self.k]], scores[order[: self.k]]

    def gauge(self, rows: Array, near: Array) -> Array:
        """The exact scores of rows; notes how far `near`, their approximate scores, are off."""
        true = true_scores(self.truth, rows, self.query)
        self.off = max(self.off, float(np.nanmax(np.abs(true - near), initial=0)))
        return true

    @property
    def is_full(self) -> bool:
        """Whether it has `k` rows."""
        return len(self.rows) == self.k

    @property
    def bar(self) -> float:
        """Rows with a lower approximate score cannot be better than the last one, judged by the differences
        seen.
        """
        return float(self.scores[-1]) - self.margin

    @property
    def margin(self) -> float:
        """How much an exact score can be above the approximate one, judged by the differences seen."""
        return max(_LEAST_MARGIN, 2 * self.off)
