"""Reads the delays of a GIF's frames by walking its blocks without decoding them (GIF89a specification)."""

from __future__ import annotations

from typing import BinaryIO

from heron.media.headers import MOST_BLOCKS, seconds_shown

_IMAGE, _EXTENSION, _TRAILER = b",", b"!", b";"
_CONTROL = 0xF9


def gif_delays(stream: BinaryIO, most: int | None = None) -> list[float]:
    """How long each of the first `most` frames is shown, in seconds; raises ValueError for too many blocks."""
    delays: list[float] = []
    delay = 0.0
    blocks = _Blocks(stream)
    stream.seek(10)
    _skip_colours(stream, stream.read(3)[:1])
    while len(delays) != most and (mark := blocks.mark()) and mark != _TRAILER:
        if mark == _EXTENSION:
            label = stream.read(1)
            first = blocks.next()
            if label == bytes([_CONTROL]) and len(first) >= 3:
                delay = int.from_bytes(first[1:3], "little") / 100
            blocks.skip(first)
        elif mark == _IMAGE:
            descriptor = stream.read(9)
            _skip_colours(stream, descriptor[8:])
            if len(descriptor) < 9 or not stream.read(1):
                break
            delays.append(seconds_shown(delay))
            delay = 0.0
            blocks.skip()
    return delays


class _Blocks:
    """The blocks of a GIF, counted so that no file can occupy the reader for long."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = stream.read
        self._left = MOST_BLOCKS

    def mark(self) -> bytes:
        """The first byte of a block; empty at the end."""
        self._count()
        return self._read(1)

    def next(self) -> bytes:
        """The content of the next sub-block; empty after the last one."""
        self._count()
        length = self._read(1)
        return self._read(length[0]) if length else b""

    def skip(self, first: bytes = b" ") -> None:
        """Skip the remaining sub-blocks."""
        read, left, content = self._read, self._left, first
        while content and left:  # without a call for each: a file may have millions
            left -= 1
            length = read(1)
            content = read(length[0]) if length else b""
        self._left = left
        if content:
            self._count()

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"it has more than {MOST_BLOCKS:,} blocks")


def _skip_colours(stream: BinaryIO, flags: bytes) -> None:
    """Skip a colour table, if the flags say that there is one."""
    if flags and flags[0] & 0x80:
        stream.read(3 << ((flags[0] & 7) + 1))
