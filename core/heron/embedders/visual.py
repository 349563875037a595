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

from heron.embedders.colour import HISTOGRAM, IS_ODD, LAYOUT, LIGHTNESS, histogram, lab, layout, layout_turned
from heron.embedders.edges import EDGES, edges, edges_mirrored, edges_turned
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
_ROOTS = slice(LAYOUT, LAYOUT + HISTOGRAM)
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

    def turned(self, vectors: Array, quarters: int, *, mirrored: bool) -> Array:
        """As `heron.TurningEmbedder.turned`; shape (n, 392), float32, of length 1."""
        found = turned_features(_features_of(vectors), quarters, mirrored=mirrored)
        made: Array = ((found - _MEAN) * _SCALE).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made

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
    lines = 0.75 * lines + 0.25 * edges_mirrored(
        lines
    )  # the part that does not change by mirroring, and half of the part that does
    return np.concatenate((places, np.sqrt(histogram(colours)), lines), axis=1)


def _features_of(vectors: Array) -> Array:
    """The features that vectors were made of, float64.

    The length that a vector lost follows from its histogram, whose roots have a sum of squares of 1: that is a quadratic
    equation for the length, with one positive solution.
    """
    scaled = vectors / _SCALE.astype(np.float64)
    part, mean = scaled[:, _ROOTS], _MEAN[_ROOTS].astype(np.float64)
    square = np.maximum(np.einsum("ij,ij->i", part, part), 1e-30)
    half, rest = part @ mean, 1 - mean @ mean
    lengths = (np.sqrt(half * half + square * rest) - half) / square
    features: Array = scaled * lengths[:, None] + _MEAN
    return features


def turned_features(found: Array, quarters: int, *, mirrored: bool) -> Array:
    """What `features` gives for the pictures mirrored, left to right, if `mirrored`, and turned counterclockwise by quarters."""
    places, roots, lines = np.split(found, (LAYOUT, LAYOUT + HISTOGRAM), axis=1)
    weights = np.where(IS_ODD, 0.5, 1.0)
    lines = 1.5 * lines - 0.5 * edges_mirrored(lines)  # before both were mixed
    if mirrored:
        lines = edges_mirrored(lines)
    lines = edges_turned(lines, quarters)
    lines = 0.75 * lines + 0.25 * edges_mirrored(lines)
    places = layout_turned(places / weights, quarters, mirrored=mirrored) * weights
    return np.concatenate((places, roots, lines), axis=1)


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
