"""Checks by a file's own size fields whether it is cut off, without reading it."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from heron_media_video.containers import Media

_RIFF_UNKNOWN = (0, 0xFFFFFFFF)
_SEGMENT = b"\x18S\x80g"
"""The element that holds everything but the header of a Matroska file (RFC 9559, 5.1)."""


def missing(media: Media) -> str | None:
    """A sentence about what is missing at the end of a file; None if nothing is missing, or it is not known."""
    stream = media.pictures or media.sound
    if media.container.format.name.startswith("mov"):
        return _missing_samples(stream.index_entries, media.file.size)
    promised = _promised(media.file.head)
    if promised is None or promised <= media.file.size:
        return None
    return f"the file is cut off: {promised - media.file.size:,} of its {promised:,} bytes are missing"


def _missing_samples(entries: Any, size: int) -> str | None:
    if not len(entries) or entries[-1].pos + entries[-1].size <= size:
        return None
    there = bisect_right(entries, size, key=lambda entry: entry.pos + entry.size)
    return f"the file is cut off: about {len(entries) - there:,} of its {len(entries):,} frames are missing"


def _promised(head: bytes) -> int | None:
    """The size in bytes that the header of a RIFF or Matroska file gives."""
    if head.startswith(b"RIFF"):
        size = int.from_bytes(head[4:8], "little")
        return None if size in _RIFF_UNKNOWN else size + 8
    place = head.find(_SEGMENT)
    if not head.startswith(b"\x1aE\xdf\xa3") or place < 0 or place + 5 > len(head):
        return None
    first = head[place + 4]
    length = 9 - first.bit_length()
    start = place + 4 + length
    size = int.from_bytes(head[place + 4 : start], "big") & (1 << 7 * length) - 1
    return None if not first or size == (1 << 7 * length) - 1 else start + size
