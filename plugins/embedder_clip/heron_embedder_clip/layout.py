"""What a model directory holds: its family, its sizes and how its texts are read, by the files of transformers or of open_clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import heron
from heron_embedder_clip.settings import Settings, not_of_a_fixed_resolution

LARGEST_SIZE = 4096
"""The largest length of vectors."""

LARGEST_SIDE = 1024
"""The largest width or height that a model may take, in pixels; models in use take 224 to 512."""

LONGEST_CONTEXT = 4096
LARGEST_VOCABULARY = 2_000_000


@dataclass(frozen=True)
class Layout:
    """What the JSON files of a model say. `config` is `config.json` of transformers or timm, `model` and `preprocess` are the parts of
    open_clip's file; each is empty where it is missing.

    `is_sigmoid` is for models trained on single pairs, as SigLIP: their texts are padded to the context, and the padding is seen.
    `size` is the length of the vectors and `picture` the width and height of pictures, None where no file says them.
    """

    folder: Path
    place: str
    config: Settings
    model: Settings
    preprocess: Settings
    is_sigmoid: bool
    size: int | None
    picture: tuple[int, int] | None
    context: int
    vocabulary: int | None

    @classmethod
    def read(cls, folder: Path) -> Layout:
        """Read the files; raises NotFound, and InvalidInput for a model that cannot be read or files that contradict each other."""
        config, model, preprocess = _files(folder)
        kind = config.get("model_type")
        vision, text = config.section("vision_config"), config.section("text_config")
        its_vision, its_text = model.section("vision_cfg"), model.section("text_cfg")
        if kind == "siglip2" or "naflex" in str(its_vision.get("timm_model_name")).lower():
            raise not_of_a_fixed_resolution(folder)
        is_sigmoid = kind == "siglip" or "init_logit_bias" in model
        context = text.integer("max_position_embeddings", 3, LONGEST_CONTEXT, 64 if is_sigmoid else 77)
        if model:
            context = its_text.integer("context_length", 3, LONGEST_CONTEXT, 77)
        return cls(
            folder,
            model.place if model and not config else config.place,
            config,
            model,
            preprocess,
            is_sigmoid,
            _size(config, model, is_sigmoid),
            _picture(vision) or _picture(its_vision),
            context,
            _vocabulary(its_text) or _vocabulary(text),
        )

    @property
    def texts(self) -> Path:
        """The folder with the files of the tokenizer."""
        apart = self.folder / "textual"
        return apart if (apart / "tokenizer.json").is_file() else self.folder

    @property
    def is_open_clip(self) -> bool:
        """Whether only open_clip's files say what the model is: then its sides are functions of one output, whatever their names."""
        return bool(self.model) and not self.config


def _files(folder: Path) -> tuple[Settings, Settings, Settings]:
    """The settings of transformers or timm, those of open_clip's model, and those of its pictures."""
    config = Settings.read_if_there(folder / "config.json")
    whole = Settings.read_if_there(folder / "open_clip_config.json")
    if not (folder / "config.json").is_file() and not (folder / "open_clip_config.json").is_file():
        Settings.read(folder / "config.json")  # says that it is missing
    nothing = Settings({}, config.place)
    if "model_cfg" in config:  # open_clip's file under the other name
        whole, config = config, nothing
    if "vision_cfg" in config:  # the model alone, with the settings of pictures in a file of their own
        apart = (folder / place / "preprocess_cfg.json" for place in ("visual", "."))
        found = next((path for path in apart if path.is_file()), None)
        return nothing, config, Settings.read(found) if found else Settings({}, str(folder))
    if whole and "model_cfg" not in whole:
        raise whole.refusal("model_cfg", "what open_clip says of the model")
    return config, whole.section("model_cfg"), whole.section("preprocess_cfg")


def _size(config: Settings, model: Settings, is_sigmoid: bool) -> int | None:
    found = dict(_sizes(config, model, is_sigmoid))
    if len(set(found.values())) > 1:
        said = " and ".join(f"{size:,} by {place}" for place, size in found.items())
        raise heron.InvalidInput(f"the files of the model contradict each other: vectors have {said} numbers")
    return next(iter(found.values()), None)


def _sizes(config: Settings, model: Settings, is_sigmoid: bool) -> Iterator[tuple[str, int]]:
    if "projection_dim" in config:
        yield config.place, config.integer("projection_dim", 1, LARGEST_SIZE)
    elif is_sigmoid:
        text, vision = config.section("text_config"), config.section("vision_config")
        for section, key in ((text, "projection_size"), (text, "hidden_size"), (vision, "hidden_size")):
            if key in section:
                yield config.place, section.integer(key, 1, LARGEST_SIZE)
                break
    if "embed_dim" in model:
        yield model.place, model.integer("embed_dim", 1, LARGEST_SIZE)


def _picture(vision: Settings) -> tuple[int, int] | None:
    """Width and height; a list has the height first."""
    if "image_size" not in vision:
        return None
    height, width = vision.pair("image_size", 1, LARGEST_SIDE)
    return width, height


def _vocabulary(text: Settings) -> int | None:
    return text.integer("vocab_size", 1, LARGEST_VOCABULARY) if "vocab_size" in text else None
