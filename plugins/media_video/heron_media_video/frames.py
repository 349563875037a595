"""Frames by number: each group of pictures is decoded at most once, and only up to its last wanted frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Any

import av

from heron_media_video.containers import Media, opened
from heron_media_video.decoding import frames, packets, rewind
from heron_media_video.index import FrameIndex, may_have_fields
from heron_media_video.order import landmark

_BACKWARDS = 2
"""Earlier groups that are tried if decoding turns out to begin behind a wanted frame."""

_WITHOUT_INDEX = ("mpeg", "mpegts")
"""Containers in which FFmpeg looks for a time by guessing, and can come out within a group of pictures."""

_SKIPPABLE = ("h264", "mpeg1video", "mpeg2video", "mpeg4")
"""Codecs in which a frame that no other refers to can be left undecoded, and is known by its header.

For H.264 by nal_ref_idc (ITU-T H.264, 7.4.1), for the others because B pictures are never referred to. Not so HEVC, where
such frames can serve those of higher temporal layers.
"""


def decoded_frames(media: Media, index: FrameIndex, wanted: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Number and decoded frame of each wanted frame, in ascending order; those behind a damaged part are left
    out.

    `wanted` ascends and has no number twice, nor one that the index does not have.
    """
    marks = index.marks()
    for (_, group), numbers in groupby(
        wanted, key=lambda number: (index.segment(number), index.group(number))
    ):
        yield from _Group(media, index, group, {marks[number]: number for number in numbers}).frames()


class _Group:
    """The wanted frames of one group of pictures."""

    def __init__(self, media: Media, index: FrameIndex, group: int, wanted: dict[int, int]) -> None:
        self._media = media
        self._index = index
        self._group = group
        self._wanted = wanted
        self._first, self._last = min(wanted), max(wanted)

    def frames(self) -> Iterator[tuple[int, Any]]:
        """Decode from the key frame of the group; from an earlier one, where that turns out to begin too late."""
        for key in range(self._group, max(-1, self._group - _BACKWARDS), -1):
            found = self._decoded(self._media, self._from_key(key))
            frame = next(found, None)
            if frame is not None and frame.pts <= self._first:
                yield from self._picked(chain((frame,), found))
                return
        if self._index.order is None:
            rewind(self._media, self._media.pictures)
            yield from self._picked(self._decoded(self._media, packets(self._media, self._media.pictures)))
            return
        with opened(self._media.file) as media:  # no timestamp leads there for sure
            yield from self._picked(self._decoded(media, self._numbered(packets(media, media.pictures), 0)))

    def _from_key(self, key: int) -> Iterator[Any]:
        """The packets from a key frame on, or from before it; none if its timestamp leads behind it, or who knows where."""
        order, stream = self._index.order, self._media.pictures
        try:
            self._media.container.seek((order.seeks if order else self._index.keys)[key], stream=stream)
        except av.PermissionError:  # MP4 finds no sync sample before that time
            return iter(())
        found = packets(self._media, stream)
        if order is None and self._media.container.format.name not in _WITHOUT_INDEX:
            return found
        first = next(found, None)
        if order is None:
            key_time = self._index.keys[key]
            is_there = first is not None and first.is_keyframe and (first.pts or 0) <= key_time
            return chain((first,), found) if is_there else iter(())
        place = -1 if first is None else order.landed.get(landmark(first), -1)
        if not 0 <= place <= order.places[key]:
            return iter(())
        return self._numbered(chain((first,), found), place)

    def _numbered(self, found: Iterable[Any], place: int) -> Iterator[Any]:
        """Packets from a place on, with the number of their frame as their time."""
        assert self._index.order is not None
        numbers = self._index.order.numbers
        for number, packet in zip(islice(numbers, place, None), found, strict=False):
            packet.pts, packet.dts = None if number < 0 else number, None
            yield packet

    def _picked(self, found: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """The wanted frames of a stream of frames, each at its first occurrence, in ascending order.

        A frame that comes before its turn, because the times in the file order it otherwise than the codec, waits.
        """
        left, waiting = dict(self._wanted), dict[int, Any]()
        turns = deque(self._wanted.values())
        is_in_turn = not self._index.is_plain  # only then are numbers those of decoding
        for frame in found:
            if frame.pts in left:
                waiting[left.pop(frame.pts)] = frame
            while turns and turns[0] in waiting:
                yield turns[0], waiting.pop(turns.popleft())
            if not left or (is_in_turn and frame.pts >= self._last):
                break
        yield from sorted(waiting.items())

    def _decoded(self, media: Media, source: Iterator[Any]) -> Iterator[Any]:
        """The frames of packets; frames that are not wanted may be missing."""
        context = media.pictures.codec_context
        found = (
            frame
            for packet in chain(self._needed(context, source), (None,))
            for frame in frames(context, packet)
        )
        if self._index.is_counted:
            return map(_timed, found, self._index.shown)
        return (frame for frame in found if frame.pts is not None)

    def _needed(self, context: Any, source: Iterator[Any]) -> Iterator[Any]:
        """Those of some packets that are needed to decode the wanted frames."""
        is_plain, is_timed = self._index.is_plain, self._index.order is None
        skips = is_plain and _can_skip(context)
        unsent = set(self._wanted)
        for packet in source:
            if is_plain and is_timed and _is_behind(packet, self._last):
                return
            if skips:
                context.skip_frame = "NONE" if packet.pts in unsent else "NONREF"
            yield packet
            unsent.discard(packet.pts)
            if is_plain and not unsent:
                return


def _can_skip(context: Any) -> bool:
    return context.codec.canonical_name in _SKIPPABLE and not may_have_fields(context)


def _is_behind(packet: Any, last: int) -> bool:
    """Whether neither a packet nor one behind it can be of that time or an earlier one."""
    return packet.is_keyframe and packet.dts is not None and packet.dts > last


def _timed(frame: Any, time: int) -> Any:
    frame.pts = time
    return frame
