"""All pairs of vectors whose cosine is a threshold or more: exactly, tile by tile, or by the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from attrs import frozen

from heron.curation.chosen import Array, Chosen, rounded
from heron.curation.crowd import Crowd
from heron.curation.sketch import MARGIN, sketches
from heron.vectors.space import Space

_ROWS, _COLUMNS = 2048, 4096
"""The number of rows and columns of a tile, whose pairs are compared at a time; its scores take 32 MB."""

_DENSE = 64
"""If more than one pair in this number is left, the whole tile is compared."""

_STRIP = 256
"""The rows of such a tile that are compared at once: the pairs of a whole tile would take gigabytes."""

_FIRST, _MOST = 16, 4096
"""The number of neighbours requested from the index: at first, and at most."""

Advanced = Callable[[int], None]


def in_rounds(progress: Advanced, before: int, rounds: int, done: int) -> None:
    """Report the vectors that are done in one round of several, after those of the rounds before, as their share of all."""
    progress((before + done) // rounds)


@frozen(eq=False)
class Pairs:
    """Pairs of places and their cosines: int64, int64 and float64, all of one length."""

    first: Array
    second: Array
    scores: Array


def close_pairs(
    first: Chosen,
    second: Chosen | None,
    threshold: float,
    advanced: Advanced,
    crowd: Crowd | None = None,
    turned: Chosen | None = None,
) -> Iterator[Pairs]:
    """Every pair of different items with a cosine of `threshold` or more, tile by tile, with full recall.

    Within one set, the first place is lower than the second. `advanced` is called with the number of vectors of
    the first set that are done. With `crowd`, of very many pairs within one set only those that it takes. With `turned`, the
    vectors of the first set when turned, a pair within one set is a vector and a turned one.
    """
    other = turned if second is None else second
    sets = [first] if other is None else [first, other]
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
            is_near = near >= threshold - MARGIN
            if crowd is not None and crowd.takes(int(np.count_nonzero(is_near))):
                if rows.shape[1] != first.size:  # bounds, not cosines
                    if not is_near.any():
                        continue
                    whole = slice(top, top + len(rows)), slice(left, left + len(columns))
                    np.matmul(first.units(whole[0]), sets[-1].units(whole[1]).T, out=near)
                for parts in crowd.of_tile(top, left, near, sets[-1]):
                    yield Pairs(*parts)
                continue
            for found in _looked_at(first, sets[-1], (top, left), is_near):
                kept = found.scores >= threshold
                kept &= first.items[found.first] != sets[-1].items[found.second]
                if second is None:
                    kept &= found.first < found.second
                yield Pairs(found.first[kept], found.second[kept], found.scores[kept])
        advanced(min(top + _ROWS, len(first)))


def _looked_at(first: Chosen, second: Chosen, at: tuple[int, int], is_near: Array) -> Iterator[Pairs]:
    """The pairs of a tile that are left, with their true cosines."""
    count = np.count_nonzero(is_near)
    if not count:
        return
    if count <= is_near.size // _DENSE:
        across, down = np.divmod(np.flatnonzero(is_near), is_near.shape[1])
        across, down = across + at[0], down + at[1]
        yield Pairs(across, down, first.cosines(across, second, down))
        return
    columns = second.units(slice(at[1], at[1] + is_near.shape[1]), np.float64).T
    for start in range(0, len(is_near), _STRIP):
        part = is_near[start : start + _STRIP]
        rows = first.units(slice(at[0] + start, at[0] + start + len(part)), np.float64)
        across, down = np.divmod(np.flatnonzero(part), part.shape[1])
        yield Pairs(across + at[0] + start, down + at[1], rounded((rows @ columns)[part]))


def indexed_pairs(
    space: Space, chosen: Chosen, threshold: float, advanced: Advanced, turned: Chosen | None = None
) -> Iterator[Pairs]:
    """Pairs with a cosine of `threshold` or more that the index finds; it can miss some.

    For each vector the nearest are requested; if all of them are near enough, more are requested. With `turned`, the same
    vectors when turned, a pair is a vector and a turned one.
    """
    asked = chosen if turned is None else turned
    place_of = np.full(space.count, -1, np.int64)
    place_of[chosen.rows] = np.arange(len(chosen))
    for place in range(len(chosen)):
        count = _FIRST
        vector = asked.stored(slice(place, place + 1))[0]
        while True:
            found = space.search(vector, count)
            if len(found.rows) < count or found.scores[-1] < threshold or count >= _MOST:
                break
            count *= 4
        others = place_of[found.rows[rounded(found.scores.astype(np.float64)) >= threshold]]
        others = others[(others >= 0) & (chosen.items[others] != chosen.items[place])]
        if len(others):
            of = np.full(len(others), place)
            first, second = (others, of) if turned is not None else np.sort(np.stack([of, others]), axis=0)
            yield Pairs(first, second, asked.cosines(of, chosen, others))
        if place % _ROWS == _ROWS - 1:
            advanced(place + 1)
    advanced(len(chosen))
