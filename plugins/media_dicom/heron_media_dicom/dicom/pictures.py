"""Turns stored values into 8-bit pictures: modality LUT, window, palette and colours (PS3.3 C.11, C.7.6.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi, apply_windowing

Array = NDArray[Any]
Levels = Callable[[Array], Array]
"""Turns values into gray levels from 0 to 255."""

_LARGEST_TABLE = 1 << 16
"""The largest range of stored values for which a table is made; wider ones are computed pixel by pixel."""

_SAMPLE = 1 << 20
"""About how many pixels of a frame its percentiles are computed from."""


def picture_of(frame: Array, dataset: Dataset, photometric: str, size: int | None) -> Image.Image:
    """An RGB picture of a frame of shape (rows, columns) or (rows, columns, 3), at most `size` pixels wide and high.

    `photometric` is the interpretation after decoding. Raises ValueError for unknown colours.
    """
    with numpy.errstate(all="ignore"):
        if photometric == "PALETTE COLOR":
            shown = _eight_bits(apply_color_lut(frame, dataset))
        elif photometric in ("MONOCHROME1", "MONOCHROME2") and frame.ndim == 2:
            shown = _gray(frame, dataset)
            if photometric == "MONOCHROME1":
                shown = 255 - shown
        elif photometric == "RGB" and frame.ndim == 3:
            shown = _eight_bits(frame, int(dataset.get("BitsStored") or 8))
        else:
            raise ValueError(f"its colours, {photometric}, are not supported")
    picture = Image.fromarray(shown)
    if size is not None:
        picture.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return picture.convert("RGB")


def _eight_bits(colours: Array, bits: int = 16) -> NDArray[numpy.uint8]:
    if colours.dtype.itemsize > 1:
        colours = colours >> max(0, bits - 8)
    return colours.clip(0, 255).astype(numpy.uint8)


def _gray(frame: Array, dataset: Dataset) -> NDArray[numpy.uint8]:
    """The gray levels of a frame; for a small range of values by a table, so that each value is computed once."""
    levels = _levels_of(frame, dataset)
    low, high = frame.min(), frame.max()
    if frame.dtype.kind not in "ui" or int(high) - int(low) >= _LARGEST_TABLE:
        return levels(frame)
    table = levels(numpy.arange(int(low), int(high) + 1).astype(frame.dtype))
    shown = numpy.empty(frame.shape, numpy.uint8)
    rows = max(1, _SAMPLE // frame.shape[1])
    for start in range(0, frame.shape[0], rows):  # the lookup needs 8 bytes a pixel for a moment
        piece = frame[start : start + rows].astype(numpy.int64)
        shown[start : start + rows] = table[piece - int(low)]
    return shown


def _levels_of(frame: Array, dataset: Dataset) -> Levels:
    """The mapping of values to gray levels: the first VOI LUT, the first window, or the outer percentiles."""
    for method in (_by_lut, _by_window):
        levels = method(dataset)
        if levels is not None:
            return lambda values: _rounded(levels(real_values(values, dataset)))
    bounds = real_values(ends_of(frame, dataset), dataset)
    low, high = float(bounds.min()), float(bounds.max())
    scale = 255 / (high - low) if high > low else 0.0
    return lambda values: _rounded((real_values(values, dataset) - low) * scale)


def ends_of(frame: Array, dataset: Dataset) -> Array:
    """The stored values that become black and white if the file does not say.
    For 8 bits or less they are the ends of the range, so that values are shown unchanged; else the outer percentiles.
    """
    bits = int(dataset.get("BitsStored") or 16)
    if bits <= 8 and frame.dtype.kind == "u":
        ends = numpy.array([0, 2**bits - 1], frame.dtype)
        if numpy.array_equal(real_values(ends, dataset), ends):
            return ends
    step = max(1, int((frame.size / _SAMPLE) ** 0.5))
    sample = frame[::step, ::step]
    sample = sample[numpy.isfinite(sample)]
    return numpy.percentile(sample, (1, 99)).astype(frame.dtype) if sample.size else numpy.zeros(2)


def real_values(values: Array, dataset: Dataset) -> Array:
    """Stored values after the modality LUT or the rescale; unchanged if these are broken."""
    try:
        return apply_modality_lut(values, dataset)
    except Exception:  # noqa: BLE001 - what stands in a broken table raises many sorts of errors
        return values


def _by_lut(dataset: Dataset) -> Levels | None:
    """Levels by the first table of the VOI LUT Sequence (PS3.3 C.11.2.1.1); None if it is missing or broken."""
    if not dataset.get("VOILUTSequence"):
        return None
    try:
        top = 2 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1
        apply_voi(numpy.zeros(1), dataset)
    except Exception:  # noqa: BLE001 - as above
        return None
    return lambda real: apply_voi(real, dataset) * (255 / top)


def _by_window(dataset: Dataset) -> Levels | None:
    """Levels by the first window: linear, linear exact or sigmoid (PS3.3 C.11.2.1.2); None if missing or broken."""
    window = Dataset()
    try:
        for keyword in ("WindowCenter", "WindowWidth"):
            window[keyword] = dataset[keyword]
        if dataset.get("VOILUTFunction"):
            window.VOILUTFunction = dataset.VOILUTFunction
        window.PhotometricInterpretation = "MONOCHROME2"
        window.BitsStored, window.PixelRepresentation = 8, 0
        apply_windowing(numpy.zeros(1), window)
    except Exception:  # noqa: BLE001 - as above
        return None
    return lambda real: apply_windowing(real, window)


def _rounded(levels: Array) -> NDArray[numpy.uint8]:
    return numpy.nan_to_num(levels).clip(0, 255).round().astype(numpy.uint8)
