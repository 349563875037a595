"""Lays a picture with transparent parts on a ground on which the drawing stays visible: plain, or checkered.

A white drawing on white would be an empty picture, and two such drawings would count as equal. Of white, dark
grey and middle grey the first one is taken that hides at most a quarter of the drawing, so that most pictures
are laid on white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

Ground = Literal["plain", "checks"]
"""What transparent parts are laid on: one grey, or checks of it and a second grey."""

_GREYS = ((255, 217), (48, 80), (128, 160))
"""The ground and the second grey of its checks."""

_NEAR = 56
"""A colour whose channels all differ from the ground by less than this, of 255, is hidden."""

_MOST_HIDDEN = 0.25

_SAMPLE = 128
"""Longest side in pixels of the copy by which the ground is chosen."""

_CHECKS = 32
"""Checks along the longest side of a picture; none is smaller than 8 pixels."""


def laid(picture: Image, ground: Ground = "plain") -> Image:
    """The picture in RGB: an RGBA one laid on a ground, another one unchanged."""
    from PIL import Image as PillowImage

    if picture.mode != "RGBA":
        return picture
    first, second = _greys(picture)
    under = PillowImage.new("RGBA", picture.size, (first, first, first))
    if ground == "checks":
        _add_checks(under, second)
    return PillowImage.alpha_composite(under, picture).convert("RGB")


def _greys(picture: Image) -> tuple[int, int]:
    """The grey on which little of the drawing is hidden, and that of its checks."""
    import numpy as np

    factor = -(-max(picture.size) // _SAMPLE)
    small = picture.reduce(factor) if factor > 1 else picture
    pixels = np.asarray(small).reshape(-1, 4)
    weights = pixels[:, 3].astype(np.float64)
    low, high = pixels[:, :3].min(axis=1).astype(np.int16), pixels[:, :3].max(axis=1).astype(np.int16)
    hidden = []
    for grey, _ in _GREYS:
        hidden.append(float(weights[(high - grey < _NEAR) & (grey - low < _NEAR)].sum()))
        if hidden[-1] <= _MOST_HIDDEN * weights.sum():
            break
    return _GREYS[hidden.index(min(hidden))]


def _add_checks(under: Image, grey: int) -> None:
    side = max(8, round(max(under.size) / _CHECKS))
    for y in range(0, under.height, side):
        for x in range(side * (y // side % 2 == 0), under.width, 2 * side):
            under.paste((grey, grey, grey, 255), (x, y, x + side, y + side))
