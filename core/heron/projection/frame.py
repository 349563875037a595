"""The rectangle of a plot: scales points into it, and places pictures without overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from heron.errors import InvalidInput

Array = np.ndarray[Any, Any]

PICTURE = 0.085
"""The longest side of a picture, as a share of the width of the plot."""

FLATTEST = 0.62
"""The least height of a plot whose width is 1; the greatest is 1."""

_EDGE = 0.03
_CANDIDATES = 20_000
_GAP = 0.006


def framed(points: Array) -> tuple[Array, float]:
    """Points of shape (n, 2), scaled into a rectangle of width 1, and its height; float64.

    Both directions have the same scale, and there is a narrow margin.

    Raises InvalidInput for another shape, for no points, and for NaN and infinity.
    """
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "fiu":
        raise InvalidInput(f"expected points of shape (n, 2), got {points.dtype} of shape {points.shape}")
    if not len(points):
        raise InvalidInput("there are no points to plot")
    found = points.astype(np.float64)
    if not np.isfinite(found).all():
        raise InvalidInput("the points to plot hold NaN or infinity")
    low, high = found.min(axis=0), found.max(axis=0)
    found -= low / 2 + high / 2
    half = high / 2 - low / 2
    found *= (0.5 - _EDGE) / (float(half.max()) or 1.0)
    height = max(FLATTEST, min(1.0, float(half[1] / half[0]))) if half[0] else 1.0
    found += np.array((0.5, height / 2))
    return found, height


def spread_out(points: Array, count: int = 40) -> list[int]:
    """At most `count` points, spread over the plot, whose pictures do not overlap; equal input gives equal
    output.
    """
    places, height = framed(points)
    order = np.random.default_rng(0).permutation(len(places))[:_CANDIDATES]
    boxes = Boxes(height)
    chosen: list[int] = []
    for place in order:
        if len(chosen) == count:
            break
        if boxes.take(places[place], PICTURE, PICTURE) is not None:
            chosen.append(int(place))
    return chosen


class Boxes:
    """Occupied boxes in a rectangle of width 1."""

    def __init__(self, height: float) -> None:
        self._corner = np.array((1.0, height))
        self._taken = np.empty((0, 4))

    def take(self, centre: Array, width: float, height: float) -> tuple[float, float, float, float] | None:
        """Left, right, bottom and top of a box near a centre, inside the rectangle; None if it would overlap
        another box.
        """
        half = np.array((width, height)) / 2
        x, y = np.clip(centre, half + _GAP, self._corner - half - _GAP)
        box = (x - half[0], x + half[0], y - half[1], y + half[1])
        left, right, bottom, top = self._taken.T
        beside = (left - box[1] > _GAP) | (box[0] - right > _GAP)
        above = (bottom - box[3] > _GAP) | (box[2] - top > _GAP)
        if not (beside | above).all():
            return None
        self._taken = np.vstack((self._taken, box))
        return box
