"""Sample tables of MP4 and QuickTime: the time of each frame from the movie box alone (ISO/IEC 14496-12, 8.6)."""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, chain, compress, repeat
from operator import add

from attrs import frozen

import heron
from heron_media_video.boxes import box, boxes
from heron_media_video.h264 import has_only_frames
from heron_media_video.timestamps import are_in_order, ascending, ascends

MAX_FRAMES = 10_000_000
"""Most frames of a video: 92 hours at 30 frames per second."""

_MOST_EDITS = 1000
"""Most segments of an edit list."""

USUAL_DELAY = 5
"""By how many packets a frame comes behind its turn at most in usual files."""

_ENCRYPTED = (b"encv", b"enca")
"""Sample entries of encrypted tracks (ISO/IEC 23001-7, 4.1)."""

_NESTED, _DEPTH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"edts", b"dinf", b"mvex"), 10
"""Boxes that hold others, among them those with tables of samples, and how deep they are followed."""

_ONE_FRAME_A_SAMPLE = (
    b"hvc1",
    b"hev1",
    b"av01",
    b"vp08",
    b"vp09",
    b"apcn",
    b"apch",
    b"apcs",
    b"apco",
    b"jpeg",
)
_IN_TURN = (b"av01", b"vp08", b"vp09", b"apcn", b"apch", b"apcs", b"apco", b"jpeg")
"""Sample entries of codecs that show frames in the order in which they are decoded."""

_AVC = (b"avc1", b"avc3")
_VISUAL_ENTRY = 78
"""Bytes of a VisualSampleEntry before the boxes in it (12.1.3.2)."""


@frozen
class SampleTimes:
    """The times of the samples of a track that are shown, in units of `unit` seconds on the track's own clock.

    `shown` ascends; `first` is the time of the one that is decoded first; `keys` are those of the sync samples. `is_exact`
    is unset where two samples may be fields of one frame. `is_ordered` is unset where times repeat or go back, so that they
    do not tell when which sample is shown. `is_in_turn`: samples are shown in the order in which they are decoded.

    An edit list of several segments has `cuts`: then `shown` are the times of the frames in the film, in units of `film`
    seconds, and the clock of the track is that of `first`, `keys` and of the marks in the cuts.
    """

    track: int
    unit: Fraction
    shown: array[int]
    first: int
    keys: array[int]
    is_exact: bool
    is_ordered: bool
    is_in_turn: bool
    film: Fraction
    cuts: tuple[array[int], ...] = ()
    length: Fraction | None = None


def checked_tracks(movie: bytes, size: int, name: str) -> list[memoryview]:
    """The tracks of a movie box in a file of `size` bytes.

    Raises MediaError for encrypted ones, and for tables that claim more samples than the file has bytes.
    """
    tracks = [content for kind, content in boxes(memoryview(movie)) if kind == b"trak"]
    claimed = _claimed(memoryview(movie), name)
    if claimed > size:
        raise heron.MediaError(f"{name} claims {claimed:,} samples in a track, and has {size:,} bytes")
    frames = max((_claimed(track, name) for track in tracks if _handler(track) == b"vide"), default=0)
    if frames > MAX_FRAMES:
        raise heron.MediaError(f"{name} claims {frames:,} frames, {MAX_FRAMES:,} are the most")
    return tracks


def _claimed(content: memoryview, name: str, depth: int = 0) -> int:
    """Most samples that any table claims, wherever it stands: FFmpeg takes tables in unusual places too."""
    most = 0
    for kind, inner in boxes(content):
        if kind in _NESTED and depth < _DEPTH:
            most = max(most, _claimed(inner, name, depth + 1))
        elif kind in (b"stts", b"ctts"):
            most = max(most, sum(_runs(inner)[0::2]))
        elif kind in (b"stsz", b"stz2"):
            most = max(most, _sample_count({kind: inner}))
        elif kind == b"stsd" and _entry({kind: inner})[0] in _ENCRYPTED:
            raise heron.MediaError(f"{name} is encrypted (ISO Common Encryption), and cannot be decoded")
    return most


