"""The geometry of slices: normals, positions along them, and gaps, in millimetres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

_SAME_PLACE = 1e-3
"""Millimetres below which two slices have the same position."""

_SAME_DIRECTION = 1e-3
"""The largest difference between the cosines of equal orientations."""

_EVEN = 0.1
"""The largest difference of a step from a multiple of the spacing, as a fraction of the spacing."""


def normal_of(orientation: Any) -> tuple[float, float, float] | None:
    """The cross product of the row and column directions (PS3.3 C.7.6.2.1.1); None if it is not an orientation."""
    if not _is_vector(orientation, 6):
        return None
    a, b, c, d, e, f = orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return normal if abs(math.hypot(*normal) - 1) < 0.1 else None


def same_direction(one: Any, other: Any) -> bool:
    """Whether two orientations differ by no more than rounding."""
    return all(abs(a - b) <= _SAME_DIRECTION for a, b in zip(one, other, strict=True))


def positions_along(normal: Sequence[float], places: Sequence[Any]) -> list[float]:
    """The position of each point along the normal; empty if one of them is not a point."""
    if not all(_is_vector(place, 3) for place in places):
        return []
    return [sum(a * b for a, b in zip(normal, place, strict=True)) for place in places]


def ranks(positions: Sequence[float]) -> list[int]:
    """The rank of each position among all; positions that differ only by rounding share one."""
    found = [0] * len(positions)
    rank, last = -1, -math.inf
    for index in sorted(range(len(positions)), key=lambda index: positions[index]):
        if positions[index] - last > _SAME_PLACE:
            rank += 1
        last = positions[index]
        found[index] = rank
    return found


def gaps(positions: Sequence[float]) -> tuple[float | None, int, list[tuple[float, float]]]:
    """The usual step between positions, how many are missing, and between which; only for otherwise even stacks."""
    by_rank = dict(zip(ranks(positions), positions, strict=True))
    stack = [by_rank[rank] for rank in sorted(by_rank)]
    steps = [high - low for low, high in pairwise(stack)]
    if not steps:
        return None, 0, []
    spacing = median(steps)
    multiples = [round(step / spacing) for step in steps]
    even = [
        multiple and abs(step / spacing - multiple) <= _EVEN
        for step, multiple in zip(steps, multiples, strict=True)
    ]
    missing, places = 0, []
    if all(even):
        for place, multiple in enumerate(multiples):
            missing += multiple - 1
            if multiple > 1:
                places.append((round(stack[place], 3), round(stack[place + 1], 3)))
    return round(spacing, 6), missing, places


def _is_vector(value: Any, size: int) -> bool:
    if not isinstance(value, list) or len(value) != size:
        return False
    return all(type(part) in (int, float) and abs(part) < 1e9 for part in value)
