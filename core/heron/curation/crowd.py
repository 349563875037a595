"""Tiles of very many pairs, as of thousands of pictures alike: enough pairs for the groups and the nearest of each item."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heron.curation.chosen import Array, Chosen, rounded
from heron.curation.groups import best_places, listed_for_each, united
from heron.curation.sketch import MARGIN

MANY = 500_000
"""The number of pairs from which they are no longer taken one by one."""

_STRIP = 256
"""Rows of a tile that are looked at together: their scores stay in the cache of a core."""

_UNSURE = 64
"""If the threshold is too near to more than one score in this number, all of a strip are computed in float64."""


class Crowd:
    """Takes of each tile the pairs that connect what is not connected yet, and the nearest of each vector.

    Every pair is compared; the groups that follow from those that are given are those of all. `owner` is the number of
    the item of each place, `kinds` the kind of each item; pairs within one item or of two kinds are none.
    """

    def __init__(self, chosen: Chosen, owner: Array, kinds: Array, threshold: float) -> None:
        self._chosen = chosen
        self._owner = owner
        self._kinds = kinds[owner]
        self._is_plain = len(np.unique(owner)) == len(owner) and len(np.unique(self._kinds)) < 2
        self._threshold = threshold
        self._roots = np.arange(len(kinds))
        self._each = listed_for_each(len(kinds))
        self._least = np.full(len(owner), -np.inf, np.float32)
        self._count = 0
        self.dropped = False

    def takes(self, count: int) -> bool:
        """Whether a tile with so many pairs is for it; counts them."""
        self._count += count
        return self._count > MANY

    def of_tile(
        self, top: int, left: int, scores: Array, others: Chosen
    ) -> Iterator[tuple[Array, Array, Array]]:
        """Pairs of places with their exact cosines, of a tile of float32 cosines whose first row and column are these places.

        The columns are vectors of `others`, which has the same owners at the same places. Each cosine is off by less than `MARGIN`. The first place of a pair is lower than the second.
        """
        for start in range(0, len(scores), _STRIP):
            strip = scores[start : start + _STRIP]
            rows = np.arange(top + start, top + start + len(strip))
            columns = np.arange(left, left + strip.shape[1])
            is_pair = self._pairs(rows, columns, strip, others)
            places = [*self._links(rows, columns, is_pair), self._nearest(rows, strip, is_pair)]
            taken = np.unique(np.concatenate(places))
            self.dropped |= len(taken) < int(np.count_nonzero(is_pair))
            across, down = np.divmod(taken, len(columns))
            first, second = rows[across], columns[down]
            yield first, second, self._chosen.cosines(first, others, second)

    def _pairs(self, rows: Array, columns: Array, scores: Array, others: Chosen) -> Array:
        """Which scores are of pairs, of the shape of the scores."""
        found: Array = scores >= self._threshold + MARGIN
        unsure = np.flatnonzero((scores >= self._threshold - MARGIN) ^ found)
        if len(unsure) > scores.size // _UNSURE:
            exact = self._chosen.units(rows, np.float64) @ others.units(columns, np.float64).T
            found = rounded(exact) >= self._threshold
        elif len(unsure):
            across, down = np.divmod(unsure, scores.shape[1])
            exact = self._chosen.cosines(rows[across], others, columns[down])
            found[across, down] = exact >= self._threshold
        if columns[0] <= rows[-1]:
            found &= columns > rows[:, None]
        if not self._is_plain:
            found &= self._owner[rows][:, None] != self._owner[columns]
            found &= self._kinds[rows][:, None] == self._kinds[columns]
        return found

    def _links(self, rows: Array, columns: Array, is_pair: Array) -> Iterator[Array]:
        """Places in the strip of pairs that connect groups, until none is left: each round, one of each row and column.

        So the groups with a pair between them are halved in each round at least (Borůvka, 1926).
        """
        while True:
            of_rows, of_columns = self._roots[self._owner[rows]], self._roots[self._owner[columns]]
            between = is_pair & (of_rows[:, None] != of_columns)
            if not between.any():
                return
            across = np.flatnonzero(between.any(axis=1))
            down = np.flatnonzero(between.any(axis=0))
            of_row = across * len(columns) + between[across].argmax(axis=1)
            of_column = between[:, down].argmax(axis=0) * len(columns) + down
            found = np.concatenate([of_row, of_column])
            ends = np.divmod(found, len(columns))
            self._roots = united(self._roots, self._owner[rows[ends[0]]], self._owner[columns[ends[1]]])
            yield found

    def _nearest(self, rows: Array, scores: Array, is_pair: Array) -> Array:
        """Places in the strip of the nearest of each row, as far as no strip before has shown as many that are nearer."""
        least, each = self._least[rows], self._each
        few = 16 * each
        if np.isneginf(least).any() and few < scores.shape[1]:
            sample = np.where(is_pair[:, :few], scores[:, :few], -np.inf)
            least = np.maximum(least, np.partition(sample, few - each, axis=1)[:, few - each])
        places = np.flatnonzero(is_pair & (scores >= least[:, None]))
        across, values = places // scores.shape[1], scores.ravel()[places]
        kept = best_places(across, values, each)
        counts = np.bincount(across[kept], minlength=len(rows))
        lowest = np.full(len(rows), np.inf, np.float32)
        np.minimum.at(lowest, across[kept], values[kept])
        self._least[rows] = np.where(counts >= each, np.maximum(least, lowest), self._least[rows])
        return places[kept]
