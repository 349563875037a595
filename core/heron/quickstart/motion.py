"""Moving pictures of the sample lake: a boat that crosses a harbour, and light that changes from day to night."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from attrs import frozen
from PIL import Image, ImageChops

from heron.quickstart.canvas import Shot
from heron.quickstart.scenes import draw_scene

T = TypeVar("T")

_AWAY = 9.0
"""A drift that moves the boat out of the picture."""


@frozen
class _Stage:
    """A harbour in one light: the picture without its boat, the picture with it, and a mask of the difference."""

    empty: Image.Image
    boat: Image.Image
    mask: Image.Image


def pass_of_time(
    shots: Sequence[Shot], seed: int, size: tuple[int, int], count: int
) -> Iterator[Image.Image]:
    """`count` pictures of one place, while the light changes from that of the first shot to that of the last."""
    scenes = [draw_scene(shot, seed).resize(size) for shot in shots]
    for step in range(count):
        (before, after), share = _between(scenes, step / (count - 1))
        yield Image.blend(before, after, share)


def crossing(shots: Sequence[Shot], seed: int, size: tuple[int, int], count: int) -> Iterator[Image.Image]:
    """`count` pictures of a harbour that its boat crosses from left to right, while the light changes as above.

    A boat is drawn once in each light; the pixels that it changes are moved.
    """
    stages = [_stage(shot, seed, size) for shot in shots]
    for step in range(count):
        (a, b), share = _between(stages, step / (count - 1))
        picture = Image.blend(a.empty, b.empty, share)
        where = (round(size[0] * (1.3 * step / (count - 1) - 0.65)), 0)
        picture.paste(Image.blend(a.boat, b.boat, share), where, Image.blend(a.mask, b.mask, share))
        yield picture


def _between(stages: Sequence[T], moment: float) -> tuple[tuple[T, T], float]:
    """The stages before and after a moment from 0 to 1, and the share of the way between them."""
    place = moment * (len(stages) - 1)
    first = min(int(place), max(0, len(stages) - 2))
    share = place - first
    return (stages[first], stages[min(first + 1, len(stages) - 1)]), share * share * (3 - 2 * share)


def _stage(shot: Shot, seed: int, size: tuple[int, int]) -> _Stage:
    empty, boat = (draw_scene(shot, seed, drift=drift).resize(size) for drift in (_AWAY, 0.0))
    mask = ImageChops.difference(empty, boat).convert("L").point([min(255, v * 12) for v in range(256)])
    return _Stage(empty, boat, mask)
