"""What of a film can be shown that begins within a group of pictures, or before what its first frames refer to."""

from __future__ import annotations

import heron
from heron_media_video.containers import Media, opened
from heron_media_video.decoding import frames, packets
from heron_media_video.order import PacketList
from heron_media_video.timestamps import MISSING

_REORDERED = 32
"""Packets behind the first key frame among which some can be shown before it."""

_LOST_WITHOUT_KEY = ("mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "wmv1", "wmv2", "flv1", "h263")
"""Codecs whose decoders show grey pictures in place of those that are missing, and do not say so."""

_MOST = 1000
"""Most packets that are decoded to see which of them are shown."""


def with_its_beginning(media: Media, read: PacketList) -> PacketList:
    """The packets without those at the beginning that no decoder can show, since what they refer to is not in the file.

    They are those before the first key frame, and those behind it that are shown before it, unless they come out of the
    decoder.
    """
    first = read.keys[0] if read.keys else None
    if first is None:
        return read
    key = read.stamps[first]
    behind = range(first + 1, min(first + _REORDERED, len(read.stamps)))
    early = [at for at in behind if MISSING < read.stamps[at] < key]
    doubtful = {read.places[at] for at in [*range(first), *early]}
    if not doubtful:
        return read
    if media.pictures.codec_context.name in _LOST_WITHOUT_KEY:
        return read.without({read.places[at] for at in range(first)})
    return read.without(doubtful - _come_out(media.file, max(doubtful)))


def _come_out(file: heron.MediaFile, last: int) -> set[int]:
    """The places of the packets up to `last` whose frames come out of the decoder undamaged."""
    found: set[int] = set()
    with opened(file) as media:
        context = media.pictures.codec_context
        for place, packet in enumerate(packets(media, media.pictures)):
            packet.pts, packet.dts = place, None
            found.update(
                frame.pts
                for frame in frames(context, packet)
                if frame.pts is not None and not frame.is_corrupt
            )
            if place > min(last + _REORDERED, _MOST):
                break
        else:
            found.update(frame.pts for frame in frames(context, None) if frame.pts is not None)
    return found
