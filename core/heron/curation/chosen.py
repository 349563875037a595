"""The vectors that a method compares: those of chosen items, and perhaps of their frames, read from the
memory-mapped file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, frozen

if TYPE_CHECKING:
    from heron.catalog.vectors.sets import OpenSet

Array = np.ndarray[Any, Any]

BLOCK = 2048
"""The number of vectors that are read at a time."""

_CACHED = 256
"""The number of pairs of vectors that are compared at a time: they fit into the cache of a core, which is four
times as fast.
"""

_IN_MEMORY = 256 * 1024 * 1024
"""A larger array, in bytes, is kept in a temporary file."""


@frozen(eq=False)
class Chosen:
    """Vectors with their owners; a place is a position in all arrays.

    `items` and `frames` are inner ids, frame 0 for the item itself. `rows` are row numbers of `truth`; -1, -2, …
    stand for rows 0, 1, … of `means`: an item that has only vectors of frames is compared by the mean of their
    unit vectors. `lengths` are Euclidean, float64. Vectors of zeros are left out; `zeros` is their number. With `turn`, which
    gives vectors for vectors, there are no means, and the vectors are what it makes of those that are stored.
    """

    truth: Array
    means: Array
    rows: Array
    items: Array
    frames: Array
    lengths: Array
    zeros: int = 0
    turn: Callable[[Array], Array] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size(self) -> int:
        """The number of numbers in a vector."""
        return int(self.truth.shape[1])

    def stored(self, places: Array | slice) -> Array:
        """The vectors as they are stored, or turned, shape (n, size)."""
        rows = self.rows[places]
        if not len(self.means):
            found: Array = self.truth[rows]
            return found if self.turn is None else self.turn(found)
        found = np.empty((len(rows), self.size), np.float32)
        is_mean = rows < 0
        found[~is_mean] = self.truth[rows[~is_mean]]
        found[is_mean] = self.means[-1 - rows[is_mean]]
        return found

    def units(self, places: Array | slice, dtype: type[np.floating[Any]] = np.float32) -> Array:
        """The vectors with length 1, shape (n, size)."""
        vectors = self.stored(places)
        made = np.empty(vectors.shape, dtype)
        return np.divide(vectors, self.lengths[places, None], out=made, casting="same_kind")

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """All unit vectors in order, in blocks, each with the place of its first vector."""
        for start in range(0, len(self), BLOCK):
            yield start, self.units(slice(start, start + BLOCK))

    def cosines(self, places: Array, other: Chosen, others: Array) -> Array:
        """The cosines of pairs, computed in float64 and rounded to six digits: float64, of the same length as both places."""
        scores = np.empty(len(places))
        for start in range(0, len(places), _CACHED):
            of, to = places[start : start + _CACHED], others[start : start + _CACHED]
            products = np.einsum(
                "ij,ij->i", self.stored(of).astype(np.float64), other.stored(to).astype(np.float64)
            )
            scores[start : start + _CACHED] = products / self.lengths[of] / other.lengths[to]
        return rounded(scores)

    def at(self, places: Array) -> Chosen:
        """The vectors at some places."""
        return evolve(
            self,
            rows=self.rows[places],
            items=self.items[places],
            frames=self.frames[places],
            lengths=self.lengths[places],
        )


def without_means(chosen: Chosen) -> Chosen:
    """Only the vectors that are stored."""
    return evolve(chosen.at(np.flatnonzero(chosen.rows >= 0)), means=chosen.means[:0])


def rounded(scores: Array) -> Array:
    """Cosines rounded to six digits, within -1 to 1, so that rounding errors do not make equal ones differ."""
    return np.clip(np.round(scores, 6), -1.0, 1.0)


def choose(opened: OpenSet, ids: Array, *, frames: bool) -> Chosen:
    """The vectors of items by inner id: with `frames` all vectors of the items and their frames, else one for each item.

    The vector of an item is its own, or else the mean of the vectors of its frames.
    """
    truth = opened.space.truth
    is_chosen = np.zeros(int(max(opened.items.max(initial=0), ids.max(initial=0))) + 1, bool)
    is_chosen[ids] = True
    allowed = opened.live & is_chosen[opened.items]
    if frames:
        return _with_lengths(
            truth, np.empty((0, truth.shape[1]), np.float32), np.flatnonzero(allowed), opened
        )
    own = np.flatnonzero(allowed & (opened.frames == 0))
    has_own = np.zeros_like(is_chosen)
    has_own[opened.items[own]] = True
    of_frames = np.flatnonzero(allowed & (opened.frames != 0) & ~has_own[opened.items])
    chosen = _with_lengths(truth, np.empty((0, truth.shape[1]), np.float32), own, opened)
    if not len(of_frames):
        return chosen
    return _with_means(chosen, _with_lengths(truth, chosen.means, of_frames, opened))


def _with_lengths(truth: Array, means: Array, rows: Array, opened: OpenSet) -> Chosen:
    chosen = Chosen(truth, means, rows, opened.items[rows], opened.frames[rows], np.ones(len(rows)))
    lengths = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        block = chosen.stored(slice(start, start + BLOCK)).astype(np.float64)
        lengths[start : start + BLOCK] = np.sqrt(np.einsum("ij,ij->i", block, block))
    there = np.flatnonzero(lengths > 0)
    return evolve(evolve(chosen, lengths=lengths).at(there), zeros=len(rows) - len(there))


def _with_means(own: Chosen, of_frames: Chosen) -> Chosen:
    """Vectors of items, and of each other item the mean of the unit vectors of its frames."""
    ids, group = np.unique(of_frames.items, return_inverse=True)
    means = scratch((len(ids), own.size))
    means[:] = 0
    for start, block in of_frames.blocks():
        np.add.at(means, group[start : start + len(block)], block)
    means /= np.bincount(group, minlength=len(ids)).astype(np.float32)[:, None]
    lengths = np.sqrt(np.einsum("ij,ij->i", means, means, dtype=np.float64))
    there = np.flatnonzero(lengths > 1e-6)  # the vectors of frames can cancel each other out
    return Chosen(
        own.truth,
        means,
        np.concatenate([own.rows, -1 - there]),
        np.concatenate([own.items, ids[there]]),
        np.concatenate([own.frames, np.zeros(len(there), own.frames.dtype)]),
        np.concatenate([own.lengths, lengths[there]]),
        own.zeros + len(ids) - len(there),
    )


def scratch(shape: tuple[int, int]) -> Array:
    """A float32 work array: in memory, or, if it is large, in a temporary file that is deleted with it."""
    if shape[0] * shape[1] * 4 <= _IN_MEMORY:
        return np.empty(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape).view(np.ndarray)
