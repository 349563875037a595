"""From stored values to what is seen: modality LUT, window, palette and colours, as 8-bit arrays (PS3.3 C.11, C.7.6.3)."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_windowing
from pydicom.pixels.processing import apply_voi

Array = NDArray[Any]

_LARGEST_TABLE = 1 << 16
"""Stored values for which a table is made; wider ranges are computed pixel by pixel."""

_SAMPLE = 1 << 20
"""About as many pixels tell the percentiles of a frame."""


def picture_of(frame: Array, dataset: Dataset, photometric: str, size: int | None) -> Image.Image:
    """An RGB picture of a frame of shape (rows, columns) or (rows, columns, 3), at most `size` pixels wide and high.

    `photometric` is the interpretation after decoding. Raises ValueError for colours that are not known.
    """
    if photometric == "PALETTE COLOR":
        shown = _eight_bits(apply_color_lut(frame, dataset))
    elif photometric in ("MONOCHROME1", "MONOCHROME2") and frame.ndim == 2:
        shown = _gray(frame, dataset)
        if photometric == "MONOCHROME1":
            shown = 255 - shown
    elif photometric == "RGB" and frame.ndim == 3:
        shown = _eight_bits(frame, int(dataset.get("BitsStored") or 8))
    else:
        raise ValueError(f"its colours, {photometric}, are not read")
    picture = Image.fromarray(shown)
    if size is not None:
        picture.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return picture.convert("RGB")


def _eight_bits(colours: Array, bits: int = 16) -> NDArray[numpy.uint8]:
    if colours.dtype.itemsize > 1:
        colours = colours >> max(0, bits - 8)
    return colours.clip(0, 255).astype(numpy.uint8)


def _gray(frame: Array, dataset: Dataset) -> NDArray[numpy.uint8]:
    low, high = frame.min(), frame.max()
    if not numpy.issubdtype(frame.dtype, numpy.integer) or int(high) - int(low) >= _LARGEST_TABLE:
        return _levels(frame, frame, dataset)
    values = numpy.arange(int(low), int(high) + 1).astype(frame.dtype)
    table = _levels(values, frame, dataset)
    return table[(frame.astype(numpy.int64) if frame.dtype.itemsize > 2 else frame.astype(numpy.int32)) - int(low)]


def _levels(values: Array, frame: Array, dataset: Dataset) -> NDArray[numpy.uint8]:
    """The gray levels of values of a frame: by VOI LUT or first window, else between its outer percentiles."""
    real = apply_modality_lut(values, dataset)
    for method in (_by_lut, _by_window):
        try:
            levels = method(real, dataset)
        except Exception:  # noqa: BLE001 - broken tables and windows raise many sorts of errors
            continue
        if levels is not None:
            return _rounded(levels)
    bits = int(dataset.get("BitsStored") or 16)
    if bits <= 8 and frame.dtype.kind == "u" and real is values:
        return _rounded(values * (255 / (2**bits - 1)))
    step = max(1, int((frame.size / _SAMPLE) ** 0.5))
    sample = frame[::step, ::step]
    if sample.dtype.kind == "f":
        sample = sample[numpy.isfinite(sample)]
    bounds = apply_modality_lut(_percentiles(sample, frame.dtype), dataset)
    low, high = float(bounds.min()), float(bounds.max())
    return _rounded((real - low) * (255 / (high - low)) if high > low else numpy.zeros(real.shape))


def _by_lut(real: Array, dataset: Dataset) -> Array | None:
    """By the first table of the VOI LUT Sequence (PS3.3 C.11.2.1.1)."""
    tables = dataset.get("VOILUTSequence")
    if not tables:
        return None
    return apply_voi(real, dataset) * (255 / (2 ** int(tables[0].LUTDescriptor[2]) - 1))


def _by_window(real: Array, dataset: Dataset) -> Array | None:
    """By the first window: linear, linear exact or sigmoid (PS3.3 C.11.2.1.2), onto 0 to 255."""
    if dataset.get("WindowCenter") is None or dataset.get("WindowWidth") is None:
        return None
    window = Dataset()
    for keyword in ("WindowCenter", "WindowWidth", "VOILUTFunction"):
        if keyword in dataset:
            window[keyword] = dataset[keyword]
    window.PhotometricInterpretation = "MONOCHROME2"
    window.BitsStored, window.PixelRepresentation = 8, 0
    return apply_windowing(real, window)


def _percentiles(sample: Array, dtype: Any) -> Array:
    found = numpy.percentile(sample, (1, 99)) if sample.size else numpy.zeros(2)
    return found.astype(dtype)


def _rounded(levels: Array) -> NDArray[numpy.uint8]:
    return numpy.nan_to_num(levels).clip(0, 255).round().astype(numpy.uint8)
