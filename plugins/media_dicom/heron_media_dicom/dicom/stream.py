"""Streams for libraries, which bound what is read and keep the first error; and inflating deflated files."""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

import heron

MOST_READ = 8 * 1024 * 1024
"""The most bytes that a library may read for a header."""

MOST_ZEROS = 1000
"""The most elements in a row that are nothing but zeros."""

MOST_INFLATED = 256 * 1024 * 1024
"""The most bytes that a deflated file may unpack to."""

_STEP = 256 * 1024

_PLAIN_START = bytes(128) + b"DICM\2\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"
"""The start of a file of explicit VR little endian (PS3.10, 7.1)."""


class GuardedStream:
    """A seekable binary file for libraries that treat every error as the end of the file.
    It reads at most `most` bytes, refuses to seek behind the end, and keeps the first error, which `check` raises.
    Reading the whole file at once, as inflating does, is refused.
    """

    def __init__(self, stream: BinaryIO, size: int, name: str, most: int = MOST_READ) -> None:
        self._stream = stream
        self._size = size
        self._name = name
        self._left = most
        self._zeros = 0
        self._failure: BaseException | None = None

    def read(self, count: int = -1) -> bytes:
        """Up to `count` bytes; if the file ends within them, fewer, and an error is kept."""
        try:
            rest = max(0, self._size - self._stream.tell())
            if count < 0:
                raise heron.MediaError(f"{self._name} is deflated in a way that cannot be bounded")
            if 0 < rest < count:
                self._failure = self._failure or self._cut_off(count - rest)
            self._left -= min(count, rest)
            if self._left < 0:
                raise heron.MediaError(
                    f"{self._name} has a header of more than {MOST_READ:,} bytes in an unusual encoding"
                )
            content = self._stream.read(min(count, rest))
            self._zeros = self._zeros + 1 if count == 8 and not any(content) else 0
            if self._zeros > MOST_ZEROS:
                raise heron.MediaError(f"{self._name} has zeros where its header should be")
            return content
        except Exception as error:
            self._failure = self._failure or error
            raise

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position of the file."""
        position = {io.SEEK_SET: 0, io.SEEK_CUR: self._stream.tell(), io.SEEK_END: self._size}[
            whence
        ] + offset
        if position > self._size:
            self._failure = self._failure or self._cut_off(position - self._size)
        return self._stream.seek(min(position, self._size))

    def tell(self) -> int:
        """The position of the next byte."""
        return self._stream.tell()

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self._failure is not None:
            raise self._failure

    def _cut_off(self, missing: int) -> heron.MediaError:
        return heron.MediaError(
            f"{self._name} is cut off, or an element has a wrong length: {missing:,} bytes are missing"
        )


def inflated(stream: BinaryIO, start: int, name: str) -> bytes:
    """A plain explicit VR file with the inflated content of a deflated one from `start` on (PS3.5, A.5).

    Raises MediaError for broken content, and for more than MOST_INFLATED bytes.
    """
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    stream.seek(start)
    found = bytearray(_PLAIN_START)
    try:
        while not inflate.eof and (packed := inflate.unconsumed_tail or stream.read(_STEP)):
            found += inflate.decompress(packed, _STEP)
            if len(found) > MOST_INFLATED:
                raise heron.MediaError(f"{name} unpacks to more than {MOST_INFLATED:,} bytes")
    except zlib.error as error:
        raise heron.MediaError(f"{name} is deflated, but damaged: {error}") from error
    if not inflate.eof:
        raise heron.MediaError(f"{name} is deflated, but cut off")
    return bytes(found)
