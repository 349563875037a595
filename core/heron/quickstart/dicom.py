"""Writes the DICOM series of the sample lake, slices of a phantom with an invented patient, without any library."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Mapping
from uuid import NAMESPACE_URL, uuid5

from attrs import frozen

from heron.quickstart.phantom import slice_of_head

_EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
_FIELD = 240.0
"""Width and height of a slice, and the height of the head, in millimetres."""

Value = str | int | bytes


@frozen
class Series:
    """A series to write: `values` are those of each tissue, stored minus `intercept`."""

    modality: str
    storage: str
    number: int
    description: str
    slices: int
    size: int
    values: Mapping[str, float]
    grain: float
    intercept: int
    window: tuple[int, int]


CT = Series(
    "CT", "1.2.840.10008.5.1.4.1.1.2", 2, "Head CT", 12, 128,
    {"air": -1000, "skin": 60, "bone": 900, "brain": 34, "fluid": 6, "core": 44, "lesion": 74}, 6, -1024, (40, 120),
)  # fmt: skip
MR = Series(
    "MR", "1.2.840.10008.5.1.4.1.1.4", 5, "Head MR", 6, 128,
    {"air": 20, "skin": 820, "bone": 90, "brain": 560, "fluid": 160, "core": 430, "lesion": 760}, 20, 0, (450, 900),
)  # fmt: skip


def dicom_series(series: Series) -> Iterator[bytes]:
    """The files of a series (PS3.10), from the lowest slice to the highest."""
    for number in range(1, series.slices + 1):
        yield _file(_slice(series, number))


def _slice(series: Series, number: int) -> dict[int, tuple[str, Value]]:
    """The data elements of a slice by tag, each with its value representation (PS3.6)."""
    height = 2 * (number - 0.5) / series.slices - 1
    thick, pixel = _FIELD / series.slices, _FIELD / series.size
    rng = random.Random(f"{series.modality}-{number}")  # noqa: S311
    values = slice_of_head(height, series.size, series.values, series.grain, rng)
    stored = [min(4095, max(0, value - series.intercept)) for value in values]
    corner = f"{(pixel - _FIELD) / 2:g}"
    return {
        0x00080008: ("CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        0x00080016: ("UI", series.storage),
        0x00080018: ("UI", _uid(f"{series.modality}/{number}")),
        0x00080020: ("DA", "20240213"),
        0x00080030: ("TM", "103000"),
        0x00080060: ("CS", series.modality),
        0x00080070: ("LO", "Heron"),
        0x00080080: ("LO", "Harbour clinic"),
        0x00081030: ("LO", "Ship's dummy after the storm"),
        0x0008103E: ("LO", series.description),
        0x00100010: ("PN", "Heron^Test"),
        0x00100020: ("LO", "DUMMY-1"),
        0x00100030: ("DA", "19740601"),
        0x00100040: ("CS", "O"),
        0x00180015: ("CS", "HEAD"),
        0x00180050: ("DS", f"{thick:g}"),
        0x00185100: ("CS", "HFS"),
        0x0020000D: ("UI", _uid("study")),
        0x0020000E: ("UI", _uid(series.modality)),
        0x00200010: ("SH", "1"),
        0x00200011: ("IS", str(series.number)),
        0x00200013: ("IS", str(number)),
        0x00200032: ("DS", f"{corner}\\{corner}\\{height * _FIELD / 2:g}"),
        0x00200037: ("DS", "1\\0\\0\\0\\1\\0"),
        0x00200052: ("UI", _uid("frame of reference")),
        0x00280002: ("US", 1),
        0x00280004: ("CS", "MONOCHROME2"),
        0x00280010: ("US", series.size),
        0x00280011: ("US", series.size),
        0x00280030: ("DS", f"{pixel:g}\\{pixel:g}"),
        0x00280100: ("US", 16),
        0x00280101: ("US", 12),
        0x00280102: ("US", 11),
        0x00280103: ("US", 0),
        0x00281050: ("DS", str(series.window[0])),
        0x00281051: ("DS", str(series.window[1])),
        0x00281052: ("DS", str(series.intercept)),
        0x00281053: ("DS", "1"),
        0x7FE00010: ("OW", struct.pack(f"<{len(stored)}H", *stored)),
    }


def _uid(name: str) -> str:
    """A UID made from a UUID (PS3.5, B.2), always the same for a name."""
    return f"2.25.{uuid5(NAMESPACE_URL, f'heron:sample-lake/scans/{name}').int}"


def _file(elements: Mapping[int, tuple[str, Value]]) -> bytes:
    """Preamble, file meta information with its length, data set in explicit VR little endian."""
    meta = _encoded({
        0x00020001: ("OB", b"\0\1"),
        0x00020002: elements[0x00080016],
        0x00020003: elements[0x00080018],
        0x00020010: ("UI", _EXPLICIT_LITTLE_ENDIAN),
        0x00020012: ("UI", _uid("writer")),
    })  # fmt: skip
    length = struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(meta))
    return bytes(128) + b"DICM" + length + meta + _encoded(elements)


def _encoded(elements: Mapping[int, tuple[str, Value]]) -> bytes:
    """Data elements in the order of their tags (PS3.5, 7.1.2); values of odd length are padded."""
    parts = []
    for tag, (vr, value) in sorted(elements.items()):
        if isinstance(value, int):
            value = struct.pack("<H", value)
        elif isinstance(value, str):
            value = value.encode("ascii")
        value += (b"\0" if vr in ("UI", "OB") else b" ") * (len(value) % 2)
        length = struct.pack("<2xI" if vr in ("OB", "OW") else "<H", len(value))
        parts.append(struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode("ascii") + length + value)
    return b"".join(parts)
