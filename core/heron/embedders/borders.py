"""The borders around a picture: bars of one grey that end in a straight line, as those of letterboxes."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_ALIKE = 12
"""A pixel that differs from the grey of a border by more, in steps of 256, is not of that border."""

_STRAY = 0.02
"""The share of pixels of a line of a border that may differ: compression leaves some."""

_JUMP, _WITHIN = 0.5, 3
"""A border ends where so large a share of a line differs, within so many lines. An object on a plain ground, or a sky, ends
otherwise, and is part of the picture.
"""

_LEAST = 0.25
"""The share of the width and of the height that is left at least; what would leave less is no border."""

_AROUND = 3
"""The most borders around one another."""


def without_borders(greys: Array) -> tuple[int, int, int, int]:
    """The box within the borders of a picture: left, top, right, bottom; the whole picture if it has none.

    `greys` are uint8 of shape (height, width).
    """
    left, top, (bottom, right) = 0, 0, greys.shape
    least = [side * _LEAST for side in greys.shape]
    for _ in range(_AROUND):
        part = greys[top:bottom, left:right].astype(np.int16)
        above, below = _border(part), _border(part[::-1])
        before, behind = _border(part.T), _border(part.T[::-1])
        if not (above or below or before or behind):
            break
        if bottom - below - top - above < least[0] or right - behind - left - before < least[1]:
            break
        left, top, right, bottom = left + before, top + above, right - behind, bottom - below
    return left, top, right, bottom


def _border(greys: Array) -> int:
    """The number of lines of the border at the first line, 0 if there is none."""
    is_of_it = _share(greys, greys[0]) <= _STRAY
    count = 0 if is_of_it.all() else int(np.argmin(is_of_it))
    if not count or _share(greys[count : count + _WITHIN], greys[count - 1]).max() < _JUMP:
        return 0
    return count


def _share(greys: Array, line: Array) -> Array:
    """The share of the pixels of each line that differ from the grey of one line."""
    share: Array = (np.abs(greys - np.median(line)) > _ALIKE).mean(axis=1)
    return share
