"""Downloads models from the Hugging Face hub into its usual cache: only the files that are needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import heron
from heron_embedder_clip.directory import BOTH, PLACES, SETTINGS, TEXT, VISION, ModelDirectory, suffixes
from heron_embedder_clip.names import HubModel
from heron_embedder_clip.settings import one_line

_INSTEAD = "or name a directory with the model"


def fetch(model: HubModel) -> tuple[ModelDirectory, str]:
    """The files of a model and their commit, downloaded unless they are in the cache; raises PluginError.

    HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE have the meaning that huggingface_hub gives them.
    """
    for names in ((*VISION, *TEXT), BOTH):
        for suffix in suffixes(model.variant):
            folder = _snapshot(model, names, suffix)
            try:
                return ModelDirectory.find(folder, model.variant), folder.name
            except heron.NotFound:
                continue
    variant = f" of the variant {model.variant}" if model.variant else ""
    raise heron.PluginError(
        f"{_shown(model)} on the hub has no CLIP in ONNX{variant}",
        hint=f"name a repository with onnx/{VISION[0]}.onnx, {_INSTEAD}",
    )


def wanted(names: Sequence[str], suffix: str) -> list[str]:
    """The patterns of the files to fetch: the settings, and ONNX files of these names with their weights."""
    graphs = (f"{place}/{name}{suffix}.onnx*".removeprefix("./") for place in PLACES for name in names)
    return [*SETTINGS, *graphs]


def _snapshot(model: HubModel, names: tuple[str, ...], suffix: str) -> Path:
    """The folder of one commit; its name is the hash of the commit."""
    import huggingface_hub
    from huggingface_hub import errors

    try:
        found = huggingface_hub.snapshot_download(
            model.repository,
            revision=model.revision,
            allow_patterns=wanted(names, suffix),
            tqdm_class=_progress(),
        )
    except errors.GatedRepoError as error:
        raise heron.PluginError(
            f"{_shown(model)} on the hub is restricted to users who were given access",
            hint=f"ask for access and set HF_TOKEN, {_INSTEAD}",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise heron.PluginError(
            f"the hub has no model {model.repository}, or you have no access to it",
            hint=f"check the name, {_INSTEAD}",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise heron.PluginError(
            f"{model.repository} on the hub has no revision {model.revision}",
            hint=f"check the revision, {_INSTEAD}",
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise heron.PluginError(
            f"{_shown(model)} is not a directory here, is not in the cache, and the hub cannot be reached",
            hint=f"try again with a network, {_INSTEAD}",
        ) from error
    except Exception as error:  # errors of different HTTP libraries, depending on the version
        raise heron.PluginError(
            f"{_shown(model)} cannot be fetched from the hub: {one_line(error) or type(error).__name__}",
            hint=f"try again, {_INSTEAD}",
        ) from error
    return Path(found)


def _progress() -> type[Any]:
    """The library's progress bar, shown only on a terminal and cleared at the end."""
    from huggingface_hub.utils.tqdm import tqdm

    class Progress(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            hidden = options.get("disable") or not sys.stderr.isatty()
            super().__init__(*arguments, **{**options, "disable": hidden, "leave": False})  # type: ignore[no-untyped-call]

    return Progress


def _shown(model: HubModel) -> str:
    return model.repository + (f"@{model.revision}" if model.revision else "")
