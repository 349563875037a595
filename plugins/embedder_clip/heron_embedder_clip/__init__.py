"""CLIP for Heron: the embedder `clip`. Computing vectors comes in a later release."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def load() -> heron.Embedder:
    """Load the model with its weights; raises PluginError as long as that is not built."""
    raise heron.PluginError(
        "plugin embedder_clip knows the model clip, but computing its vectors is not built yet",
        hint="follow the changelog",
    )


@heron.hookimpl
def register_embedders() -> Iterable[heron.EmbedderModel]:
    """Bring the model that has images and text in one space."""
    yield heron.EmbedderModel(
        name="clip",
        summary="CLIP: images and text in one space (onnxruntime)",
        size=512,
        embeds=["image", "text"],
        extra="clip",
        planned=True,
        load=load,
    )
