"""Font files: the folders where systems keep them, and the characters for which a file has a glyph."""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

OWN = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
"""The font that comes with Heron: Latin, Greek, Cyrillic, Hebrew, Arabic and more."""

_FOLDERS = (
    "~/.local/share/fonts", "~/.fonts", "/usr/local/share/fonts", "/usr/share/fonts", "/run/current-system/sw/share/X11/fonts",
    "~/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts",
)  # fmt: skip

_MOST_FILES = 5_000
_LARGEST_TABLE = 16 * 1024 * 1024
_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_NO_FONTS = ("lastresort", "adobeblank")
"""Fonts that have a glyph for every character, which shows nothing of it."""

_AVOIDED = (
    "bold",
    "italic",
    "oblique",
    "mono",
    "serif",
    "condensed",
    "light",
    "thin",
    "black",
    "math",
    "symbol",
)
"""Parts of names of fonts that are taken only if no other font has a character."""

_OUTLINES = (b"glyf", b"CFF ", b"CFF2")
_TABLES = {(3, 10): 0, (0, 6): 1, (0, 4): 1, (3, 1): 2, (0, 3): 3, (0, 2): 3, (0, 1): 3, (0, 0): 3}
"""Character maps by platform and encoding, the better ones first (OpenType, cmap)."""


@frozen
class Characters:
    """A set of characters: ranges in ascending order, as their first and last code points."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    def __contains__(self, character: str) -> bool:
        place = bisect_right(self.firsts, ord(character)) - 1
        return place >= 0 and ord(character) <= self.lasts[place]


def installed() -> Iterator[Path]:
    """The font files of `HERON_FONTS` (files and folders), then those of the system, plain sans-serif fonts first."""
    for place in filter(None, os.environ.get("HERON_FONTS", "").split(os.pathsep)):
        yield from _below(Path(place).expanduser())
    for folder in _FOLDERS:
        yield from _below(Path(folder).expanduser())


def _below(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    found: list[Path] = []
    for folder, _, names in os.walk(place):
        found += [Path(folder, name) for name in names if name.lower().endswith(_SUFFIXES)]
        if len(found) >= _MOST_FILES:
            break
    usable = (path for path in found[:_MOST_FILES] if not path.name.lower().startswith(_NO_FONTS))
    return sorted(usable, key=_preference)


def _preference(path: Path) -> tuple[int, bool, str]:
    name = path.name.lower().replace("sansserif", "")
    return sum(part in name for part in _AVOIDED), "sans" not in name, str(path)


def characters_of(path: Path) -> Characters | None:
    """The characters that have an outline in a font, the first one of a collection; None if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return _characters(stream)
    except (OSError, struct.error, IndexError, OverflowError, MemoryError):
        return None


def _characters(stream: BinaryIO) -> Characters | None:
    start = 0
    if stream.read(4) == b"ttcf":
        stream.seek(12)
        (start,) = struct.unpack(">I", stream.read(4))
    stream.seek(start + 4)
    (count,) = struct.unpack(">H", stream.read(2))
    stream.seek(start + 12)
    tables = {
        tag: (offset, length)
        for tag, _, offset, length in struct.iter_unpack(">4sIII", stream.read(16 * count))
    }
    if b"cmap" not in tables or not any(tag in tables for tag in _OUTLINES):
        return None
    offset, length = tables[b"cmap"]
    stream.seek(offset)
    return _mapped(stream.read(min(length, _LARGEST_TABLE)))


def _mapped(cmap: bytes) -> Characters | None:
    (count,) = struct.unpack_from(">H", cmap, 2)
    maps = struct.iter_unpack(">HHI", cmap[4 : 4 + 8 * count])
    known = sorted(
        (_TABLES[platform, encoding], offset)
        for platform, encoding, offset in maps
        if (platform, encoding) in _TABLES
    )
    for _, offset in known:
        (format,) = struct.unpack_from(">H", cmap, offset)
        if format in (4, 12):
            ranges = sorted(_of_groups(cmap, offset) if format == 12 else _of_segments(cmap, offset))
            return Characters(tuple(first for first, _ in ranges), tuple(last for _, last in ranges))
    return None


def _of_groups(cmap: bytes, offset: int) -> Iterator[tuple[int, int]]:
    """The ranges of a map of format 12."""
    (count,) = struct.unpack_from(">I", cmap, offset + 12)
    for first, last, glyph in struct.iter_unpack(">III", cmap[offset + 16 : offset + 16 + 12 * count]):
        if first <= last and (glyph or first < last):
            yield (first if glyph else first + 1), last


def _of_segments(cmap: bytes, offset: int) -> Iterator[tuple[int, int]]:
    """The ranges of a map of format 4."""
    (double,) = struct.unpack_from(">H", cmap, offset + 6)
    count = double // 2
    lasts = struct.unpack_from(f">{count}H", cmap, offset + 14)
    firsts = struct.unpack_from(f">{count}H", cmap, offset + 16 + double)
    places = offset + 16 + 3 * double
    starts = struct.unpack_from(f">{count}H", cmap, places)
    for number, (first, last, start) in enumerate(zip(firsts, lasts, starts, strict=True)):
        if not start:
            if first <= last and first != 0xFFFF:
                yield first, last
            continue
        where = places + 2 * number + start
        glyphs = cmap[where : where + 2 * (last - first + 1)]
        for code in range(first, first + len(glyphs) // 2):
            if glyphs[2 * (code - first)] or glyphs[2 * (code - first) + 1]:
                yield code, code
