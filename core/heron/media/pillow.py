"""Opens images by Pillow, with limits of pixels and bytes, and turns every error into a MediaError."""

from __future__ import annotations

import ctypes
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from PIL import (
    AvifImagePlugin,
    DdsImagePlugin,
    IcoImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    PcxImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    SunImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from heron.errors import HeronError, MediaError
from heron.hooks import MediaFile
from heron.limits import check_memory, check_pixels, max_pixels
from heron.media.gif import gif_delays
from heron.media.headers import ImageHeader
from heron.media.jpeg import quality_of
from heron.media.webp import read_webp_header

Image.MAX_IMAGE_PIXELS = max_pixels() // 2  # Pillow refuses from twice this number on
warnings.filterwarnings("ignore", module="PIL")  # our own errors report problems of a file
logging.getLogger("PIL").addHandler(logging.NullHandler())
with suppress(AttributeError, OSError):  # without access to Pillow's libtiff, its warnings go to the terminal
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(ctypes.c_void_p())  # type: ignore[attr-defined]

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/bmp": "BMP",
    "image/gif": "GIF",
    "image/webp": WebPImagePlugin.WebPImageFile.format,
    "image/avif": AvifImagePlugin.AvifImageFile.format,
    "image/jp2": Jpeg2KImagePlugin.Jpeg2KImageFile.format,
    "image/x-jp2-codestream": Jpeg2KImagePlugin.Jpeg2KImageFile.format,
    "image/vnd.adobe.photoshop": PsdImagePlugin.PsdImageFile.format,
    "image/heic": "HEIF",
    "image/heif": "HEIF",
    "image/tiff": TiffImagePlugin.TiffImageFile.format,
    "image/x-portable-bitmap": PpmImagePlugin.PpmImageFile.format,
    "image/x-portable-graymap": PpmImagePlugin.PpmImageFile.format,
    "image/x-portable-pixmap": PpmImagePlugin.PpmImageFile.format,
    "image/x-portable-floatmap": PpmImagePlugin.PpmImageFile.format,
    "image/qoi": QoiImagePlugin.QoiImageFile.format,
    "image/x-tga": TgaImagePlugin.TgaImageFile.format,
    "image/vnd.zbrush.pcx": PcxImagePlugin.PcxImageFile.format,
    "image/x-sgi": SgiImagePlugin.SgiImageFile.format,
    "image/x-sun-raster": SunImagePlugin.SunImageFile.format,
    "image/vnd.microsoft.icon": IcoImagePlugin.IcoImageFile.format,
    "image/vnd.ms-dds": DdsImagePlugin.DdsImageFile.format,
}
"""Pillow's names of the formats; their plugins are imported here, so that Pillow does not import all of its
plugins.
"""

_MOST_WHOLE = 512 * 1024 * 1024
"""Most bytes of a file, for formats that Pillow reads into memory as a whole."""

_WHOLE = ("image/webp", "image/avif", "image/heic", "image/heif", "image/jp2", "image/x-jp2-codestream")

_BYTES = {"1": 2, "L": 2, "P": 5, "RGB": 5, "RGBA": 8, "CMYK": 8, "YCbCr": 8, "LAB": 8, "LA": 12, "PA": 12}
"""Bytes of a pixel while a picture is decoded and scaled, by Pillow's mode; 12 for all others. As measured."""

_MORE = {"WEBP": 12, "AVIF": 8, "JPEG2000": 12, "HEIF": 8}
"""Bytes of a pixel beside them, where a decoder keeps more than one copy of the picture. As measured."""

_MOST_IN_PYTHON = 32_000_000
"""Most pixels of a picture that Pillow decodes one by one in Python, in some seconds."""


@contextmanager
def reading(file: MediaFile, failure: str) -> Iterator[None]:
    """Turn errors in reading a file into MediaError, except HeronErrors, which its stream raises on purpose."""
    try:
        yield
    except HeronError:
        raise
    except Image.DecompressionBombError as error:
        raise MediaError(
            f"{file.name} is refused as a decompression bomb: {error}",
            hint="set HERON_MAX_PIXELS to allow larger images",
        ) from error
    except UnidentifiedImageError as error:
        raise MediaError(
            f"{file.name} begins like {file.media_type}, but its header cannot be read"
        ) from error
    except MemoryError as error:
        raise MediaError(f"{file.name} needs more memory than there is to decode") from error
    except Exception as error:  # Pillow raises many kinds of exceptions for broken files
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise MediaError(f"{file.name} {failure}: {reason}") from error


