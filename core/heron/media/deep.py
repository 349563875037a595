"""Grey values of more than 8 bits, and real ones: which of them are measurements, and what is shown by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from heron.hooks import Values, Window
from heron.media.levels import grey_levels

_DEPTHS = (8, 10, 12, 14, 16)
"""Bit depths of sensors, whose values a TIFF stores in 16 bits."""

_SAMPLE = 250_000
"""The most values from which percentiles are computed."""

_BLOCK = 100_000
"""Values that become grey levels at once."""

_OUTER = (1, 99)
"""The percentiles that are black and white, as for volumes."""

Array = np.ndarray[Any, Any]


def is_deep(image: Image.Image) -> bool:
    """Whether an image has more grey levels than a screen shows."""
    return image.mode.startswith(("I", "F"))


def to_bytes(image: Image.Image, nodata: float | None = None) -> Array:
    """Grey values of more than 8 bits as bytes; shape (height, width). See `window_of`."""
    return grey_bytes(stored_values(image), is_full=_is_full(image), nodata=nodata)


def grey_bytes(values: Array, *, is_full: bool = False, nodata: float | None = None) -> Array:
    """Grey values as bytes, in the window of `window_of`; NaN is black."""
    window = window_of(values, is_full=is_full, nodata=nodata)
    if values.dtype == np.uint16:
        shift = int(window.width).bit_length() - 9
        return in_blocks(values, lambda block: np.minimum(block >> shift, 255))
    return in_blocks(values, lambda block: grey_levels(without(block, nodata), window))


def in_blocks(values: Array, levels: Callable[[Array], Array]) -> Array:
    """The levels of values, uint8 of the same shape, some rows at once: those of real values need 40 bytes each for a moment."""
    shown = np.empty(values.shape, np.uint8)
    rows = max(1, _BLOCK * len(values) // max(1, values.size))
    for start in range(0, len(values), rows):
        shown[start : start + rows] = levels(values[start : start + rows])
    return shown


def deep_values(image: Image.Image, orientation: object, nodata: float | None = None) -> Values | None:
    """The values of an image, upright, and the window in which it is shown by default; None unless it is deep."""
    if not is_deep(image):
        return None
    image.load()
    values = stored_values(image)
    window = window_of(values, is_full=_is_full(image), nodata=nodata)
    return Values(turned(without(values, nodata), orientation), [window])


def window_of(values: Array, *, is_full: bool = False, nodata: float | None = None) -> Window:
    """The window in which grey values are shown by default.

    Of 16 bits without sign, the brightest value of the narrowest of 8, 10, 12, 14 and 16 bits that hold all values is white,
    since cameras store them so; of a format that always has the full range (`is_full`), 16 bits are used. Of all others, the
    1st and the 99th percentile of the measured ones are black and white. `nodata` stands for no value.
    """
    if values.dtype == np.uint16:
        values = values if nodata is None else values[values != nodata]
        width = float(1 << _depth(values, is_full=is_full))
        return Window(width, width / 2)
    low, high = bounds_of(values, nodata)
    return Window(high - low, low / 2 + high / 2) if high > low else Window(1.0, low + 0.5)


def bounds_of(values: Array, nodata: float | None = None) -> tuple[float, float]:
    """The 1st and the 99th percentile of the measured values, or the ends of their range if these are equal."""
    sample = values.ravel()
    sample = sample[:: max(1, sample.size // _SAMPLE)]
    with np.errstate(all="ignore"):
        sample = (sample if nodata is None else sample[sample != sample.dtype.type(nodata)]).astype(
            np.float64
        )
        sample = _measured(sample[np.isfinite(sample)])
        if not sample.size:
            return 0.0, 1.0
        low, high = (float(bound) for bound in np.percentile(sample, _OUTER))
    return (low, high) if low < high else (float(sample.min()), float(sample.max()))


def without(values: Array, nodata: float | None) -> Array:
    """Real values with NaN in place of `nodata`; values of other types as they are."""
    if nodata is None or values.dtype.kind != "f":
        return values
    return np.where(_is(values, nodata), values.dtype.type(np.nan), values)


def _is(values: Array, nodata: float | None) -> Array:
    """Where values stand for no value."""
    if nodata is None:
        return np.zeros(values.shape, bool)
    with np.errstate(all="ignore"):
        given = values.dtype.type(nodata) if values.dtype.kind == "f" else nodata
    found: Array = values == given
    return found


def _measured(values: Array) -> Array:
    """Values without a lowest and a highest one that stand for no value: each is shared by some of a thousand, and further
    from the others than nearly all of these are from each other, as -9999 and -3.4e38 are.
    """
    for end in (np.min, np.max):
        extreme = end(values) if values.size else 0.0
        rest = values[values != extreme]
        if not rest.size or values.size - rest.size < max(2, values.size // 1000):
            continue
        low, high = (float(bound) for bound in np.percentile(rest, _OUTER))
        if high > low and min(abs(extreme - low), abs(extreme - high)) > high - low:
            values = rest
    return values


def _is_full(image: Image.Image) -> bool:
    return image.format in ("PNG", "PPM", "JPEG2000")


def stored_values(image: Image.Image) -> Array:
    """The values of a deep image as its file has them; shape (height, width)."""
    values = np.asarray(image)
    if image.format == "PPM" and image.mode == "I":
        return values.astype(np.uint16)  # Pillow scales all numbers of a PGM to 16 bits
    return values


def _depth(values: Array, *, is_full: bool) -> int:
    top = int(values.max()) if values.size else 0
    return 16 if is_full else next(bits for bits in _DEPTHS if top < 1 << bits)


def turned(values: Array, orientation: object) -> Array:
    """The values of an image upright, as EXIF 2.32, 4.6.4 says."""
    if orientation not in range(2, 9):
        return values
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    across, down = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    return values[:: -1 if down else 1, :: -1 if across else 1]
