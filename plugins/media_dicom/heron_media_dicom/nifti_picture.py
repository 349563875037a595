"""The picture of one slice: its orientation, and the mapping of its values to gray."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

import heron
from heron_media_dicom.nifti_header import Header

_SAMPLES = 1_000_000
"""The most values of a slice from which its percentiles are computed."""

_WORLD = {"L": 0, "R": 0, "P": 1, "A": 1, "I": 2, "S": 2}
"""The axis of the patient that a letter of the orientation names."""


_OPPOSITE = dict(zip("LRPAIS", "RLAPSI", strict=True))


@dataclass(frozen=True)
class View:
    """How a slice of the first two axes is shown: in the radiological convention, as DICOM pictures are.
    Up is superior, or else anterior. Right is the patient's left, or else posterior.
    """

    turned: bool
    """Whether the first axis of the array goes down instead of to the right."""

    flips: tuple[bool, bool]
    """Whether the first and second axis of the array are reversed."""

    @classmethod
    def of(cls, orientation: str | None) -> View:
        """The view for the orientation of an array, such as RAS."""
        first, second, *_ = tuple(orientation or "RAS")
        return cls(_WORLD[first] > _WORLD[second], (first in "RAS", second in "RAS"))

    def size(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Width and height of a slice as shown, in pixels."""
        return (shape[1], shape[0]) if self.turned else (shape[0], shape[1])

    def axes(self, orientation: str | None) -> str:
        """The directions to which columns, rows and slices go on as shown; empty without an orientation."""
        if orientation is None:
            return ""
        first, second = (
            _OPPOSITE[letter] if flipped else letter
            for letter, flipped in zip(orientation, self.flips, strict=False)
        )
        return (second + first if self.turned else first + second) + orientation[2]

    def apply(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Orient pixels of shape (second axis, first axis, ...), as they are in the file."""
        pixels = pixels[:: -1 if self.flips[1] else 1, :: -1 if self.flips[0] else 1]
        return np.ascontiguousarray(pixels.swapaxes(0, 1) if self.turned else pixels)


def picture_of(header: Header, data: np.ndarray[Any, Any], size: int | None) -> Image.Image:
    """The picture of a slice in RGB from its bytes; with `size`, it fits into `size` x `size` pixels."""
    voxels = data.view(header.dtype).reshape(header.shape[1], header.shape[0])
    pixels = _colours(voxels) if header.dtype.names else _grey(voxels, header)
    picture = Image.fromarray(View.of(header.orientation).apply(pixels))
    if size is not None:
        picture.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return picture.convert("RGB")


def _colours(voxels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """RGB24 and RGBA32; opacity is ignored, since many writers leave it zero."""
    return np.stack([voxels[name] for name in "RGB"], axis=-1)


def _grey(voxels: np.ndarray[Any, Any], header: Header) -> np.ndarray[Any, Any]:
    """Values in the window from black to white; NaN is black, and complex values count by magnitude."""
    with np.errstate(all="ignore"):
        values = _scaled(voxels, header)
        low, high = _window(values, header)
        values -= low
        values *= 255.0 / (high - low) if high > low else 0.0
        grey: np.ndarray[Any, Any] = np.nan_to_num(values, nan=0.0, posinf=255.0, neginf=0.0).clip(0, 255)
        return grey.round().astype(np.uint8)


def _scaled(voxels: np.ndarray[Any, Any], header: Header) -> np.ndarray[Any, Any]:
    """Values after slope and intercept: float32 or float64."""
    real = np.abs(voxels) if voxels.dtype.kind == "c" else voxels
    values: np.ndarray[Any, Any] = real.astype(np.float32 if real.dtype.itemsize <= 2 else np.float64)
    slope, intercept = (float(header.fields[name]) for name in ("scl_slope", "scl_inter"))
    if slope and np.isfinite((slope, intercept)).all():
        values *= slope
        values += intercept
    return values


def values_of(header: Header, data: np.ndarray[Any, Any], number: int) -> heron.Values | None:
    """The values of a slice as it is shown, and its place in the patient; None for colours."""
    if header.dtype.names:
        return None
    with np.errstate(all="ignore"):
        values = _scaled(data.view(header.dtype).reshape(header.shape[1], header.shape[0]), header)
        low, high = _window(values, header)
    window = heron.Window(max(high - low, 1e-6), (low + high) / 2)
    view, steps = View.of(header.orientation), [abs(float(step)) for step in header.fields["pixdim"][1:4]]
    across, down, onward = (step if np.isfinite(step) and step else 1.0 for step in steps)
    return heron.Values(
        view.apply(values.astype(np.float32)),
        [window],
        axes=view.axes(header.orientation),
        spacing=(down, across) if view.turned else (across, down),
        depth=number % header.slices * onward,
    )


def _window(values: np.ndarray[Any, Any], header: Header) -> tuple[float, float]:
    """The range of `cal_min` and `cal_max`, or else the 1st to 99th percentile, or else the whole range."""
    low, high = (float(header.fields[name]) for name in ("cal_min", "cal_max"))
    if np.isfinite((low, high)).all() and low < high:
        return low, high
    flat = values.ravel()
    sample = flat[:: max(1, flat.size // _SAMPLES)]
    sample = sample[np.isfinite(sample)]
    if sample.size:
        low, high = (float(bound) for bound in np.percentile(sample, (1, 99)))
        if low < high:
            return low, high
    finite = flat[np.isfinite(flat)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
