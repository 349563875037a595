"""Candidates in the order of their near scores, and the short list of those compared truly."""

from __future__ import annotations

import numpy as np
from attrs import define, field

from heron.vectors.matrix import Array
from heron.vectors.scoring import Probe, true_scores

_LEAST_MARGIN = 0.002
"""Codes of 512 numbers are off by 0.0005 on average; a few candidates may not show it."""

_SAMPLE = 4096


class Ranking:
    """Rows with near scores, float32. `rows` None means that row i has score i."""

    def __init__(self, scores: Array, rows: Array | None = None) -> None:
        self._scores = scores
        self._rows = rows

    def __len__(self) -> int:
        return len(self._scores)

    def best(self, count: int) -> tuple[Array, Array]:
        """The `count` rows with the highest scores, and these, best first; of equal ones the lower row first."""
        places = _largest(self._scores, count)
        return places if self._rows is None else self._rows[places], self._scores[places]

    def at_least(self, score: float) -> int:
        """How many rows have this near score or a higher one."""
        return int(np.count_nonzero(self._scores >= score))


def _largest(scores: Array, count: int) -> Array:
    """Places of the highest scores, descending, of equal ones the first places.

    A threshold guessed from a sample leaves few to be sorted, which takes a tenth of a partition of all.
    """
    if count < len(scores) // 4:
        sample = np.sort(scores[:: max(1, len(scores) // _SAMPLE)])
        share = 1 - 2 * count / len(scores)
        places = np.flatnonzero(scores >= sample[max(0, int(share * len(sample)) - 4)])
        if len(places) < count:
            places = np.flatnonzero(scores >= np.partition(scores, len(scores) - count)[len(scores) - count])
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")[:count]]


def _empty(dtype: str) -> Array:
    return np.empty(0, dtype)


@define(eq=False)
class ShortList:
    """Rows with true scores: the `k` best of those added, of each group only the best one."""

    truth: Array
    probe: Probe
    k: int
    groups: Array | None
    off: float = 0.0
    """The largest difference of a near score from the true one that was seen."""

    rows: Array = field(factory=lambda: _empty("int64"))
    scores: Array = field(factory=lambda: _empty("float32"))

    def add(self, rows: Array, near: Array) -> None:
        """Compare rows that were not added before, with these near scores, by their true vectors."""
        true = self.gauge(rows, near)
        scores, rows = np.concatenate([self.scores, true]), np.concatenate([self.rows, rows])
        order = np.lexsort((rows, -scores))
        order = order[: len(order) - int(np.count_nonzero(np.isnan(scores)))]  # NaN is sorted last
        if self.groups is not None:
            firsts = np.unique(self.groups[rows[order]], return_index=True)[1]
            order = order[np.sort(firsts)]
        self.rows, self.scores = rows[order[: self.k]], scores[order[: self.k]]

    def gauge(self, rows: Array, near: Array) -> Array:
        """The true scores of rows, after noting how far their near scores are from them."""
        true = true_scores(self.truth, rows, self.probe)
        self.off = max(self.off, float(np.nanmax(np.abs(true - near), initial=0)))
        return true

    @property
    def is_full(self) -> bool:
        """Whether there are `k`."""
        return len(self.rows) == self.k

    @property
    def bar(self) -> float:
        """Rows with a lower near score cannot be better than the last one, as far as those compared show."""
        return float(self.scores[-1]) - max(_LEAST_MARGIN, 2 * self.off)
