"""The visual descriptor: colour layout, colour histogram and edges in one vector; similar pictures have a
high cosine.

Each part is centred on its mean over photographs, so that the cosine of unrelated pictures is near 0, and
weighted; see `visual_means`. Differences that mirroring causes count half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from heron.embedders.colour import HISTOGRAM, IS_ODD, LAYOUT, LIGHTNESS, histogram, lab, layout
from heron.embedders.edges import EDGES, edges, mirrored
from heron.embedders.visual_means import MEAN, SCALES
from heron.errors import InvalidInput

Array = np.ndarray[Any, Any]

PARTS = (LIGHTNESS, LAYOUT - LIGHTNESS, HISTOGRAM, EDGES)
"""Numbers in each part: layout of lightness, layout of colour, colour histogram, edges."""

SIZE = sum(PARTS)

_SIDE = 64
"""Every picture is scaled to a square of this side in pixels, so that size and aspect ratio do not matter."""

_BATCH = 16
"""Pictures per batch: as many as fit into the cache of a processor."""

_MEAN = np.array(MEAN, np.float32)
_SCALE = np.repeat(np.array(SCALES, np.float32), PARTS)


class VisualEmbedder:
    """The embedder `visual`. Vectors have length 1; equal pictures have equal vectors on every machine, up to rounding."""

    size = SIZE
    revision = "2"

    def embed_images(self, images: Sequence[Image.Image]) -> Array:
        """Vectors of pictures; shape (len(images), 392), float32. Raises InvalidInput for a picture without pixels."""
        vectors = np.empty((len(images), SIZE), np.float32)
        for start in range(0, len(images), _BATCH):
            part = features(images[start : start + _BATCH])
            vectors[start : start + _BATCH] = (part - _MEAN) * _SCALE
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> Array:
        """Raises InvalidInput: this embedder has no model of text."""
        raise InvalidInput(
            "the embedder visual cannot embed texts", hint="use one with a text side, such as clip"
        )


def features(images: Sequence[Image.Image]) -> Array:
    """The parts of the descriptor before they are centred and weighted; shape (len(images), 392), float32.

    Square roots reduce the influence of single large numbers (Perronnin, Sánchez and Mensink, ECCV 2010).
    """
    pixels = np.stack([_square(image) for image in images])
    colours = lab(pixels)
    places = _root(layout(colours)) * np.where(IS_ODD, np.float32(0.5), np.float32(1))
    lines = np.sqrt(edges(pixels))
    lines = 0.75 * lines + 0.25 * mirrored(
        lines
    )  # the part that does not change by mirroring, and half of the part that does
    return np.concatenate((places, np.sqrt(histogram(colours)), lines), axis=1)


def _square(image: Image.Image) -> Array:
    """The picture as 64 x 64 pixels, uint8 of shape (64, 64, 3)."""
    if not image.width or not image.height:
        raise InvalidInput("a picture without pixels cannot be embedded")
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return np.asarray(rgb.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _root(values: Array) -> Array:
    """Square roots that keep the sign."""
    rooted: Array = np.copysign(np.sqrt(np.abs(values)), values)
    return rooted
