"""When each frame of a video is shown, exactly, and at which frames decoding can begin."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, chain, islice
from typing import Any

from attrs import frozen
from av.codec.codec import Properties

import heron
from heron_media_video.beginning import with_its_beginning
from heron_media_video.containers import Media, opened, table_alone
from heron_media_video.decoding import frames, is_shown, packets
from heron_media_video.mp4 import MAX_FRAMES, USUAL_DELAY, SampleTimes
from heron_media_video.order import PacketList, PacketOrder
from heron_media_video.timestamps import MISSING, are_in_order, ascending, ascends, led_in
from heron_media_video.turns import shown_in_turn

_TRIAL = 32
"""Packets that are decoded to see whether each is one frame, with its time."""

_REORDERED = 64
"""Packets by which a frame can come behind its turn; codecs allow 16."""

_DELAY = {"mpeg1video": 1, "mpeg2video": 1, "mpeg4": 1}
"""By how many packets a frame comes behind its turn at most, in codecs that have a limit as low as that."""

_IN_FIELDS = ("h264", "mpeg2video", "vc1")
"""Codecs whose frames can be two packets, one for each field."""

_PROGRESSIVE = 1
"""FFmpeg's number for the field order of a stream without fields."""


@frozen
class FrameIndex:
    """The times of frames in units of `unit` seconds, ascending, and those of them at which decoding can begin.

    `is_plain`: each packet is one frame. Frames are told apart by the time of their packet, or where `order` is set, by
    the packet; where `is_counted`, by counting what is decoded; where `cuts` are set, by the time of their packet in the
    track, in the segments of an edit list. `length` is that of the film in seconds, if it is told. `moved` is the number of times that are not those in the
    file; `is_ordered` is unset where finding the order of the frames takes decoding all, which was not allowed.
    """

    shown: array[int]
    keys: array[int]
    unit: Fraction
    is_plain: bool = True
    is_counted: bool = False
    is_ordered: bool = True
    order: PacketOrder | None = None
    moved: int = 0
    cuts: tuple[array[int], ...] = ()
    length: float | None = None

    def marks(self) -> Sequence[int]:
        """What tells the frames apart, by number: within each segment it ascends."""
        if self.cuts:
            return array("q", chain.from_iterable(self.cuts))
        return self.shown if self.order is None else range(len(self.shown))

    def segment(self, number: int) -> int:
        """The number of the segment in which a frame is shown."""
        return bisect_right(list(accumulate(map(len, self.cuts))), number)

    def seconds(self) -> array[float]:
        """The time of each frame in seconds from the first."""
        first, over, under = self.shown[0] if self.shown else 0, *self.unit.as_integer_ratio()
        return array("d", ((time - first) * over / under for time in self.shown))

    def group(self, number: int) -> int:
        """The number of the key frame from which a frame is decoded; -1 where that is the beginning of the file."""
        if self.is_counted:
            return -1
        if self.order is not None:
            return bisect_right(self.order.keys, number) - 1
        return bisect_right(self.keys, self.marks()[number]) - 1


def frame_times(file: heron.MediaFile, *, whole: bool) -> array[float] | None:
    """The time of each frame in seconds from the first; None if that needs reading the whole file, and
    `whole` is not set.

    Raises MediaError.
    """
    table, may_read = table_alone(file), whole or file.path is not None
    if table is not None and table.is_exact and table.is_ordered:
        return _of_table(table, 0).seconds()
    if not may_read and (table is None or not table.is_ordered):
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

    Else it is read through, or decoded through where its packets are not frames, or their times do not tell their order;
    None where it may not. With `last`, the index may end behind the frame of that number.
    """
    table = media.table
    if table is None and not may_read:
        return None
    source = packets(media, media.pictures)
    is_plain, tried = _is_plain(media, source)
    source = chain(tried, source)
    if table is not None and table.track == media.pictures.id and is_plain:
        if not may_read and not table.is_ordered:
            return _of_table(table, 0)
        if table.is_ordered and (table.is_in_turn or table.is_exact or _delay(media.pictures.codec_context)):
            first = next((p for p in source if is_shown(p) and p.pts is not None), None)
            return _of_table(table, 0 if first is None else first.pts - table.first)
    if not may_read:
        return None
    index = _read_through(media, source, last, may_decode=may_decode) if is_plain else None
    if index is not None and index.is_ordered:
        return index
    return _decoded_through(media.file, is_plain, last) if may_decode else index


def may_have_fields(context: Any) -> bool:
    """Whether the two fields of a frame may be coded one after the other."""
    return context.codec.canonical_name in _IN_FIELDS and context.field_order != _PROGRESSIVE


def _of_table(table: SampleTimes, offset: int) -> FrameIndex:
    """An index on FFmpeg's clock, which differs from that of the track by `offset`."""
    moved = (array("q", map(offset.__add__, times)) for times in (table.shown, table.keys, *table.cuts))
    shown, keys, *cuts = moved
    length = None if table.length is None else float(table.length)
    if cuts:
        shown = table.shown
    return FrameIndex(shown, keys, table.film, is_ordered=table.is_ordered, cuts=tuple(cuts), length=length)


