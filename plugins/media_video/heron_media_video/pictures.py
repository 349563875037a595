"""Decoded frames as upright RGB pictures, and the contact sheet of a video."""

from __future__ import annotations

import math
import struct
from contextlib import suppress
from itertools import islice
from typing import Any

import av
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from PIL import Image

from heron_media_video.containers import Media
from heron_media_video.decoding import all_frames, undecodable

_SMALL_SHEET = 512
"""Pixels up to which a contact sheet has 2 x 2 pictures; larger ones have 3 x 3."""

_SMALLEST_CELL = 8
"""Pictures of fewer pixels are not recognisable in a sheet: then it has one picture only."""

_LOOKED_AT = 300
"""Frames that are decoded to find one for a sheet that is not there yet."""

_HIGH_DEFINITION = (1280, 720)
"""Width or height from which colours without a tag are BT.709, and BT.601 below, as players take them."""

_UNSPECIFIED = 2
"""No colour matrix is given (ITU-T H.273, 8.3)."""


class Painter:
    """Turns the decoded frames of one video into pictures. For one thread: it keeps what scaling has prepared.

    All are turned as the first one: to look at the side data of a frame keeps it in memory until garbage is collected.
    """

    def __init__(self) -> None:
        self._scaler = VideoReformatter()
        self._turn: Image.Transpose | None = None
        self._is_new = True

    def picture(self, frame: Any, size: int | None = None) -> Image.Image:
        """A frame as an upright RGB picture, scaled down to fit into `size` x `size` pixels where that is given."""
        width, height = fitting(frame.width, frame.height, size)
        rgb = self._scaler.reformat(
            frame,
            width,
            height,
            "rgb24",
            src_colorspace=_matrix(frame),
            interpolation=Interpolation.BILINEAR,
            threads=1,
        )
        plane = rgb.planes[0]
        picture = Image.frombuffer("RGB", (width, height), bytes(plane), "raw", "RGB", plane.line_size, 1)
        if self._is_new:
            self._turn, self._is_new = transposition(frame), False
        return picture if self._turn is None else picture.transpose(self._turn)


def fitting(width: int, height: int, size: int | None) -> tuple[int, int]:
    """Width and height scaled down to fit into `size` x `size`, each at least 1; never scaled up."""
    scale = min(1.0, size / max(width, height)) if size else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))


def transposition(frame: Any) -> Image.Transpose | None:
    """What turns a frame upright, by its display matrix (ISO/IEC 14496-12, 8.3.2.3), to the nearest right angle."""
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return None
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(found))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _STRAIGHT.get((a < 0, d < 0))
    return _TURNED[b < 0, c < 0]


_STRAIGHT = {
    (True, True): Image.Transpose.ROTATE_180,
    (True, False): Image.Transpose.FLIP_LEFT_RIGHT,
    (False, True): Image.Transpose.FLIP_TOP_BOTTOM,
}
_TURNED = {
    (False, True): Image.Transpose.ROTATE_270,
    (True, False): Image.Transpose.ROTATE_90,
    (False, False): Image.Transpose.TRANSPOSE,
    (True, True): Image.Transpose.TRANSVERSE,
}


def contact_sheet(media: Media, size: int) -> Image.Image:
    """Pictures from evenly spaced moments of a video, in order, that fit into `size` x `size` pixels.

    They are 2 x 2, or 3 x 3 where `size` is above 512; fewer where the video is too short for so many. Each is the key
    frame before its place, unless that is in the sheet already. Raises MediaError where nothing can be decoded.
    """
    side = 3 if size > _SMALL_SHEET else 2 if size >= 2 * _SMALLEST_CELL else 1
    painter, first = Painter(), None
    cells: dict[int, Image.Image] = {}
    for place in _places(media, side * side):
        frame = _frame_near(media, place, cells)
        if frame is not None:
            first = first or frame
            cells[frame.pts] = painter.picture(frame, size // side)
    if first is None:
        raise undecodable(media)
    if len(cells) == 1:
        return painter.picture(first, size)
    return _arranged([cells[time] for time in sorted(cells)])


def _places(media: Media, count: int) -> list[int]:
    """The middles of so many equal parts of a video, in its own units of time."""
    stream = media.pictures
    length = stream.duration or int((media.container.duration or 0) / 1e6 / stream.time_base)
    return [(stream.start_time or 0) + length * (2 * part + 1) // (2 * count) for part in range(count)]


def _frame_near(media: Media, place: int, taken: dict[int, Image.Image]) -> Any:
    """The key frame before a place; if that is taken, the frame at the place, or the last one before that is not."""
    with suppress(av.FFmpegError):  # then what comes next is near enough
        media.container.seek(place, stream=media.pictures)
    found = None
    for number, frame in enumerate(islice(all_frames(media, media.pictures), _LOOKED_AT)):
        if frame.pts is None or frame.pts in taken:
            continue
        found = frame
        if number == 0 or frame.pts >= place:
            break
    return found


def _arranged(pictures: list[Image.Image]) -> Image.Image:
    """A sheet of pictures, from left to right and from the top."""
    columns = math.ceil(math.sqrt(len(pictures)))
    width, height = pictures[0].size
    sheet = Image.new("RGB", (columns * width, math.ceil(len(pictures) / columns) * height))
    for number, picture in enumerate(pictures):
        place = number % columns * width, number // columns * height
        sheet.paste(picture if picture.size == (width, height) else picture.resize((width, height)), place)
    return sheet


def _matrix(frame: Any) -> int:
    """The colour matrix of a frame, by its size where it has no tag."""
    if frame.colorspace != _UNSPECIFIED:
        return int(frame.colorspace)
    wide, high = _HIGH_DEFINITION
    is_high = frame.width >= wide or frame.height >= high
    return int(Colorspace.ITU709 if is_high else Colorspace.ITU601)
