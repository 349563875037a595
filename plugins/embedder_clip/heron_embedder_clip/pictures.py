"""Turns pictures into tensors, as the CLIPImageProcessor of transformers does with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import heron
from heron_embedder_clip.settings import Settings

LARGEST_SIDE = 1024
"""The largest width or height that a model may take, in pixels; models in use take 224 to 512."""

_MOST_PIXELS = 64_000_000
"""The most pixels that a picture may have after scaling and before cropping."""

_SMALLEST = 1e-6

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
"""Those of OpenAI's training data: the defaults if a file does not give others."""

Pixels = np.ndarray[Any, np.dtype[Any]]


class Preprocessing:
    """Resizes, crops, rescales and normalises as `preprocessor_config.json` says, or `image_processor` in `processor_config.json`,
    which transformers writes from version 5 on.

    `width` and `height` are those of the result. Either the shortest edge is scaled to a given length, and
    the aspect ratio is kept, or both edges are scaled to given lengths.
    """

    def __init__(self, folder: Path) -> None:
        """Read the settings of a model directory; raises NotFound and InvalidInput."""
        given = _settings(folder)
        _refuse_other_processors(given)
        self._resampling = Image.Resampling(given.integer("resample", 0, 5, Image.Resampling.BICUBIC))
        crop = _crop(given)
        exact, self._shortest = _size(given)
        result = crop or exact
        if result is None:
            raise heron.InvalidInput(f"{given.place}: without a centre crop, size needs a height and a width")
        self.width, self.height = result
        self._exact = exact
        self.place = given.place
        mean, std = [0.0] * 3, [1.0] * 3
        if given.flag("do_normalize", True):
            mean = given.three_numbers("image_mean", _MEAN)
            std = given.three_numbers("image_std", _STD)
        if min(map(abs, std)) < _SMALLEST:
            raise given.refusal("image_std", f"numbers of at least {_SMALLEST}")
        factor = given.number("rescale_factor", 1 / 255) if given.flag("do_rescale", True) else 1.0
        self._scales = [np.float32(factor / deviation) for deviation in std]
        self._offsets = [np.float32(-middle / deviation) for middle, deviation in zip(mean, std, strict=True)]

    @property
    def shortest_side(self) -> int:
        """The pixels that a picture should have on its shortest side, so that nothing is enlarged."""
        return max(self._shortest or 0, self.width, self.height)

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
        left, top = (width - self.width) // 2, (height - self.height) // 2
        if (
            width * height > _MOST_PIXELS
        ):  # long and thin: scale only the part that is kept; the result differs only by rounding
            across, down = image.width / width, image.height / height
            part = (left * across, top * down, (left + self.width) * across, (top + self.height) * down)
            return image.resize((self.width, self.height), self._resampling, part)
        if (width, height) != image.size:
            image = image.resize((width, height), self._resampling)
        if (width, height) != (self.width, self.height):  # black where the picture is smaller
            image = image.crop((left, top, left + self.width, top + self.height))
        return image

    def _scaled(self, image: Image.Image) -> tuple[int, int]:
        """Width and height before cropping."""
        if self._shortest is None:
            return self._exact or image.size
        if image.width <= image.height:
            return self._shortest, int(self._shortest * image.height / image.width)
        return int(self._shortest * image.width / image.height), self._shortest


def _settings(folder: Path) -> Settings:
    """How pictures are prepared, from the file that a model directory has."""
    whole = folder / "processor_config.json"
    if (folder / "preprocessor_config.json").is_file() or not whole.is_file():
        return Settings.read(folder / "preprocessor_config.json")
    given = Settings.read(whole)
    if "image_processor" not in given:
        raise given.refusal("image_processor", "how pictures are prepared")
    return given.section("image_processor")


def _refuse_other_processors(given: Settings) -> None:
    """Refuse the processors of other models, which scale and crop differently under the same keys."""
    kind = given.get("image_processor_type") or given.get("feature_extractor_type") or "CLIPImageProcessor"
    if not str(kind).startswith("CLIP"):
        raise heron.InvalidInput(f"{given.place} is for {str(kind)[:80]}, expected CLIPImageProcessor")


def _crop(given: Settings) -> tuple[int, int] | None:
    """Width and height of the centre crop, if there is one; one number means a square."""
    if not given.flag("do_center_crop", True):
        return None
    if isinstance(given.get("crop_size"), int):
        side = given.integer("crop_size", 1, LARGEST_SIDE)
        return side, side
    crop = given.section("crop_size")
    return crop.integer("width", 1, LARGEST_SIDE, 224), crop.integer("height", 1, LARGEST_SIDE, 224)


def _size(given: Settings) -> tuple[tuple[int, int] | None, int | None]:
    """What pictures are resized to: an exact width and height, or the length of the shortest edge."""
    if not given.flag("do_resize", True):
        return None, None
    if "size" not in given or isinstance(given.get("size"), int):
        return None, given.integer("size", 1, LARGEST_SIDE, 224)
    size = given.section("size")
    if "longest_edge" in size:
        raise given.refusal("size", "a shortest_edge, or a height and a width")
    if "shortest_edge" in size:
        return None, size.integer("shortest_edge", 1, LARGEST_SIDE)
    return (size.integer("width", 1, LARGEST_SIDE), size.integer("height", 1, LARGEST_SIDE)), None
