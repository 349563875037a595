"""The built-in embedders, a visual descriptor and a perceptual hash; they need no model."""

from __future__ import annotations

from collections.abc import Iterable

from heron.hooks import Embedder, EmbedderModel, hookimpl


def _load_visual() -> Embedder:
    from heron.embedders.visual import VisualEmbedder

    return VisualEmbedder()


def _load_phash() -> Embedder:
    from heron.embedders.phash import PerceptualHash

    return PerceptualHash()


@hookimpl
def register_embedders() -> Iterable[EmbedderModel]:
    """Colour, layout and edges, and a perceptual hash; `heron.embedders.visual` and `phash` have the formulas and their sources."""
    yield EmbedderModel(
        name="visual",
        summary="colour, layout and edges of a picture, to find similar pictures; needs no model",
        size=392,
        batch=64,
        picture_size=256,
        turns=True,
        load=_load_visual,
    )
    yield EmbedderModel(
        name="phash",
        summary="perceptual hash, to find copies of other light, in grey, with borders; needs no model",
        size=120,
        batch=64,
        picture_size=256,
        copies_from=0.6,
        turns=True,
        load=_load_phash,
    )
