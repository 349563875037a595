"""Conversion of colours from an embedded ICC profile to sRGB, by Little CMS."""

from __future__ import annotations

import io
from functools import cache, lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_LARGEST = 4 * 1024 * 1024
"""Bytes of the largest profile that is read; profiles of printing presses have up to two million."""

_VISIBLE = 2
"""A profile is applied only if it changes some colour by more than this, of 255: there are many rounded
variants of sRGB.
"""


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture of mode L, RGB, CMYK or LAB in sRGB. A profile that is broken, or for another mode, is
    ignored.
    """
    usable = profile if profile and len(profile) <= _LARGEST else b""
    transform = _transform(usable, picture.mode) if usable or picture.mode == "LAB" else None
    if transform is None:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    converted: Image.Image = transform.apply(picture)
    return converted


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB; None if the profile cannot be used, or changes no colour visibly."""
    try:
        source: Any = ImageCms.ImageCmsProfile(
            io.BytesIO(profile) if profile else ImageCms.createProfile("LAB")
        )
        transform = ImageCms.ImageCmsTransform(source, _srgb(), mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _transform(b"", mode) if profile and mode == "LAB" else None
    return transform if mode != "RGB" or _matters(transform) else None


def _matters(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform of RGB changes any of 4,096 evenly spread colours."""
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(64, 64, 3)
    moved = np.asarray(transform.apply(Image.fromarray(colours)))
    return int(np.abs(moved.astype(np.int16) - colours).max()) > _VISIBLE


@cache
def _srgb() -> Any:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
