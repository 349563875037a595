"""The values of a frame in the units of its modality, the windows that the file names, and its place in the patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

import heron
from heron_media_dicom.dicom.geometry import normal_of, positions_along
from heron_media_dicom.dicom.pictures import Array, ends_of, real_values

_CURVES: dict[str, Literal["exact", "sigmoid"]] = {"LINEAR_EXACT": "exact", "SIGMOID": "sigmoid"}


def values_of(frame: Array, dataset: Dataset, photometric: str) -> heron.Values | None:
    """The values of a frame of shape (rows, columns) after the modality LUT or the rescale; None for colours."""
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or frame.ndim != 2:
        return None
    function = str(dataset.get("VOILUTFunction") or "")
    curve: Literal["linear", "exact", "sigmoid"] = _CURVES.get(function, "linear")
    with numpy.errstate(all="ignore"):
        array = _compact(real_values(frame, dataset))
        windows = [*_of_table(dataset), *_of_file(dataset)] or [_of_values(frame, dataset, curve)]
    axes, depth = _place(dataset)
    return heron.Values(
        array,
        windows,
        curve=curve,
        inverted=photometric == "MONOCHROME1",
        units=_units(dataset),
        axes=axes,
        spacing=_spacing(dataset),
        depth=depth,
    )


def _compact(array: Array) -> Array:
    """The same values in as few bytes as keep them: whole numbers of 16 bits, or float32."""
    if array.dtype.kind != "f":
        return array
    low, high = array.min(initial=0), array.max(initial=0)
    if low >= -32768 and high <= 32767 and (array == numpy.rint(array)).all():
        return array.astype(numpy.int16)
    return array.astype(numpy.float32)


def _of_file(dataset: Dataset) -> list[heron.Window]:
    """The windows of a file with their names (PS3.3 C.11.2.1.2); broken ones are left out."""
    levels, widths = (_numbers(dataset, keyword) for keyword in ("WindowCenter", "WindowWidth"))
    names = dataset.get("WindowCenterWidthExplanation") or ()
    names = list(names) if isinstance(names, MultiValue | list | tuple) else [names]
    found = []
    for place, (level, width) in enumerate(zip(levels, widths, strict=False)):
        if math.isfinite(level) and math.isfinite(width) and width > 0:
            found.append(heron.Window(width, level, str(names[place])[:64] if place < len(names) else ""))
    return found


def _of_table(dataset: Dataset) -> list[heron.Window]:
    """The window of the first VOI LUT, as far as a window can say what a table does; empty without one."""
    try:
        table = dataset.VOILUTSequence[0]
        entries, first, _ = (int(value) for value in table.LUTDescriptor)
        count = entries or 1 << 16
        return [heron.Window(count, first + count / 2, str(table.get("LUTExplanation") or "")[:64])]
    except Exception:  # noqa: BLE001 - what stands in a broken table raises many sorts of errors
        return []


def _of_values(frame: Array, dataset: Dataset, curve: str) -> heron.Window:
    """The window that shows a frame whose file names none: from black to white, and black alone if all values are equal.

    A linear window of PS3.3 C.11.2.1.2.1 is wider by one than the distance of what it shows black and white.
    """
    ends = real_values(ends_of(frame, dataset), dataset)
    low, high = float(ends.min()), float(ends.max())
    width = high - low + 1 if curve == "linear" else (high - low) or 1.0
    return heron.Window(width, low + width / 2)


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    try:
        value = dataset.get(keyword)
        given = value if isinstance(value, MultiValue | list | tuple) else [] if value is None else [value]
        return [float(number) for number in given]
    except Exception:  # noqa: BLE001 - pydicom raises many sorts of errors for broken numbers
        return []


def _units(dataset: Dataset) -> str:
    given = str(dataset.get("RescaleType") or "")
    if given in ("", "US"):  # US: unspecified
        return "HU" if dataset.get("Modality") == "CT" else ""
    return given[:16]


def _spacing(dataset: Dataset) -> tuple[float, float]:
    given = _numbers(dataset, "PixelSpacing")
    if len(given) != 2 or not all(math.isfinite(step) and step > 0 for step in given):
        return 1.0, 1.0
    return given[1], given[0]


def _place(dataset: Dataset) -> tuple[str, float | None]:
    """The directions of columns, rows and slices, and the place along the normal; "" and None if they are not known."""
    orientation = _numbers(dataset, "ImageOrientationPatient")
    normal = normal_of(orientation)
    if normal is None:
        return "", None
    depths = positions_along(normal, [_numbers(dataset, "ImagePositionPatient")])
    axes = "".join(map(_letter, (orientation[:3], orientation[3:], normal)))
    return axes, depths[0] if depths else None


def _letter(direction: Sequence[Any]) -> str:
    """The direction of the patient to which a vector points most (PS3.3 C.7.6.2.1.1: x to the left, y to the back)."""
    axis = max(range(3), key=lambda place: abs(direction[place]))
    return ("LPS" if direction[axis] > 0 else "RAI")[axis]
