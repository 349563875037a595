"""The rule for timestamps that repeat or go back, and the check that finds them."""

from __future__ import annotations

import operator
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from fractions import Fraction
from itertools import accumulate

_AHEAD = 32
"""By how many packets a frame comes before its turn at most in usual files."""

MISSING = -(1 << 63)
"""FFmpeg's number for a timestamp that is not there."""


def ascending(stamps: array[int]) -> tuple[array[int], int]:
    """The times of frames in the order in which they are shown, strictly ascending, and how many are not the given ones.

    The longest run of times that ascends, with others in between, stays. Each of the others, and each that is MISSING, is
    one unit after the time before it, and so is one of the run that would not be later otherwise. So of two equal times
    the second moves, and of one that is far ahead of all that follow, that one.
    """
    if MISSING not in stamps and ascends(stamps):
        return stamps, 0
    kept = _longest_ascent(stamps)
    if not kept:
        return array("q", range(len(stamps))), len(stamps)
    first, begin = kept[0], stamps[kept[0]]
    times = array("q", range(begin - first, begin))
    stays = set(kept)
    for place in range(first, len(stamps)):
        after = times[-1] + 1 if times else begin
        times.append(max(after, stamps[place]) if place in stays else after)
    return times, sum(map(operator.ne, times, stamps))


def led_in(stamps: array[int], rate: Fraction | None, unit: Fraction) -> array[int]:
    """Times with those before the first known one filled in, if the frames of a file come at a steady rate.

    FFmpeg leaves out the times of Matroska that are negative. Steady is: each known time is within one unit of its place.
    """
    first = next((place for place, stamp in enumerate(stamps) if stamp != MISSING), 0)
    if not first or not rate:
        return stamps
    step = 1 / (rate * unit)
    begin = stamps[first]
    steady = array("q", (begin + round((place - first) * step) for place in range(len(stamps))))
    is_steady = all(abs(one - other) <= 1 for one, other in zip(steady[first:], stamps[first:], strict=True))
    return steady if is_steady else stamps


def ascends(stamps: array[int]) -> bool:
    """Whether each time is later than the one before."""
    return all(map(operator.lt, stamps, stamps[1:]))


def _longest_ascent(stamps: array[int]) -> list[int]:
    """The places of the longest run of ascending times, with others in between; of several the earliest ones."""
    ends: list[int] = []
    lengths = array("q", bytes(8 * len(stamps)))  # of the longest run that begins at each place
    for place in reversed(range(len(stamps))):
        stamp = stamps[place]
        if stamp != MISSING:
            at = bisect_left(ends, -stamp)
            ends[at : at + 1] = [-stamp]
            lengths[place] = at + 1
    kept: list[int] = []
    left, last = len(ends), MISSING
    for place, stamp in enumerate(stamps):
        if left and lengths[place] == left and stamp > last:
            kept.append(place)
            left, last = left - 1, stamp
    return kept


def are_in_order(stamps: array[int], keys: Iterable[int], delay: int) -> bool:
    """Whether the times of frames in the order of decoding tell beyond doubt in which order they are shown.

    That is: no two are equal, each is at most `delay` places behind its turn and 32 before it, and at the places `keys`,
    where decoding can begin, all from there on are later than all before.
    """
    if ascends(stamps):
        return True
    shown = array("q", sorted(stamps))
    if not delay or not ascends(shown):
        return False
    if not all(map(operator.ge, stamps[delay:], shown)) or not all(map(operator.le, stamps, shown[_AHEAD:])):
        return False
    latest = list(
        accumulate(stamps, max)
    )  # the first ones are the earliest ones where their latest is in its turn
    return all(latest[key - 1] == shown[key - 1] for key in keys if 0 < key < len(stamps))
