"""The built-in embedder, a visual descriptor that needs no model."""

from __future__ import annotations

from collections.abc import Iterable

from heron.hooks import Embedder, EmbedderModel, hookimpl


def _load_visual() -> Embedder:
    from heron.embedders.visual import VisualEmbedder

    return VisualEmbedder()


@hookimpl
def register_embedders() -> Iterable[EmbedderModel]:
    """Colour, layout and edges; `heron.embedders.visual` has the formula and its sources."""
    yield EmbedderModel(
        name="visual",
        summary="colour, layout and edges of a picture, to find similar pictures; needs no model",
        size=392,
        batch=64,
        picture_size=256,
        load=_load_visual,
    )
