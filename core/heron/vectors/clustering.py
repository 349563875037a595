"""What partitions are made by: centres from k-means over a sample, and the main axes of what remains.

Vectors are taken from their int8 codes, scaled to length 1. All arrays are float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from attrs import frozen

from heron.vectors.matrix import Array

AXES = 64
"""Numbers of a sketch: a dot product of so many takes no longer than one of 16."""

CLIP = 4.5
"""A sketch holds numbers up to this many standard deviations."""

_ITERATIONS = 5
_PER_CENTRE = 32
_BLOCK = 8192


@frozen(eq=False)
class Model:
    """`centres`, shape (partitions, size); `axes`, shape (size, axes); `deviations`, the standard deviation of the
    vectors around their centres along each axis.
    """

    centres: Array
    axes: Array
    deviations: Array

    def placed(self, units: Array) -> tuple[Array, Array, Array]:
        """For unit vectors: the nearest centre of each, its sketch (int8), and the square of its distance to the
        centre.
        """
        homes, squares = nearest_centres(units, self.centres)
        projected = units @ self.axes - (self.centres @ self.axes)[homes]
        sketches = np.rint(projected * (127 / CLIP) / self.deviations)
        return homes, np.clip(sketches, -127, 127).astype(np.int8), squares


def partitions_for(count: int) -> int:
    """How many partitions so many vectors get: some 200 vectors in each of 512, some 500 in each of 2,048."""
    return 1 << max(4, round(math.log2(1.6 * math.sqrt(count))))


def unit_blocks(codes: Array, start: int = 0) -> Iterator[tuple[Array, Array]]:
    """The vectors of codes from row `start` on, in blocks: their rows, and the vectors; none of zeros."""
    for first in range(start, len(codes), _BLOCK):
        block = codes[first : first + _BLOCK]
        there = np.flatnonzero(block.any(axis=1))
        yield there + first, units_of(block[there])


def units_of(codes: Array) -> Array:
    """Unit vectors, float32, of codes or vectors that are not zero."""
    vectors = codes.astype(np.float32)
    vectors /= np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    return vectors


def nearest_centres(units: Array, centres: Array) -> tuple[Array, Array]:
    """For each unit vector the centre at the least distance, and the square of that distance."""
    lengths = np.einsum("ij,ij->i", centres, centres)
    near = units @ centres.T - lengths / 2
    homes = near.argmax(1)
    squares = 1 - 2 * near[np.arange(len(units)), homes]
    return homes, np.maximum(squares, 0)


def trained(codes: Array) -> Model | None:
    """A model of the vectors of some codes; None if all are zeros."""
    random = np.random.default_rng(0)
    number = partitions_for(len(codes))
    rows = np.sort(random.choice(len(codes), min(len(codes), number * _PER_CENTRE), replace=False))
    sample = codes[rows]
    sample = sample[sample.any(axis=1)]
    if not len(sample):
        return None
    units = units_of(sample)
    centres = _centres(units, number, random)
    homes = np.concatenate([nearest_centres(block, centres)[0] for block in _blocks(units)])
    residuals = units - centres[homes]
    axes = _main_axes(residuals)
    deviations = np.sqrt(np.mean((residuals @ axes) ** 2, axis=0)) + 1e-6
    return Model(centres, axes, deviations.astype(np.float32))


def _centres(units: Array, number: int, random: np.random.Generator) -> Array:
    """Means by Lloyd's algorithm; a centre that gets no vector is set on one again."""
    centres = units[random.choice(len(units), number, replace=len(units) < number)].copy()
    for _ in range(_ITERATIONS):
        homes = np.concatenate([nearest_centres(block, centres)[0] for block in _blocks(units)])
        counts = np.bincount(homes, minlength=number)
        used, starts = np.flatnonzero(counts), np.cumsum(counts) - counts
        sums = np.add.reduceat(units[np.argsort(homes, kind="stable")], starts[used], axis=0)
        centres[used] = sums / counts[used, None]
        empty = np.flatnonzero(counts == 0)
        centres[empty] = units[random.integers(0, len(units), len(empty))]
    return centres


def _main_axes(residuals: Array) -> Array:
    """The directions in which vectors differ most from their centres: orthonormal columns."""
    moments = residuals.T.astype(np.float64) @ residuals.astype(np.float64)
    found = np.linalg.eigh(moments)[1][:, ::-1][:, :AXES]
    return np.ascontiguousarray(found, np.float32)


def _blocks(units: Array) -> Iterator[Array]:
    for start in range(0, len(units), _BLOCK):
        yield units[start : start + _BLOCK]
