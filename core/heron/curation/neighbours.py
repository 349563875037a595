"""The similarity of each vector to its nearest vectors: exact, tile by tile, or by the index."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heron.curation.chosen import Array, Chosen
from heron.vectors.space import Space

_TILE = 2048

Advanced = Callable[[int], None]


def nearest_cosines(chosen: Chosen, k: int, advanced: Advanced) -> Array:
    """The cosines of each vector with its `k` nearest others, float32 of shape (n, k), in no particular order.

    `k` is less than n. Each tile of pairs is used for the vectors of its rows and of its columns.
    """
    total = len(chosen)
    best = np.full((total, k), -np.inf, np.float32)
    for top in range(0, total, _TILE):
        rows = chosen.units(slice(top, top + _TILE))
        for left in range(top, total, _TILE):
            columns = rows if left == top else chosen.units(slice(left, left + _TILE))
            scores = rows @ columns.T
            if left == top:
                np.fill_diagonal(scores, -np.inf)
            else:
                _take(best[left : left + _TILE], np.ascontiguousarray(scores.T))
            _take(best[top : top + _TILE], scores)
        advanced(min(top + _TILE, total))
    return best


def _take(best: Array, scores: Array) -> None:
    """Replace the lowest of the best scores, of shape (rows, k), by higher ones of `scores`, of shape (rows, n)."""
    k = best.shape[1]
    least = best.min(axis=1)
    if np.isneginf(least).any():
        both = np.concatenate([best, scores], axis=1)
        best[:] = np.partition(both, both.shape[1] - k, axis=1)[:, -k:]
        return
    row, column = np.divmod(np.flatnonzero(scores > least[:, None]), scores.shape[1])
    touched, place = np.unique(row, return_inverse=True)
    if not len(touched):
        return
    counts = np.bincount(place)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    better = np.full((len(touched), int(counts.max())), -np.inf, np.float32)
    better[place, rank] = scores[row, column]
    both = np.concatenate([best[touched], better], axis=1)
    best[touched] = np.partition(both, both.shape[1] - k, axis=1)[:, -k:]


def indexed_cosines(space: Space, chosen: Chosen, k: int, advanced: Advanced) -> Array:
    """The same by the index, which can miss some of the nearest; NaN if it finds fewer than `k`."""
    best = np.full((len(chosen), k), np.nan, np.float32)
    allowed = None if len(chosen) == space.count else chosen.rows
    for place, row in enumerate(chosen.rows):
        found = space.search(chosen.stored(slice(place, place + 1))[0], k + 1, filter=allowed)
        others = found.scores[found.rows != row][:k]
        best[place, : len(others)] = others
        if place % _TILE == _TILE - 1:
            advanced(place + 1)
    advanced(len(chosen))
    return best