def sample_times(movie: bytes, tracks: list[memoryview]) -> SampleTimes | None:
    """The times of the first track of pictures, in a movie box that `checked_tracks` has passed.

    None where they are not all in the tables, as in fragmented files, or where the tables are unusual.
    """
    content = memoryview(movie)
    header = box(content, b"mvhd")
    chosen = _track_of_pictures(tracks)
    if header is None or chosen is None or box(content, b"mvex") is not None:
        return None
    try:
        return _times(chosen, _timescale(header))
    except (struct.error, IndexError, OverflowError):
        return None  # cut short: FFmpeg makes of it what it can


def _times(track: memoryview, movie_scale: int) -> SampleTimes | None:
    tables = dict(boxes(box(track, b"mdia", b"minf", b"stbl") or memoryview(b"")))
    scale = _timescale(box(track, b"mdia", b"mdhd") or memoryview(b""))
    count = _sample_count(tables)
    composed = _composition_times(tables, count)
    edits = _edits(box(track, b"edts", b"elst"), scale, movie_scale)
    if not count or composed is None or not edits or not scale or _samples_in_chunks(tables) != count:
        return None
    sync = tables.get(b"stss")
    places = [n - 1 for n in _numbers(sync, 8) if n] if sync is not None else []
    if sync is not None and 0 not in places[:1]:
        return None  # it begins within a group of pictures: which of them can be shown, the decoder knows
    begin, end = edits[0].begin, edits[0].end
    is_cut = len(edits) > 1
    inside = [begin <= time < end for time in composed] if begin > _BEFORE and not is_cut else repeat(True)
    kept = array("q", compress(composed, inside))
    if not kept:
        return None
    keys = map(composed.__getitem__, places) if sync is not None else composed
    shown, is_ordered = array("q", sorted(kept)), are_in_order(composed, places, _delay(tables))
    header = box(track, b"tkhd") or memoryview(b"")
    (number,) = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)
    if is_cut and not is_ordered:
        return None
    marks = [_between(shown, edit) for edit in edits] if is_cut else []
    if is_cut:
        shown = array("q", _in_film(marks, edits, scale, movie_scale))
    if not shown:
        return None
    return SampleTimes(
        track=number,
        unit=Fraction(1, scale),
        shown=shown if is_ordered else ascending(shown)[0],
        first=kept[0],
        keys=array("q", sorted(keys)),
        is_exact=_is_one_frame_a_sample(tables),
        is_ordered=is_ordered,
        is_in_turn=ascends(composed),
        film=Fraction(1, scale * movie_scale if is_cut else scale),
        cuts=tuple(marks),
        length=Fraction(edits[-1].at + edits[-1].length, movie_scale) if is_cut else None,
    )


def _between(times: array[int], edit: _Edit) -> array[int]:
    return times[bisect_left(times, edit.begin) : bisect_left(times, edit.end)]


def _in_film(marks: list[array[int]], edits: list[_Edit], scale: int, movie_scale: int) -> Iterator[int]:
    """When each frame of each segment is shown, in units of 1 / (scale * movie_scale) seconds."""
    for times, edit in zip(marks, edits, strict=True):
        yield from (edit.at * scale + (time - edit.begin) * movie_scale for time in times)


def _track_of_pictures(tracks: list[memoryview]) -> memoryview | None:
    """The first video track that is not the pictures of chapters."""
    chapters = {
        number for track in tracks for number in _numbers(box(track, b"tref", b"chap") or memoryview(b""), 0)
    }
    for track in tracks:
        header = box(track, b"tkhd")
        if _handler(track) != b"vide" or header is None or len(header) < 24:
            continue
        if struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0] not in chapters:
            return track
    return None


def _composition_times(tables: dict[bytes, memoryview], count: int) -> array[int] | None:
    """The time of each sample in the order of decoding (8.6.1); None for tables that do not fit together."""
    durations, offsets = _runs(tables.get(b"stts")), _runs(tables.get(b"ctts"))
    if sum(durations[0::2]) != count or (offsets and sum(offsets[0::2]) != count):
        return None
    if any(delta >= 1 << 31 for delta in durations[1::2]):
        return None
    decoded = accumulate(chain((0,), _expanded(durations)))
    if not offsets:
        return array("q", decoded)[:count]
    signed = array("i", offsets.tobytes())
    if any(abs(offset) > 1 << 28 for offset in signed[1::2]):
        return None  # FFmpeg takes such offsets for damage, and none of them for true
    shifts = chain.from_iterable(map(repeat, signed[1::2], offsets[0::2]))
    return array("q", map(add, decoded, shifts))


