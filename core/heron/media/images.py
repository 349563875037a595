"""Images: facts and EXIF from the header, pictures for thumbnails, and the frames of animations and pages of files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, BinaryIO

from PIL import Image

from heron.errors import MediaError
from heron.hooks import MediaFile, Values
from heron.limits import max_pixels
from heron.media.avif import avif_duration
from heron.media.captions import caption_facts
from heron.media.complete import is_complete
from heron.media.deep import deep_values
from heron.media.exif import captured_at, exif_facts
from heron.media.gif import gif_delays
from heron.media.headers import HEADER, MOST_FRAMES, ImageHeader
from heron.media.jpeg import MOST_SCANS, count_scans, read_jpeg_header
from heron.media.pillow import check_decodes, check_fits, header_by_pillow, opened, reading
from heron.media.png import png_delays, read_png_header
from heron.media.thumbnails import finished
from heron.media.tiff_pages import TiffPages
from heron.media.webp import read_webp_header, webp_delays
from heron.models import MediaFacts

_TIFF = "image/tiff"

_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height (EXIF 2.32, 4.6.4)."""

_BY_DELAYS = {"image/gif": gif_delays, "image/png": png_delays, "image/webp": webp_delays}
"""What reads how long each frame is shown, in seconds, without decoding."""

_LOSSLESS = {
    "image/png": True, "image/bmp": True, "image/gif": True, "image/jpeg": False, "image/qoi": True, "image/x-tga": True,
    "image/vnd.zbrush.pcx": True, "image/x-sgi": True, "image/x-sun-raster": True, "image/x-portable-bitmap": True,
    "image/x-portable-graymap": True, "image/x-portable-pixmap": True, "image/x-portable-floatmap": True,
}  # fmt: skip
"""Whether a format compresses without loss, where it always or never does."""

_WHOLE_JPEG = 64 * 1024 * 1024
"""Bytes of the largest JPEG that is read into memory at once; Pillow reads larger ones in pieces."""

_KEPT = 8 * 1024 * 1024
"""Bytes of freed memory that a process keeps for later pictures."""

_MOST_SHOWN = 20_000_000_000
"""Most pixels of all frames up to the requested one, since each builds on the one before; decoding them takes
about a minute.
"""


