"""Files as the decoder in another process sees them: with their path, or read through the process that asks."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from attrs import define, field

from heron.hooks import MediaFile
from heron.media.ranged import LARGEST, ranged

Read = Callable[[int, int], bytes]
"""Fetches the bytes from a start to an end."""


@define
class SentFile:
    """A file that was sent to another process; implements the `MediaFile` protocol."""

    url: str
    name: str
    path: Path | None
    media_type: str
    size: int
    head: bytes
    fetch: Read | None = field(default=None, init=False)

    def open(self) -> BinaryIO:
        """A new seekable binary file."""
        if self.size == len(self.head):
            return io.BytesIO(self.head)
        if self.path is not None:
            return self.path.open("rb")
        return cast(BinaryIO, ranged(self._fetched, self.size, self.head))

    def _fetched(self, start: int, end: int) -> bytes:
        assert self.fetch is not None
        places = range(start, end, LARGEST)
        return b"".join([self.fetch(place, min(end, place + LARGEST)) for place in places])


def sent(file: MediaFile | None) -> SentFile | None:
    """A file as it is sent."""
    if file is None:
        return None
    path = None if file.path is None else file.path.absolute()
    return SentFile(file.url, file.name, path, file.media_type, file.size, bytes(file.head))
