"""All pairs of vectors whose cosine is a threshold or more: exactly, tile by tile, or by the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from attrs import frozen

from heron.curation.chosen import Array, Chosen, rounded
from heron.curation.sketch import MARGIN, sketches
from heron.vectors.space import Space

_ROWS, _COLUMNS = 2048, 4096
"""A tile of pairs that is looked at in one go; its scores take 32 MB."""

_DENSE = 64
"""Where more than one pair of so many is left, a tile is compared whole."""

_FIRST, _MOST = 16, 4096
"""Neighbours that are asked of the index at first, and at most."""

Advanced = Callable[[int], None]


@frozen(eq=False)
class Pairs:
    """Pairs of places and their cosines: int64, int64 and float64, all of one length."""

    first: Array
    second: Array
    scores: Array


def close_pairs(
    first: Chosen, second: Chosen | None, threshold: float, advanced: Advanced
) -> Iterator[Pairs]:
    """Every pair of different items with a cosine of `threshold` or more, a tile at a time; none is missed.

    Of one set, the place of the first is below that of the second. `advanced` is told how many vectors of the first set
    are done with.
    """
    sets = [first] if second is None else [first, second]
    if not all(len(chosen) for chosen in sets):
        return
    short = sketches(sets, threshold)
    space = np.empty(_ROWS * _COLUMNS, np.float32)
    for top in range(0, len(first), _ROWS):
        rows = short[0][top : top + _ROWS]
        for left in range(0 if second is not None else top, len(sets[-1]), _COLUMNS):
            columns = short[-1][left : left + _COLUMNS]
            near = space[: len(rows) * len(columns)].reshape(len(rows), len(columns))
            np.matmul(rows, columns.T, out=near)
            places = np.flatnonzero(near >= threshold - MARGIN)
            if len(places):
                found = _found(first, sets[-1], (top, left), near.shape, places, second is None)
                good = found.scores >= threshold
                yield Pairs(found.first[good], found.second[good], found.scores[good])
        advanced(min(top + _ROWS, len(first)))


def _found(
    first: Chosen, second: Chosen, at: tuple[int, int], shape: tuple[int, int], places: Array, is_one: bool
) -> Pairs:
    """The pairs of a tile that are left, with their true cosines."""
    across, down = np.divmod(places, shape[1])
    across, down = across + at[0], down + at[1]
    kept = first.items[across] != second.items[down]
    if is_one:
        kept &= across < down
    across, down = across[kept], down[kept]
    if len(places) <= shape[0] * shape[1] // _DENSE:
        return Pairs(across, down, first.cosines(across, second, down))
    rows, columns = (
        chosen.units(slice(start, start + length), np.float64)
        for chosen, start, length in zip((first, second), at, shape, strict=True)
    )
    return Pairs(across, down, rounded((rows @ columns.T)[across - at[0], down - at[1]]))


def indexed_pairs(space: Space, chosen: Chosen, threshold: float, advanced: Advanced) -> Iterator[Pairs]:
    """Pairs with a cosine of `threshold` or more as the index finds them, which may miss some.

    Each vector is asked for its nearest, more and more of them as long as all are near enough.
    """
    place_of = np.full(space.count, -1, np.int64)
    place_of[chosen.rows] = np.arange(len(chosen))
    for place in range(len(chosen)):
        count = _FIRST
        vector = chosen.stored(slice(place, place + 1))[0]
        while True:
            found = space.search(vector, count)
            if len(found.rows) < count or found.scores[-1] < threshold or count >= _MOST:
                break
            count *= 4
        others = place_of[found.rows[rounded(found.scores.astype(np.float64)) >= threshold]]
        others = others[(others >= 0) & (chosen.items[others] != chosen.items[place])]
        if len(others):
            of = np.full(len(others), place)
            pairs = np.sort(np.stack([of, others]), axis=0)
            yield Pairs(pairs[0], pairs[1], chosen.cosines(of, chosen, others))
        if place % _ROWS == _ROWS - 1:
            advanced(place + 1)
    advanced(len(chosen))
