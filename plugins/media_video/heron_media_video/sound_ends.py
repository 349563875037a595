"""Whether a file of sound goes on to its end, by what its format says: Ogg, FLAC and MP3. Only for files of this machine."""

from __future__ import annotations

import struct
from typing import Any

import av

from heron_media_video.containers import Media

_TAIL = 128 * 1024
"""Bytes in which the last page of an Ogg begins: pages have at most 65,307 (RFC 3533, 6)."""

_LAST = 4
"""The flag of the last page of a stream in Ogg (RFC 3533, 6)."""

_NEAR = 1.0
"""Seconds before the end from which a FLAC is read."""

_RATE = 0.05
"""Seconds that may be missing: a last frame, and rounding."""


def sound_cut_off(media: Media) -> str | None:
    """A sentence about what is missing at the end; None if nothing is, or the format does not tell."""
    if media.file.path is None:
        return None
    match media.file.media_type:
        case "audio/ogg" | "video/ogg":
            return _of_ogg(media)
        case "audio/flac":
            return _of_flac(media)
        case "audio/mpeg":
            return _of_mp3(media)
    return None


def _of_ogg(media: Media) -> str | None:
    with media.file.open() as stream:
        stream.seek(max(0, media.file.size - _TAIL))
        tail = stream.read()
    at = tail.rfind(b"OggS\0")
    if at < 0 or at + 27 > len(tail) or not tail[at + 5] & _LAST:
        return "the file is cut off: its last page is not the end of a stream"
    segments = tail[at + 26]
    size = 27 + segments + sum(tail[at + 27 : at + 27 + segments])
    return None if at + size <= len(tail) else "the file is cut off within its last page"


def _of_flac(media: Media) -> str | None:
    """Compare the length that the header promises (RFC 9639, 8.2) with the time of the last packet."""
    stream: Any = media.sound
    if not stream.duration:
        return None
    promised = float(stream.duration * stream.time_base)
    try:
        media.container.seek(int(max(0.0, promised - _NEAR) * av.time_base))
        end = 0.0
        for packet in media.container.demux(stream):
            if packet.pts is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
    except av.FFmpegError:
        end = 0.0
    if end >= promised - _RATE:
        return None
    return f"the file is cut off: its header promises {promised:.1f} s, and its sound does not go on to there"


def _of_mp3(media: Media) -> str | None:
    """Compare the bytes that the first frame promises, if it has a Xing or Info header, with those that are there."""
    with media.file.open() as stream:
        head = stream.read(10)
        start = 0
        if head.startswith(b"ID3") and len(head) == 10:
            start = 10 + sum(
                (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
            )
        stream.seek(start)
        frame = stream.read(256)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or at + 16 > len(frame):
        return None
    flags = struct.unpack_from(">I", frame, at + 4)[0]
    if not flags & 2:
        return None
    promised = start + int(struct.unpack_from(">I", frame, at + (12 if flags & 1 else 8))[0])
    missing = promised - media.file.size
    return f"the file is cut off: {missing:,} of its {promised:,} bytes are missing" if missing > 0 else None