def opened(file: MediaFile, stream: BinaryIO) -> Image.Image:
    """Open the image in a stream from its beginning, without decoding its pixels."""
    if file.media_type in _WHOLE:
        _check_size(file)
    with reading(file, "has a broken header"):
        if file.media_type == "image/webp" and (header := read_webp_header(stream)):
            # Pillow takes the memory of an animation as soon as it opens the file
            check_pixels(file.name, header.width, header.height)
            check_memory(file.name, memory_of("WEBP", header.width, header.height, "RGB"))
            stream.seek(0)
        if file.media_type == "image/gif":
            gif_delays(stream, 1)  # Pillow would read, and keep, any number of comments
        image = Image.open(stream, formats=[_FORMATS[file.media_type]])
        # Pillow reads compressed pages through the file descriptor, or, without one, from memory
        if file.path is None and isinstance(image, TiffImagePlugin.TiffImageFile) and image.use_load_libtiff:
            _check_size(file)
        if image.width * image.height > _MOST_IN_PYTHON and _is_decoded_in_python(image):
            raise MediaError(
                f"{file.name} is run-length encoded or text, and has more than {_MOST_IN_PYTHON:,} pixels"
            )
        return image


def memory_of(format: str, width: int, height: int, mode: str = "RGBA") -> int:
    """About how many bytes it takes at most to decode a picture, and to scale it, by Pillow's names of format and mode."""
    return width * height * (_BYTES.get(mode, 12) + _MORE.get(format, 0))


def check_fits(file: MediaFile, image: Image.Image, target: int | None = None) -> None:
    """Raise MediaError if decoding an opened image takes too much memory; a JPEG is scaled while it is decoded.

    `target` is the longest side in pixels that is wanted, None for all pixels.
    """
    width, height = image.size
    mode = "LA" if "transparency" in image.info else image.mode
    needed = memory_of(str(image.format), width, height, mode)
    if image.format in ("JPEG", "MPO"):
        scale = next((s for s in (8, 4, 2) if target and max(width, height) >= target * s), 1)
        coefficients = 6 * width * height if image.info.get("progressive") else 0
        needed = needed // scale**2 + coefficients
    check_memory(file.name, needed)


def _check_size(file: MediaFile) -> None:
    if file.size > _MOST_WHOLE:
        raise MediaError(
            f"{file.name} has {file.size:,} bytes, more than the {_MOST_WHOLE:,} that are read into memory at once"
        )


def _is_decoded_in_python(image: Image.Image) -> bool:
    """Whether Pillow decodes the pixels in Python, as those of PPM that are numbers as text."""
    if image.format == "BMP":
        return image.info["compression"] in (1, 2)
    return any(tile[0] in ("ppm_plain", "qoi", "SGI16", "dds_rgb") for tile in getattr(image, "tile", ()))


def header_by_pillow(file: MediaFile, stream: BinaryIO) -> ImageHeader:
    """The header as Pillow reads it; frames are counted without decoding them."""
    with opened(file, stream) as image, reading(file, "has a broken header"):
        width, height = image.size
        frames = 1
        if image.format == "GIF":
            frames = len(gif_delays(stream))
        elif image.format in ("WEBP", "AVIF", "PNG"):
            frames = animation_frames(image)
        block = image.info.get("exif")
        exif = block if isinstance(block, bytes) else b""
        if image.format == "PPM":
            return ImageHeader(width, height, image.mode, end=_end_of_rows(image))
        steps = sum(getattr(image, "quantization", {}).get(0, ()))  # of a JPEG
        xmp, iptc = _block(image.info.get("xmp")), _block(image.info.get("photoshop"))
        return ImageHeader(
            width, height, image.mode, exif, frames, quality=quality_of(steps), xmp=xmp, iptc=iptc
        )


def _block(found: object) -> bytes:
    """A block of metadata as Pillow has it: bytes, or for the resources of Photoshop those of IPTC by their number."""
    if isinstance(found, dict):
        found = found.get(1028)
    return found if isinstance(found, bytes) else b""


def animation_frames(image: Image.Image) -> int:
    """Frames of an animation, without the still picture that a PNG may have for programs that do not support
    animations.
    """
    frames: int = getattr(image, "n_frames", 1)
    return frames - getattr(image, "default_image", False) if frames > 1 else frames


def _end_of_rows(image: Image.Image) -> int | None:
    """The offset at which the pixels of a PPM, PGM, PBM or PFM end; None if they are numbers as text."""
    kind, _, offset, given = getattr(image, "tile")[0]  # noqa: B009 - only images of files have it
    if kind == "ppm_plain":
        return None
    bits = {"1": 1, "L": 8, "RGB": 24, "CMYK": 32, "F": 32, "I": 16}[image.mode]
    if kind == "ppm" and given[1] > 255 and image.mode == "RGB":
        bits = 48
    rows: int = (image.width * bits + 7) // 8 * image.height
    return int(offset) + rows


def check_decodes(file: MediaFile, stream: BinaryIO) -> None:
    """Decode an image to check that it can be decoded; raises MediaError."""
    stream.seek(0)
    with opened(file, stream) as image, reading(file, "is truncated or damaged"):
        image.draft(None, (1, 1))  # a JPEG is read as a whole, but scaled while it is decoded
        check_fits(file, image, 1)
        image.load()
