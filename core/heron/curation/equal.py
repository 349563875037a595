"""Vectors that are equal to many others, such as those of black frames: one represents all, which saves pairs."""

from __future__ import annotations

import numpy as np

from heron.curation.chosen import BLOCK, Array, Chosen

_MANY = 64
"""The number of equal vectors above which one represents all."""


def representatives(chosen: Chosen, kinds: Array) -> Array:
    """For each place, the first place with an equal vector and the same kind (a number), if there are more than 64.

    Otherwise it is the place itself.
    """
    digests = np.empty(len(chosen), np.int64)
    for start in range(0, len(chosen), BLOCK):
        block = np.ascontiguousarray(chosen.stored(slice(start, start + BLOCK)))
        digests[start : start + len(block)] = [hash(row.tobytes()) for row in block]
    digests ^= (kinds.astype(np.int64) + 1) << 32
    _, firsts, group, counts = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    places = np.arange(len(chosen))
    candidates = np.flatnonzero(counts[group] > _MANY)
    for start in range(0, len(candidates), BLOCK):
        part = candidates[start : start + BLOCK]
        of = firsts[group[part]]
        is_equal = (chosen.stored(part) == chosen.stored(of)).all(axis=1)  # digests can be equal by chance
        is_equal &= kinds[part] == kinds[of]
        places[part[is_equal]] = of[is_equal]
    return places
