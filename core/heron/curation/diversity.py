"""A subset that covers a set, by greedy k-center: in each step it chooses the vector farthest from those chosen
so far.

Gonzalez, "Clustering to minimize the maximum intercluster distance", Theoretical Computer Science 38 (1985): the
largest distance of a vector from the nearest chosen one is at most twice that of the best subset of this size.
Farther means a lower cosine here, which orders unit vectors as Euclidean distance does.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from heron.curation.chosen import Array, Chosen

_FRONTIER = 2048
"""The number of vectors with the lowest bounds; only for these the similarity to all chosen vectors is known
exactly.
"""


@frozen(eq=False)
class Spread:
    """Places in the order in which they were chosen; the cosine of each with the nearest one before it, NaN for the first.

    `covered` is the lowest cosine of any vector with its nearest chosen one.
    """

    places: Array
    scores: Array
    covered: float


def spread(chosen: Chosen, count: int) -> Spread:
    """Choose `count` vectors, or all if there are fewer, beginning with the one nearest to the mean.

    A vector's highest similarity to the chosen ones can only grow, so an earlier value is a lower bound: only
    the vectors with the lowest bounds, the frontier, are compared with those chosen since (as in Minoux' lazy
    greedy algorithm, 1978).
    """
    taken = np.empty((count, chosen.size), np.float32)
    near = np.full(len(chosen), -np.inf, np.float32)
    seen = np.zeros(len(chosen), np.int64)
    places, scores = np.empty(count, np.int64), np.full(count, np.nan, np.float32)
    frontier = _Frontier(chosen, taken, near, seen)
    next_one, score = _nearest_to_mean(chosen), np.float32(np.nan)
    for number in range(count):
        places[number], scores[number] = next_one, score
        taken[number] = chosen.units(np.array([next_one]))[0]
        near[next_one] = np.inf
        if number == 0:
            frontier.look_at_all()
        next_one, score = frontier.farthest(number + 1)
    covered = 1.0 if count == len(chosen) else float(score)
    return Spread(places, scores, covered)


class _Frontier:
    """The vectors with the lowest bounds."""

    def __init__(self, chosen: Chosen, taken: Array, near: Array, seen: Array) -> None:
        self._chosen, self._taken, self._near, self._seen = chosen, taken, near, seen
        self._places = np.empty(0, np.int64)
        self._units = np.empty((0, chosen.size), np.float32)
        self._beyond = -np.inf

    def look_at_all(self) -> None:
        """Compare all vectors with the first chosen one."""
        for start, block in self._chosen.blocks():
            part = self._near[start : start + len(block)]
            np.maximum(part, block @ self._taken[0], out=part)
        self._seen[:] = 1

    def farthest(self, count: int) -> tuple[int, np.float32]:
        """The vector whose highest similarity to the first `count` chosen ones is lowest (the first one of
        several), and that similarity.
        """
        while True:
            self._compare(count)
            if len(self._places):
                bounds = self._near[self._places]
                at = int(bounds.argmin())
                if bounds[at] <= self._beyond or len(self._places) == len(self._near):
                    return int(self._places[at]), bounds[at]
            self._choose()

    def _choose(self) -> None:
        """Choose the vectors with the lowest bounds; all others are at or above `_beyond`."""
        near = self._near
        if len(near) <= _FRONTIER:
            self._places = np.arange(len(near))
        else:
            lowest = np.argpartition(near, _FRONTIER)
            self._places = np.sort(lowest[:_FRONTIER])
            self._beyond = near[lowest[_FRONTIER]]
        self._units = self._chosen.units(self._places)

    def _compare(self, count: int) -> None:
        """Compare the frontier with the vectors chosen since it was last compared."""
        seen = self._seen[self._places]
        for since in np.unique(seen[seen < count]):
            of = np.flatnonzero(seen == since)
            units = self._units if len(of) == len(seen) else self._units[of]
            cosines = _highest(units, self._taken[since:count])
            places = self._places[of]
            self._near[places] = np.maximum(self._near[places], cosines)
            self._seen[places] = count


def _highest(units: Array, taken: Array) -> Array:
    """The highest cosine of each unit vector with the chosen ones.

    BLAS is not used for a single chosen vector, because its threads would wait for each other longer than the
    work takes.
    """
    if len(taken) == 1:
        found: Array = np.einsum("ij,j->i", units, taken[0])
    else:
        found = (units @ taken.T).max(axis=1)
    return found


def _nearest_to_mean(chosen: Chosen) -> int:
    """The place of the unit vector with the highest cosine with the mean of all."""
    total = np.zeros(chosen.size)
    for _, block in chosen.blocks():
        total += block.sum(axis=0, dtype=np.float64)
    scores = np.concatenate([block @ total.astype(np.float32) for _, block in chosen.blocks()])
    return int(scores.argmax())
