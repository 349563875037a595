"""Walks the directories of a TIFF (TIFF 6.0, section 2; BigTIFF), and says how the pixels of a page are stored."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any, BinaryIO

from attrs import frozen
from PIL import TiffImagePlugin

from heron.media.headers import MOST_FRAMES

_PLAIN, _BIG = 42, 43

_KINDS = {1: "uint", 2: "int", 3: "float", 4: "uint", 5: "int", 6: "complex"}
"""What a sample is, by the tag SampleFormat (TIFF 6.0, section 19; TIFF Technical Note on complex numbers)."""

_BY_PILLOW = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34925, 50000)
"""Compressions that Pillow reads: none, those of faxes, LZW, JPEG, Deflate, PackBits, LZMA and Zstandard."""

_LOSSY = (6, 7, 33003, 33004, 33005, 34712, 34887, 34892, 34933, 50001, 50002, 52546)
"""Compressions that may lose something: JPEG, JPEG 2000, LERC, JPEG XR, PNG-like formats of lossy codecs, WebP, JPEG XL."""


@frozen
class Layout:
    """How the pixels of a page are stored; `kind` is uint, int, float or complex, `nodata` stands for no value (GDAL)."""

    width: int
    height: int
    samples: int
    bits: int
    kind: str
    photometric: int
    is_planar: bool
    compression: int
    orientation: int
    extra: tuple[int, ...]
    nodata: float | None

    @property
    def type(self) -> str:
        """The type of a sample by NumPy's name, such as `float64`."""
        return f"{self.kind}{self.bits}"

    @property
    def mode(self) -> str:
        """What stands for Pillow's mode if Pillow has none."""
        return self.type if self.samples == 1 else f"{self.samples} x {self.type}"

    @property
    def is_lossless(self) -> bool:
        """Whether the compression keeps every value."""
        return self.compression not in _LOSSY

    @property
    def is_for_pillow(self) -> bool:
        """Whether Pillow shows the values that are stored; it refuses some other pages, and shows others wrongly."""
        if self.compression not in _BY_PILLOW:
            return False
        if self.photometric not in ((0, 1, 2, 3, 5, 6, 8) if self.bits <= 8 else (1, 2, 5)):
            return False
        if self.samples == 1 and self.photometric == 1:
            return self.type in (
                "uint1",
                "uint2",
                "uint4",
                "uint8",
                "uint12",
                "uint16",
                "int16",
                "int32",
                "float32",
            )
        colours = {0: (1,), 1: (1,), 2: (3, 4), 3: (1,), 5: (4,), 6: (3,), 8: (3,)}[self.photometric]
        known = self.kind == "uint" and (self.bits <= 8 or (self.bits == 16 and not self.is_planar))
        return known and (self.samples in colours or self._is_grey_with_alpha)

    @property
    def _is_grey_with_alpha(self) -> bool:
        return self.samples == 2 and self.bits == 8 and self.photometric == 1 and not self.is_planar


def page_offsets(stream: BinaryIO) -> list[int]:
    """Where the directory of each page stands; a chain with a cycle ends at the first page that repeats.

    Raises ValueError for too many pages, without reading their content.
    """
    head = _head(stream)
    order = "<" if head[:2] == b"II" else ">"
    is_big = _is_big(head)
    count_code, entry, next_code = (
        (order + "Q", 20, order + "Q") if is_big else (order + "H", 12, order + "I")
    )
    (offset,) = struct.unpack_from(next_code, head, 8 if is_big else 4)
    seen: dict[int, None] = {}
    while offset and offset not in seen:
        if len(seen) == MOST_FRAMES:
            raise ValueError(f"it has more than {MOST_FRAMES:,} pages")
        seen[offset] = None
        entries = _number(stream, offset, count_code)
        offset = _number(stream, offset + struct.calcsize(count_code) + entries * entry, next_code)
    return list(seen)


def tags_at(stream: BinaryIO, offset: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags of the directory at an offset; raises any error of Pillow."""
    head = _head(stream)
    tags = TiffImagePlugin.ImageFileDirectory_v2(head if _is_big(head) else head[:8])
    stream.seek(offset)
    tags.load(stream)
    return tags


def layout_of(tags: TiffImagePlugin.ImageFileDirectory_v2) -> Layout:
    """The layout that tags describe; raises ValueError if they contradict each other, or say too little."""
    samples = _first(tags, 277, 1)
    bits, kinds = set(_all(tags, 258, (1,))), {_KINDS.get(kind, "unknown") for kind in _all(tags, 339, (1,))}
    if len(bits) != 1 or len(kinds) != 1:
        raise ValueError("its samples are of different types")
    nodata = None
    with suppress(ValueError, TypeError, AttributeError):
        nodata = float(str(tags.get(42113)).strip("\0 ").replace(",", "."))
    return Layout(
        width=_first(tags, 256, 0),
        height=_first(tags, 257, 0),
        samples=samples,
        bits=bits.pop(),
        kind=kinds.pop(),
        photometric=_first(tags, 262, 0 if samples == 1 else 2),
        is_planar=_first(tags, 284, 1) == 2 and samples > 1,
        compression=_first(tags, 259, 1),
        orientation=_first(tags, 274, 1),
        extra=tuple(_all(tags, 338, ())),
        nodata=nodata,
    )


def end_of_page(tags: TiffImagePlugin.ImageFileDirectory_v2) -> int | None:
    """The offset at which the last strip or tile of a page ends; None if the page does not say."""
    given: Any = tags
    for offsets, counts in ((273, 279), (324, 325)):
        if offsets in given and counts in given:
            return max((sum(pair) for pair in zip(given[offsets], given[counts], strict=False)), default=None)
    return None


def _all(tags: Any, tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
    value = tags.get(tag, default)
    return tuple(int(part) for part in (value if isinstance(value, tuple) else (value,)))


def _first(tags: Any, tag: int, default: int) -> int:
    return next(iter(_all(tags, tag, (default,))), default)


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(16)


def _is_big(head: bytes) -> bool:
    return int(struct.unpack_from("<H" if head[:2] == b"II" else ">H", head, 2)[0]) == _BIG


def _number(stream: BinaryIO, offset: int, code: str) -> int:
    """The number at an offset of the file; 0 behind its end."""
    size = struct.calcsize(code)
    if offset >= 1 << 63:
        return 0
    stream.seek(offset)
    content = stream.read(size)
    return int(struct.unpack(code, content)[0]) if len(content) == size else 0
