"""The scatter plot of projected vectors, as PNG, SVG or PDF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from heron.errors import InvalidInput, PluginError
from heron.projection.colouring import Value, coloured
from heron.projection.frame import framed

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".svg", ".pdf")

_DPI = 150

_DRAWING = Lock()
"""Matplotlib and its font caches are not thread-safe."""


def draw_plot(
    points: np.ndarray[Any, Any],
    stream: IO[bytes],
    suffix: str = ".png",
    *,
    title: str = "",
    colour: Sequence[Value] | None = None,
    colour_name: str = "",
    pictures: Iterable[tuple[int, Image]] = (),
) -> None:
    """Write a scatter plot of points, of shape (n, 2), in the format of a suffix.

    `colour` has a value for each point, which may be missing: texts become categories with a legend, numbers
    and dates a colour bar. `pictures`, by position of their point, are drawn over the points in the given
    order if they do not overlap; `heron.projection.frame.spread_out` chooses such points. Raises InvalidInput
    for no points, points that are not finite and an unknown suffix, PluginError if matplotlib is missing.
    """
    places, height = framed(points)
    if suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"a plot cannot be written as {suffix!r}", hint=f"there are {', '.join(SUFFIXES)}")
    if colour is not None and len(colour) != len(places):
        raise InvalidInput(f"{len(places):,} points cannot have {len(colour):,} colours")
    try:
        from heron.projection.drawing import draw
    except ImportError as error:
        raise PluginError("a plot needs matplotlib", hint='pip install "heron[plot]"') from error
    look = None if colour is None else coloured(colour)
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix.lower())
    with _DRAWING:
        figure = draw(places, height, look, title, colour_name, pictures)
        figure.savefig(stream, format=suffix.lower()[1:], dpi=_DPI, metadata=metadata)
