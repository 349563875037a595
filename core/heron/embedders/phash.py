"""A perceptual hash: which low frequencies of a picture in grey are positive, as numbers 1 and -1. Borders of one grey are left out.

It is the hash of Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010), made of a discrete
cosine transform, with two changes. The coefficients are compared with 0 and not with their median, so that those of a
picture that is turned or mirrored follow from it: they change places and signs, as in PDQ (Facebook, "The TMK+PDQF video-hashing
algorithm and the PDQ image-hashing algorithm", 2019). And 11 x 11 frequencies are kept of 64 x 64 pixels, where Zauner keeps 8 x 8 of 32 x 32.

The cosine of two hashes is 1 - 2 d / 120, where d is the number of bits that differ (the Hamming distance).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from heron.embedders.borders import without_borders
from heron.errors import InvalidInput

Array = np.ndarray[Any, Any]

_KEPT, _SIDE = 11, 64

_SEEN = 128
"""Borders are looked for in so many lines, whatever the size of the picture."""

SIZE = _KEPT * _KEPT - 1
"""Bits of a hash: the mean of the picture is not among them."""

_FLAT = 1.0
"""A picture whose greys differ by less, as standard deviation, in steps of 256, has no hash."""

_SIGNS = (-1.0) ** np.arange(_KEPT, dtype=np.float32)


class PerceptualHash:
    """The embedder `phash`. Vectors consist of 1 and -1; those of pictures of one colour consist of zeros."""

    size = SIZE
    revision = "1"

    def embed_images(self, images: Sequence[Image.Image]) -> Array:
        """Hashes of pictures; shape (len(images), 120), float32. Raises InvalidInput for a picture without pixels."""
        if not images:
            return np.empty((0, SIZE), np.float32)
        greys = np.stack([_square(image) for image in images])
        low = (_WAVES @ greys @ _WAVES.T).reshape(len(images), -1)[:, 1:]
        hashes = np.where(low > 0, np.float32(1), np.float32(-1))
        hashes[greys.std(axis=(1, 2)) < _FLAT] = 0
        return hashes

    def embed_texts(self, texts: Sequence[str]) -> Array:
        """Raises InvalidInput: this embedder has no model of text."""
        raise InvalidInput(
            "the embedder phash cannot embed texts", hint="use one with a text side, such as clip"
        )

    def turned(self, vectors: Array, quarters: int, *, mirrored: bool) -> Array:
        """As `heron.TurningEmbedder.turned`; shape (n, 120), float32."""
        whole = np.zeros((len(vectors), _KEPT * _KEPT), np.float32)
        whole[:, 1:] = vectors
        table: Array = whole.reshape(-1, _KEPT, _KEPT)
        if mirrored:
            table = table * _SIGNS
        for _ in range(quarters % 4):
            table = table.swapaxes(1, 2) * _SIGNS[:, None]
        return np.ascontiguousarray(table.reshape(len(vectors), -1)[:, 1:])


def _square(image: Image.Image) -> Array:
    """What is within the borders as 64 x 64 greys, float32."""
    if not image.width or not image.height:
        raise InvalidInput("a picture without pixels cannot be embedded")
    grey = image.convert("L")
    seen = np.asarray(grey.resize((_SEEN, _SEEN), Image.Resampling.BOX))
    left, top, right, bottom = without_borders(seen)
    across, down = grey.width / _SEEN, grey.height / _SEEN
    box = left * across, top * down, right * across, bottom * down
    small = grey.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box)
    return np.asarray(small, np.float32)


def _waves() -> Array:
    """The first rows of the discrete cosine transform of type II, without their scale, which changes no sign."""
    rows, columns = np.ogrid[:_KEPT, :_SIDE]
    waves: Array = np.cos(np.pi * (2 * columns + 1) * rows / (2 * _SIDE)).astype(np.float32)
    return waves


_WAVES = _waves()
