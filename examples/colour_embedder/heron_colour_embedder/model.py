"""Vectors of colours, of pictures and of words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

NAMES = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (220, 20, 20), "green": (20, 160, 40),
    "blue": (20, 40, 220), "yellow": (240, 220, 30), "orange": (240, 140, 20), "purple": (128, 0, 128), "brown": (120, 72, 24),
}  # fmt: skip
_SIDE = 64


class Histogram:
    """Each channel has 4 steps, so there are 64 colours; their shares are counted in each quarter of the picture."""

    size = 256
    revision = "1"

    def embed_images(self, images: Sequence[Image.Image]) -> Any:
        """Vectors of pictures, float32 of shape (count, 256); the shares of each quarter add up to 1."""
        return np.array([_shares(image) for image in images], dtype="float32").reshape(len(images), self.size)

    def embed_texts(self, texts: Sequence[str]) -> Any:
        """Vectors of texts: the colours that they name, or all colours alike, with a trace of the letters to tell texts apart."""
        made = np.zeros((len(texts), 4, 64), dtype="float32")
        for vector, text in zip(made, texts, strict=True):
            named = [_step(NAMES[word]) for word in text.lower().split() if word in NAMES]
            if named:
                np.add.at(vector, (slice(None), named), 1 / len(named))
            else:
                vector[:] = 1 / 64
            vector[0, zlib.crc32(text.encode()) % 64] += 0.01
        return made.reshape(len(texts), self.size)


def _step(colour: tuple[int, int, int]) -> int:
    red, green, blue = (channel // 64 for channel in colour)
    return red * 16 + green * 4 + blue


def _shares(image: Image.Image) -> Any:
    pixels = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX)).astype(int) // 64
    steps = pixels[..., 0] * 16 + pixels[..., 1] * 4 + pixels[..., 2]
    half = _SIDE // 2
    quarters = (steps[:half, :half], steps[:half, half:], steps[half:, :half], steps[half:, half:])
    return np.concatenate([np.bincount(quarter.ravel(), minlength=64) / half**2 for quarter in quarters])
