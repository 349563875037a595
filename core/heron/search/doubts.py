"""What the scores of a search are worth: sentences for a model that knows only some sort of pictures and words, or has a scale of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from heron.errors import PluginError
from heron.hooks import BoundedEmbedder, EmbedderModel
from heron.metadata.keys import printable
from heron.models import Frame, Item, Match, Query
from heron.search.asked import SURE
from heron.wording import counted

if TYPE_CHECKING:
    from heron.catalog.vectors.store import VectorStore

_LOOKED_AT = 100
"""Hits of which the vectors are looked at."""


def bounds_of(record: EmbedderModel) -> str | None:
    """What an embedder knows, and what to use instead; None for one that does not declare it."""
    if record.knows is None:
        return None
    instead = f" ({record.instead} uses a model that knows more)" if record.instead else ""
    return f"{record.name} knows only {record.knows}; for anything else its scores mean nothing{instead}."


def doubts(
    vectors: VectorStore,
    record_of: Callable[[str], EmbedderModel],
    load: Callable[[str, str | None], object],
    key: str,
    text: str | None,
    hits: Iterable[Item | Frame],
) -> Sequence[str]:
    """Sentences about the hits of a search, by the embedder that made the vectors of a key; usually none."""
    kept = vectors._named(key)
    if kept.embedder is None:
        return ()
    try:
        record = record_of(kept.embedder)
        first = bounds_of(record)
        if first is None and text is None:
            return ()
        loaded = load(record.name, kept.model)
    except PluginError:  # vectors can be compared without the plugin that made them
        return ()
    scores = getattr(loaded, "scores", "") if text is not None else ""
    notes = [note for note in (first, scores) if note]
    if first is None or not isinstance(loaded, BoundedEmbedder):
        return notes
    if text is not None and (words := loaded.unknown(text)):
        notes.append(f"{record.name} does not know {', '.join(map(printable, words[:8]))}.")
    seen = [(hit, vectors.find(key, hit)) for hit in list(hits)[:_LOOKED_AT]]
    compared = [(hit, vector) for hit, vector in seen if vector is not None]
    if compared:
        outside = loaded.outside(np.stack([vector for _, vector in compared]))
        names = [_name(hit) for (hit, _), is_outside in zip(compared, outside, strict=True) if is_outside]
        if names:
            more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
            notes.append(
                f"{counted(len(names), 'hit')} unlike all that {record.name} knows: {', '.join(names[:5])}{more}."
            )
    return notes


def of_unsure(query: Query, matches: Sequence[Match]) -> Sequence[str]:
    """A sentence for a text whose best hits are no better than those of texts without meaning."""
    known = [match.sure for match in matches if match.sure is not None]
    if not known or query.cursor is not None or query.sort is not None or max(known) >= SURE:
        return ()
    return (
        f"No hit is sure (the best {max(known):.2f}): texts without meaning find hits that stand out as much; "
        "--min-score auto leaves such hits out.",
    )


def _name(hit: Item | Frame) -> str:
    return printable(hit.name) if isinstance(hit, Item) else f"{hit.item}#{hit.number}"
