"""Names of models: a directory, or `OWNER/NAME@REVISION` of the hub, either with `#VARIANT` at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import heron

DEFAULT = "Xenova/clip-vit-base-patch32"
"""The default model: OpenAI's ViT-B/32, 512 numbers, 600 MB."""

_HUB = re.compile(
    r"(?P<repository>\w[\w.-]{0,95}/\w[\w.-]{0,95})(@(?P<revision>\w[\w./-]{0,199}))?", re.ASCII
)
_VARIANT = re.compile(r"[a-z0-9][a-z0-9_]{0,31}")


@dataclass(frozen=True)
class LocalModel:
    """A directory with the files of a model."""

    directory: Path
    variant: str


@dataclass(frozen=True)
class HubModel:
    """A repository of the hub. Without `revision`, the newest commit is used."""

    repository: str
    revision: str | None
    variant: str


def parse(name: str | None) -> LocalModel | HubModel:
    """The model that a name means; an existing directory has precedence. Raises NotFound and InvalidInput.

    The variant is empty for full precision, or the suffix of the names of the ONNX files, such as `fp16` or
    `int8`.
    """
    given = DEFAULT if name is None else name
    if is_directory(given):
        return LocalModel(Path(given).expanduser(), "")
    place, mark, variant = given.rpartition("#")
    if not mark:
        place, variant = given, ""
    elif not _VARIANT.fullmatch(variant):
        raise heron.InvalidInput(
            f"{variant!r} cannot be a variant of a model", hint="write for instance #fp16"
        )
    if is_directory(place):
        return LocalModel(Path(place).expanduser(), variant)
    hub = _HUB.fullmatch(place)
    if hub is None or ".." in place:
        raise heron.NotFound(
            f"the model directory {place!r} does not exist",
            hint="name a directory, or OWNER/NAME@REVISION of the hub",
        )
    return HubModel(hub["repository"], hub["revision"], variant)


def is_directory(place: str) -> bool:
    """Whether a path is a directory; `~` is the user's home."""
    try:
        return bool(place) and Path(place).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):  # too long, no home, a NUL
        return False
