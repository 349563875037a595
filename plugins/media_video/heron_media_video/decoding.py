"""Feeds packets to a decoder: decides which of them are frames, and how to handle broken ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av

import heron
from heron_media_video.containers import Media

_VP8_SHOWN = 0x10
"""The bit of the first byte of a VP8 frame that has it shown (RFC 6386, 9.1)."""


def packets(media: Media, stream: Any) -> Iterator[Any]:
    """The packets of a stream from the container's position up to its end or the first damaged part."""
    with suppress(av.FFmpegError):
        for packet in media.container.demux(stream):
            if packet.size and not packet.is_corrupt:
                yield packet


def frames(context: Any, packet: Any) -> list[Any]:
    """The frames that decoding a packet (None at the end) returns; none if the packet is broken."""
    try:
        found: list[Any] = context.decode(packet)
    except av.FFmpegError:
        return []
    return found


def all_frames(media: Media, stream: Any) -> Iterator[Any]:
    """All frames of a stream from the container's position on."""
    for packet in packets(media, stream):
        yield from frames(stream.codec_context, packet)
    yield from frames(stream.codec_context, None)


def is_shown(packet: Any) -> bool:
    """Whether a packet is a frame that is shown: no edit list leaves it out, and its codec does not hide it."""
    if packet.is_discard:
        return False
    return packet.stream.codec_context.name != "vp8" or bool(memoryview(packet)[0] & _VP8_SHOWN)


def rewind(media: Media, stream: Any) -> None:
    """Go to the first packet of a stream, or with timestamps that go back to one near it.

    Fragments of MP4 are found by the time of decoding, which is earlier than the first time of showing.
    """
    entries = stream.index_entries
    begin = stream.start_time or 0
    media.container.seek(min(begin, entries[0].timestamp) if len(entries) else begin, stream=stream)


def undecodable(media: Media) -> heron.MediaError:
    """The error for a file of which nothing can be decoded."""
    return heron.MediaError(
        f"{media.file.name} cannot be decoded: no picture or sound comes out of it",
        hint="it is damaged, or its pictures are larger than HERON_MAX_PIXELS allows",
    )
