"""Values of elements as JSON: numbers, ISO dates and times, names and texts; broken values are left out."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping
from datetime import date, time
from functools import lru_cache
from typing import Any

from heron_media_dicom.dicom.tags import FACTS, tag_bytes

LONGEST_TEXT = 1000
"""The most characters kept of a text."""

MOST_VALUES = 64
"""The most values kept of a list."""

_REMEMBERED = 256
_MOST_REMEMBERED = 4096
"""The longest values, in bytes, whose conversion is cached, and how many are cached."""

_CHARSET = tag_bytes(0x00080005)
_DATE = re.compile(r"(\d{4})\.?(\d\d)\.?(\d\d)")
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?")
_DATETIME = re.compile(r"(\d{8})(\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?)?([+-]\d{4})?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

Decode = Callable[[bytes], str]


def json_values(values: Mapping[bytes, tuple[bytes, bytes]], order: str = "<") -> dict[str, Any]:
    """The facts among elements, by keyword. `order` is the byte order of numbers, `<` or `>`."""
    remembered = _memory(order, values.get(_CHARSET, (b"", b""))[1])
    found = {}
    for tag, element in values.items():
        known = FACTS.get(tag)
        if known:
            value = remembered[element if element[0] != b"UN" else (known.vr, element[1])]
            if value is not None:
                found[known.keyword] = list(value) if type(value) is tuple else value
    return found


def printable(text: str, longest: int = 64) -> str:
    """A text from a file, made safe for a message of one line on a terminal."""
    return "".join(mark if mark.isprintable() else "?" for mark in text[:longest])


def numbers(raw: bytes) -> list[float]:
    """The numbers of a DS value; empty if one of them is broken."""
    parts = [_decimal(part) for part in raw.decode("latin_1").strip("\0 ").split("\\")]
    return [part for part in parts if part is not None] if None not in parts else []


@lru_cache(64)
def decoder_for(charset: bytes) -> Decode:
    """A function that decodes texts in a Specific Character Set (PS3.3 C.12.1.1.2)."""
    name = charset.strip(b"\0 ")
    if name in (b"", b"ISO_IR 6", b"ISO_IR 100"):
        return lambda raw: raw.decode("latin_1")
    if name == b"ISO_IR 192":
        return lambda raw: raw.decode("utf-8", "replace")
    from heron_media_dicom.dicom.fallback import text_decoder

    rare = text_decoder(name.decode("latin_1").split("\\"))
    if b"2022" in name:
        return rare
    return lambda raw: raw.decode("ascii") if raw.isascii() else rare(raw)


def _value(vr: bytes, raw: bytes, order: str, charset: bytes) -> Any:
    """One value, or several as a tuple; None for a broken one."""
    if not raw:
        return None
    if vr in _TEXTS:
        text = decoder_for(charset)(raw) if vr in _CHARSET_TEXTS else raw.decode("latin_1")
        convert = _TEXTS[vr]
        if "\\" not in text or vr in _SINGLE:
            return convert(text.strip("\0 "))
        parts = tuple(convert(part.strip("\0 ")) for part in text.split("\\")[:MOST_VALUES])
        if convert in (_text, _name):
            parts = tuple(part or "" for part in parts) if any(parts) else ()
        return parts if parts and None not in parts else None
    if vr not in _BINARY:
        return None
    letter, size = _BINARY[vr]
    count = len(raw) // size
    if len(raw) % size:
        return None
    found = struct.unpack_from(f"{order}{min(count, MOST_VALUES)}{letter}", raw)
    if not all(map(math.isfinite, found)):
        return None
    return found[0] if count == 1 else found


class _Memory(dict[tuple[bytes, bytes], Any]):
    """A cache of values by VR and bytes: the slices of a series share most of them."""

    def __init__(self, order: str, charset: bytes) -> None:
        super().__init__()
        self._written = order, charset

    def __missing__(self, element: tuple[bytes, bytes]) -> Any:
        value = _value(*element, *self._written)
        if len(element[1]) <= _REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[element] = value
        return value


_memory = lru_cache(8)(_Memory)


def _text(text: str) -> str | None:
    return text.replace("\0", "")[:LONGEST_TEXT] or None


def _name(text: str) -> str | None:
    """A person's name with its groups, alphabetic, ideographic and phonetic, between `=` (PS3.5, 6.2.1)."""
    return _text("=".join(group.strip() for group in text.split("=")).rstrip("="))


def _decimal(text: str) -> float | None:
    text = text.strip("\0 ")
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _integer(text: str) -> int | None:
    number = _decimal(text)
    return int(number) if number is not None and number == int(number) and abs(number) < 2**53 else None


def _date(text: str) -> str | None:
    """A date as ISO 8601; also reads the dots of ACR-NEMA."""
    parts = _DATE.fullmatch(text)
    if not parts:
        return None
    try:
        return date(*map(int, parts.groups())).isoformat()
    except ValueError:
        return None


def _time(text: str) -> str | None:
    """A time as HH:MM:SS, with its fraction if it has one; missing parts are 00. Also reads the colons of ACR-NEMA."""
    parts = _TIME.fullmatch(text)
    if not parts:
        return None
    hours, minutes, seconds = (int(part or 0) for part in parts.groups()[:3])
    try:
        return time(
            hours, minutes, min(seconds, 59), int((parts[4] or "0").ljust(6, "0"))
        ).isoformat()  # 60 is a leap second
    except ValueError:
        return None


def _datetime(text: str) -> str | None:
    """A date and time as ISO 8601, with the offset from UTC if it is given (PS3.5, 6.2)."""
    parts = _DATETIME.fullmatch(text)
    if not parts:
        return None
    day, clock = _date(parts[1]), _time(parts[2] or "00")
    zone = parts[3] or ""
    return f"{day}T{clock}{zone[:3]}{':' if zone else ''}{zone[3:]}" if day and clock else None


_TEXTS: dict[bytes, Callable[[str], Any]] = {
    **dict.fromkeys(b"AE AS CS LO LT SH ST UC UI UR UT".split(), _text),
    b"PN": _name,
    b"DS": _decimal,
    b"IS": _integer,
    b"DA": _date,
    b"TM": _time,
    b"DT": _datetime,
}
_CHARSET_TEXTS = frozenset(b"LO LT PN SH ST UC UT".split())
_SINGLE = frozenset(b"LT ST UT UR".split())
_BINARY = {
    b"US": ("H", 2),
    b"SS": ("h", 2),
    b"UL": ("I", 4),
    b"SL": ("i", 4),
    b"FL": ("f", 4),
    b"FD": ("d", 8),
}
