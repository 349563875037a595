"""The pages of a TIFF: facts from its tags, pictures and values by Pillow, or by tifffile where Pillow would be wrong."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from heron.errors import HeronError
from heron.hooks import MediaFile, Values, Window
from heron.limits import check_pixels, max_memory
from heron.media.deep import bounds_of, deep_values, grey_bytes, in_blocks, turned, window_of, without
from heron.media.headers import ImageHeader
from heron.media.levels import grey_levels
from heron.media.pillow import memory_of, opened, reading
from heron.media.thumbnails import finished, fitted
from heron.media.tiff import Layout, end_of_page, layout_of, page_offsets, tags_at
from heron.media.tiff_arrays import read_page

Array = np.ndarray[Any, Any]

_ALPHA = (1, 2)
"""What ExtraSamples says of a sample that is opacity (TIFF 6.0, section 18)."""


class TiffPages:
    """Reads the pages of one file; raises MediaError for those that cannot be read."""

    def __init__(self, file: MediaFile, stream: BinaryIO) -> None:
        self._file = file
        self._stream = stream
        self._image: Image.Image | None = None
        with reading(file, "has a broken header"):
            self._offsets = page_offsets(stream)
            if not self._offsets:
                raise ValueError("it has no pages")

    def __len__(self) -> int:
        return len(self._offsets)

    def header(self) -> ImageHeader:
        """The header of the first page."""
        tags, layout = self._page(0)
        mode = layout.mode
        if layout.is_for_pillow:
            mode = self._by_pillow(0).mode
        exif = self._exif(tags)
        lossless, count = layout.is_lossless, len(self)
        xmp, iptc = (found if isinstance(found := tags.get(tag), bytes) else b"" for tag in (700, 33723))
        return ImageHeader(
            layout.width, layout.height, mode, exif, count, end_of_page(tags), lossless, xmp=xmp, iptc=iptc
        )

    def picture(self, number: int, size: int | None) -> Image.Image:
        """A page upright, in sRGB, no larger than `size`."""
        tags, layout = self._page(number)
        profile = tags.get(34675)
        with reading(self._file, "cannot be decoded"):
            if self._is_for_pillow(layout) and self._fits(layout):
                image = self._by_pillow(number)
                return finished(image, size, profile=profile, nodata=layout.nodata)
            target = fitted(layout.width, layout.height, size) if size else None
            array = read_page(self._file, self._stream, self._offsets[number], layout, target)
            image, of = _shown(array, layout, tags), (layout.width, layout.height)
            return finished(image, size, layout.orientation, profile, of=of)

    def values(self, number: int) -> Values | None:
        """The values of a grey page of more than 8 bits, or of real numbers; None for all others."""
        _tags, layout = self._page(number)
        with reading(self._file, f"has a frame {number:,} that cannot be decoded"):
            if self._is_for_pillow(layout):
                if layout.samples > 1 or layout.bits <= 8:
                    return None
                return deep_values(self._by_pillow(number), 1, layout.nodata)
            if _colours(layout) or layout.type in ("uint8", "uint4", "uint2", "uint1"):
                return None
            array = read_page(self._file, self._stream, self._offsets[number], layout, None)
            grey = _real(array[..., 0])
            window = window_of(grey, nodata=layout.nodata)
            inverted = layout.photometric == 0
            return Values(
                turned(without(grey, layout.nodata), layout.orientation), [window], inverted=inverted
            )

    def check(self) -> None:
        """Decode the first page, to see that it can be decoded."""
        self.picture(0, 64)

    def _page(self, number: int) -> tuple[TiffImagePlugin.ImageFileDirectory_v2, Layout]:
        with reading(self._file, "has a broken header"):
            tags = tags_at(self._stream, self._offsets[number])
            layout = layout_of(tags)
            if not layout.width or not layout.height or not 0 < layout.samples <= 4096:
                raise ValueError("it has no size")
        check_pixels(self._file.name, layout.width, layout.height)
        return tags, layout

    def _is_for_pillow(self, layout: Layout) -> bool:
        """Whether Pillow reads this page and, since it begins there, the first one."""
        return layout.is_for_pillow and self._page(0)[1].is_for_pillow

    def _fits(self, layout: Layout) -> bool:
        """Whether Pillow, which decodes whole pages, may read this one; if tifffile is missing, it refuses larger ones."""
        needed = memory_of("TIFF", layout.width, layout.height, "F" if layout.bits > 8 else "RGBA")
        return needed <= max_memory() or not _has_tifffile()

    def _by_pillow(self, number: int) -> Image.Image:
        if self._image is None:
            self._stream.seek(0)
            self._image = opened(self._file, self._stream)
        if self._image.tell() != number:
            self._image.seek(number)
        return self._image

    def _exif(self, tags: TiffImagePlugin.ImageFileDirectory_v2) -> bytes:
        """The tags as an EXIF block, written by Pillow; empty if they cannot be read."""
        try:
            exif: Any = Image.Exif()
            exif.endian, exif.bigtiff = tags._endian, tags._bigtiff
            exif.load_from_fp(self._stream, self._offsets[0])
            return bytes(exif.tobytes())
        except HeronError:
            raise  # raised by the storage behind the stream
        except Exception:  # noqa: BLE001 - Pillow raises many sorts of errors for broken directories
            return b""


def _has_tifffile() -> bool:
    from importlib.util import find_spec

    return find_spec("tifffile") is not None


def _colours(layout: Layout) -> str:
    """Pillow's mode for the colours of a page; empty for grey ones, and for bands of which no one says their colours."""
    if layout.photometric == 2 and layout.samples >= 3:
        return "RGB"
    if layout.photometric == 5 and layout.samples >= 4:
        return "CMYK"
    if layout.photometric == 6 and layout.samples == 3:
        return "YCbCr"
    if layout.photometric in (8, 9) and layout.samples >= 3:
        return "LAB"
    return "P" if layout.photometric == 3 and layout.samples == 1 else ""


