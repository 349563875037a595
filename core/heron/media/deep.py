"""Grey images of more than 8 bits, and of real numbers: their values, and what of them is shown by default."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from heron.hooks import Values, Window

_DEPTHS = (8, 10, 12, 14, 16)
"""Bit depths of sensors, whose values a TIFF stores in 16 bits."""

Array = np.ndarray[Any, Any]


def is_deep(image: Image.Image) -> bool:
    """Whether an image has more grey levels than a screen shows."""
    return image.mode.startswith(("I", "F"))


def to_bytes(image: Image.Image) -> Array:
    """Grey values of more than 8 bits as bytes; shape (height, width).

    The brightest value of the narrowest of 8, 10, 12, 14 and 16 bits that hold all values becomes 255, since cameras store
    them so; of a format that always has the full range, 16 bits are used. Signed and real values are scaled from the least
    to the greatest one.
    """
    values = _stored(image)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return (values >> (_depth(image, values) - 8)).astype(np.uint8)
    real: Array = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low, high = float(real.min()), float(real.max())
    with np.errstate(over="ignore"):
        real -= low
        real *= 255.0 / (high - low) if high > low else 0.0
    return real.clip(0, 255).round().astype(np.uint8)


def deep_values(image: Image.Image, orientation: object) -> Values | None:
    """The values of an image, upright, and the window in which it is shown by default; None unless it is deep."""
    image.load()
    if not is_deep(image):
        return None
    values = _stored(image)
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        width = float(1 << _depth(image, values))
        window = Window(width, width / 2)
    else:
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        window = Window(high - low, low / 2 + high / 2) if high > low else Window(1.0, low + 0.5)
    return Values(_turned(values, orientation), [window])


def _stored(image: Image.Image) -> Array:
    values = np.asarray(image)
    if image.format == "PPM" and image.mode == "I":
        return values.astype(np.uint16)  # Pillow scales all numbers of a PGM to 16 bits
    return values


def _depth(image: Image.Image, values: Array) -> int:
    top = int(values.max())
    is_full = image.format in ("PNG", "PPM")
    return 16 if is_full else next(bits for bits in _DEPTHS if top < 1 << bits)


def _turned(values: Array, orientation: object) -> Array:
    """The values as EXIF 2.32, 4.6.4 says."""
    if orientation not in range(2, 9):
        return values
    if orientation in (5, 6, 7, 8):
        values = values.T
    across, down = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    return values[:: -1 if down else 1, :: -1 if across else 1]
