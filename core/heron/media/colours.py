"""Colours: from what an embedded ICC profile says to sRGB, by Little CMS."""

from __future__ import annotations

import io
from functools import cache, lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_LARGEST = 4 * 1024 * 1024
"""Bytes of the largest profile that is looked at; those of printing presses have up to two million."""

_VISIBLE = 2
"""Steps of 255 by which a profile has to move some colour to matter: sRGB itself comes in many roundings."""


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture of mode L, RGB, CMYK or LAB in sRGB. A profile that is broken, or not of the mode, is ignored."""
    usable = profile if profile and len(profile) <= _LARGEST else b""
    transform = _transform(usable, picture.mode) if usable or picture.mode == "LAB" else None
    if transform is None:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    converted: Image.Image = transform.apply(picture)
    return converted


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from a profile to sRGB; None where there is none, or where it changes nothing that can be seen."""
    try:
        source: Any = (
            ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
        )
        transform = ImageCms.ImageCmsTransform(source, _srgb(), mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _transform(b"", mode) if profile and mode == "LAB" else None
    return transform if mode != "RGB" or _matters(transform) else None


def _matters(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform of RGB moves any of 4,096 colours that are spread evenly."""
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(64, 64, 3)
    moved = np.asarray(transform.apply(Image.fromarray(colours)))
    return int(np.abs(moved.astype(np.int16) - colours).max()) > _VISIBLE


@cache
def _srgb() -> Any:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
