"""EXIF: the tags that people filter by, as plain values (names and meaning by EXIF 2.32, CIPA DC-008).

The block is a small TIFF structure (TIFF 6.0, section 2). Only the wanted tags are read, which is several
times faster than reading all; values that are broken, or point outside the block, are left out.
"""

from __future__ import annotations

import math
import re
import struct
from datetime import UTC, datetime
from typing import Any

from heron.models import Json, utc_iso

_BASE = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0112: "Orientation", 0x0131: "Software",
    0x0132: "DateTime", 0x013B: "Artist", 0x8298: "Copyright", 0x8769: "", 0x8825: "",
}  # fmt: skip
_DETAIL = {
    0x829A: "ExposureTime", 0x829D: "FNumber", 0x8822: "ExposureProgram", 0x8827: "ISOSpeedRatings",
    0x9003: "DateTimeOriginal", 0x9010: "OffsetTime", 0x9011: "OffsetTimeOriginal", 0x9204: "ExposureBiasValue",
    0x9207: "MeteringMode", 0x9209: "Flash", 0x920A: "FocalLength", 0xA001: "ColorSpace",
    0xA405: "FocalLengthIn35mmFilm", 0xA431: "BodySerialNumber", 0xA433: "LensMake", 0xA434: "LensModel",
}  # fmt: skip
_GPS = {1: "", 2: "", 3: "", 4: "", 5: "", 6: ""}
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825

_TYPES = {
    1: (1, "B"), 2: (1, "s"), 3: (2, "H"), 4: (4, "I"), 5: (8, "II"), 6: (1, "b"), 7: (1, "s"), 8: (2, "h"),
    9: (4, "i"), 10: (8, "ii"), 11: (4, "f"), 12: (8, "d"),
}  # fmt: skip
"""Bytes of one value and struct code, by TIFF type number."""

_MAX_TEXT = 1000
_MAX_ENTRIES = 1000
_TIME = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
"""A time as EXIF says (4.6.5), and in ISO form, as some programs write it."""


def exif_facts(block: bytes) -> dict[str, Json]:
    """The known tags of an EXIF block by name; GPS position in degrees, altitude in metres."""
    if block.startswith(b"Exif\0\0"):
        block = block[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return {}
    base = _read(block, order, struct.unpack_from(order + "I", block, 4)[0], _BASE)
    facts = _named(base, _BASE)
    if isinstance(base.get(_EXIF_IFD), int):
        facts.update(_named(_read(block, order, base[_EXIF_IFD], _DETAIL), _DETAIL))
    if isinstance(base.get(_GPS_IFD), int):
        _add_position(facts, _read(block, order, base[_GPS_IFD], _GPS))
    return facts


def captured_at(facts: dict[str, Json]) -> str | None:
    """The time of capture in UTC; without an offset the camera's time is taken as UTC."""
    for time, offset in (("DateTimeOriginal", "OffsetTimeOriginal"), ("DateTime", "OffsetTime")):
        match = _TIME.match(str(facts.get(time, "")))
        if match:
            text = "{}-{}-{}T{}".format(*match.groups()[:4])
            try:
                moment = datetime.fromisoformat(text + (match[5] or str(facts.get(offset, "")).strip()))
                return utc_iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            except (ValueError, OverflowError):
                continue
    return None


def _read(block: bytes, order: str, offset: int, wanted: dict[int, str]) -> dict[int, Any]:
    """The wanted tags of the directory at an offset."""
    values: dict[int, Any] = {}
    if offset + 2 > len(block):
        return values
    count = min(struct.unpack_from(order + "H", block, offset)[0], _MAX_ENTRIES)
    entries = block[offset + 2 : offset + 2 + 12 * count]
    entries = entries[: len(entries) // 12 * 12]
    for position, (tag, kind, number, pointer) in enumerate(struct.iter_unpack(order + "HHII", entries)):
        if tag not in wanted or kind not in _TYPES or not number:
            continue
        size, code = _TYPES[kind]
        start = offset + 10 + 12 * position if size * number <= 4 else pointer
        if code == "s":
            values[tag] = block[start : start + min(number, _MAX_TEXT)]
        elif start + size * min(number, 8) <= len(block):
            values[tag] = _numbers(struct.unpack_from(order + code * min(number, 8), block, start), len(code))
    return values


def _numbers(parts: tuple[Any, ...], width: int) -> Any:
    """One number or a list of them; a fraction with denominator 0 is None."""
    if width == 2:
        found: list[Any] = [a / b if b else None for a, b in zip(parts[::2], parts[1::2], strict=True)]
    else:
        found = list(parts)
    return found[0] if len(found) == 1 else found


def _named(values: dict[int, Any], names: dict[int, str]) -> dict[str, Json]:
    facts: dict[str, Json] = {}
    for tag, value in values.items():
        name = names[tag]
        if name and (plain := _plain(value)) not in (None, ""):
            facts[name] = plain
    return facts


def _plain(value: Any) -> Json:
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode("utf-8", "ignore").strip()
    if isinstance(value, list):
        value = value[0]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else round(value, 9)
    return value  # an integer, or None for a fraction with denominator 0


def _add_position(facts: dict[str, Json], gps: dict[int, Any]) -> None:
    latitude, longitude = _degrees(gps.get(2), gps.get(1)), _degrees(gps.get(4), gps.get(3))
    if latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
        facts["GPSLatitude"], facts["GPSLongitude"] = latitude, longitude
    altitude = _plain(gps.get(6))
    if isinstance(altitude, float | int):
        facts["GPSAltitude"] = -altitude if gps.get(5) == 1 else altitude


def _degrees(parts: Any, reference: Any) -> float | None:
    if not isinstance(parts, list) or len(parts) != 3 or None in parts:
        return None
    value: float = parts[0] + parts[1] / 60 + parts[2] / 3600
    return round(-value if str(_plain(reference)).upper() in ("S", "W") else value, 7)
