"""Writes a film as an AVI file with Motion-JPEG pictures, without any library for video."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate

_HAS_INDEX = _KEY_FRAME = 0x10


def avi(jpegs: Sequence[bytes], size: tuple[int, int], rate: tuple[int, int]) -> bytes:
    """An AVI 1.0 file of JPEG pictures of one size; `rate` is a number of frames, and how many seconds they
    take.

    The structures are those of Microsoft's "AVI RIFF File Reference": AVIMAINHEADER, AVISTREAMHEADER and
    BITMAPINFOHEADER in the list `hdrl`, the pictures in the list `movi`, and their offsets in `idx1`.
    """
    frames, seconds = rate
    (width, height), count, largest = size, len(jpegs), max(map(len, jpegs))
    header = struct.pack(
        "<14I", 1_000_000 * seconds // frames, largest * frames // seconds, 0, _HAS_INDEX, count, 0, 1, largest,
        width, height, 0, 0, 0, 0,
    )  # fmt: skip
    stream = struct.pack(
        "<4s4sIHHIIIIIIII4H", b"vids", b"MJPG", 0, 0, 0, 0, seconds, frames, 0, count, largest, 0xFFFFFFFF, 0,
        0, 0, width, height,
    )  # fmt: skip
    picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
    chunks = [_chunk(b"00dc", jpeg) for jpeg in jpegs]
    # Offsets count from the word `movi`, which is four bytes long.
    places = accumulate(map(len, chunks), initial=4)
    index = b"".join(
        struct.pack("<4sIII", b"00dc", _KEY_FRAME, place, len(jpeg))
        for place, jpeg in zip(places, jpegs, strict=False)
    )
    described = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", picture))
    lists = _list(b"hdrl", _chunk(b"avih", header) + described) + _list(b"movi", b"".join(chunks))
    return _chunk(b"RIFF", b"AVI " + lists + _chunk(b"idx1", index))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)
