"""Checks of vectors and their caches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from heron.vectors.codes import encode
from heron.vectors.judging import judge, refusal
from heron.vectors.matrix import Array
from heron.vectors.planner import View

_SAMPLE = 1000
_BLOCK = 8192


def faults(view: View, deep: bool) -> Iterator[str]:
    """Problems, one sentence each: vectors that have no direction, codes of other vectors, a graph with low
    recall.

    With `deep` every vector is checked, not only a thousand of them, and the graph's recall is measured.
    """
    faulty, zeros = [], []
    for rows in _blocks(len(view.truth), deep):
        largest = np.abs(view.truth[rows].astype(np.float32)).max(1)
        faulty += rows[~np.isfinite(largest)].tolist()
        zeros += rows[largest == 0].tolist()
    yield from _named(faulty, "hold NaN or infinity")
    yield from _named(zeros, "hold only zeros, and are never found")
    if view.codes is not None:
        yield from _named(_different(view.truth, view.codes.array, deep), "differ from their int8 codes")
    if view.codes is not None and view.graph is not None and view.graph.saved.expansion is not None and deep:
        judged = judge(view.truth, view.codes, view.graph, view.tuning)
        if judged.expansion is None:
            yield refusal(judged.near, judged.far).removesuffix(": it is not used")


def _named(rows: list[int], what: str) -> Iterator[str]:
    if rows:
        yield f"{len(rows):,} of the vectors {what}; the first is row {rows[0]:,}"


def _different(truth: Array, codes: Array, deep: bool) -> list[int]:
    blocks = _blocks(min(len(truth), len(codes)), deep)
    return [row for rows in blocks for row in rows[(encode(truth[rows]) != codes[rows]).any(1)].tolist()]


def _blocks(count: int, deep: bool) -> Iterator[Array]:
    """All row numbers, or evenly spread ones, in blocks."""
    rows = (
        np.arange(count)
        if deep
        else np.unique(np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64))
    )
    for start in range(0, len(rows), _BLOCK):
        yield rows[start : start + _BLOCK]
