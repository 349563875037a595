"""Turns pictures into tensors with Pillow, as transformers, open_clip and timm do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

import heron
from heron_embedder_clip.recipes import Recipe

_MOST_PIXELS = 64_000_000
"""The most pixels that a picture may have after scaling and before cropping."""

Pixels = np.ndarray[Any, np.dtype[Any]]


class Preprocessing:
    """Resizes, crops, rescales and normalises as a recipe says. `width` and `height` are those of the result."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.width, self.height = recipe.width, recipe.height
        self._scales = [np.float32(recipe.factor / deviation) for deviation in recipe.std]
        self._offsets = [
            np.float32(-middle / deviation) for middle, deviation in zip(recipe.mean, recipe.std, strict=True)
        ]

    @property
    def shortest_side(self) -> int:
        """The pixels that a picture should have on its shortest side, so that nothing is enlarged."""
        return max(self.width, self.height, *self._recipe.scaled)

    def __call__(self, images: Sequence[Image.Image]) -> Pixels:
        """Tensors of pictures, float32 of shape (len(images), 3, height, width); the pictures are not changed."""
        tensor = np.empty((len(images), 3, self.height, self.width), np.float32)
        for image, planes in zip(images, tensor, strict=True):
            pixels = np.asarray(self._fitted(image.convert("RGB") if image.mode != "RGB" else image))
            for channel, plane in enumerate(planes):
                np.multiply(pixels[:, :, channel], self._scales[channel], out=plane)
                plane += self._offsets[channel]
        return tensor

    def _fitted(self, image: Image.Image) -> Image.Image:
        """The picture at the size that the model takes."""
        if not image.width or not image.height:
            raise heron.InvalidInput(f"a picture of {image.width} x {image.height} pixels cannot be embedded")
        width, height = self._scaled(image)
        left, top = self._before(width, self.width), self._before(height, self.height)
        resampling = self._recipe.resampling
        if (
            width * height > _MOST_PIXELS
        ):  # long and thin: scale only the part that is kept; the result differs only by rounding
            across, down = image.width / width, image.height / height
            part = (left * across, top * down, (left + self.width) * across, (top + self.height) * down)
            return image.resize((self.width, self.height), resampling, part)
        if (width, height) != image.size:
            image = image.resize((width, height), resampling)
        if (width, height) == (self.width, self.height):
            return image
        if not any(self._recipe.fill):  # black where the picture is smaller
            return image.crop((left, top, left + self.width, top + self.height))
        ground = Image.new("RGB", (self.width, self.height), self._recipe.fill)
        ground.paste(image, (-left, -top))
        return ground

    def _scaled(self, image: Image.Image) -> tuple[int, int]:
        """Width and height before cropping."""
        fit, (width, height) = self._recipe.fit, self._recipe.scaled
        if fit == "none":
            return image.size
        if fit == "exact":
            return width, height
        if fit == "edge":
            if image.width <= image.height:
                return width, int(width * image.height / image.width)
            return int(height * image.width / image.height), height
        ratios = image.height / height, image.width / width
        ratio = max(ratios) if fit == "within" else min(ratios)
        return max(1, round(image.width / ratio)), max(1, round(image.height / ratio))

    def _before(self, there: int, wanted: int) -> int:
        """How many pixels of a length are cut off before the part that is kept; negative for pixels that are added."""
        if not self._recipe.rounds:
            return (there - wanted) // 2
        return -((wanted - there) // 2) if there < wanted else round((there - wanted) / 2)
