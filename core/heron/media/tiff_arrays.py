"""Reads the pages of a TIFF that Pillow cannot show: strip by strip and tile by tile, by tifffile and imagecodecs."""

from __future__ import annotations

import logging
from typing import Any, BinaryIO

import numpy as np

from heron.errors import MediaError
from heron.hooks import MediaFile
from heron.limits import check_memory, max_memory
from heron.media.jpeg import read_jpeg_header
from heron.media.tiff import Layout
from heron.media.webp import read_webp_header

Array = np.ndarray[Any, Any]

_COMPRESSIONS = {
    1: "none", 5: "LZW", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32946: "Deflate", 33003: "JPEG 2000", 33004: "JPEG 2000",
    33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP",
}  # fmt: skip
"""The compressions that are read: those whose output is limited, or whose own header is compared with the page's."""

_TYPES = frozenset(
    ("uint1", "uint2", "uint4", "uint8", "uint10", "uint12", "uint14", "uint16", "uint32", "uint64", "int8", "int16", "int32",
     "int64", "float16", "float24", "float32", "float64", "complex64", "complex128")
)  # fmt: skip

_WORK = 4
"""Copies of a strip or tile, and of the page read from them, that exist for a moment."""

_J2K = b"\xff\x4f\xff\x51"


def read_page(
    file: MediaFile, stream: BinaryIO, offset: int, layout: Layout, target: tuple[int, int] | None
) -> Array:
    """The values of the page whose directory stands at an offset; shape (height, width, samples).

    A page that would take too much memory is read reduced to every nth row and column, as long as it stays larger than
    `target`, in pixels. Raises MediaError for pages that cannot be read.
    """
    try:
        import tifffile
    except ImportError:
        raise MediaError(
            f"{file.name} has pixels of {layout.mode}, which Pillow does not read",
            hint="pip install 'heron[images]'",
        ) from None
    if layout.compression not in _COMPRESSIONS or layout.type not in _TYPES:
        raise MediaError(
            f"{file.name} has pixels of {layout.mode} in compression {layout.compression}, which is not supported"
        )
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # our own errors report problems of a file
    stream.seek(0)
    with tifffile.TiffFile(stream) as tiff:
        tiff.filehandle.seek(offset)
        page = tifffile.TiffPage(tiff, 0)
        return _assembled(file, page, layout, _step(file, page, layout, target))


def _step(file: MediaFile, page: Any, layout: Layout, target: tuple[int, int] | None) -> int:
    """Of how many rows and columns one is read."""
    sample = page.dtype.itemsize * _WORK
    pixel = sample * layout.samples
    segment = (page.tilelength * page.tilewidth) if page.is_tiled else page.rowsperstrip * layout.width
    segment = min(segment, max(layout.height, page.tilelength) * max(layout.width, page.tilewidth)) * sample
    segment *= 1 if layout.is_planar else layout.samples
    step = 1
    while (
        target is not None
        and segment + layout.width * layout.height * pixel / step**2 > max_memory()
        and layout.width // (step + 1) >= target[0]
        and layout.height // (step + 1) >= target[1]
    ):
        step += 1
    check_memory(file.name, segment + layout.width * layout.height * pixel / step**2)
    return step


def _assembled(file: MediaFile, page: Any, layout: Layout, step: int) -> Array:
    """The page, put together from its strips or tiles."""
    planes, depth, height, width, samples = page.shaped
    if depth != 1 or (height, width, planes * samples) != (layout.height, layout.width, layout.samples):
        raise MediaError(f"{file.name} has a page of {page.shaped} values, which is not a picture")
    if not page.dataoffsets:
        raise MediaError(f"{file.name} has a page without pixels")
    found: Array = np.full(
        (planes, -(-height // step), -(-width // step), samples), page.nodata, dtype=page.dtype
    )
    options = (
        {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if layout.compression == 7 else {}
    )
    handle = page.parent.filehandle
    for index, (start, length) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        handle.seek(start)
        data = handle.read(length) if length else None
        if data is not None and len(data) < length:
            raise MediaError(f"{file.name} is cut off: a part of its pixels is missing")
        if data is not None:
            _check_claim(file, data, layout.compression, page)
        piece, (plane, _, top, left, _), _ = page.decode(data, index, **options)
        if piece is not None and plane < planes:
            piece = piece[0, -top % step :: step, -left % step :: step]
            to = found[plane, -(-top // step) :, -(-left // step) :]
            rows, columns = min(len(to), len(piece)), min(to.shape[1], piece.shape[1])
            to[:rows, :columns] = piece[:rows, :columns]
    return np.moveaxis(found, 0, 2).reshape(found.shape[1], found.shape[2], -1)


def _check_claim(file: MediaFile, data: bytes, compression: int, page: Any) -> None:
    """Compare what a compressed strip or tile says of its own size with the page; raises MediaError if it is larger."""
    claim: tuple[int, int] | None = None
    match _COMPRESSIONS[compression]:
        case "JPEG 2000":
            at = data.find(_J2K)
            right, bottom, left, top = (
                int.from_bytes(data[place : place + 4]) for place in range(at + 8, at + 24, 4)
            )
            claim = (right - left, bottom - top) if at >= 0 else None
        case "JPEG":
            header = read_jpeg_header(data)
            claim = (header.width, header.height) if header else None
        case "WebP":
            import io

            found = read_webp_header(io.BytesIO(data))
            claim = (found.width, found.height) if found else None
        case "LERC":  # Lerc2: a key, a version, a checksum from version 3 on, then rows and columns
            at = 14 if int.from_bytes(data[6:10], "little") >= 3 else 10
            rows, columns = (int.from_bytes(data[place : place + 4], "little") for place in (at, at + 4))
            claim = (columns, rows) if data.startswith(b"Lerc2 ") else None
        case _:
            return
    width, height = (
        (page.tilewidth, page.tilelength) if page.is_tiled else (page.imagewidth, page.rowsperstrip)
    )
    if claim is None or claim[0] > width or claim[1] > max(height, page.imagelength):
        raise MediaError(f"{file.name} cannot be decoded: a part of its pixels has a wrong size")
