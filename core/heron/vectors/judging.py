"""The recall of a graph, measured with queries made from its own vectors."""

from __future__ import annotations

from math import floor

import numpy as np
from attrs import evolve

from heron.vectors.codes import Codes
from heron.vectors.graph import Graph, Judged
from heron.vectors.matrix import Array
from heron.vectors.planner import Search, View
from heron.vectors.scoring import Query, units
from heron.vectors.tuning import Tuning

K = 10
_QUERIES = 64
NEAR_ENOUGH, FAR_ENOUGH = 0.985, 0.95
_ENOUGH = {0.25: NEAR_ENOUGH, 0.5: FAR_ENOUGH}
"""A query is one vector plus this share of another one; the value is the recall@10 that is enough.

The first queries lie near the vectors. The second lie farther away, as queries made from text do: a graph
misses some of their neighbours, because it enters one neighbourhood and finds no edge to the other.
"""

_EQUAL = 1e-6


def judge(truth: Array, codes: Codes, graph: Graph, tuning: Tuning) -> Judged:
    """The lowest of `Tuning.expansions` that is enough for both sorts of queries, with their recall@10.

    If none is enough: no expansion, and the recall with the highest.
    """
    samples = [_Sample(truth[: graph.saved.rows], codes, mixture, tuning) for mixture in _ENOUGH]
    recalls = [0.0, 0.0]
    for expansion in tuning.expansions:
        recalls = [sample.recall(graph.tried_with(expansion)) for sample in samples]
        if all(recall >= enough for recall, enough in zip(recalls, _ENOUGH.values(), strict=True)):
            return Judged(expansion, *recalls)
    return Judged(None, *recalls)


def refusal(near: float, far: float | None) -> str:
    """Why a graph with these recalls is not used; of older graphs `far` is not known."""
    if near < NEAR_ENOUGH:
        found, where, needed = near, "near", NEAR_ENOUGH
    elif far is not None:
        found, where, needed = far, "farther from", FAR_ENOUGH
    else:
        return "the graph finds too few of the nearest for queries farther from the vectors: it is not used"
    shown = floor(1000 * found) / 10  # never rounded up to what is needed
    return f"the graph finds {shown} % of the nearest for queries {where} the vectors, {100 * needed:g} % is needed: it is not used"


class _Sample:
    """Queries, and the scores of the vectors nearest to them."""

    def __init__(self, truth: Array, codes: Codes, mixture: float, tuning: Tuning) -> None:
        self._view = View(
            truth, codes, None, None, evolve(tuning, graph_step=0)
        )  # so that the graph is always cheaper
        pairs = np.random.default_rng(0).integers(0, len(truth), (_QUERIES, 2))
        ones, others = (units(truth[column].astype(np.float64)) for column in pairs.T)
        mixed = ones + mixture * others
        self._queries = [Query.of(query, truth.shape[1]) for query in mixed[mixed.any(1)]]
        self._wanted = [self._scores(query, self._view) for query in self._queries]

    def recall(self, graph: Graph) -> float:
        """The share of the nearest vectors that a graph finds; a vector with an equal score counts as found."""
        view = evolve(self._view, graph=graph)
        found = total = 0
        for query, wanted in zip(self._queries, self._wanted, strict=True):
            scores = self._scores(query, view)
            found += int(np.count_nonzero(scores >= wanted[-1:] - _EQUAL))
            total += len(wanted)
        return found / total if total else 1.0

    @staticmethod
    def _scores(query: Query, view: View) -> Array:
        return Search(view, query, K, None, False).among(None).scores
