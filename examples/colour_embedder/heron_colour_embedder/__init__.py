"""An embedder of colours: how much of each of 64 colours a picture has, in a grid of 2 x 2, and words that name colours."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def load() -> heron.Embedder:
    """Make the model."""
    from heron_colour_embedder.model import Histogram

    return Histogram()


@heron.hookimpl
def register_embedders() -> Iterable[heron.EmbedderModel]:
    """Bring the embedder."""
    yield heron.EmbedderModel(
        name="colour-histogram",
        summary="shares of 64 colours in a grid of 2 x 2",
        size=256,
        embeds=["image", "text"],
        picture_size=128,
        requires=["numpy"],
        load=load,
    )