class ImageDecoder:
    """Reads JPEG, PNG, WebP, AVIF, BMP, TIFF, GIF and the other formats of `heron.media.pillow`; a `Decoder` and a `FrameDecoder`.

    Frames are those of an animation, as they are shown, or the pages of a TIFF; other files have one.
    """

    def __init__(self) -> None:
        # glibc returns large blocks to the system when they are freed, and each picture then faults in new
        # pages, until one large block has been freed. Freeing one here saves a fifth of the time of a
        # thumbnail (mallopt(3), M_MMAP_THRESHOLD)
        bytearray(_KEPT)

    def probe(self, file: MediaFile) -> MediaFacts:
        """Size, frames and EXIF without decoding pixels; raises MediaError for broken, truncated or huge files."""
        with file.open() as stream:
            header = _header(file, stream)
            if not is_complete(file, stream, header):
                if file.media_type == _TIFF:
                    TiffPages(file, stream).check()
                else:
                    check_decodes(file, stream)
            duration = _duration(file, stream, header.frames)
        return _facts(file, header, duration)

    def picture(self, file: MediaFile, size: int) -> Image.Image:
        """The first image, upright, in sRGB, at most `size` x `size` pixels; RGBA if parts are transparent."""
        with file.open() as stream:
            return _picture(file, stream, size)

    def times(self, file: MediaFile, *, whole: bool = True) -> Sequence[float] | None:
        """When each frame of an animation is shown, in seconds; empty for pages and for a single picture."""
        if file.media_type not in ("image/gif", "image/png", "image/webp", "image/avif"):
            return []
        if not whole and file.media_type == "image/gif":
            return None
        if not whole and file.media_type == "image/avif":
            return None if file.head[8:12] == b"avis" else []
        with file.open() as stream:
            count = _header(file, stream).frames
            if count == 1:
                return []
            return list(accumulate(_delays(file, stream, count)[: count - 1], initial=0.0)) if whole else None

    def frames(
        self, file: MediaFile, numbers: Sequence[int], size: int | None = None
    ) -> Iterator[tuple[int, Image.Image]]:
        """Frames as they are shown, or pages, in ascending order, like `picture`; see `FrameDecoder.frames`."""
        wanted = sorted(set(numbers))
        if not wanted:
            return
        with file.open() as stream:
            header = _header(file, stream)
            for number in wanted:
                if not 0 <= number < header.frames:
                    raise MediaError(
                        f"{file.name} has {header.frames:,} frames, {number:,} is not one of them"
                    )
            stream.seek(0)
            if file.media_type == _TIFF:
                yield from _readable(TiffPages(file, stream), wanted, size)
                return
            if header.frames == 1:
                yield 0, _picture(file, stream, size)
                return
            with opened(file, stream) as image:
                yield from _shown(file, image, wanted, size)

    def values(
        self, file: MediaFile, numbers: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Values | None]]:
        """The values of grey pages of more than 8 bits, and of real numbers; None for all others."""
        with file.open() as stream:
            pages = _header(file, stream).frames
            stream.seek(0)
            tiff = TiffPages(file, stream) if file.media_type == _TIFF else None
            for number in sorted(set([0] if numbers is None else numbers)):
                if not 0 <= number < pages:
                    raise MediaError(f"{file.name} has {pages:,} frames, {number:,} is not one of them")
                if tiff is not None:
                    yield number, tiff.values(number)
                    continue
                stream.seek(0)
                with (
                    opened(file, stream) as image,
                    reading(file, f"has a frame {number:,} that cannot be decoded"),
                ):
                    if pages > 1:
                        image.seek(number)
                    check_fits(file, image)
                    found = deep_values(image, _orientation(image.info.get("exif")))
                yield number, found

    def volume(self, file: MediaFile, number: int | None) -> range:
        """One page: pages are no volume."""
        return range(number or 0, (number or 0) + 1)


def _header(file: MediaFile, stream: BinaryIO) -> ImageHeader:
    """The header, by our own readers if they can read it, else by Pillow, which also refuses images that are
    too large.
    """
    header: ImageHeader | None = None
    match file.media_type:
        case "image/jpeg":
            header = read_jpeg_header(stream.read(HEADER))
        case "image/png":
            header = read_png_header(stream.read(HEADER))
        case "image/webp":
            with reading(file, "has a broken header"):
                header = read_webp_header(stream)
        case "image/tiff":
            header = TiffPages(file, stream).header()
    if header is None or header.width * header.height > max_pixels():
        stream.seek(0)
        header = header_by_pillow(file, stream)
    if header.frames > MOST_FRAMES:
        raise MediaError(
            f"{file.name} has {header.frames:,} frames, {MOST_FRAMES:,} are the most that are read"
        )
    return header


def _facts(file: MediaFile, header: ImageHeader, duration: float | None) -> MediaFacts:
    width, height = header.width, header.height
    tags = exif_facts(header.exif)
    if tags.get("Orientation") in _TURNED:
        width, height = height, width
    lossless = _LOSSLESS.get(file.media_type) if header.lossless is None else header.lossless
    about = {"mode": header.mode, "lossless": lossless, "quality": header.quality}
    extra: dict[str, Any] = {"image": {name: value for name, value in about.items() if value is not None}}
    if tags:
        extra["exif"] = tags
    if written := caption_facts(header.xmp, header.iptc):
        extra["xmp"] = written
    return MediaFacts(
        kind="image",
        media_type=file.media_type,
        width=width,
        height=height,
        frame_count=header.frames,
        duration=duration,
        captured_at=captured_at(tags),
        extra=extra,
    )


