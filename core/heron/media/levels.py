"""Turns values into grey levels in a window (DICOM PS3.3 C.11.2.1.2), and into a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from heron.hooks import Curve, Values, Window

Array = np.ndarray[Any, Any]


def grey_levels(array: Array, window: Window, curve: Curve = "exact", *, inverted: bool = False) -> Array:
    """The grey levels of values, uint8 of the same shape; NaN is black."""
    with np.errstate(all="ignore"):
        real: Array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
        if curve == "sigmoid":
            shown = 255 / (1 + np.exp(-4 * (real - window.level) / window.width))
        elif curve == "linear" and window.width == 1:
            shown = np.where(real > window.level - 0.5, 255.0, 0.0)
        elif curve == "linear" and window.width > 1:
            shown = ((real - (window.level - 0.5)) / (window.width - 1) + 0.5) * 255
        else:
            shown = ((real - window.level) / window.width + 0.5) * 255
        levels: Array = np.nan_to_num(shown, nan=0.0, posinf=255.0, neginf=0.0)
        levels = levels.clip(0, 255).round().astype(np.uint8)
    return 255 - levels if inverted else levels


def shown(values: Values, window: Window | None, size: int | None) -> Image.Image:
    """The RGB picture of values in a window, or else in their first one; with `size` it fits into `size` x `size` pixels."""
    levels = grey_levels(values.array, window or values.windows[0], values.curve, inverted=values.inverted)
    picture = Image.fromarray(levels)
    if size is not None:
        picture.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return picture.convert("RGB")
