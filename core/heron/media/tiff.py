"""Counts the pages of a TIFF by walking its chain of directories (TIFF 6.0, section 2; BigTIFF)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from heron.media.headers import MOST_FRAMES

_PLAIN, _BIG = 42, 43


def count_pages(stream: BinaryIO) -> int:
    """How many pages a file has; a chain with a cycle ends at the first page that repeats.

    Raises ValueError for too many pages, without reading their content.
    """
    stream.seek(0)
    head = stream.read(16)
    order = "<" if head[:2] == b"II" else ">"
    version = struct.unpack_from(order + "H", head, 2)[0]
    count_code, entry, next_code = (
        (order + "Q", 20, order + "Q") if version == _BIG else (order + "H", 12, order + "I")
    )
    (offset,) = struct.unpack_from(next_code, head, 8 if version == _BIG else 4)
    seen: set[int] = set()
    while offset and offset not in seen:
        if len(seen) == MOST_FRAMES:
            raise ValueError(f"it has more than {MOST_FRAMES:,} pages")
        seen.add(offset)
        entries = _number(stream, offset, count_code)
        offset = _number(stream, offset + struct.calcsize(count_code) + entries * entry, next_code)
    return len(seen)


def _number(stream: BinaryIO, offset: int, code: str) -> int:
    """The number at an offset of the file; 0 behind its end."""
    size = struct.calcsize(code)
    if offset >= 1 << 63:
        return 0
    stream.seek(offset)
    content = stream.read(size)
    return int(struct.unpack(code, content)[0]) if len(content) == size else 0
