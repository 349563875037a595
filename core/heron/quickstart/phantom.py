"""The head that the scans of the sample lake show: ellipsoids after the phantom of Shepp and Logan (1974)."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Mapping

from PIL import Image, ImageDraw

_PARTS = (
    ("skin", (0.0, 0.0, 0.0), (0.74, 0.94, 0.96), 0.0),
    ("bone", (0.0, 0.0, 0.0), (0.69, 0.89, 0.91), 0.0),
    ("brain", (0.0, 0.0, 0.0), (0.62, 0.82, 0.84), 0.0),
    ("fluid", (0.22, 0.02, 0.05), (0.11, 0.31, 0.5), -18.0),
    ("fluid", (-0.22, 0.02, 0.05), (0.14, 0.38, 0.55), 18.0),
    ("core", (0.0, 0.4, -0.1), (0.2, 0.22, 0.42), 0.0),
    ("core", (0.0, -0.36, -0.36), (0.4, 0.2, 0.24), 0.0),
    ("fluid", (0.26, 0.58, -0.42), (0.12, 0.13, 0.15), 0.0),
    ("fluid", (-0.26, 0.58, -0.42), (0.12, 0.13, 0.15), 0.0),
    ("lesion", (-0.38, -0.42, 0.25), (0.12, 0.15, 0.3), 30.0),
)
"""Tissue, centre, half axes and rotation in degrees; later ones are drawn over earlier ones.

In half widths of the picture: x to the left of the patient, y to the nose, z to the crown.
"""

_FINE = 3
_CORNERS = 60


def slice_of_head(
    height: float, size: int, values: Mapping[str, float], grain: float, rng: random.Random
) -> list[int]:
    """The `size` x `size` values at a height from -1 to 1, row by row from the nose, seen from the feet.

    `values` are those of air and each tissue; `grain` is the largest noise, up or down.
    """
    image = Image.new("F", (size * _FINE, size * _FINE), values["air"])
    draw = ImageDraw.Draw(image)
    for tissue, centre, axes, turn in _PARTS:
        share = 1 - ((height - centre[2]) / axes[2]) ** 2
        if share > 0:
            outline = _ellipse(centre, axes, turn, math.sqrt(share))
            corners = [((1 + x) * size * _FINE / 2, (1 - y) * size * _FINE / 2) for x, y in outline]
            draw.polygon(corners, fill=values[tissue])
    smooth = array("f", image.resize((size, size), Image.Resampling.BOX).tobytes())
    noise = rng.randbytes(size * size)
    return [round(value + grain * (byte / 127.5 - 1)) for value, byte in zip(smooth, noise, strict=True)]


def _ellipse(
    centre: tuple[float, ...], axes: tuple[float, ...], turn: float, share: float
) -> list[tuple[float, float]]:
    """The outline of a cut through an ellipsoid, by the share of its half axes at this height."""
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    outline = []
    for corner in range(_CORNERS):
        x = axes[0] * share * math.cos(math.tau * corner / _CORNERS)
        y = axes[1] * share * math.sin(math.tau * corner / _CORNERS)
        outline.append((centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine))
    return outline
