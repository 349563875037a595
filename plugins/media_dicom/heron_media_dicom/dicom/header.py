"""The header of one file: read by the fast reader, or else by pydicom, and checked before its sizes are used."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import Any, BinaryIO

from attrs import frozen

import heron
from heron_media_dicom.dicom.elements import WINDOW, Elements, Unusual, Window, read_meta, walk
from heron_media_dicom.dicom.ending import check_end
from heron_media_dicom.dicom.stream import GuardedStream, inflated
from heron_media_dicom.dicom.syntaxes import BIG_ENDIAN, DEFLATED, IMPLICIT_LITTLE, is_compressed
from heron_media_dicom.dicom.tags import FACTS, FRAME_GROUPS, FRAME_TIME_VECTOR, SHARED_GROUPS, tag_bytes
from heron_media_dicom.dicom.values import json_values, numbers

MOST_FRAMES = 1_000_000
"""The most frames of a file; slides have most, one for each tile."""

_SYNTAX = tag_bytes(0x00020010)
_TELLING = frozenset(tag.keyword for tag in FACTS.values()) - {"TransferSyntaxUID", "SpecificCharacterSet"}
_IDENTIFYING = frozenset(("SOPClassUID", "SeriesInstanceUID", "Modality"))
"""Facts of which a file must have at least one, with and without the magic of DICOM."""


@frozen
class Header:
    """What a file says of itself.
    `facts` are by keyword, `elements` are the raw ones, `frames` is the number of pictures (0 without pixels). `source`
    and `size` are those of the plain file: the given one, or the inflated content.
    """

    facts: Mapping[str, Any]
    elements: Elements
    frames: int
    source: BinaryIO
    size: int

    @property
    def syntax(self) -> str:
        """The UID of the transfer syntax; an uncompressed one if none is given."""
        return _syntax(self.elements)

    def frame_times(self) -> list[float]:
        """The presentation time of each frame, in seconds from the first; empty unless they increase."""
        if self.frames < 2:
            return []
        pauses = numbers(self.elements.values.get(FRAME_TIME_VECTOR, (b"", b""))[1])
        if len(pauses) != self.frames:
            pause = self.facts.get("FrameTime")
            pauses = [pause] * self.frames if isinstance(pause, float) else []
        if min(pauses[1:], default=0) <= 0:
            return []
        times = [0.0]
        for pause in pauses[1:]:
            times.append(times[-1] + pause / 1000)
        return [round(time, 6) for time in times]


def read_header(file: heron.MediaFile, stream: BinaryIO) -> Header:
    """Read and check a header; raises MediaError if it is cut off, absurd or not DICOM."""
    data = stream.read(WINDOW)
    size = file.size
    try:
        elements, start = read_meta(data)
        syntax = _syntax(elements)
        if syntax == BIG_ENDIAN or _SYNTAX not in elements.values:
            raise Unusual
        if syntax == DEFLATED:
            data = inflated(stream, start, file.name)
            stream, size = io.BytesIO(data), len(data)
            _, start = read_meta(data[:WINDOW])
        elements.implicit = syntax == IMPLICIT_LITTLE
        if elements.implicit and data[start + 4 : start + 6].isalpha():
            raise Unusual
        walk(Window(stream, size, file.name), data, start, elements)
    except Unusual:
        elements = _by_pydicom(file, stream, size)
    if SHARED_GROUPS in elements.places or FRAME_GROUPS in elements.places:
        from heron_media_dicom.dicom.fallback import add_functional_groups

        add_functional_groups(GuardedStream(stream, size, file.name), elements)
    facts = json_values(elements.values, elements.order)
    if not facts.keys() & (_TELLING if data[128:132] == b"DICM" else _IDENTIFYING):
        raise heron.MediaError(f"{file.name} has no element that identifies it, so it is not a DICOM object")
    frames = _checked_frames(file.name, facts, elements, size) if elements.pixels else 0
    if elements.pixels and elements.pixels.length is None and (file.path is not None or size <= WINDOW):
        check_end(stream, elements, size, file.name)
    return Header(facts, elements, frames, stream, size)


def whole(facts: Mapping[str, Any], keyword: str, default: int = 0) -> int:
    """A fact that should be a whole number, or the default if it is not."""
    value = facts.get(keyword)
    return value if type(value) is int else default


def frame_bytes(facts: Mapping[str, Any]) -> float:
    """Bytes of an uncompressed frame; a fraction if pixels of one bit end within a byte (PS3.5, 8.1)."""
    samples = whole(facts, "SamplesPerPixel", 1)
    if facts.get("PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2  # colours are kept for every second pixel (PS3.3 C.7.6.3.1.2)
    return whole(facts, "Rows") * whole(facts, "Columns") * samples * whole(facts, "BitsAllocated") / 8


def _syntax(elements: Elements) -> str:
    given = elements.values.get(_SYNTAX, (b"", b""))[1].decode("latin_1").strip("\0 ")
    return given or (IMPLICIT_LITTLE if elements.order == "<" else BIG_ENDIAN)


def _by_pydicom(file: heron.MediaFile, stream: BinaryIO, size: int) -> Elements:
    from heron_media_dicom.dicom.fallback import read_elements

    stream.seek(0)
    return read_elements(GuardedStream(stream, size, file.name))


def _checked_frames(name: str, facts: Mapping[str, Any], elements: Elements, size: int) -> int:
    """The number of frames; raises MediaError if their sizes are absurd, or do not fit into the file."""
    assert elements.pixels is not None
    rows, columns = whole(facts, "Rows"), whole(facts, "Columns")
    frames = max(1, whole(facts, "NumberOfFrames", 1))
    if not rows or not columns:
        raise heron.MediaError(f"{name} has pixels, but no valid number of rows and columns")
    heron.check_pixels(name, columns, rows)
    if frames > MOST_FRAMES:
        raise heron.MediaError(f"{name} claims {frames:,} frames, more than {MOST_FRAMES:,}")
    room = size - elements.pixels.offset
    if elements.pixels.length is not None:
        claimed = elements.pixels.length
        if claimed > room:
            raise heron.MediaError(
                f"{name} is cut off: its pixels claim {claimed:,} bytes, {max(room, 0):,} are left"
            )
        room = claimed
    needed = frames if is_compressed(_syntax(elements)) else math.ceil(frames * frame_bytes(facts))
    if needed > room:
        raise heron.MediaError(
            f"{name} claims {frames:,} frames of {columns:,} x {rows:,} pixels, but has only {room:,} bytes of pixels"
        )
    return frames
