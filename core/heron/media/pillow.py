"""Opening images by Pillow: within limits of pixels and bytes, and with one sentence for whatever it stumbles on."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from PIL import AvifImagePlugin, Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from heron.errors import HeronError, InvalidInput, MediaError
from heron.hooks import MediaFile
from heron.media.gif import gif_delays
from heron.media.headers import ImageHeader
from heron.media.tiff import count_pages

_LIMIT = os.environ.get("HERON_MAX_PIXELS", "")
if _LIMIT.isdecimal() and int(_LIMIT) > 1:
    Image.MAX_IMAGE_PIXELS = int(_LIMIT) // 2  # Pillow refuses from twice this number on
elif _LIMIT:
    raise InvalidInput(f"HERON_MAX_PIXELS is {_LIMIT!r}, expected a number of pixels")
warnings.filterwarnings("ignore", module="PIL")  # what is wrong with a file, our own sentences tell
logging.getLogger("PIL").addHandler(logging.NullHandler())
with suppress(AttributeError, OSError):  # where Pillow's libtiff cannot be reached, it writes to the terminal
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(ctypes.c_void_p())  # type: ignore[attr-defined]

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/bmp": "BMP",
    "image/gif": "GIF",
    "image/webp": WebPImagePlugin.WebPImageFile.format,
    "image/avif": AvifImagePlugin.AvifImageFile.format,
    "image/tiff": TiffImagePlugin.TiffImageFile.format,
}
"""Pillow's names; the plugins that it would look for among all its others are imported here."""

_MOST_WHOLE = 512 * 1024 * 1024
"""Bytes of the largest file of a format that Pillow reads into memory whole."""

_WHOLE = ("image/webp", "image/avif")

_MOST_IN_RUNS = 32_000_000
"""Pixels of the largest BMP in runs, which Pillow decodes one by one in Python: some seconds."""


def max_pixels() -> int:
    """Most pixels of an image that is not taken for a decompression bomb: twice Pillow's limit, as Pillow does."""
    return 2 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else sys.maxsize


@contextmanager
def reading(file: MediaFile, failure: str) -> Iterator[None]:
    """Turn what goes wrong with a file into MediaError, except what its stream raises on purpose."""
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
    except Exception as error:  # Pillow raises whatever it stumbles on in a broken file
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise MediaError(f"{file.name} {failure}: {reason}") from error


def opened(file: MediaFile, stream: BinaryIO) -> Image.Image:
    """The image in a stream from its beginning, its pixels not decoded yet."""
    if file.media_type in _WHOLE:
        _check_size(file)
    with reading(file, "has a broken header"):
        if file.media_type == "image/gif":
            gif_delays(stream, 1)  # Pillow would walk, and keep, as many comments as there are
        image = Image.open(stream, formats=[_FORMATS[file.media_type]])
        # compressed pages are read from the file by its descriptor, or where it has none, in memory
        if file.path is None and isinstance(image, TiffImagePlugin.TiffImageFile) and image.use_load_libtiff:
            _check_size(file)
        if image.format == "BMP" and image.info["compression"] in (1, 2):
            _check_runs(file, image)
        return image


def _check_size(file: MediaFile) -> None:
    if file.size > _MOST_WHOLE:
        raise MediaError(
            f"{file.name} has {file.size:,} bytes, more than the {_MOST_WHOLE:,} that are read into memory at once"
        )


def _check_runs(file: MediaFile, image: Image.Image) -> None:
    if image.width * image.height > _MOST_IN_RUNS:
        raise MediaError(f"{file.name} is run-length encoded and has more than {_MOST_IN_RUNS:,} pixels")


def header_by_pillow(file: MediaFile, stream: BinaryIO) -> ImageHeader:
    """What Pillow finds in the header; frames and pages are counted without decoding or loading them."""
    with opened(file, stream) as image, reading(file, "has a broken header"):
        width, height = image.size
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            exif, end = _directory(image), _end(image)
            width, height = image.tag_v2[256], image.tag_v2[257]  # the size itself is upright already
            return ImageHeader(width, height, image.mode, exif, count_pages(stream), end)
        frames = 1
        if image.format == "GIF":
            frames = len(gif_delays(stream))
        elif image.format in ("WEBP", "AVIF", "PNG"):
            frames = animation_frames(image)
        block = image.info.get("exif")
        return ImageHeader(width, height, image.mode, block if isinstance(block, bytes) else b"", frames)


def animation_frames(image: Image.Image) -> int:
    """Frames of an animation, without the picture that a PNG may have for programs that cannot show animations."""
    frames: int = getattr(image, "n_frames", 1)
    return frames - getattr(image, "default_image", False) if frames > 1 else frames


def _directory(image: TiffImagePlugin.TiffImageFile) -> bytes:
    """The tags of a TIFF as an EXIF block, which Pillow writes out anew; empty where they cannot be read."""
    try:
        return image.getexif().tobytes()
    except HeronError:
        raise  # from the storage behind the stream
    except Exception:  # noqa: BLE001 - Pillow raises many sorts of errors for broken directories
        return b""


def _end(image: TiffImagePlugin.TiffImageFile) -> int | None:
    """Where the last strip or tile of the first page ends."""
    tags: Any = image.tag_v2
    for offsets, counts in ((273, 279), (324, 325)):
        if offsets in tags and counts in tags:
            return max((sum(pair) for pair in zip(tags[offsets], tags[counts], strict=False)), default=None)
    return None


def check_decodes(file: MediaFile, stream: BinaryIO) -> None:
    """Decode an image only to learn whether it can be; raises MediaError."""
    stream.seek(0)
    with opened(file, stream) as image, reading(file, "is truncated or damaged"):
        image.load()
