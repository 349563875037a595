"""The stream between a file and FFmpeg: it keeps its first error, and refuses runs of samples that cannot
exist.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import BinaryIO, TypeVar

import heron

T = TypeVar("T")

_RUN = re.compile(rb"trun[\0\1]\0[\0-\x0f][\0\1\4\5](....)", re.DOTALL)
"""The beginning of a run of samples, with the flags that there are (ISO/IEC 14496-12, 8.8.8)."""

_RUN_SIZE = 12


class Guarded:
    """A stream that keeps its first error, and is at its end from then on, because FFmpeg drops errors."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._error: Exception | None = None
        self._runs: FragmentRuns | None = None

    def __enter__(self) -> Guarded:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def watch(self, runs: FragmentRuns) -> None:
        """Have what is read looked through for runs of samples."""
        self._runs = runs

    @property
    def is_watched(self) -> bool:
        """Whether what is read is looked through, so that nothing may be read past this stream."""
        return self._runs is not None

    def read(self, count: int) -> bytes:
        """The next bytes; none at the end, and behind an error."""
        return b"" if self._error else self._kept(self._read, count, default=b"")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        return self._kept(self._stream.seek, offset, whence, default=-1)

    def tell(self) -> int:
        """The position of the next byte."""
        return self._stream.tell()

    def check(self) -> None:
        """Raise the error that there was, if any."""
        if self._error:
            raise self._error

    def _read(self, count: int) -> bytes:
        content = self._stream.read(count)
        if self._runs is not None:
            self._runs.look_through(self._stream.tell() - len(content), content)
        return content

    def _kept(self, function: Callable[..., T], *arguments: int, default: T) -> T:
        try:
            return function(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where FFmpeg has returned
            self._error = self._error or error
            return default


class FragmentRuns:
    """Counts the samples that the fragments of a movie claim: a run of 20 bytes can claim four billion.

    FFmpeg allocates memory for all of them before it reads them from the file.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._seen: set[int] = set()
        self._claimed = 0
        self._end, self._tail = 0, b""

    def look_through(self, place: int, content: bytes) -> None:
        """Look through what was read at a place; raises MediaError when there are too many samples."""
        if place == self._end:
            content, place = self._tail + content, place - len(self._tail)
        for run in _RUN.finditer(content):
            if place + run.start() not in self._seen:
                self._seen.add(place + run.start())
                self._claimed += int.from_bytes(run[1], "big")
        self._end, self._tail = place + len(content), content[-_RUN_SIZE + 1 :]
        if self._claimed > self._most:
            raise heron.MediaError(
                f"{self._name} claims more than {self._most:,} samples in its fragments, which cannot be there"
            )
