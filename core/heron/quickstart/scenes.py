"""Draws the streets, harbours and landscapes of the sample lake."""

from __future__ import annotations

import random

from PIL import Image

from heron.quickstart.canvas import Canvas, Shot
from heron.quickstart.road import Eye, draw_road
from heron.quickstart.shore import draw_harbour


def draw_scene(
    shot: Shot, seed: int, size: tuple[int, int] = (640, 480), drift: float = 0.0, pan: float = 0.0
) -> Image.Image:
    """The picture of a shot: the same seed gives the same place, in any light.

    `drift` moves the boat of a harbour, and `pan` turns the camera on a road to the right, both in picture widths.
    """
    canvas = Canvas(shot, size, random.Random(seed))  # noqa: S311
    horizon = size[1] * (0.5 if shot.place == "harbour" else 0.55)
    canvas.sky(horizon)
    if shot.place == "harbour":
        draw_harbour(canvas, horizon, drift)
    else:
        draw_road(canvas, Eye(size[0] * (canvas.rng.uniform(0.45, 0.55) - pan), horizon, max(size) * 0.6))
    return canvas.finish()
