"""CLIP for Heron: the embedder `clip` for models of that architecture, and the tiny model `clip-mini`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import heron

MINI = Path(__file__).parent / "mini"
"""The model directory of `clip-mini`."""


def load(model: str | None = None) -> heron.Embedder:
    """Load a model: a directory, or OWNER/NAME@REVISION of the Hugging Face hub, either with #VARIANT at the
    end.

    Raises NotFound and InvalidInput for a wrong directory, and PluginError if the hub does not give the
    model.
    """
    from heron_embedder_clip.embedder import load_named

    return load_named(model)


def load_mini() -> heron.Embedder:
    """Load the model that comes with the plugin."""
    from heron_embedder_clip.embedder import load_directory
    from heron_embedder_clip.known import BoundedClip

    return load_directory(MINI, embedder=BoundedClip)


@heron.hookimpl
def register_embedders() -> Iterable[heron.EmbedderModel]:
    """Contribute the models that have images and text in one space."""
    yield heron.EmbedderModel(
        name="clip",
        summary="CLIP, SigLIP and kin: images and text in one space, from a directory or the Hugging Face hub (onnxruntime)",
        embeds=["image", "text"],
        takes_model=True,
        requires=["onnxruntime", "tokenizers"],
        extra="clip",
        load=load,
    )
    yield heron.EmbedderModel(
        name="clip-mini",
        summary="a tiny CLIP that knows only the drawn scenes of the quickstart, for demonstration and tests",
        size=64,
        embeds=["image", "text"],
        picture_size=256,
        knows="drawings like those of the quickstart",
        instead="heron embed --embedder clip",
        requires=["onnxruntime", "tokenizers"],
        extra="clip",
        load=load_mini,
    )
