"""Frames by number: each group of pictures is decoded at most once, and only up to its last wanted frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any

from heron_media_video.containers import Media
from heron_media_video.decoding import frames, packets, rewind
from heron_media_video.index import FrameIndex, may_have_fields

_BACKWARDS = 2
"""Earlier groups that are tried if decoding turns out to begin behind a wanted frame."""

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
    for group, numbers in groupby(wanted, key=index.group):
        yield from _Group(media, index, group, list(numbers)).frames()


class _Group:
    """The wanted frames of one group of pictures."""

    def __init__(self, media: Media, index: FrameIndex, group: int, numbers: list[int]) -> None:
        self._media = media
        self._index = index
        self._group = group
        self._wanted = {index.shown[number]: number for number in numbers}
        self._first, self._last = index.shown[numbers[0]], index.shown[numbers[-1]]

    def frames(self) -> Iterator[tuple[int, Any]]:
        """Decode from the key frame of the group; from an earlier one, where that turns out to begin too late."""
        for key in (*range(self._group, max(-1, self._group - _BACKWARDS), -1), -1):
            self._go_to(key)
            found = self._decoded()
            frame = next(found, None)
            if frame is not None and (frame.pts <= self._first or key < 0):
                yield from self._picked(chain((frame,), found))
                return

    def _go_to(self, key: int) -> None:
        if key >= 0:
            self._media.container.seek(self._index.keys[key], stream=self._media.pictures)
        else:
            rewind(self._media, self._media.pictures)

    def _picked(self, found: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """The wanted frames of a stream of frames, each at its first occurrence."""
        left = dict(self._wanted)
        for frame in found:
            if frame.pts in left:
                yield left.pop(frame.pts), frame
            if not left or frame.pts >= self._last:
                return

    def _decoded(self) -> Iterator[Any]:
        """Frames from the container's position on; frames that are not wanted may be missing."""
        context = self._media.pictures.codec_context
        found = (
            frame for packet in chain(self._packets(context), (None,)) for frame in frames(context, packet)
        )
        if self._index.is_counted:
            return map(_timed, found, self._index.shown)
        return (frame for frame in found if frame.pts is not None)

    def _packets(self, context: Any) -> Iterator[Any]:
        """The packets that are needed to decode the wanted frames."""
        skips = self._index.is_plain and _can_skip(context)
        unsent = set(self._wanted)
        for packet in packets(self._media, self._media.pictures):
            if self._index.is_plain and _is_behind(packet, self._last):
                return
            if skips:
                context.skip_frame = "NONE" if packet.pts in unsent else "NONREF"
            yield packet
            unsent.discard(packet.pts)
            if self._index.is_plain and not unsent:
                return


def _can_skip(context: Any) -> bool:
    return context.codec.canonical_name in _SKIPPABLE and not may_have_fields(context)


def _is_behind(packet: Any, last: int) -> bool:
    """Whether neither a packet nor one behind it can be of that time or an earlier one."""
    return packet.is_keyframe and packet.dts is not None and packet.dts > last


def _timed(frame: Any, time: int) -> Any:
    frame.pts = time
    return frame