def _is_plain(media: Media, source: Iterator[Any]) -> tuple[bool, list[Any]]:
    """Whether each packet is one frame with its time; if in doubt, checked by decoding the first ones, which are returned."""
    context = media.pictures.codec_context
    without_times = _is_avi(media) and context.has_b_frames
    if (media.table is not None and media.table.is_exact) or not (may_have_fields(context) or without_times):
        return True, []
    tried = list(islice(source, _TRIAL))
    found = [frame.pts for packet in [*tried, None] for frame in frames(context, packet)]
    context.flush_buffers()
    times = [packet.pts for packet in tried if is_shown(packet)]
    return None not in times and found == sorted(times), tried


def _is_avi(media: Media) -> bool:
    """Whether the place of a packet is all that a file tells of its time."""
    return bool(media.container.format.name == "avi")


def _delay(context: Any) -> int | None:
    """By how many packets a frame comes behind its turn at most, None for codecs in which none does."""
    if not context.codec.properties & Properties.REORDER.value:
        return None
    return _DELAY.get(context.codec.canonical_name, USUAL_DELAY) if context.has_b_frames else 0


def _read_through(media: Media, source: Iterable[Any], last: int | None, *, may_decode: bool) -> FrameIndex:
    """The index by reading packets, and decoding only those whose times do not tell their order."""
    read = PacketList()
    for place, packet in enumerate(source):
        if not is_shown(packet):
            continue
        read.add(place, packet)
        if last is not None and len(read.stamps) > last + _REORDERED:
            break
        _check_count(media, len(read.stamps))
    if last is None or len(read.stamps) <= last + _REORDERED:
        read = with_its_beginning(media, read)
    unit, delay = media.pictures.time_base, _delay(media.pictures.codec_context)
    if _is_avi(media) and read.slots != read.stamps and ascends(read.stamps) and ascends(read.slots):
        # FFmpeg takes these frames for reordered ones; they are not, and each is shown in its own slot
        return FrameIndex(read.slots, array("q"), unit, order=read.order(read.places))
    is_timed = MISSING not in read.stamps
    if is_timed and are_in_order(read.stamps, read.keys, delay or 0):
        return FrameIndex(array("q", sorted(read.stamps)), read.key_stamps(), unit)
    in_turn = read.places if delay is None else None
    places = in_turn or shown_in_turn(media.file, read, delay or 0, may_decode=may_decode)
    if places is None:
        times, moved = ascending(array("q", sorted(read.stamps)))
        return FrameIndex(times, array("q"), unit, is_ordered=False, moved=moved)
    stamps = dict(zip(read.places, read.stamps, strict=True))
    in_turn_of_showing = array("q", map(stamps.__getitem__, places))
    times, moved = ascending(led_in(in_turn_of_showing, media.pictures.average_rate, unit))
    return FrameIndex(times, array("q"), unit, order=read.order(places), moved=moved)


def _decoded_through(file: heron.MediaFile, is_plain: bool, last: int | None) -> FrameIndex:
    """The index by decoding all frames, of a file whose packets are not frames, or whose times do not tell their order.

    Packets are given their place as their time, so that each frame tells from which packet it comes.
    """
    read, found = PacketList(), list[int | None]()
    with opened(
        file
    ) as media:  # once more, because a timestamp that is there twice may not lead back to the beginning
        context, unit = media.pictures.codec_context, media.pictures.time_base
        for place, packet in enumerate(packets(media, media.pictures)):
            read.add(place, packet)
            packet.pts, packet.dts = place, None
            found.extend(frame.pts for frame in frames(context, packet))
            _check_count(media, len(found))
            if last is not None and len(found) > last:
                break
        found.extend(frame.pts for frame in frames(context, None))
        is_timed = not _is_avi(media)
    places = array("q", (place for place in found if place is not None))
    is_counted = len(set(places)) < len(found)
    if is_timed and not is_counted:
        stamps = array("q", map(read.stamps.__getitem__, places))
    else:
        stamps = _slots(read, len(found), is_timed=is_timed)
    times, moved = ascending(stamps)
    if is_counted:
        return FrameIndex(times, array("q"), unit, is_plain=False, is_counted=True, moved=moved)
    return FrameIndex(times, array("q"), unit, is_plain, order=read.order(places), moved=moved)


def _slots(read: PacketList, count: int, *, is_timed: bool) -> array[int]:
    """The times of so many frames where packets do not tell which is whose: those of decoding, or else all in order."""
    slots = array("q", filter(MISSING.__lt__, read.slots))
    if len(slots) == count and ascends(slots):
        return slots
    if not is_timed:
        return array("q", range(count))
    stamps = array("q", sorted(filter(MISSING.__lt__, read.stamps)))[:count]
    return stamps + array("q", (MISSING,)) * (count - len(stamps))


def _check_count(media: Media, count: int) -> None:
    if count > MAX_FRAMES:
        raise heron.MediaError(f"{media.file.name} has more than {MAX_FRAMES:,} frames")
