"""Groups: items that are connected by pairs, with bounded memory for any number of pairs."""

from __future__ import annotations

import numpy as np

from heron.curation.chosen import Array

_MOST = 1_000_000
"""The number of pairs that are stored before the worse ones are dropped."""

_MANY = 500_000
"""If more pairs than this are added at once, the worse ones are dropped first."""

_EACH = 50
"""When pairs are dropped, the number of pairs of each item with later items that stay at most."""

_LISTED = 100_000
"""When pairs are dropped, about how many stay of all items: each is a record that takes memory."""


class Groups:
    """The connected components of items, numbered from 0, over the pairs that were added; and the best pairs.

    Of several pairs of the same two items, only the one with the highest score is stored. If there are very many
    pairs, as among thousands of black pictures, only the best of each item with later items are stored (`listed_for_each`);
    the groups are computed from all pairs.
    """

    def __init__(self, count: int, most: int = _MOST) -> None:
        self._roots = np.arange(count)
        self._each = listed_for_each(count)
        self._most = most
        self._waiting: list[Array] = []
        self._number = 0
        self.thinned = False

    def add(self, first: Array, second: Array, scores: Array, notes: Array) -> None:
        """Add pairs of items with their scores, and two numbers of the caller for each pair, shape (2, n)."""
        if len(first) > _MANY:
            self._roots = united(self._roots, first, second)
            kept = best_places(first, scores, self._each)
            self.thinned |= len(kept) < len(first)
            first, second, scores, notes = first[kept], second[kept], scores[kept], notes[:, kept]
        swapped = first > second
        low, high = np.minimum(first, second), np.maximum(first, second)
        notes = np.where(swapped, notes[::-1], notes)
        self._waiting.append(np.stack([low, high, scores, notes[0], notes[1]]))
        self._number += len(low)
        if self._number > self._most:
            self._settle()

    def pairs(self) -> Array:
        """The stored pairs, shape (5, n), float64: lower item, higher item, score, and the two numbers of the caller."""
        self._settle()
        return self._waiting[0]

    def labels(self) -> Array:
        """For each item, the lowest item of its group."""
        self._settle()
        return self._roots

    def _settle(self) -> None:
        held = np.concatenate([np.empty((5, 0)), *self._waiting], axis=1)
        both = held[0].astype(np.int64) * len(self._roots) + held[1].astype(np.int64)
        held = held[:, np.lexsort((-held[2], both))]
        is_first = np.ones(held.shape[1], bool)
        is_first[1:] = (held[:2, 1:] != held[:2, :-1]).any(axis=0)
        held = held[:, is_first]
        self._roots = united(self._roots, held[0].astype(np.int64), held[1].astype(np.int64))
        if held.shape[1] > self._most // 2:
            held, before = _best_of_each(held, self._each), held
            self.thinned |= held.shape[1] < before.shape[1]
            self._most = max(self._most, 2 * held.shape[1])
        self._waiting, self._number = [held], held.shape[1]


def listed_for_each(count: int) -> int:
    """When pairs are dropped, the number of pairs of each of so many items that stay."""
    return max(2, min(_EACH, _LISTED // max(count, 1)))


def united(roots: Array, first: Array, second: Array) -> Array:
    """The roots after items are connected by pairs: the root of a group is its lowest item.

    Higher roots are hooked to lower ones and paths are halved, for all pairs at once: Shiloach and Vishkin, "An O(log n)
    parallel connectivity algorithm", J. Algorithms 3 (1982).
    """
    roots = roots.copy()
    while True:
        of_first, of_second = roots[first], roots[second]
        differ = of_first != of_second
        if not differ.any():
            return roots
        first, second = first[differ], second[differ]
        low = np.minimum(of_first, of_second)[differ]
        high = np.maximum(of_first, of_second)[differ]
        np.minimum.at(roots, high, low)
        while not np.array_equal(shorter := roots[roots], roots):
            roots = shorter


def _best_of_each(held: Array, count: int) -> Array:
    """The pairs with the highest scores of each lower item."""
    return held[:, best_places(held[0], held[2], count)]


def best_places(first: Array, scores: Array, count: int) -> Array:
    """The positions of the `count` highest scores of each first item, ascending."""
    order = np.argsort(first, kind="stable")
    starts = np.flatnonzero(np.diff(first[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    is_best = np.repeat(lengths <= count, lengths)
    for start, length in zip(starts[lengths > count], lengths[lengths > count], strict=True):
        part = scores[order[start : start + length]]
        is_best[start + np.argpartition(part, length - count)[length - count :]] = True
    return np.sort(order[is_best])
