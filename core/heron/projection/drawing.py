"""Draws a plot with matplotlib: points, legend or colour bar, title, and pictures over some of the points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from PIL import Image

from heron.errors import InvalidInput
from heron.projection.colouring import MISSING, OTHER, PALETTE, Group, Scale
from heron.projection.frame import PICTURE, Boxes
from heron.projection.lettering import font, shown

Array = np.ndarray[Any, Any]

_WIDTH = 8.0
"""Width in inches of the rectangle that contains the points; the other lengths are in inches too."""

_MARGIN, _HEAD, _BESIDE = 0.15, 0.45, 2.9
_INK, _FAINT = "#212529", "#adb5bd"

_RASTER = 2_000
"""With this many points or more, they are drawn as pixels in SVG and PDF too."""

_PIXELS = 256
"""Longest side of a picture in pixels; a plot shows about a hundred of them, a print twice as many."""

_DAY = 86_400
_LTR = "\u200e"
"""Keeps the count behind the name if the name is written from right to left."""


def draw(
    points: Array,
    height: float,
    look: Sequence[Group] | Scale | None,
    title: str,
    colour_name: str,
    pictures: Iterable[tuple[int, Image.Image]],
) -> Figure:
    """A figure of points in a rectangle of width 1 and the given height.

    Raises InvalidInput for a picture of a point that does not exist.
    """
    across = _WIDTH + 2 * _MARGIN + (_BESIDE if look else 0)
    down = _WIDTH * height + _MARGIN + (_HEAD if title else _MARGIN)
    figure = Figure(figsize=(across, down), facecolor="white")
    axes = figure.add_axes(
        (_MARGIN / across, _MARGIN / down, _WIDTH / across, _WIDTH * height / down),
        xlim=(0, 1), ylim=(0, height), xticks=(), yticks=(),
    )  # fmt: skip
    for spine in axes.spines.values():
        spine.set_color(_FAINT)
    if title:
        axes.set_title(
            shown(title, 90), loc="left", fontproperties=font(13, "bold"), color=_INK, parse_math=False
        )
    if isinstance(look, Scale):
        _draw_scale(axes, points, look, colour_name)
    elif look:
        _draw_groups(axes, points, look)
        _draw_legend(axes, look, colour_name)
    else:
        _scatter(axes, points, len(points), color=PALETTE[0])
    _draw_pictures(axes, points, height, pictures, _edges(look, len(points)))
    return figure


def _edges(look: Sequence[Group] | Scale | None, count: int) -> Callable[[int], Any]:
    """The colour of the frame around a point's picture: that of the point, which the picture hides."""
    if isinstance(look, Scale):
        known = look.values[np.isfinite(look.values)]
        norm = Normalize(float(known.min()), float(known.max()))
        values, colours = look.values, colormaps["viridis"]
        return lambda place: colours(norm(values[place])) if np.isfinite(values[place]) else MISSING
    of = np.full(count, "white", dtype=object)
    for group in look or ():
        of[group.points] = group.colour
    return lambda place: of[place]


def _scatter(axes: Axes, points: Array, total: int, **look: Any) -> None:
    """Draw some of `total` points; size and opacity depend on the total, so that 50 points and a million are
    both readable.
    """
    size = min(60.0, 1600 / total**0.62 + 0.15)  # in square points
    opacity = min(0.9, max(0.3, 0.9 - 0.2 * math.log10(total / 1000)))
    axes.scatter(
        points[:, 0], points[:, 1], s=size, alpha=opacity, linewidths=0, rasterized=total >= _RASTER, **look
    )


def _draw_groups(axes: Axes, points: Array, groups: Sequence[Group]) -> None:
    """Draw missing and other points first, then the categories in a mixed order, so that none hides another."""
    for group in reversed(groups):
        if group.colour in (MISSING, OTHER):
            _scatter(axes, points[group.points], len(points), color=group.colour)
    named = [group for group in groups if group.colour in PALETTE]
    for marker in dict.fromkeys(group.marker for group in named):
        alike = [group for group in named if group.marker == marker]
        places = np.concatenate([group.points for group in alike])
        colours = np.repeat([group.colour for group in alike], [len(group.points) for group in alike])
        mixed = np.random.default_rng(0).permutation(len(places))
        _scatter(axes, points[places[mixed]], len(points), c=list(colours[mixed]), marker=marker)


def _draw_legend(axes: Axes, groups: Sequence[Group], name: str) -> None:
    handles = [
        Line2D([], [], linestyle="", marker=group.marker, color=group.colour, markersize=7)
        for group in groups
    ]
    legend = axes.legend(
        handles, [" "] * len(groups), loc="upper left", bbox_to_anchor=(1.0, 1.0), prop=font(10), frameon=False,
        title=shown(name) or None, title_fontproperties=font(10, "bold"), alignment="left", labelcolor=_INK,
    )  # fmt: skip
    legend.get_title().set_parse_math(False)
    for text, group in zip(legend.get_texts(), groups, strict=True):
        text.set_parse_math(False)
        text.set_text(f"{_LTR}{shown(group.name, 24)}{_LTR}  {len(group.points):,}")


def _draw_scale(axes: Axes, points: Array, scale: Scale, name: str) -> None:
    values = scale.values / _DAY if scale.are_dates else scale.values
    known = np.isfinite(values)
    norm = Normalize(float(values[known].min()), float(values[known].max()))
    _scatter(axes, points[~known], len(points), color=MISSING)
    _scatter(axes, points[known], len(points), c=values[known], norm=norm, cmap="viridis")
    bar = axes.inset_axes((1.02, 0.25, 0.03, 0.7))
    colour_bar = axes.figure.colorbar(ScalarMappable(norm, "viridis"), cax=bar)
    colour_bar.outline.set_visible(False)
    if scale.are_dates:
        locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
        bar.yaxis.set_major_locator(locator)
        bar.yaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    for label in bar.get_yticklabels():
        label.set_fontproperties(font(10))
    bar.set_title(shown(name), loc="left", fontproperties=font(10, "bold"), color=_INK, parse_math=False)
    if not known.all():
        text = f"missing  {int((~known).sum()):,}"
        beside: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False}
        axes.plot(1.035, 0.2, "o", color=MISSING, markersize=7, **beside)
        axes.text(1.06, 0.2, text, fontproperties=font(10), color=_INK, va="center", **beside)


def _draw_pictures(
    axes: Axes,
    points: Array,
    height: float,
    pictures: Iterable[tuple[int, Image.Image]],
    edge: Callable[[int], Any],
) -> None:
    boxes = Boxes(height)
    for place, picture in pictures:
        if not 0 <= place < len(points):
            raise InvalidInput(f"there is no point {place:,} for a picture among {len(points):,} points")
        share = PICTURE / max(picture.size)
        box = boxes.take(points[place], picture.width * share, picture.height * share)
        if box is None:
            continue
        small = picture.convert("RGB")
        small.thumbnail((_PIXELS, _PIXELS))
        axes.imshow(np.asarray(small), extent=box, aspect="auto", zorder=3, interpolation="antialiased")
        frame = Rectangle((box[0], box[2]), box[1] - box[0], box[3] - box[2], fill=False, zorder=4)
        frame.set(edgecolor=edge(place), linewidth=2.5)
        axes.add_patch(frame)