def _shown(array: Array, layout: Layout, tags: Any) -> Image.Image:
    """The picture of a page's values; of bands that are no colours, the first one in grey."""
    mode = _colours(layout)
    if not mode:
        grey = _real(array[..., 0])
        levels = _levels(grey, layout) if layout.bits <= 8 and layout.kind == "uint" else None
        shown = grey_bytes(grey, nodata=layout.nodata) if levels is None else levels
        return Image.fromarray(255 - shown if layout.photometric == 0 else shown)
    if mode == "P":
        table = np.asarray(tags[320], np.uint16).reshape(3, -1) >> 8
        return Image.fromarray(table[:, array[..., 0]].astype(np.uint8).transpose(1, 2, 0))
    count = 4 if mode == "CMYK" else 3
    colours = _levels(array[..., :count], layout)
    if mode == "LAB" and layout.photometric == 9:  # a and b have no sign there; Pillow expects one
        colours[..., 1:] ^= 128
    if mode == "YCbCr" and layout.compression == 7:
        mode = "RGB"  # converted with the compression
    if layout.compression == 33003:
        mode = "YCbCr"
    image = Image.frombytes(mode, colours.shape[1::-1], colours.tobytes())
    image = image.convert("RGB") if mode == "YCbCr" else image
    if mode == "RGB" and layout.samples > 3 and layout.extra[:1] and layout.extra[0] in _ALPHA:
        image.putalpha(Image.fromarray(_levels(array[..., 3], layout)))
    return image


def _real(values: Array) -> Array:
    """Complex values by their magnitude, bits as numbers, others as they are."""
    values = np.abs(values) if values.dtype.kind == "c" else values
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def _levels(values: Array, layout: Layout) -> Array:
    """Values as bytes: whole ones by their highest bits, real ones from 0 to 1 or else between the outer percentiles."""
    values = _real(values)
    if layout.kind == "uint":
        if layout.bits < 8:
            return (values.astype(np.uint16) * 255 // ((1 << layout.bits) - 1)).astype(np.uint8)
        return (values >> (layout.bits - 8)).astype(np.uint8)
    low, high = (0.0, 1.0) if values.dtype.kind == "f" else (1.0, 0.0)
    with np.errstate(invalid="ignore"):
        if not (np.nanmin(values, initial=0.0) >= low and np.nanmax(values, initial=0.0) <= high):
            low, high = bounds_of(values, layout.nodata)
    window = Window((high - low) or 1.0, low / 2 + high / 2)
    return in_blocks(values, lambda block: grey_levels(without(block, layout.nodata), window))
