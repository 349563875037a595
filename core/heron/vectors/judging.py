"""How well a graph finds what is nearest, measured on queries made of its own vectors."""

from __future__ import annotations

import numpy as np
from attrs import evolve

from heron.vectors.codes import Codes
from heron.vectors.graph import Graph
from heron.vectors.matrix import Array
from heron.vectors.planner import Search, View
from heron.vectors.scoring import Probe
from heron.vectors.tuning import Tuning

K = 10
_QUERIES = 64
_ENOUGH = {0.25: 0.985, 0.5: 0.95}
"""Queries are one vector and so much of another one; this recall@10 is enough for these.

The first are like the vectors. The second lie off them, as queries made of text do: a graph loses some of
their neighbours, for it enters one neighbourhood and finds no edge to the other.
"""

_EQUAL = 1e-6


def judge(truth: Array, codes: Codes, graph: Graph, tuning: Tuning) -> tuple[int | None, float]:
    """The least expansion of `Tuning.expansions` that is enough for both sorts, and recall@10 of the first.

    None, and the recall of the largest, where none is enough.
    """
    samples = [_Sample(truth[: graph.saved.rows], codes, mixture, tuning) for mixture in _ENOUGH]
    recalls = [0.0]
    for expansion in tuning.expansions:
        recalls = [sample.recall(graph.tried_with(expansion)) for sample in samples]
        if all(recall >= enough for recall, enough in zip(recalls, _ENOUGH.values(), strict=True)):
            return expansion, recalls[0]
    return None, recalls[0]


class _Sample:
    """Queries, and the scores of what is nearest to them."""

    def __init__(self, truth: Array, codes: Codes, mixture: float, tuning: Tuning) -> None:
        self._view = View(
            truth, codes, None, evolve(tuning, graph_step=0)
        )  # so that the graph is always cheaper
        pairs = np.random.default_rng(0).integers(0, len(truth), (_QUERIES, 2))
        ones, others = (_units(truth[column].astype(np.float64)) for column in pairs.T)
        mixed = ones + mixture * others
        self._probes = [Probe.of(query, truth.shape[1]) for query in mixed[mixed.any(1)]]
        self._wanted = [self._scores(probe, self._view) for probe in self._probes]

    def recall(self, graph: Graph) -> float:
        """The share of the best that a graph finds; equal vectors count as each other."""
        view = evolve(self._view, graph=graph)
        found = total = 0
        for probe, wanted in zip(self._probes, self._wanted, strict=True):
            scores = self._scores(probe, view)
            found += int(np.count_nonzero(scores >= wanted[-1:] - _EQUAL))
            total += len(wanted)
        return found / total if total else 1.0

    @staticmethod
    def _scores(probe: Probe, view: View) -> Array:
        return Search(view, probe, K, None, False).among(None).scores


def _units(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Array = vectors / np.where(lengths, lengths, 1)
    return units
