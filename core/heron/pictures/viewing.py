"""What pictures there can be of an item beside the one that is shown by default: windows and planes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from heron.errors import InvalidInput
from heron.hooks import Window
from heron.records import Record

Plane = Literal["axial", "coronal", "sagittal"]
"""A plane of the body: across its height, its depth, or its width."""


@frozen(repr=False)
class Viewing(Record):
    """What pictures of an item, or of one of its frames, there can be beside the one that is shown by default.

    `windows` are those of the file, of which the first is shown by default; without any, there is no other window. `lowest`
    and `highest` are the values of the frame, in `units`. `planes` tells how many pictures each plane of a volume has.
    """

    windows: tuple[Window, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    units: str = ""
    planes: Mapping[str, int] = field(factory=dict)


def window_of(width: float | None, level: float | None) -> Window | None:
    """The window of a width and a level; None without both. Raises InvalidInput for one of them, and for impossible ones."""
    if width is None and level is None:
        return None
    if width is None or level is None:
        raise InvalidInput("window and level go together", hint="window is the width, level is the centre")
    if not (math.isfinite(width) and math.isfinite(level)) or not 0 < width < 1e30 or abs(level) > 1e30:
        raise InvalidInput(
            f"no window has a width of {width:g} and a level of {level:g}", hint="the width is above 0"
        )
    return Window(float(width), float(level))
