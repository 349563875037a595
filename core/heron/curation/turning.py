"""Turned copies: the eight ways in which a picture can be mirrored and turned by quarters, and vectors turned that way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from attrs import evolve, frozen

from heron.curation.chosen import BLOCK, Array, Chosen
from heron.curation.records import TURNS
from heron.errors import InvalidInput, PluginError

if TYPE_CHECKING:
    from heron.catalog.vectors.rows import VectorSet
    from heron.catalog.vectors.store import VectorStore
    from heron.search.similar import Behind, Embedders


@frozen(eq=False)
class Turn:
    """Turns vectors of an embedder: mirrored, left to right, from 4 on, then by `number` modulo 4 quarters, counterclockwise."""

    behind: Behind
    number: int

    def __call__(self, vectors: Array) -> Array:
        """Vectors of shape (n, size), float32; raises PluginError."""
        return self.behind.turned(
            np.asarray(vectors, np.float32), self.number % 4, mirrored=self.number >= 4
        ).astype(np.float32, copy=False)


def turned(chosen: Chosen, turn: Turn) -> Chosen:
    """The same owners at the same places, with the vectors of their pictures when turned. There are no means among them."""
    made = evolve(chosen, turn=turn)
    lengths = np.empty(len(made))
    for start in range(0, len(made), BLOCK):
        block = made.stored(slice(start, start + BLOCK)).astype(np.float64)
        lengths[start : start + BLOCK] = np.sqrt(np.einsum("ij,ij->i", block, block))
    return evolve(made, lengths=np.where(lengths > 0, lengths, np.inf))


def turns_of(behind: Behind) -> list[Turn]:
    """Every turn but that which changes nothing."""
    return [Turn(behind, number) for number in range(1, len(TURNS))]


def turning_key(vectors: VectorStore, embedders: Embedders, key: str | None) -> str:
    """The key to look for turned copies by: the one that is named, or the first whose embedder turns, those for copies first.

    Raises InvalidInput if its embedder cannot turn vectors, or there is none.
    """
    there = [vectors._named(key)] if key is not None else vectors._embedding_keys()
    able = [kept for kept in there if _turns(embedders, kept)]
    able.sort(key=lambda kept: copies_from(embedders, kept) is None)
    if able:
        return able[0].key
    made = "heron embed --embedder phash makes vectors that do"
    if key is not None:
        raise InvalidInput(f"the vectors of {key!r} do not tell how a picture is turned", hint=made)
    raise InvalidInput("there are no vectors that tell how a picture is turned", hint=made)


def copies_from(embedders: Embedders, kept: VectorSet) -> float | None:
    """The cosine from which vectors of a set are usually those of copies, as their embedder says; None if it does not."""
    try:
        return embedders.record(kept.embedder).copies_from if kept.embedder is not None else None
    except PluginError:  # vectors can be compared without the plugin that made them
        return None


def _turns(embedders: Embedders, kept: VectorSet) -> bool:
    try:
        return kept.embedder is not None and embedders.record(kept.embedder).turns
    except PluginError:
        return False
