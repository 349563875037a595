"""An embedder of texts: which words, and which parts of words, a document has. It needs no model."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def load() -> heron.TextEmbedder:
    """Make the model."""
    from heron_word_embedder.model import HashedWords

    return HashedWords()


@heron.hookimpl
def register_embedders() -> Iterable[heron.EmbedderModel]:
    """Bring the embedder: it reads the text of items, and takes texts as queries."""
    yield heron.EmbedderModel(
        name="hashed-words",
        summary="words of a text and their parts, hashed; needs no model",
        size=1024,
        embeds=["text"],
        text_size=4000,
        text_overlap=0,
        batch=64,
        requires=["numpy"],
        load=load,
    )
