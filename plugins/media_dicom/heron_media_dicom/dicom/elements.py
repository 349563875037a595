"""A fast reader of the top-level elements of a little endian header, several times faster than a complete parser.
Unusual headers raise Unusual, and are left to pydicom.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from attrs import Factory, define

import heron
from heron_media_dicom.dicom.tags import MARKED, READ, tag_bytes

WINDOW = 16 * 1024
"""Bytes that are read at once: most headers end within the first window."""

LONGEST_VALUE = 64 * 1024
"""Longer values, in bytes, are skipped."""

MOST_WINDOWS = 8 * 1024
"""The most windows of a header, 128 MB; more are refused."""

DEEPEST = 64
"""The deepest nesting of sequences; more is refused."""

UNDEFINED = 0xFFFFFFFF

_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations with a length of 2 bytes, and those with 2 reserved bytes and a length of 4 (PS3.5, 7.1.2)."""

PIXELS = {tag_bytes(0x7FE00010): "PixelData", tag_bytes(0x7FE00008): "FloatPixelData",
          tag_bytes(0x7FE00009): "DoubleFloatPixelData"}  # fmt: skip
_NOTHING = bytes(4)
_ITEM, _ITEM_END, _SEQUENCE_END = tag_bytes(0xFFFEE000), tag_bytes(0xFFFEE00D), tag_bytes(0xFFFEE0DD)

_explicit = struct.Struct("<4s2sH").unpack_from
_number = struct.Struct("<I").unpack_from


class Unusual(Exception):
    """The fast reader cannot read the header, which may still be valid."""


class PixelData(NamedTuple):
    """The place of the pixels: offset of the value in the file, length in bytes (None: in fragments), and VR."""

    keyword: str
    vr: str
    offset: int
    length: int | None


@define
class Elements:
    """The elements found: `values` are VR and bytes by tag, `places` are the offsets of other elements in the file.
    `implicit` and `order`, `<` or `>`, say how the elements are encoded.
    """

    values: dict[bytes, tuple[bytes, bytes]] = Factory(dict)
    places: dict[bytes, int] = Factory(dict)
    pixels: PixelData | None = None
    implicit: bool = False
    order: str = "<"


class Window:
    """A part of a file. `load` moves it; raises MediaError behind the end of the file and for endless headers."""

    def __init__(self, stream: BinaryIO, size: int, name: str) -> None:
        self._stream = stream
        self._size = size
        self.name = name
        self._left = MOST_WINDOWS

    def load(self, position: int, count: int = WINDOW) -> bytes:
        """The bytes from a position; empty at the end of the file."""
        if position > self._size:
            excess = position - self._size
            raise heron.MediaError(
                f"{self.name} is cut off, or an element has a wrong length: its header needs {excess:,} bytes more"
            )
        self._left -= 1
        if self._left < 0:
            raise heron.MediaError(f"{self.name} has a header of more than {MOST_WINDOWS * WINDOW:,} bytes")
        self._stream.seek(position)
        return self._stream.read(count)

    def cut_off(self) -> heron.MediaError:
        """The error for a file that ends within an element."""
        return heron.MediaError(f"{self.name} is cut off within an element of its header")


def read_meta(data: bytes) -> tuple[Elements, int]:
    """The file meta information (PS3.10, 7.1), and where it ends; raises Unusual."""
    found = Elements()
    at = 132
    while data[at : at + 2] == b"\2\0" and at + 12 <= len(data):
        tag, vr, length = _explicit(data, at)
        at += 8
        if vr in _LONG:
            (length,) = _number(data, at)
            at += 4
        elif vr not in _SHORT:
            raise Unusual
        if tag in READ:
            found.values[tag] = vr, data[at : at + length]
        at += length
    if data[128:132] != b"DICM" or at > len(data):
        raise Unusual
    return found, at


def walk(window: Window, data: bytes, at: int, found: Elements) -> None:
    """Add the top-level elements to `found`, beginning at `at` in the window `data` of the file's first bytes.
    Ends at the pixels or at the end of the file. Raises Unusual, or MediaError for a file that is cut off.
    """
    base, limit, implicit, values = 0, len(data) - 12, found.implicit, found.values
    try:
        while True:
            if at > limit:
                base, at = base + at, 0
                data = window.load(base)
                limit = len(data) - 12
                if len(data) < 8 and not data.strip(b"\0"):
                    return
            tag, vr, length = _explicit(data, at)
            if tag == _NOTHING and not data[at : at + WINDOW].strip(b"\0"):
                _check_padding(window, base + at)
                return
            if implicit:
                (length,) = _number(data, at + 4)
                vr = READ[tag].vr if tag in READ else b""
                at += 8
            elif vr in _SHORT:
                at += 8
            elif vr in _LONG:
                (length,) = _number(data, at + 8)
                at += 12
            else:
                raise Unusual
            if tag in READ:
                end = at + length
                if end > limit + 12 and length <= LONGEST_VALUE:
                    base, at, end = base + at, 0, length
                    data = window.load(base, max(WINDOW, length))
                    limit = len(data) - 12
                if end <= limit + 12:
                    values[tag] = vr, data[at:end]
            elif tag in PIXELS:
                known = None if length == UNDEFINED else length
                found.pixels = PixelData(PIXELS[tag], vr.decode() or "OW", base + at, known)
                return
            elif tag in MARKED:
                found.places[tag] = base + at - (8 if implicit or vr in _SHORT else 12)
            if length == UNDEFINED:
                if vr != b"SQ" and not implicit:
                    raise Unusual
                base, data, at = _behind_items(window, base, data, at, implicit)
                limit = len(data) - 12
            else:
                at += length
    except struct.error:
        raise window.cut_off() from None


def _check_padding(window: Window, at: int) -> None:
    """Raise MediaError if more zeros follow than a file is padded with."""
    padding = window.load(at, 2 * WINDOW)
    if len(padding) == 2 * WINDOW:
        raise heron.MediaError(f"{window.name} has zeros where its header should go on, from byte {at:,}")


def _behind_items(window: Window, base: int, data: bytes, at: int, implicit: bool) -> tuple[int, bytes, int]:
    """Skip the items of a sequence of undefined length (PS3.5, 7.5), with everything nested in them.
    Returns the window in which the sequence ends, and the position there.
    """
    within_item = [False]  # for each sequence and item that is open
    while within_item:
        if at > len(data) - 12:
            base, at = base + at, 0
            data = window.load(base)
        tag, vr, length = _explicit(data, at)
        if not within_item[-1] or tag == _ITEM_END or implicit:
            (length,) = _number(data, at + 4)
            at += 8
        elif vr in _SHORT:
            at += 8
        elif vr in _LONG:
            (length,) = _number(data, at + 8)
            at += 12
        else:
            raise Unusual
        if tag == (_ITEM_END if within_item[-1] else _SEQUENCE_END):
            within_item.pop()
        elif within_item[-1] == (tag == _ITEM):  # items are in sequences, and other elements are in items
            raise Unusual
        elif length != UNDEFINED:
            at += length
        elif tag == _ITEM or vr == b"SQ" or implicit:
            within_item.append(tag == _ITEM)
        else:
            raise Unusual
        if len(within_item) > 2 * DEEPEST:
            raise heron.MediaError(f"{window.name} nests sequences more than {DEEPEST} deep")
    return base, data, at
