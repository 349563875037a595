"""Turns a stored picture into an upright picture in sRGB of a given size, and into a small JPEG."""

from __future__ import annotations

import io

from PIL import Image

from heron.media.colours import to_srgb
from heron.media.deep import is_deep, to_bytes
from heron.media.ground import laid

_QUALITY = 80

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that makes a picture upright, by its EXIF orientation (EXIF 2.32, 4.6.4)."""


def fitted(width: int, height: int, size: int | None) -> tuple[int, int]:
    """The width and height, at least 1, that fit into `size` x `size` pixels without being enlarged."""
    scale = min(1.0, size / max(width, height)) if size else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))


def finished(
    image: Image.Image,
    size: int | None,
    orientation: object = 1,
    profile: bytes | None = None,
    *,
    nodata: float | None = None,
    of: tuple[int, int] | None = None,
) -> Image.Image:
    """A new picture: in sRGB, upright, and no larger than `size`; RGBA if parts are transparent, else RGB.

    The image is not changed. In deep ones, `nodata` stands for no value. `of` are the width and height of the
    original, if the image was read reduced.
    """
    target = fitted(*(of or image.size), size)
    drafted = image.draft(None, target)  # scales a JPEG while it is decoded
    picture = _scalable(image, nodata)
    if picture.size != target:
        box = drafted[1] if drafted else None
        picture = picture.resize(target, Image.Resampling.BICUBIC, box, reducing_gap=2.0)
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is not None:
        picture = picture.transpose(turn)
    opacity = _opacity(picture)
    picture = to_srgb(picture.convert("RGB") if picture.mode == "RGBA" else picture, profile)
    if picture is image:
        picture = picture.copy()
    if opacity is not None:
        picture.putalpha(opacity)
    picture.info = {}
    return picture


def encode_thumbnail(picture: Image.Image) -> bytes:
    """A picture as a JPEG of quality 80 with chroma 4:2:0; transparent parts are checkered."""
    buffer = io.BytesIO()
    laid(picture, "checks").save(buffer, "JPEG", quality=_QUALITY, subsampling="4:2:0")
    return buffer.getvalue()


def _scalable(image: Image.Image, nodata: float | None) -> Image.Image:
    """The image in a mode that can be scaled smoothly: L, RGB, RGBA, CMYK or LAB."""
    image.load()
    if is_deep(image):
        return Image.fromarray(to_bytes(image, nodata))
    if image.mode in ("LA", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("L", "RGB", "RGBA", "CMYK", "LAB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _opacity(picture: Image.Image) -> Image.Image | None:
    """The alpha channel; None if all pixels are opaque."""
    if picture.mode != "RGBA":
        return None
    alpha = picture.getchannel("A")
    return None if alpha.getextrema()[0] == 255 else alpha
