"""How a model wants its pictures: read from the settings of transformers, open_clip or timm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PIL import Image

import heron
from heron_embedder_clip.layout import LARGEST_SIDE, Layout
from heron_embedder_clip.settings import Settings, not_of_a_fixed_resolution

Three = tuple[float, float, float]

_SMALLEST = 1e-6
_BICUBIC = Image.Resampling.BICUBIC
_OPENAI: tuple[Three, Three] = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_HALVES: tuple[Three, Three] = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
_IMAGENET: tuple[Three, Three] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Means and deviations of OpenAI's training data, of SigLIP and of ImageNet: the defaults of CLIP, SigLIP and timm."""

_INTERPOLATIONS: Mapping[str, Image.Resampling] = {one.name.lower(): one for one in Image.Resampling}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a picture becomes the pixels that a model takes: scaled, cut from the middle, and normalised.

    `fit` and `scaled` say how it is scaled: to an exact width and height; until its shortest edge has a length (`edge`, both
    numbers of `scaled` are it); until it covers a width and height, or lies within them; or not. `rounds` is for libraries which
    round where the middle begins, and pad evenly; others cut the fraction off. `fill` is the colour of what is added.
    """

    place: str
    width: int
    height: int
    fit: Literal["exact", "edge", "cover", "within", "none"]
    scaled: tuple[int, int]
    resampling: Image.Resampling
    mean: Three
    std: Three
    factor: float = 1 / 255
    rounds: bool = False
    fill: tuple[int, int, int] = (0, 0, 0)

    def differs(self, other: Recipe) -> str | None:
        """In what two recipes prepare pictures differently, in words; None if they do the same, but for rounding."""
        pairs = {
            "size": ((self.width, self.height), (other.width, other.height)),
            "resizing": (self._resizing, other._resizing),
            "interpolation": (self.resampling.name.lower(), other.resampling.name.lower()),
            "mean": (self.mean, other.mean),
            "deviation": (self.std, other.std),
        }
        for name, (ours, theirs) in pairs.items():
            if ours != theirs and not (name in ("mean", "deviation") and _are_near(ours, theirs)):
                return f"{name} {ours} and {theirs}"
        return None

    @property
    def _resizing(self) -> tuple[str, tuple[int, int]]:
        return "edge" if self.fit == "cover" and self.scaled[0] == self.scaled[1] else self.fit, self.scaled


def recipe_of(layout: Layout) -> Recipe:
    """The recipe of a model; raises NotFound, and InvalidInput for bad settings and for files that contradict each other."""
    theirs = _of_open_clip(layout) if layout.model else None
    given = _transformers_settings(layout)
    if given is not None:
        recipe = _of_transformers(given, layout)
        told = recipe.differs(theirs) if theirs else None
        if theirs and told:
            raise heron.InvalidInput(
                f"{recipe.place} and {theirs.place} prepare pictures differently: {told}",
                hint="remove the one that does not belong to the ONNX files",
            )
        return recipe
    if theirs:
        return theirs
    if "pretrained_cfg" in layout.config:
        return _of_timm(layout.config.section("pretrained_cfg"), layout)
    return _of_transformers(Settings.read(layout.folder / "preprocessor_config.json"), layout)


def _transformers_settings(layout: Layout) -> Settings | None:
    """The settings of `preprocessor_config.json`, or `image_processor` of the file that transformers writes from version 5 on."""
    older, newer = layout.folder / "preprocessor_config.json", layout.folder / "processor_config.json"
    if older.is_file():
        return Settings.read(older)
    if not newer.is_file():
        return None
    given = Settings.read(newer)
    if "image_processor" in given:
        return given.section("image_processor")
    if layout.model or "pretrained_cfg" in layout.config:
        return None
    raise given.refusal("image_processor", "how pictures are prepared")


def _of_transformers(given: Settings, layout: Layout) -> Recipe:
    """Source: CLIPImageProcessor and SiglipImageProcessor, with Pillow."""
    kind = given.get("image_processor_type") or given.get("feature_extractor_type")
    kind = str(kind or ("SiglipImageProcessor" if layout.is_sigmoid else "CLIPImageProcessor"))
    if kind.startswith("Siglip2"):
        raise not_of_a_fixed_resolution(given.place)
    if not kind.startswith(("CLIP", "Siglip")):
        raise heron.InvalidInput(
            f"{given.place} is for {kind[:80]}, expected CLIPImageProcessor or SiglipImageProcessor"
        )
    if given.flag("do_pad", False):
        raise given.refusal("do_pad", "no padding")
    is_clip = kind.startswith("CLIP")
    fit, scaled = _scaling(given, is_clip)
    crop = _crop(given, is_clip)
    result = crop or (scaled if fit == "exact" else None)
    if result is None:
        raise heron.InvalidInput(f"{given.place}: without a centre crop, size needs a height and a width")
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if given.flag("do_normalize", True):
        mean, std = _normal(given, ("image_mean", "image_std"), _OPENAI if is_clip else _HALVES)
    return Recipe(
        place=given.place,
        width=result[0],
        height=result[1],
        fit=fit,
        scaled=scaled,
        resampling=Image.Resampling(given.integer("resample", 0, 5, _BICUBIC)),
        mean=mean,
        std=std,
        factor=given.number("rescale_factor", 1 / 255) if given.flag("do_rescale", True) else 1.0,
    )


def _scaling(given: Settings, is_clip: bool) -> tuple[Literal["exact", "edge", "none"], tuple[int, int]]:
    if not given.flag("do_resize", True):
        return "none", (0, 0)
    if "size" not in given and not is_clip:
        return "exact", (224, 224)
    if "size" not in given or isinstance(given.get("size"), int):
        edge = given.integer("size", 1, LARGEST_SIDE, 224)
        return "edge", (edge, edge)
    size = given.section("size")
    if "longest_edge" in size or "max_height" in size:
        raise given.refusal("size", "a shortest_edge, or a height and a width")
    if "shortest_edge" in size:
        edge = size.integer("shortest_edge", 1, LARGEST_SIDE)
        return "edge", (edge, edge)
    return "exact", (size.integer("width", 1, LARGEST_SIDE), size.integer("height", 1, LARGEST_SIDE))


def _crop(given: Settings, is_clip: bool) -> tuple[int, int] | None:
    """Width and height of the centre crop, if there is one; one number means a square."""
    if not given.flag("do_center_crop", is_clip):
        return None
    if isinstance(given.get("crop_size"), int):
        side = given.integer("crop_size", 1, LARGEST_SIDE)
        return side, side
    crop = given.section("crop_size")
    return crop.integer("width", 1, LARGEST_SIDE, 224), crop.integer("height", 1, LARGEST_SIDE, 224)


def _of_open_clip(layout: Layout) -> Recipe:
    """Source: `image_transform` of open_clip, for inference. The size is that of the model, whatever `preprocess_cfg` says."""
    given = layout.preprocess
    if given.get("mode") not in (None, "RGB"):
        raise given.refusal("mode", "RGB")
    width, height = layout.picture or _listed(given)
    mean, std = _normal(given, ("mean", "std"), _OPENAI)
    named = given.choice("interpolation", ("bicubic", "bilinear", "random"), "bicubic")
    resampling = _INTERPOLATIONS.get(named, _BICUBIC)  # random is for training
    mode = given.choice("resize_mode", ("shortest", "longest", "squash"), "shortest")
    fit: Literal["exact", "edge", "cover", "within"] = "edge" if width == height else "cover"
    if fit == "cover":
        resampling = resampling if mode != "shortest" else _BICUBIC  # whatever `interpolation` says
    if mode != "shortest":
        fit = "exact" if mode == "squash" else "within"
    grey = given.integer("fill_color", 0, 255, 0)
    return Recipe(
        place=given.place,
        width=width,
        height=height,
        fit=fit,
        scaled=(width, height),
        resampling=resampling,
        mean=mean,
        std=std,
        rounds=True,
        fill=(grey, grey, grey),
    )


def _listed(given: Settings) -> tuple[int, int]:
    height, width = given.pair("size", 1, LARGEST_SIDE, 224)
    return width, height


def _of_timm(given: Settings, layout: Layout) -> Recipe:
    """Source: `transforms_imagenet_eval` and `resolve_data_config` of timm."""
    channels, height, width = (int(number) for number in given.three_numbers("input_size", (3, 224, 224)))
    if channels != 3 or not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise given.refusal("input_size", f"3, a height and a width of at most {LARGEST_SIDE:,}")
    if given.get("crop_border_pixels"):
        raise given.refusal("crop_border_pixels", "none")
    share = given.number("crop_pct", 0.875)
    if not 0.25 <= share <= 1:
        raise given.refusal("crop_pct", "a number from 0.25 to 1")
    mean, std = _normal(given, ("mean", "std"), _IMAGENET)
    mode = given.choice("crop_mode", ("center", "squash", "border"), "center")
    scaled = math.floor(width / share), math.floor(height / share)
    shortest: Literal["edge", "cover"] = "edge" if scaled[0] == scaled[1] else "cover"
    red, green, blue = (round(255 * each) for each in mean)
    return Recipe(
        place=given.place,
        width=width,
        height=height,
        fit="exact" if mode == "squash" else "within" if mode == "border" else shortest,
        scaled=scaled,
        resampling=_INTERPOLATIONS[given.choice("interpolation", tuple(_INTERPOLATIONS), "bicubic")],
        mean=mean,
        std=std,
        rounds=True,
        fill=(red, green, blue) if mode == "border" else (0, 0, 0),
    )


def _normal(given: Settings, keys: tuple[str, str], default: tuple[Three, Three]) -> tuple[Three, Three]:
    mean, std = (given.three_numbers(key, known) for key, known in zip(keys, default, strict=True))
    if min(map(abs, std)) < _SMALLEST:
        raise given.refusal(keys[1], f"numbers of at least {_SMALLEST}")
    return mean, std


def _are_near(ours: object, theirs: object) -> bool:
    assert isinstance(ours, tuple)
    assert isinstance(theirs, tuple)
    return all(math.isclose(one, other, abs_tol=1e-4) for one, other in zip(ours, theirs, strict=True))