def _expanded(runs: array[int]) -> Iterator[int]:
    return chain.from_iterable(map(repeat, runs[1::2], runs[0::2]))


_BEFORE, _BEHIND = -(1 << 62), 1 << 62


@frozen
class _Edit:
    """A segment of an edit list: a span of the track's own clock, and when it begins in the film and how long it lasts,
    on the clock of the movie.
    """

    begin: int
    end: int
    at: int = 0
    length: int = 0


def _edits(table: memoryview | None, scale: int, movie_scale: int) -> list[_Edit]:
    """The spans of the track's own clock that are shown, one after the other (8.6.6); empty for edit lists that are not
    simple: of another speed than normal, or that do not say where a segment begins or ends. Empty segments only delay.
    """
    if table is None:
        return [_Edit(_BEFORE, _BEHIND)]
    form, step = (">qqI", 20) if table[0] == 1 else (">IiI", 12)
    (count,) = struct.unpack_from(">I", table, 4)
    edits, at = [], 0
    for entry in range(min(count, len(table) // step, _MOST_EDITS + 1)):
        length, begin, rate = struct.unpack_from(form, table, 8 + entry * step)
        if not movie_scale or length <= 0 or begin < -1 or (begin >= 0 and rate != 1 << 16):
            return []
        if begin >= 0:
            end = begin + (length * scale + movie_scale // 2) // movie_scale
            edits.append(_Edit(begin, end, at, length))
        at += length
    return edits if len(edits) <= _MOST_EDITS else []


def _samples_in_chunks(tables: dict[bytes, memoryview]) -> int:
    """How many samples have a place in the file (8.7.4, 8.7.5)."""
    chunks = _count(tables.get(b"stco") or tables.get(b"co64"))
    table = _numbers(tables.get(b"stsc") or memoryview(b""), 8)
    firsts, sizes = table[0::3], table[1::3]
    ends = [*firsts[1:], chunks + 1]
    return sum(max(0, end - first) * size for first, end, size in zip(firsts, ends, sizes, strict=False))


def _sample_count(tables: dict[bytes, memoryview]) -> int:
    sizes = tables.get(b"stsz") or tables.get(b"stz2")
    return int.from_bytes(sizes[8:12], "big") if sizes is not None else 0


def _is_one_frame_a_sample(tables: dict[bytes, memoryview]) -> bool:
    kind, content = _entry(tables)
    if kind in _AVC:
        return has_only_frames(bytes(box(content[_VISUAL_ENTRY:], b"avcC") or b""))
    return kind in _ONE_FRAME_A_SAMPLE


def _delay(tables: dict[bytes, memoryview]) -> int:
    """By how many samples a frame comes behind its turn at most in usual files."""
    return USUAL_DELAY if b"ctts" in tables and _entry(tables)[0] not in _IN_TURN else 0


def _entry(tables: dict[bytes, memoryview]) -> tuple[bytes, memoryview]:
    """Type and content of the first sample entry (8.5.2)."""
    descriptions = tables.get(b"stsd") or memoryview(b"")
    return next(boxes(descriptions[8:]), (b"", memoryview(b"")))


def _handler(track: memoryview) -> bytes:
    return bytes((box(track, b"mdia", b"hdlr") or b"")[8:12])


def _timescale(header: memoryview) -> int:
    """Units of a second in a movie or media header (8.2.2, 8.4.2)."""
    return int(struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0])


def _count(table: memoryview | None) -> int:
    return int.from_bytes(table[4:8], "big") if table is not None else 0


def _runs(table: memoryview | None) -> array[int]:
    """Pairs of a count and a value, flattened: as many as the table says, and has."""
    return _numbers(table, 8)[: 2 * _count(table)] if table is not None else array("I")


def _numbers(table: memoryview, start: int) -> array[int]:
    """The 32-bit numbers of a table behind its header."""
    numbers = array("I", bytes(table[start : start + (len(table) - start) // 4 * 4]))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
