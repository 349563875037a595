"""In which order frames are shown where timestamps do not tell it: only the groups of pictures in doubt are decoded."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain, groupby, pairwise

import heron
from heron_media_video.containers import Media, opened
from heron_media_video.decoding import frames, packets
from heron_media_video.order import PacketList, landmark
from heron_media_video.timestamps import MISSING, are_in_order

_FEW = 500
"""Packets that may be decoded also where decoding a whole film may not."""

_Span = tuple[int, int]
"""The packets of a group of pictures, or of several: the index of the first, and of the one after the last."""


def shown_in_turn(
    file: heron.MediaFile, read: PacketList, delay: int, *, may_decode: bool
) -> array[int] | None:
    """The places of the packets of a file in the order in which their frames are shown; `delay` is that of `are_in_order`.

    What is decoded before a key frame is shown before all that is decoded from there on. Within a group, times tell the
    order, unless they are equal, missing, or overlap with those of a neighbour: then decoding does. None where that may
    not be, or some frame does not come out of it.
    """
    groups = list(pairwise([0, *(key for key in read.keys if key), len(read.stamps)]))
    doubts = _in_doubt(read.stamps, groups, delay)
    count = sum(end - start for (start, end), doubt in zip(groups, doubts, strict=True) if doubt)
    if count > _FEW and not may_decode:
        return None
    runs = _runs(groups, doubts)
    decoded = _decoded(file, read, runs) if runs else {}
    if decoded is None:
        return None
    places = array("q")
    for (start, end), doubt in zip(groups, doubts, strict=True):
        if not doubt:
            in_time = sorted(range(start, end), key=read.stamps.__getitem__)
            places.extend(map(read.places.__getitem__, in_time))
        elif start in decoded:
            places.extend(decoded[start])
    return places


def _in_doubt(stamps: array[int], groups: list[_Span], delay: int) -> list[bool]:
    """For each group, whether its times do not tell the order of its frames."""
    parts = [stamps[start:end] for start, end in groups]
    doubts = [MISSING in part or not are_in_order(part, (), delay) for part in parts]
    for number, (part, following) in enumerate(pairwise(parts)):
        if max(part) >= min(following):
            doubts[number] = doubts[number + 1] = True
    return doubts


def _runs(groups: list[_Span], doubts: list[bool]) -> list[_Span]:
    """The groups in doubt, neighbours as one."""
    runs = []
    for doubt, members in groupby(zip(groups, doubts, strict=True), key=lambda pair: pair[1]):
        spans = [span for span, _ in members]
        if doubt:
            runs.append((spans[0][0], spans[-1][1]))
    return runs


def _decoded(file: heron.MediaFile, read: PacketList, runs: list[_Span]) -> dict[int, list[int]] | None:
    """The places of the packets of each run, by its start, in the order in which their frames come out of the decoder."""
    decoded, landed = {}, read.landed()
    with opened(file) as media:
        for start, end in runs:
            first, last = read.places[start], read.places[end - 1]
            found = [place for place in _come_out(media, read, landed, first, last) if first <= place <= last]
            if sorted(found) != list(read.places[start:end]):
                return None
            decoded[start] = found
    return decoded


def _come_out(
    media: Media, read: PacketList, landed: dict[tuple[int, int], int], first: int, last: int
) -> Iterator[int]:
    """The places of frames as the decoder shows them, up to the packet at `last`; none if no key frame before is found.

    It begins a group before that of `first`, because the first frames of an open group need it.
    """
    context, source, place = media.pictures.codec_context, packets(media, media.pictures), 0
    before = read.key_before(first)
    if before is not None:
        media.container.seek(before, stream=media.pictures)
        source = packets(media, media.pictures)
        packet = next(source, None)
        place = -1 if packet is None else landed.get(landmark(packet), -1)
        if not 0 <= place <= first:
            return
        source = chain((packet,), source)
    for number, packet in enumerate(source, place):
        packet.pts, packet.dts = number, None
        yield from (frame.pts for frame in frames(context, packet) if frame.pts is not None)
        if number == last:
            break
    yield from (frame.pts for frame in frames(context, None) if frame.pts is not None)
