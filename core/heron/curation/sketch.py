"""Short vectors whose dot products are upper bounds of the cosines of the vectors, to exclude most pairs.

A unit vector is x = Q p + r, with p its coordinates along a few orthonormal directions Q and r the rest,
orthogonal to them. So x . y = p . p' + r . r', which by the inequality of Cauchy and Schwarz is at most p .
p' + |r| |r'|: the dot product of (p, |r|) and (p', |r'|). Pairs for which even that is below the threshold
are excluded. Teflioudi, Gemulla and Mykytiuk, "LEMP: fast retrieval of large entries in a matrix product",
SIGMOD 2015, prune by it as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heron.curation.chosen import Array, Chosen, scratch

MARGIN = 2e-5
"""Largest rounding error of the dot product of two short vectors in float32."""

_SAMPLE = 1024
_WIDTHS = (16, 32, 64, 128)
_FEW = 4096 * 4096
"""With fewer pairs, making short vectors takes longer than it saves."""

_AGAIN = 128
"""Cost of a pair that has to be compared exactly, in multiplications for each number of its vectors."""


def sketches(sets: Sequence[Chosen], threshold: float) -> list[Array]:
    """Short vectors of each set, float32 of shape (n, width), with which most pairs below a threshold are excluded.

    The directions are the principal directions of a sample; their number is chosen so that the estimated work is least.
    If nothing is gained, the unit vectors themselves are returned.
    """
    directions = np.zeros((sets[0].size, 0), np.float32)
    if len(sets[0]) * len(sets[-1]) > _FEW:
        directions = _directions(np.concatenate([_sample(chosen) for chosen in sets]), threshold)
    return [_short(chosen, directions) for chosen in sets]


def _sample(chosen: Chosen) -> Array:
    places = np.linspace(0, len(chosen) - 1, min(_SAMPLE, len(chosen))).astype(np.int64)
    return chosen.units(np.unique(places))


def _directions(sample: Array, threshold: float) -> Array:
    """Orthonormal columns, shape (size, width); no columns if the whole vectors are as fast.

    They are computed from one half of the sample and tested on the other half, to which they are not fitted.
    """
    found, tried = sample[::2], sample[1::2]
    basis = _orthonormal(found[: _WIDTHS[-1]].T)
    for _ in range(2):  # subspace iteration, towards the principal directions
        basis = _orthonormal(found.T @ (found @ basis))
    size, above = len(basis), np.triu_indices(len(tried), 1)
    best, least = 0, float(size)
    for width in _WIDTHS:
        if width >= min(size, basis.shape[1]):
            break
        short = _shortened(tried, basis[:, :width])
        share = float(((short @ short.T)[above] >= threshold - MARGIN).mean())
        cost = width + min(_AGAIN * share, 3.0) * size
        if cost < least:
            best, least = width, cost
    chosen: Array = basis[:, :best]
    return chosen


def _orthonormal(columns: Array) -> Array:
    """Orthonormal columns with the same span, by the Gram-Schmidt process; linearly dependent columns are left out.

    LAPACK would use many small steps, in which threads wait for each other on a busy machine.
    """
    made = np.zeros((columns.shape[1], len(columns)), np.float32)
    count = 0
    for column in columns.T:
        left = column / max(float(np.linalg.norm(column)), 1e-30)
        for _ in range(2):  # two passes are enough (Giraud, Langou and Rozložník 2005)
            along = np.einsum("ij,j->i", made[:count], left)
            left = left - np.einsum("ij,i->j", made[:count], along)
        length = float(np.linalg.norm(left))
        if length > 1e-4:
            made[count] = left / length
            count += 1
    return made[:count].T.copy()


def _shortened(units: Array, directions: Array) -> Array:
    """Coordinates along the directions, and the length of what is left, rounded up."""
    along = units @ directions
    left = 1 - np.einsum("ij,ij->i", along, along) + 1e-6
    return np.column_stack([along, np.sqrt(left.clip(0))])


def _short(chosen: Chosen, directions: Array) -> Array:
    width = directions.shape[1]
    made = scratch((len(chosen), width + 1 if width else chosen.size))
    for start, block in chosen.blocks():
        made[start : start + len(block)] = _shortened(block, directions) if width else block
    return made
