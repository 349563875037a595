"""Partitions: vectors near each other stand together, each with a sketch of how it differs from their centre.

The score of a vector x of partition j with a query q is q·c_j + q·(x - c_j). The first part is computed for all
centres. The second is estimated by the sketch, which has 64 numbers along the axes in which vectors differ most
from their centres. Over a partition its standard deviation s_j is known for each query, from the variances
along the axes. A partition is visited while q·c_j + reach * s_j is at least the lowest score that is wanted, and
a vector is compared by its code while its estimate is not lower than that by more than `doubt` standard
deviations of the estimate's error. `calibrating` measures the two numbers. Because both bounds go by the
scores found so far, they hold for deep pages, filters, and queries far from all vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numkong
import numpy as np
from attrs import define, frozen

from heron.vectors.clustering import CLIP, Model
from heron.vectors.matrix import Array
from heron.vectors.ranking import Ranking
from heron.vectors.scoring import Query, scan

_FIRST = 4096
"""Vectors that are visited before the lowest score that is wanted is known."""

_WIDER = 4
"""Each visit takes up to this many times as many as all before."""

_SPARSE = 0.25
"""If the mask allows a smaller share of all rows, only their sketches are read."""

_GAP = 512
"""Reading this many sketches more takes no longer than another call for those behind them."""


@frozen
class Margins:
    """How far partitions and sketches have to be trusted; both in standard deviations."""

    reach: float
    doubt: float


@frozen(eq=False)
class Contents:
    """The vectors in the order of their partitions: the first position of each and the end (int64), their rows
    (int32), and their sketches (int8). `variances` and `rest` are those of each partition: along each axis, and
    along each other direction.
    """

    model: Model
    starts: Array
    rows: Array
    sketches: Array
    variances: Array
    rest: Array


@define(eq=False)
class Visit:
    """What partitions found: `rows` of the best and `near`, the similarities of their codes, best first."""

    rows: Array
    near: Array
    partitions: int
    sketched: int
    compared: int


class Partitions:
    """Partitions opened for search."""

    def __init__(self, contents: Contents, margins: Margins) -> None:
        self.contents = contents
        self.margins = margins
        sizes = np.diff(contents.starts)
        size, axes = contents.model.axes.shape
        mean_rest = float(contents.rest @ sizes / max(1, sizes.sum()))
        self._sizes = sizes
        self._error = np.sqrt(mean_rest)
        self._rest_axes = size - axes

    def tried_with(self, margins: Margins) -> Partitions:
        """The same partitions with other margins, to measure them."""
        return Partitions(self.contents, margins)

    def nearest(
        self, query: Query, truth: Array, codes: Array, count: int, *, mask: Array | None = None
    ) -> Visit:
        """The best `count` rows of those that `mask` allows, or of all, and a few more. `mask` is bool, one for each
        row of `truth`.
        """
        outlook = Outlook.of(self, query)
        ceilings = outlook.means + np.float32(self.margins.reach) * outlook.spreads
        slack = self.margins.doubt * outlook.error
        rows, estimates = np.empty(0, np.int64), np.empty(0, np.float32)
        bar, sketched, goal = -2.0, 0, max(_FIRST, 8 * count)
        left = np.argsort(-ceilings)
        while len(left := left[ceilings[left] >= bar]):
            others = np.flatnonzero(ceilings > -np.inf)
            chosen = self._chosen(left, others, goal)
            more = self._visited(chosen, outlook, bar - slack, mask, len(truth))
            rows, estimates = np.concatenate([rows, more[0]]), np.concatenate([estimates, more[1]])
            ceilings[chosen] = -np.inf
            sketched += int(self._sizes[chosen].sum())
            goal = _WIDER * sketched
            if len(rows) >= count:
                bar = max(bar, _bar(query, truth, codes, rows, estimates, count))
                wanted = estimates >= bar - slack
                rows, estimates = rows[wanted], estimates[wanted]
        rows = np.sort(rows)
        near = scan(truth, codes, query, rows)
        best = np.argsort(-near, kind="stable")
        visited = int(np.count_nonzero(np.isneginf(ceilings)))
        return Visit(rows[best], near[best], visited, sketched, len(rows))

    def _chosen(self, left: Array, others: Array, goal: int) -> Array:
        """Which partitions to visit next: the first of `left` with `goal` vectors in all, and those of `others` that
        fill a small gap between two of these in the file; ascending.
        """
        ends = np.cumsum(self._sizes[left])
        if int(ends[-1]) <= 2 * goal:
            goal = int(ends[-1])
        first = np.sort(left[: int(np.searchsorted(ends, goal)) + 1])
        others = others[~np.isin(others, first, assume_unique=True)]
        at = np.searchsorted(first, others)
        inside = (at > 0) & (at < len(first))
        others, at = others[inside], at[inside]
        starts = self.contents.starts
        gaps = starts[first[at]] - starts[first[at - 1] + 1]
        return np.sort(np.concatenate([first, others[gaps <= _GAP]]))

    def _visited(
        self, chosen: Array, outlook: Outlook, least: float, mask: Array | None, count: int
    ) -> tuple[Array, Array]:
        """Of some partitions the rows that are allowed and whose estimated score is `least` or more, int64, and
        these estimates. `chosen` is ascending.
        """
        contents, sizes = self.contents, self._sizes[chosen]
        starts = contents.starts[chosen]
        spans = _spans(starts, contents.starts[chosen + 1])
        means = np.repeat(outlook.means[chosen], sizes)
        if mask is not None and np.count_nonzero(mask) < _SPARSE * len(mask):
            rows = np.concatenate([contents.rows[start:end] for start, end in spans])
            places = np.flatnonzero(_allowed(rows, mask, count))
            sketches = [np.take(contents.sketches, _positions(places, starts, sizes), axis=0, mode="clip")]
            estimates = means[places] + outlook.estimates(sketches)
            wanted = np.flatnonzero(estimates >= least)
            return rows[places[wanted]].astype(np.int64), estimates[wanted]
        estimates = means + outlook.estimates([contents.sketches[start:end] for start, end in spans])
        places = np.flatnonzero(estimates >= least)
        rows = contents.rows[_positions(places, starts, sizes)].astype(np.int64)
        kept = _allowed(rows, mask, count)
        return rows[kept], estimates[places[kept]]


def _allowed(rows: Array, mask: Array | None, count: int) -> Array:
    """Whether each row is one of the first `count` that the mask allows."""
    is_there = rows < count
    kept: Array = is_there if mask is None else is_there & np.take(mask, rows, mode="clip")
    return kept


def _spans(starts: Array, ends: Array) -> list[tuple[int, int]]:
    """The ranges from `starts` to `ends`, with those that adjoin as one; all are ascending."""
    if not len(starts):
        return []
    breaks = np.flatnonzero(starts[1:] != ends[:-1])
    firsts, lasts = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(starts) - 1]])
    return list(zip(starts[firsts].tolist(), ends[lasts].tolist(), strict=True))


def _positions(places: Array, starts: Array, sizes: Array) -> Array:
    """Positions in the file of the places in ranges that were put behind each other."""
    befores = np.cumsum(sizes) - sizes
    at = np.searchsorted(befores, places, side="right") - 1
    found: Array = places + (starts - befores)[at]
    return found


def _bar(query: Query, truth: Array, codes: Array, rows: Array, estimates: Array, count: int) -> float:
    """A score that `count` of the rows reach."""
    number = min(len(rows), 2 * count + 32)
    best, _ = Ranking(estimates).best(number)
    near = scan(truth, codes, query, np.sort(rows[best]))
    return float(np.partition(near, number - count)[number - count])


@frozen(eq=False)
class Outlook:
    """What is known of a query before a vector is read: for each partition the mean of the scores in it and their
    standard deviation; the sketch of the query; and the standard deviation of the error of an estimate.
    """

    means: Array
    spreads: Array
    packed: numkong.PackedMatrix
    scale: float
    error: float

    @classmethod
    def of(cls, partitions: Partitions, query: Query) -> Outlook:
        """Of a query for some partitions."""
        contents = partitions.contents
        model = contents.model
        along = query.small @ model.axes
        squares = along * along
        outside = max(0.0, 1 - float(squares.sum())) if partitions._rest_axes else 0.0
        weights = along * model.deviations
        largest = float(np.abs(weights).max()) or 1.0
        sketch = np.rint(weights * (127 / largest)).astype(np.int8)
        rounding = float(np.sqrt(squares @ model.deviations**2)) * CLIP / 127
        return cls(
            model.centres @ query.small,
            np.sqrt(contents.variances @ squares + outside * contents.rest) + 1e-6,
            numkong.dots_pack(sketch[None]),
            largest * CLIP / 127 / 127,
            float(np.sqrt(outside) * partitions._error) + rounding + 1e-4,
        )

    def estimates(self, sketches: Sequence[Array]) -> Array:
        """Estimates, by blocks of sketches, of how much the score of each vector differs from the mean; float32."""
        dots = [
            np.asarray(numkong.dots_packed(block, self.packed)).reshape(-1)
            for block in sketches
            if len(block)
        ]
        found = (np.concatenate(dots) if dots else np.empty(0)).astype(np.float32)
        found *= np.float32(self.scale)
        return found
