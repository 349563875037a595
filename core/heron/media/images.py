"""Images: facts and EXIF from the header, pictures for thumbnails, both by Pillow."""

from __future__ import annotations

import io
import logging
import os
import struct
import sys
import warnings
from typing import IO, Any, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from heron.errors import HeronError, InvalidInput, MediaError
from heron.hooks import MediaFile
from heron.media.exif import captured_at, exif_facts
from heron.media.jpeg import HEADER, read_jpeg_header
from heron.models import MediaFacts

_LIMIT = os.environ.get("HERON_MAX_PIXELS", "")
if _LIMIT.isdecimal() and int(_LIMIT) > 1:
    Image.MAX_IMAGE_PIXELS = int(_LIMIT) // 2  # Pillow refuses from twice this number on
elif _LIMIT:
    raise InvalidInput(f"HERON_MAX_PIXELS is {_LIMIT!r}, expected a number of pixels")
warnings.filterwarnings("ignore", module="PIL")  # what is wrong with a file, our own sentences tell
logging.getLogger("PIL").addHandler(logging.NullHandler())

_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
    struct.error,
    EOFError,
    OverflowError,
    TypeError,
    KeyError,
)
"""What Pillow's readers raise for broken files."""

_TURNED = (5, 6, 7, 8)
"""EXIF orientations in which width and height change places (EXIF 2.32, 4.6.4)."""

_UNSCALED = ("I", "I;16", "I;16L", "I;16B", "F", "P", "1", "PA")
"""Modes that Pillow cannot scale, or not smoothly."""

_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "TIFF", "GIF")


class ImageDecoder:
    """Reads JPEG, PNG, WebP, AVIF, BMP, TIFF and GIF."""

    def probe(self, file: MediaFile) -> MediaFacts:
        """Size, frames and EXIF without decoding pixels; raises MediaError for broken, truncated or huge files."""
        with file.open() as stream:
            if file.media_type == "image/jpeg":
                header = read_jpeg_header(stream.read(HEADER))
                if header and header.width * header.height <= max_pixels() and _jpeg_ends(file, stream):
                    return _facts(file, header.width, header.height, header.mode, 1, header.exif)
                stream.seek(0)
            with self._opened(file, stream) as image:
                frames = getattr(image, "n_frames", 1)
                facts = _facts(file, *image.size, image.mode, frames, _exif_block(image))
                _check_complete(image, file, stream)
                return facts

    def picture(self, file: MediaFile, size: int) -> Image.Image:
        """The first frame, upright, in RGB on white, at most `size` x `size` pixels."""
        with file.open() as stream, self._opened(file, stream) as image:
            try:
                image.draft("RGB", (size, size))
                small = _on_white(image) if image.mode in _UNSCALED else image
                small.thumbnail((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
                return _on_white(ImageOps.exif_transpose(small))
            except MemoryError as error:
                raise MediaError(f"{file.name} needs more memory than there is to decode") from error
            except _BROKEN as error:
                raise MediaError(f"{file.name} cannot be decoded: {error}") from error

    def _opened(self, file: MediaFile, stream: IO[bytes]) -> Image.Image:
        try:
            return Image.open(stream, formats=_FORMATS)
        except Image.DecompressionBombError as error:
            raise MediaError(
                f"{file.name} is refused as a decompression bomb: {error}",
                hint="set HERON_MAX_PIXELS to allow larger images",
            ) from error
        except UnidentifiedImageError as error:
            raise MediaError(
                f"{file.name} begins like {file.media_type}, but its header cannot be read"
            ) from error
        except (*_BROKEN, MemoryError) as error:
            raise MediaError(f"{file.name} has a broken header: {error}") from error


def max_pixels() -> int:
    """Most pixels of an image that is not taken for a decompression bomb: twice Pillow's limit, as Pillow does."""
    return 2 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else sys.maxsize


def _facts(file: MediaFile, width: int, height: int, mode: str, frames: int, exif: bytes) -> MediaFacts:
    """The facts of an image of this stored size, turned upright."""
    tags = exif_facts(exif)
    if tags.get("Orientation") in _TURNED:
        width, height = height, width
    extra: dict[str, Any] = {"image": {"mode": mode}}
    if tags:
        extra["exif"] = tags
    return MediaFacts(
        kind="image",
        media_type=file.media_type,
        width=width,
        height=height,
        frame_count=frames,
        captured_at=captured_at(tags),
        extra=extra,
    )


def _exif_block(image: Image.Image) -> bytes:
    """The raw EXIF block; that of a TIFF is its own directory, which Pillow writes out anew."""
    block = image.info.get("exif")
    if isinstance(block, bytes):
        return block
    try:
        return image.getexif().tobytes() if image.format == "TIFF" else b""
    except HeronError:
        raise  # from the storage behind the stream
    except Exception:  # noqa: BLE001 - Pillow raises many sorts of errors for broken directories
        return b""


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        wide = image.convert("F")
        low, high = (float(bound) for bound in wide.getextrema())  # type: ignore[arg-type]
        scale = 255.0 / (high - low) if high > low else 0.0
        return wide.point(lambda value: value * scale - low * scale).convert("L").convert("RGB")
    return image.convert("RGB")


def _check_complete(image: Image.Image, file: MediaFile, stream: BinaryIO) -> None:
    """Refuse truncated files: by their end mark where the format has one, else, or in doubt, by decoding."""
    if not _end_is_near(file, stream) or _ends_well(image, file, stream):
        return
    try:
        stream.seek(0)
        with Image.open(stream, formats=_FORMATS) as whole:
            whole.load()
    except (*_BROKEN, MemoryError) as error:
        raise MediaError(f"{file.name} is truncated or damaged: {error}") from error


def _end_is_near(file: MediaFile, stream: BinaryIO) -> bool:
    """Whether the end of a file can be looked at for nothing; of a stored object it costs one more request."""
    return file.path is not None or isinstance(stream, io.BytesIO)


def _jpeg_ends(file: MediaFile, stream: BinaryIO) -> bool:
    """Whether a JPEG ends with its end-of-image marker, as far as that can be looked at for nothing."""
    if not _end_is_near(file, stream):
        return True
    stream.seek(max(0, file.size - 64))
    return stream.read(64).rstrip(b"\0\r\n ").endswith(b"\xff\xd9")


def _ends_well(image: Image.Image, file: MediaFile, stream: BinaryIO) -> bool:
    size = file.size
    if image.format in ("JPEG", "MPO"):
        return _jpeg_ends(file, stream)
    stream.seek(max(0, size - 64))
    tail = stream.read(64)
    match image.format:
        case "PNG":
            return b"IEND\xaeB`\x82" in tail
        case "GIF":
            return tail.rstrip(b"\0").endswith(b";")
        case "WEBP":
            stream.seek(4)
            return int.from_bytes(stream.read(4), "little") + 8 <= size
        case "BMP":
            stream.seek(2)
            return int.from_bytes(stream.read(4), "little") == size
        case "TIFF":
            tags: Any = getattr(image, "tag_v2", {})
            for offsets, counts in ((273, 279), (324, 325)):
                if offsets in tags and counts in tags:
                    pairs = zip(tags[offsets], tags[counts], strict=False)
                    return all(offset + count <= size for offset, count in pairs)
            return False
        case _:
            return False
