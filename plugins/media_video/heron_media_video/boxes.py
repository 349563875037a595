"""Boxes of MP4 and QuickTime files (ISO/IEC 14496-12, 4.2): finding them, and reading the movie box whole."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Protocol

import heron

MAX_BOXES = 4096
"""Most top-level boxes of a file that are read to find the movie box."""

MAX_MOVIE = 128 * 1024 * 1024
"""Largest movie box in bytes: that of a film of four hours has about 10 MB."""


class Source(Protocol):
    """The stream from which a movie box is read."""

    def seek(self, offset: int, /) -> int:
        """Move to a position."""

    def read(self, count: int, /) -> bytes:
        """The next bytes."""


def movie_box(stream: Source, size: int, name: str) -> bytes:
    """The content of the first `moov` box of a file of `size` bytes, decompressed where it is compressed.

    Raises MediaError where there is none, and for one that is cut off or too large.
    """
    place = 0
    for _ in range(MAX_BOXES):
        if place + 8 > size:
            break
        stream.seek(place)
        kind, header, length = _header(stream.read(16), size - place)
        if kind == b"moov":
            return _movie(stream, place + header, length - header, size, name)
        if length < header:
            break
        place += length
    raise heron.MediaError(
        f"{name} has no movie header (moov), without which nothing in it can be found",
        hint="it often stands at the end: the file may be cut off",
    )


def boxes(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of the boxes that follow each other; one that claims to be longer than there is room is cut."""
    place = 0
    while place + 8 <= len(content):
        kind, header, length = _header(content[place : place + 16], len(content) - place)
        if length < header:
            return
        yield kind, content[place + header : place + length]
        place += length


def box(content: memoryview, *path: bytes) -> memoryview | None:
    """The content of the first box at a path, such as `mdia`, `mdhd`; None where there is none."""
    for wanted in path:
        found = next((inner for kind, inner in boxes(content) if kind == wanted), None)
        if found is None:
            return None
        content = found
    return content


def _header(start: bytes | memoryview, room: int) -> tuple[bytes, int, int]:
    """Type, size of the header and size of the whole box; sizes 0 and 1 stand for the rest and for 64 bits."""
    length, header = int.from_bytes(start[:4], "big"), 8
    if length == 0:
        length = room
    elif length == 1 and len(start) >= 16:
        length, header = int.from_bytes(start[8:16], "big"), 16
    return bytes(start[4:8]), header, length


def _movie(stream: Source, start: int, length: int, size: int, name: str) -> bytes:
    if start + length > size:
        raise heron.MediaError(f"{name} is cut off within its movie header (moov)")
    if length > MAX_MOVIE:
        raise heron.MediaError(f"{name} has a movie header of {length:,} bytes, {MAX_MOVIE:,} are the most")
    stream.seek(start)
    content = stream.read(length)
    compressed = box(memoryview(content), b"cmov", b"cmvd")
    if compressed is None:
        return content
    try:
        claimed = struct.unpack_from(">I", compressed)[0]
        unpacked = zlib.decompressobj().decompress(compressed[4:], MAX_MOVIE)
    except (zlib.error, struct.error) as error:
        raise heron.MediaError(f"{name} has a compressed movie header that is damaged: {error}") from error
    if claimed > MAX_MOVIE:
        raise heron.MediaError(f"{name} has a movie header of {claimed:,} bytes, {MAX_MOVIE:,} are the most")
    return bytes(box(memoryview(unpacked), b"moov") or b"")
