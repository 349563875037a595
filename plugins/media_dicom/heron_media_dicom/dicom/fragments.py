"""Compressed frames: the positions of their fragments, and whether their streams agree with the header."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import heron
from heron_media_dicom.dicom.header import Header, frame_bytes, whole

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_JPEG, _J2K = b"\xff\xd8", b"\xff\x4f\xff\x51"
_JPEG_SYNTAXES = ("4.50", "4.51", "4.57", "4.70", "4.80", "4.81")
_J2K_SYNTAXES = ("4.90", "4.91", "4.201", "4.202", "4.203")

_SIZES = {0xC0, 0xC1, 0xC3, 0xF7}
"""Markers of JPEG and JPEG-LS before the size: baseline, extended, lossless, LS (ISO/IEC 10918-1, B.1.1.3)."""

_MOST_TILES = 65_535

MOST_FRAGMENTS = 1_000_000
"""The most fragments of a file."""

Fragment = tuple[int, int]
"""Offset and length in bytes."""


class CompressedFrames:
    """The compressed frames of a file. Raises MediaError for fragments outside the file, or too few of them."""

    def __init__(self, header: Header, name: str) -> None:
        self._header = header
        self._name = name
        self._frames = self._grouped(self._fragments())

    def read(self, number: int) -> bytes:
        """One compressed frame; raises MediaError if it does not agree with the header."""
        fragments = self._frames[number] if number < len(self._frames) else []
        length = sum(length for _, length in fragments)
        most = 4 * int(frame_bytes(self._header.facts)) + 64 * 1024
        if not 0 < length <= most:
            raise heron.MediaError(
                f"frame {number:,} of {self._name} has {length:,} bytes, expected 1 to {most:,}"
            )
        return self._checked(b"".join(self._piece(fragment) for fragment in fragments), number)

    def _piece(self, fragment: Fragment) -> bytes:
        self._header.source.seek(fragment[0])
        return self._header.source.read(fragment[1])

    def _fragments(self) -> list[Fragment]:
        """All fragments; the first is the basic offset table (PS3.5, A.4)."""
        assert self._header.elements.pixels is not None
        stream, end = self._header.source, self._header.size
        at = self._header.elements.pixels.offset
        found: list[Fragment] = []
        while at + 8 <= end:
            stream.seek(at)
            tag, length = struct.unpack("<4sI", stream.read(8))
            if tag == _END:
                break
            if tag != _ITEM or at + 8 + length > end:
                raise heron.MediaError(f"{self._name} has a broken fragment of pixels at byte {at:,}")
            if len(found) > MOST_FRAGMENTS:
                raise heron.MediaError(f"{self._name} has more than {MOST_FRAGMENTS:,} fragments of pixels")
            found.append((at + 8, length))
            at += 8 + length
        return found

    def _grouped(self, fragments: Sequence[Fragment]) -> list[list[Fragment]]:
        """The fragments of each frame: by the offset table, one for each frame, or by the starts of streams."""
        frames = self._header.frames
        if not fragments:
            raise heron.MediaError(f"{self._name} has no fragments of pixels")
        table, *pieces = fragments
        if len(pieces) == frames:
            return [[piece] for piece in pieces]
        if frames == 1:
            return [pieces]
        starts = self._table(table, frames) or self._beginnings(pieces)
        grouped: list[list[Fragment]] = []
        for piece in pieces:
            if piece[0] - 8 in starts:
                grouped.append([])
            if grouped:
                grouped[-1].append(piece)
        return grouped

    def _table(self, table: Fragment, frames: int) -> set[int]:
        """The indices of first fragments by the basic offset table; empty if it is empty or does not match."""
        if table[1] != 4 * frames:
            return set()
        base = sum(table)
        return {base + offset for offset in struct.unpack(f"<{frames}I", self._piece(table))}

    def _beginnings(self, pieces: Sequence[Fragment]) -> set[int]:
        """The indices of fragments that begin like a stream."""
        heads = ((offset - 8, self._piece((offset, min(length, 4)))) for offset, length in pieces)
        return {place for place, head in heads if head[:2] == _JPEG or head == _J2K}

    def _checked(self, data: bytes, number: int) -> bytes:
        """The stream without its wrapper; its own size is compared with the header before a decoder reads it."""
        syntax = self._header.syntax.removeprefix("1.2.840.10008.1.2.")
        facts = self._header.facts
        expected = whole(facts, "Columns"), whole(facts, "Rows"), whole(facts, "SamplesPerPixel", 1)
        if syntax in _J2K_SYNTAXES:
            # the boxes of a JP2 file can make decoders hang, and DICOM does not allow them (PS3.5, A.4.4)
            data = data[max(0, data.find(_J2K)) :]
            found = _j2k_size(data)
        elif syntax in _JPEG_SYNTAXES:
            found = _jpeg_size(data)
            if syntax in ("4.80", "4.81") and b"\xff\xd9" not in data[-16:]:
                found = None  # CharLS takes seconds to notice that the end is missing
        else:
            return data
        if found != expected:
            claim = "{} x {} pixels of {} samples".format(*found) if found else "no readable size"
            raise heron.MediaError(f"frame {number:,} of {self._name} is broken: its stream has {claim}")
        return data


def _jpeg_size(data: bytes) -> tuple[int, int, int] | None:
    """Columns, rows and samples of a JPEG or JPEG-LS stream; None for a progressive one, or if none is found."""
    at = 2
    while data[:2] == _JPEG and at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _SIZES:
            rows, columns, samples = struct.unpack_from(">HHB", data, at + 5)
            return columns, rows, samples
        if marker == 0xFF:
            at += 1
        elif 0xC0 < marker < 0xD0 and marker not in (0xC4, 0xC8, 0xCC):
            return None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _j2k_size(data: bytes) -> tuple[int, int, int] | None:
    """Columns, rows and samples of a JPEG 2000 stream (ISO/IEC 15444-1, A.5.1); None for absurd tiles."""
    if not data.startswith(_J2K) or len(data) < 42:
        return None
    right, bottom, left, top, tile_width, tile_height, *_, samples = struct.unpack_from(">8IH", data, 8)
    columns, rows = right - left, bottom - top
    if not tile_width or not tile_height or columns <= 0 or rows <= 0:
        return None
    tiles = -(-columns // tile_width) * -(-rows // tile_height)
    return (columns, rows, samples) if tiles <= _MOST_TILES else None
