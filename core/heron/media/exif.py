"""EXIF: the tags that people filter by, as plain values (names and meaning by EXIF 2.32, CIPA DC-008)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from heron.models import Json, utc_iso

if TYPE_CHECKING:
    from PIL.Image import Exif

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825

_BASE = {
    0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0112: "Orientation", 0x0131: "Software",
    0x0132: "DateTime", 0x013B: "Artist", 0x8298: "Copyright",
}  # fmt: skip
_DETAIL = {
    0x829A: "ExposureTime", 0x829D: "FNumber", 0x8822: "ExposureProgram", 0x8827: "ISOSpeedRatings",
    0x9003: "DateTimeOriginal", 0x9010: "OffsetTime", 0x9011: "OffsetTimeOriginal", 0x9204: "ExposureBiasValue",
    0x9207: "MeteringMode", 0x9209: "Flash", 0x920A: "FocalLength", 0xA001: "ColorSpace",
    0xA405: "FocalLengthIn35mmFilm", 0xA431: "BodySerialNumber", 0xA433: "LensMake", 0xA434: "LensModel",
}  # fmt: skip
_MAX_TEXT = 1000
_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")


def exif_facts(exif: Exif) -> dict[str, Json]:
    """The known tags of an EXIF block by name; GPS position in degrees and altitude in metres. Broken tags are left out."""
    facts: dict[str, Json] = {}
    _take(facts, _BASE, exif)
    _take(facts, _DETAIL, _block(exif, _EXIF_IFD))
    gps = _block(exif, _GPS_IFD)
    latitude, longitude = _degrees(gps.get(2), gps.get(1)), _degrees(gps.get(4), gps.get(3))
    if latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180:
        facts["GPSLatitude"], facts["GPSLongitude"] = latitude, longitude
    altitude = _plain(gps.get(6))
    if isinstance(altitude, float | int):
        facts["GPSAltitude"] = -altitude if gps.get(5) in (1, b"\x01") else altitude
    return facts


def captured_at(facts: dict[str, Json]) -> str | None:
    """The time of capture in UTC; a camera that gives no offset is taken to be in UTC."""
    for time, offset in (("DateTimeOriginal", "OffsetTimeOriginal"), ("DateTime", "OffsetTime")):
        match = _TIME.match(str(facts.get(time, "")))
        if match:
            text = "{}-{}-{}T{}".format(*match.groups())
            try:
                moment = datetime.fromisoformat(text + str(facts.get(offset, "")).strip())
                return utc_iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            except (ValueError, OverflowError):
                continue
    return None


def _block(exif: Exif, number: int) -> dict[int, Any]:
    try:
        return exif.get_ifd(number) if number in exif else {}
    except Exception:  # noqa: BLE001 - Pillow raises many sorts of errors for broken blocks
        return {}


def _take(facts: dict[str, Json], names: dict[int, str], block: Any) -> None:
    for tag, name in names.items():
        if tag in block:
            value = _plain(block.get(tag))
            if value is not None and value != "":
                facts[name] = value


def _plain(value: Any) -> Json:
    """A tag's value as a number or text, or None where it is neither."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "ignore")
    if isinstance(value, str):
        text = value.encode("utf-8", "ignore").decode().replace("\0", "").strip()
        return text[:_MAX_TEXT]
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if number != number or abs(number) == float("inf"):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else round(number, 9)


def _degrees(parts: Any, reference: Any) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
        value = degrees + minutes / 60 + seconds / 3600
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if value != value:
        return None
    return round(-value if reference in ("S", "W", b"S", b"W") else value, 7)
