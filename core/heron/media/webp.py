"""Reads the header of a WebP file and the delays of its frames by walking its chunks (RFC 9649).

Only usual files are read; for unusual ones the result is None, and Pillow, which reads the whole file, reads
the header.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from heron.media.headers import MOST_BLOCKS, ImageHeader, seconds_shown

_ALPHA, _EXIF, _XMP, _ANIMATION = 0x10, 0x08, 0x04, 0x02
"""Flags of an extended header (RFC 9649, 2.7.1)."""

_MOST_EXIF = 1024 * 1024


def read_webp_header(stream: BinaryIO) -> ImageHeader | None:
    """The header of a file; the stream is at its beginning. None if the header is unusual."""
    head = stream.read(30)
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    end = int.from_bytes(head[4:8], "little") + 8
    kind = head[12:16]
    if kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a" and not head[20] & 1:
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return ImageHeader(width, height, "RGB", lossless=False) if width and height else None
    if kind == b"VP8L" and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        mode = "RGBA" if bits >> 28 & 1 else "RGB"
        return ImageHeader((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, mode, lossless=True)
    if kind == b"VP8X":
        return _extended(head, stream, end)
    return None


def _extended(head: bytes, stream: BinaryIO, end: int) -> ImageHeader:
    flags = head[20]
    width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
    exif, frames, lossless = b"", 0, None
    needs_all = flags & (_EXIF | _ANIMATION | _XMP)
    xmp = b""
    for kind, length in _chunks(stream, end):
        if kind in (b"VP8 ", b"VP8L"):
            lossless = kind == b"VP8L"
            if not needs_all:
                break
        if kind == b"EXIF" and not exif and length <= _MOST_EXIF:
            exif = stream.read(length)
        if kind == b"XMP " and not xmp and length <= _MOST_EXIF:
            xmp = stream.read(length)
        frames += kind == b"ANMF"
    return ImageHeader(
        width, height, "RGBA" if flags & _ALPHA else "RGB", exif, frames or 1, lossless=lossless, xmp=xmp
    )


def webp_delays(stream: BinaryIO) -> list[float]:
    """How long each frame of an animation is shown, in seconds."""
    stream.seek(4)
    end = int.from_bytes(stream.read(4), "little") + 8
    return [
        seconds_shown(int.from_bytes(stream.read(16)[12:15], "little") / 1000)
        for kind, _ in _chunks(stream, end)
        if kind == b"ANMF"
    ]


def _chunks(stream: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    """The name and length of each chunk; at each step the stream is at the beginning of its content."""
    position = 12
    for _ in range(MOST_BLOCKS):
        stream.seek(position)
        beginning = stream.read(8)
        if position + 8 > end or len(beginning) < 8:
            return
        length = int.from_bytes(beginning[4:], "little")
        yield beginning[:4], length
        position += 8 + length + length % 2
    raise ValueError(f"it has more than {MOST_BLOCKS:,} chunks")
