"""A file that fetches ranges on demand, in growing steps while it is read sequentially."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

STEP, LARGEST = 64 * 1024, 4 * 1024 * 1024
"""Bytes fetched after a seek, and the most that sequential reading fetches at once."""

WINDOWS = 8
"""Ranges kept in memory, so that a decoder can move between header, index and content."""


class RangedFile(io.RawIOBase):
    """A seekable binary file over `fetch(start, end)`; `head` are first bytes that are known already."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, head: bytes = b"") -> None:
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._windows: OrderedDict[int, bytes] = OrderedDict({0: head} if head else {})
        self._step = STEP

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position; raises ValueError for one before the beginning."""
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        if whence not in bases:
            raise ValueError(f"invalid whence {whence}")
        if bases[whence] + offset < 0:
            raise ValueError(f"negative seek position {bases[whence] + offset}")
        self._position = bases[whence] + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is data; returns the bytes read, 0 at the end."""
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        start, window = self._window(wanted)
        begin = self._position - start
        found = window[begin : begin + wanted]
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _window(self, wanted: int) -> tuple[int, bytes]:
        """A cached or newly fetched range that contains the byte at the position."""
        follows = False
        for start, window in reversed(self._windows.items()):
            if start <= self._position < start + len(window):
                self._windows.move_to_end(start)
                return start, window
            follows = follows or self._position == start + len(window)
        self._step = min(self._step * 2, LARGEST) if follows else STEP
        start = self._position
        window = self._fetch(start, min(self._size, start + max(wanted, self._step)))
        if not window:
            raise EOFError(f"the file ends at byte {start:,}, {self._size:,} were expected")
        self._windows[start] = window
        while len(self._windows) > WINDOWS or (
            len(self._windows) > 2 and sum(map(len, self._windows.values())) > 2 * LARGEST
        ):
            self._windows.popitem(last=False)
        return start, window


def ranged(fetch: Callable[[int, int], bytes], size: int, head: bytes = b"") -> io.BufferedReader:
    """A buffered file over `fetch(start, end)`."""
    return io.BufferedReader(RangedFile(fetch, size, head), 16 * 1024)
