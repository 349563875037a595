"""Feeds packets to a decoder: decides which of them are frames, and how to handle broken ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import av

import heron
from heron_media_video.containers import Media
from heron_media_video.packed import Unpacking

_VP8_SHOWN = 0x10
"""The bit of the first byte of a VP8 frame that has it shown (RFC 6386, 9.1)."""


def packets(media: Media, stream: Any) -> Iterator[Any]:
    """The packets of a stream from the container's position up to its end or the first damaged part.

    Where an AVI has two frames of MPEG-4 in one packet (packed B-frames), they are two packets.
    """
    context = stream.codec_context
    may_be_packed = media.container.format.name == "avi" and context.name == "mpeg4" and context.has_b_frames
    unpack = Unpacking(stream) if may_be_packed else None
    with suppress(av.FFmpegError):
        for packet in media.container.demux(stream):
            if packet.size and not packet.is_corrupt:
                yield from (packet,) if unpack is None else unpack.add(packet)
    yield from unpack.rest() if unpack is not None else ()


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
    if len(entries):
        # MP4 refuses the time of a first sample that is no sync sample, but not an earlier one
        begin = min(begin, entries[0].timestamp) - media.container.format.name.startswith("mov")
    media.container.seek(begin, stream=stream)


def undecodable(media: Media) -> heron.MediaError:
    """The error for a file of which nothing can be decoded."""
    return heron.MediaError(
        f"{media.file.name} cannot be decoded: no picture or sound comes out of it",
        hint="it is damaged, or its pictures are larger than HERON_MAX_PIXELS allows",
    )
