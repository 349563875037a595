"""When each frame of a video is shown, exactly, and at which frames decoding can begin."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from fractions import Fraction
from itertools import chain, islice
from typing import Any

from attrs import frozen

import heron
from heron_media_video.containers import Media, opened, table_alone
from heron_media_video.decoding import frames, is_shown, packets, rewind
from heron_media_video.mp4 import MAX_FRAMES, SampleTimes

_TRIAL = 32
"""Packets that are decoded to see whether each is one frame, with its time."""

_REORDERED = 64
"""Packets by which a frame can come behind its turn; codecs allow 16."""

_IN_FIELDS = ("h264", "mpeg2video", "vc1")
"""Codecs whose frames can be two packets, one for each field."""

_PROGRESSIVE = 1
"""FFmpeg's number for the field order of a stream without fields."""


@frozen
class FrameIndex:
    """The times of frames in units of `unit` seconds, ascending, and those of them at which decoding can begin.

    `is_plain`: each packet is one frame, and has its time. `is_counted`: frames have no reliable times, and
    are numbered by their order alone.
    """

    shown: array[int]
    keys: array[int]
    unit: Fraction
    is_plain: bool = True
    is_counted: bool = False

    def seconds(self) -> array[float]:
        """The time of each frame in seconds from the first."""
        first, over, under = self.shown[0] if self.shown else 0, *self.unit.as_integer_ratio()
        return array("d", ((time - first) * over / under for time in self.shown))

    def group(self, number: int) -> int:
        """The number of the key frame from which a frame is decoded; -1 where that is the beginning of the file."""
        return -1 if self.is_counted else bisect_right(self.keys, self.shown[number]) - 1


def frame_times(file: heron.MediaFile, *, whole: bool) -> array[float] | None:
    """The time of each frame in seconds from the first; None if that needs reading the whole file, and
    `whole` is not set.

    Raises MediaError.
    """
    table, may_read = table_alone(file), whole or file.path is not None
    if table is not None and table.is_exact:
        return _of_table(table, 0).seconds()
    if table is None and not may_read:
        return None
    with opened(file) as media:
        if media.pictures is None:
            return array("d")
        index = frame_index(media, may_read=may_read)
        return None if index is None else index.seconds()


def frame_index(
    media: Media, *, may_read: bool = True, may_decode: bool = True, last: int | None = None
) -> FrameIndex | None:
    """The index of an open file that stands at its beginning, from its sample tables where these tell.

    Else it is read through, or decoded through where its packets are not frames; None where it may not. With `last`, the
    index may end behind the frame of that number.
    """
    table = media.table
    if table is None and not may_read:
        return None
    is_plain = _is_plain(media)
    if table is not None and table.track == media.pictures.id and is_plain:
        first = next((p for p in packets(media, media.pictures) if is_shown(p) and p.pts is not None), None)
        return _of_table(table, 0 if first is None else first.pts - table.first)
    index = _read_through(media, last) if is_plain and may_read else None
    return index or (_decoded_through(media) if may_read and may_decode else None)


def may_have_fields(context: Any) -> bool:
    """Whether the two fields of a frame may be coded one after the other."""
    return context.codec.canonical_name in _IN_FIELDS and context.field_order != _PROGRESSIVE


def _of_table(table: SampleTimes, offset: int) -> FrameIndex:
    """An index on FFmpeg's clock, which differs from that of the track by `offset`."""
    shown, keys = (array("q", map(offset.__add__, times)) for times in (table.shown, table.keys))
    return FrameIndex(shown, keys, table.unit)


def _is_plain(media: Media) -> bool:
    """Whether each packet is one frame with its time; if in doubt, checked by decoding the first ones."""
    context = media.pictures.codec_context
    without_times = media.container.format.name == "avi" and context.has_b_frames
    if (media.table is not None and media.table.is_exact) or not (may_have_fields(context) or without_times):
        return True
    tried = list(islice(packets(media, media.pictures), _TRIAL))
    found = [frame.pts for packet in [*tried, None] for frame in frames(context, packet)]
    rewind(media, media.pictures)
    times = [packet.pts for packet in tried if is_shown(packet)]
    return None not in times and found == sorted(times)


def _read_through(media: Media, last: int | None) -> FrameIndex | None:
    """The index by reading packets without decoding any; None where some have no time, or the same."""
    shown, keys, untimed = array("q"), array("q"), 0
    for packet in packets(media, media.pictures):
        if not is_shown(packet):
            continue
        if packet.pts is None:
            untimed += 1
            continue
        shown.append(packet.pts)
        if packet.is_keyframe:
            keys.append(packet.pts)
        if last is not None and len(shown) > last + _REORDERED:
            break
        _check_count(media, len(shown))
    ascending = array("q", sorted(set(shown)))
    if untimed or len(ascending) < len(shown):
        rewind(media, media.pictures)
        return None
    return FrameIndex(ascending, array("q", sorted(keys)), media.pictures.time_base)


def _decoded_through(media: Media) -> FrameIndex:
    """The index by decoding all frames, of a file whose packets are not frames, or have no true times."""
    found, slots, keys = array("q"), array("q"), set()
    context, stream = media.pictures.codec_context, media.pictures
    for packet in chain(packets(media, stream), (None,)):
        found.extend(frame.pts or 0 for frame in frames(context, packet))
        if packet is not None and packet.dts is not None:
            slots.append(packet.dts)
        if packet is not None and packet.is_keyframe:
            keys.add(packet.pts)
        _check_count(media, len(found))
    if _ascends(found):
        return FrameIndex(
            found, array("q", filter(keys.__contains__, found)), stream.time_base, is_plain=False
        )
    if len(slots) != len(found) or not _ascends(slots):
        slots = array("q", range(len(found)))
    return FrameIndex(slots, array("q"), stream.time_base, is_plain=False, is_counted=True)


def _ascends(times: array[int]) -> bool:
    return all(map(int.__lt__, times, times[1:]))


def _check_count(media: Media, count: int) -> None:
    if count > MAX_FRAMES:
        raise heron.MediaError(f"{media.file.name} has more than {MAX_FRAMES:,} frames")