def _picture(file: MediaFile, stream: BinaryIO, size: int | None) -> Image.Image:
    """The first image of a file; the stream is at its beginning."""
    if file.media_type == "image/jpeg":
        is_whole = file.size <= _WHOLE_JPEG
        data = stream.read() if is_whole else stream.read(HEADER)
        if is_whole:
            stream = io.BytesIO(data)
        header = read_jpeg_header(data)
        if header is None or not header.has_one_scan:
            _check_scans(file, stream)
        stream.seek(0)
    elif file.media_type == _TIFF:
        return TiffPages(file, stream).picture(0, size)
    with opened(file, stream) as image:
        check_fits(file, image, size)
        return _finished(file, image, size)


def _check_scans(file: MediaFile, stream: BinaryIO) -> None:
    stream.seek(0)
    if count_scans(stream) > MOST_SCANS:
        raise MediaError(
            f"{file.name} is refused as a decompression bomb: it has more than {MOST_SCANS} scans"
        )
    stream.seek(0)


def _finished(file: MediaFile, image: Image.Image, size: int | None) -> Image.Image:
    """The current frame of the image, processed as `picture` returns it."""
    with reading(file, "cannot be decoded"):
        # before decoding, since EXIF data behind the pixels is not in the facts either
        orientation = _orientation(image.info.get("exif"))
        return finished(image, size, orientation, image.info.get("icc_profile"))


def _orientation(exif: object) -> object:
    return exif_facts(exif).get("Orientation") if isinstance(exif, bytes) else None


def _shown(
    file: MediaFile, image: Image.Image, numbers: list[int], size: int | None
) -> Iterator[tuple[int, Image.Image]]:
    """Frames by number; raises MediaError if none can be decoded."""
    check_fits(file, image)
    _check_work(file, image, numbers[-1])
    first = int(getattr(image, "default_image", False))
    for number in numbers:
        try:
            with reading(file, f"has a frame {number:,} that cannot be decoded"):
                image.seek(first + number)
            picture = _finished(file, image, size)
        except MediaError:
            if number == numbers[0]:
                raise
            return  # later frames build on this one
        yield number, picture


def _readable(pages: TiffPages, numbers: list[int], size: int | None) -> Iterator[tuple[int, Image.Image]]:
    """Pages by number, without those that cannot be decoded; raises MediaError if none can be."""
    shown, problem = 0, None
    for number in numbers:
        try:
            picture = pages.picture(number, size)
        except MediaError as error:
            problem = problem or error
            continue
        shown += 1
        yield number, picture
    if problem is not None and not shown:
        raise problem


def _check_work(file: MediaFile, image: Image.Image, number: int) -> None:
    if image.width * image.height * (number + 1) > _MOST_SHOWN:
        raise MediaError(f"{file.name} is refused: frame {number:,} builds on too many large ones before it")


def _duration(file: MediaFile, stream: BinaryIO, count: int) -> float | None:
    """How long an animation is shown once, in seconds, the last frame included; None for a single picture and for pages."""
    if count < 2:
        return None
    if file.media_type in _BY_DELAYS:
        return round(sum(_delays(file, stream, count)), 6)
    if file.media_type == "image/avif":
        stream.seek(0)
        return avif_duration(stream.read(HEADER))
    return None


def _delays(file: MediaFile, stream: BinaryIO, count: int) -> list[float]:
    """How long each frame of an animation is shown, in seconds."""
    if file.media_type in _BY_DELAYS:
        with reading(file, "cannot be read"):
            return _BY_DELAYS[file.media_type](stream)
    stream.seek(0)
    delays = []
    with opened(file, stream) as image, reading(file, "cannot be decoded"):
        _check_work(file, image, count - 1)
        for number in range(count):
            image.seek(number)
            image.load()
            delays.append(max(image.info["duration"], 1) / 1000)
    return delays
