"""The bytes of a NIfTI file, plain or gzipped, read forwards in constant memory."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

import heron

_MAGIC = b"\x1f\x8b"
_CHUNK = 64 * 1024
_RFC_1952 = 31
"""`wbits` of zlib for a gzip header and trailer."""

_SLACK = 1024 * 1024
"""The most compressed bytes that may give fewer bytes than they have: names in headers, empty members."""

_NOTHING = np.empty(0, np.uint8)


class Content(Protocol):
    """The content of a volume, read forwards: each read begins at or after the end of the last one."""

    is_gzip: bool
    size: int
    """Bytes of the file, packed if it is; of both files of a pair."""

    base: int
    """Where the voxels of a pair of files begin; 0 for a single file, whose header says so."""

    def read(self, start: int, count: int) -> np.ndarray[Any, Any]:
        """The bytes from `start`, uint8 of shape (<= count,); fewer than `count` if the data ends before."""

    def available(self, end: int) -> int:
        """How many bytes there are up to `end`; a gzipped file is read up to there."""


@contextmanager
def opened(file: heron.MediaFile) -> Iterator[Content]:
    """Open a file, gzipped or not by its first bytes; raises MediaError if it cannot be read."""
    try:
        with ExitStack() as stack:
            content = _content(stack.enter_context(file.open()), file.size, file.head)
            if not content.is_gzip and (image := _image_of(file)) is not None:
                stream = stack.enter_context(image.open("rb"))
                head = stream.read(2)
                content = _Paired(content, _content(stream, image.stat().st_size, head))
            yield content
    except (OSError, EOFError) as error:
        raise heron.MediaError(f"{file.name} cannot be read: {error}") from error


def _content(stream: BinaryIO, size: int, head: bytes) -> Content:
    return _Gzipped(stream, size) if head.startswith(_MAGIC) else _Plain(stream, size)


def _image_of(file: heron.MediaFile) -> Path | None:
    """The file with the voxels of a header in a file of its own (`.hdr` and `.img`), if it lies beside it."""
    if file.path is None or not (file.head[344:348] == b"ni1\0" or file.head[4:8] == b"ni2\0"):
        return None
    names = [file.path.with_suffix(suffix) for suffix in (".img", ".IMG", ".img.gz")]
    return next((name for name in names if name.is_file()), None)


def _fill(stream: Any, count: int) -> np.ndarray[Any, Any]:
    """Up to `count` bytes in one request; the system allocates memory only for what is filled."""
    buffer = np.empty(count, np.uint8)
    return buffer[: stream.readinto(buffer)]


class _Plain:
    is_gzip = False
    base = 0

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self.size = size

    def read(self, start: int, count: int) -> np.ndarray[Any, Any]:
        if start >= self.size:
            return _NOTHING
        self._stream.seek(start)
        return _fill(self._stream, min(count, self.size - start))

    def available(self, end: int) -> int:
        return min(end, self.size)


class _Paired:
    """A header, and behind it the voxels of another file, as if they were one."""

    def __init__(self, header: Content, voxels: Content) -> None:
        self._header = header
        self._voxels = voxels
        self.base = header.size
        self.size = header.size + voxels.size
        self.is_gzip = voxels.is_gzip

    def read(self, start: int, count: int) -> np.ndarray[Any, Any]:
        if start < self.base:
            return self._header.read(start, min(count, self.base - start))
        return self._voxels.read(start - self.base, count)

    def available(self, end: int) -> int:
        return self.base + self._voxels.available(max(0, end - self.base))


class _Gzipped:
    is_gzip = True
    base = 0

    def __init__(self, stream: BinaryIO, size: int) -> None:
        stream.seek(0)
        self.size = size
        self._stream = io.BufferedReader(_Members(stream), _CHUNK)
        self._position = 0

    def read(self, start: int, count: int) -> np.ndarray[Any, Any]:
        if self.available(start) < start:
            return _NOTHING
        found = _fill(self._stream, count)
        self._position += len(found)
        return found

    def available(self, end: int) -> int:
        while self._position < end:
            skipped = len(self._stream.read(min(_CHUNK, end - self._position)))
            if not skipped:
                break
            self._position += skipped
        return self._position


class _Members(io.RawIOBase):
    """The content of the members of a gzip file (RFC 1952), until they end, are cut off or are damaged."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._member = zlib.decompressobj(_RFC_1952)
        self._pending = b""
        self._taken = self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            while self._taken <= 2 * self._given + _SLACK and self._has_more():
                found = self._member.decompress(self._pending, len(buffer))
                self._pending = self._member.unconsumed_tail
                if found:
                    buffer[: len(found)] = found
                    self._given += len(found)
                    return len(found)
        except zlib.error:
            pass  # also for what follows the last member: padding, or anything else
        return 0

    def _has_more(self) -> bool:
        """Whether there is more compressed data, of this member or the next."""
        if self._member.eof:
            self._pending = self._member.unused_data
            self._member = zlib.decompressobj(_RFC_1952)
        if not self._pending:
            self._pending = self._stream.read(_CHUNK)
            self._taken += len(self._pending)
        return bool(self._pending)
