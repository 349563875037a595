"""Reads the header of a PNG and the delays of its frames by walking its chunks (PNG third edition, W3C 2025).

Only usual files are read; for unusual ones the result is None, and Pillow reads the header.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from heron.media.headers import MOST_BLOCKS, ImageHeader, seconds_shown

_BEGINNING = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"
"""The key of XMP in a text that is not compressed (ISO 16684-3, 1.1.6)."""

_MODES = {
    (1, 0): "1", (2, 0): "L", (4, 0): "L", (8, 0): "L", (16, 0): "I;16", (8, 2): "RGB", (16, 2): "RGB",
    (1, 3): "P", (2, 3): "P", (4, 3): "P", (8, 3): "P", (8, 4): "LA", (16, 4): "RGBA", (8, 6): "RGBA",
    (16, 6): "RGBA",
}  # fmt: skip
"""Pillow's modes by bit depth and colour type."""


def read_png_header(data: bytes) -> ImageHeader | None:
    """The header in the first bytes of a file; None if it does not end there, or is unusual."""
    if not data.startswith(_BEGINNING) or len(data) < 33:
        return None
    width, height, depth, colour, compression, filtering, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    mode = _MODES.get((depth, colour))
    if mode is None or not width or not height or compression or filtering or interlace > 1:
        return None
    exif, xmp, frames = b"", b"", 0
    view = memoryview(data)
    position = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IDAT":
            return ImageHeader(width, height, mode, exif, frames or 1, xmp=xmp)
        body, end = position + 8, position + 12 + length
        if end > len(data) or zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return None
        if kind == b"iTXt" and data.startswith(_XMP, body):
            xmp = data[body + len(_XMP) : body + length]
        elif kind == b"eXIf":
            exif = data[body : body + length]
        elif kind == b"acTL":
            if frames or length < 8:
                return None
            frames = int.from_bytes(data[body : body + 4])
        position = end
    return None


def png_delays(stream: BinaryIO) -> list[float]:
    """How long each frame of an animation is shown, in seconds; the first image need not belong to the
    animation.
    """
    delays: list[float] = []
    stream.seek(8)
    for _ in range(MOST_BLOCKS):
        beginning = stream.read(8)
        if len(beginning) < 8 or beginning[4:] == b"IEND":
            return delays
        length = int.from_bytes(beginning[:4])
        if beginning[4:] == b"fcTL" and length == 26:
            numerator, denominator = struct.unpack_from(">HH", stream.read(26), 20)
            delays.append(seconds_shown(numerator / (denominator or 100)))
            length = 0
        stream.seek(length + 4, 1)
    raise ValueError(f"it has more than {MOST_BLOCKS:,} chunks")
