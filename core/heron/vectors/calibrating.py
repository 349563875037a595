"""Margins of partitions, and what they find and cost, measured with queries near the vectors and far from them."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from heron.vectors.clustering import units_of
from heron.vectors.matrix import Array
from heron.vectors.partitions import Margins, Outlook, Partitions, Visit
from heron.vectors.scoring import Query, scan

_QUERIES = 60
"""Of each sort."""

_DEPTHS = (10, 100)
_REACHED = 0.997
"""Share of the nearest whose partition is visited, and share of them whose estimate is close enough."""

_EQUAL = 1e-6


@frozen
class Measured:
    """The share of the ten nearest that are found, over the sort of queries for which it is lowest; and the cost of
    a query near the vectors, as the number of codes that a scan reads in that time.
    """

    recall: float
    cost: float


@frozen(eq=False)
class Known:
    """A query and the vectors nearest to it, best first: their rows and the scores of their codes."""

    query: Query
    rows: Array
    scores: Array


class Calibration:
    """Queries of several sorts whose nearest vectors are known, among the vectors that `codes` have."""

    def __init__(self, codes: Array) -> None:
        self._codes = codes
        is_zero: Array = np.logical_not(codes.any(axis=1))
        self._depths = [depth for depth in _DEPTHS if depth <= len(codes) - np.count_nonzero(is_zero)]
        self._known = {
            sort: [self._nearest(query, is_zero) for query in queries]
            for sort, queries in _queries(codes).items()
        }

    def _nearest(self, query: Query, is_zero: Array) -> Known:
        scores = scan(self._codes, self._codes, query)
        scores[is_zero] = -2
        most = max(self._depths, default=1)
        best = np.argpartition(-scores, most - 1)[:most]
        best = best[np.argsort(-scores[best], kind="stable")]
        return Known(query, best, scores[best])

    def margins(self, partitions: Partitions) -> Margins:
        """The margins with which enough of the nearest are found, by queries of each sort and at each depth."""
        contents = partitions.contents
        positions = np.zeros(len(self._codes), np.int64)
        positions[contents.rows] = np.arange(len(contents.rows))
        reach, doubt = [1.0], [1.0]
        for known in self._known.values():
            for depth in self._depths:
                needs = [_needs(partitions, one, positions[one.rows[:depth]], depth) for one in known]
                for needed, most in zip(zip(*needs, strict=True), (reach, doubt), strict=True):
                    most.append(float(np.quantile(np.concatenate(needed), _REACHED)))
        return Margins(max(reach), max(doubt))

    def measured(self, partitions: Partitions) -> Measured:
        """What is found with the margins of these partitions, and at what cost."""
        recalls, costs = [1.0], []
        for sort, known in self._known.items():
            for depth in self._depths:
                shares = []
                for one in known:
                    visit = partitions.nearest(one.query, self._codes, self._codes, depth)
                    found = np.count_nonzero(visit.near >= one.scores[depth - 1] - _EQUAL)
                    shares.append(min(1.0, found / depth))
                    if sort in _NEAR and depth == _DEPTHS[0]:
                        costs.append(_cost(visit, self._codes.shape[1]))
                if shares:
                    recalls.append(float(np.mean(shares)))
        return Measured(min(recalls), float(np.mean(costs)) if costs else float(len(self._codes)))


_NEAR = ("near", "between")


def _cost(visit: Visit, size: int) -> float:
    """What a visit costs, as the number of codes that a scan reads in that time."""
    code, sketch, candidate = (
        14 + 0.08 * size,
        12,
        25 + 0.2 * size,
    )  # nanoseconds, measured at 16 to 512 numbers
    return (sketch * visit.sketched + candidate * visit.compared) / code


def _queries(codes: Array) -> dict[str, list[Query]]:
    """Near one vector, between two, to one side of one, opposite to one, and in any direction."""
    random = np.random.default_rng(1)
    chosen = codes[np.sort(random.integers(0, len(codes), 12 * _QUERIES))]
    chosen = random.permutation(chosen[chosen.any(axis=1)])[: 6 * _QUERIES]
    if len(chosen) < 6:
        return {}
    units = units_of(chosen).astype(np.float64)
    number, size = len(units) // 6, codes.shape[1]
    spare, one, other, two, three, aside = units[: 6 * number].reshape(6, number, size)
    directions = random.standard_normal((2, number, size))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    sorts = {
        "opposite": -spare,
        "near": one + 0.25 * other,
        "between": two + three,
        "aside": aside - units.mean(0) + directions[0],
        "anywhere": directions[1],
    }
    return {
        sort: [Query.of(vector, size) for vector in vectors[vectors.any(1)]]
        for sort, vectors in sorts.items()
    }


def _needs(partitions: Partitions, known: Known, positions: Array, depth: int) -> tuple[Array, Array]:
    """The reach and the doubt that each of the nearest needs in order to be found."""
    contents, outlook = partitions.contents, Outlook.of(partitions, known.query)
    homes = np.searchsorted(contents.starts, positions, side="right") - 1
    bar = known.scores[depth - 1]
    estimates = outlook.means[homes] + outlook.estimates([contents.sketches[positions]])
    return (bar - outlook.means[homes]) / outlook.spreads[homes], (bar - estimates) / outlook.error
