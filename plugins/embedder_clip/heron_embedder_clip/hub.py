"""Models of the Hugging Face hub: just the files needed, into its usual cache."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import heron
from heron_embedder_clip.directory import BOTH, PLACES, SETTINGS, TEXT, VISION, ModelDirectory, suffixes
from heron_embedder_clip.names import HubModel
from heron_embedder_clip.settings import one_line

_INSTEAD = "or name a directory that holds the model"


def fetch(model: HubModel) -> tuple[ModelDirectory, str]:
    """The files of a model, downloaded unless they are in the cache, and the commit they are of; raises PluginError.

    HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE mean what they mean to huggingface_hub.
    """
    for names in ((VISION, TEXT), (BOTH,)):
        for suffix in suffixes(model.variant):
            folder = _snapshot(model, names, suffix)
            try:
                return ModelDirectory.find(folder, model.variant), folder.name
            except heron.NotFound:
                continue
    variant = f" of the variant {model.variant}" if model.variant else ""
    raise heron.PluginError(
        f"{_shown(model)} on the hub has no CLIP in ONNX{variant}",
        hint=f"name a repository with onnx/{VISION}.onnx, {_INSTEAD}",
    )


def _snapshot(model: HubModel, names: tuple[str, ...], suffix: str) -> Path:
    """The folder of one commit, whose name is its hash."""
    import huggingface_hub
    from huggingface_hub import errors

    graphs = [f"{place}/{name}{suffix}.onnx*".removeprefix("./") for place in PLACES for name in names]
    try:
        found = huggingface_hub.snapshot_download(
            model.repository,
            revision=model.revision,
            allow_patterns=[*SETTINGS, *graphs],
            tqdm_class=_progress(),
        )
    except errors.GatedRepoError as error:
        raise heron.PluginError(
            f"{_shown(model)} on the hub is only for those who were given access",
            hint=f"ask for access and set HF_TOKEN, {_INSTEAD}",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise heron.PluginError(
            f"the hub has no model {model.repository}, or not for you", hint=f"check the name, {_INSTEAD}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise heron.PluginError(
            f"{model.repository} on the hub has no revision {model.revision}",
            hint=f"check the revision, {_INSTEAD}",
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise heron.PluginError(
            f"{_shown(model)} is no directory here, not in the cache, and the hub cannot be reached",
            hint=f"try again with a network, {_INSTEAD}",
        ) from error
    except Exception as error:  # errors of several HTTP libraries, by version
        raise heron.PluginError(
            f"{_shown(model)} cannot be fetched from the hub: {one_line(error) or type(error).__name__}",
            hint=f"try again, {_INSTEAD}",
        ) from error
    return Path(found)


def _progress() -> type[Any]:
    """The library's progress bar, shown on a terminal alone, and gone when all is there."""
    from huggingface_hub.utils.tqdm import tqdm

    class Progress(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            hidden = options.get("disable") or not sys.stderr.isatty()
            super().__init__(*arguments, **{**options, "disable": hidden, "leave": False})  # type: ignore[no-untyped-call]

    return Progress


def _shown(model: HubModel) -> str:
    return model.repository + (f"@{model.revision}" if model.revision else "")
