"""Batches of pictures and passages: where one cannot be embedded as a whole, each piece costs its item alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from heron.embedders.passages import Mean, Passage, vectors_of
from heron.errors import PluginError

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

_GIVEN_UP = 4
"""The items that fail one after the other before it is not their fault, but that of the embedder."""

Piece: TypeAlias = "tuple[tuple[int, int | None], str, Image | Passage]"
"""The owner of a vector, beginning with the inner id of its item, the name of the item, and what to embed."""

Result: TypeAlias = "numpy.ndarray[Any, Any] | Mean | PluginError | None"
"""The vector of a picture, the mean of a passage, why there is none, or None for a passage of a text of which another one failed."""


class Batches:
    """Embeds one batch after the other by a `heron.search.similar.Behind`."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded
        self._failing: set[int] = set()
        """The items that failed since the last success, by inner id."""

        self._lost: set[Hashable] = set()
        """The texts of which a passage failed, and others are still to come."""

    def __call__(self, pieces: Sequence[Piece]) -> list[Result]:
        """What becomes of each piece.

        Raises the PluginError where the embedder fails for `_GIVEN_UP` items one after the other.
        """
        found: list[Result] = [None] * len(pieces)
        there = [
            place for place, (owner, _, content) in enumerate(pieces) if not self._is_lost(owner, content)
        ]
        if not there:
            return found
        try:
            vectors = vectors_of(self._loaded, [pieces[place][2] for place in there])
        except PluginError:
            self._apart(pieces, there, found)
        else:
            self._failing.clear()
            for place, vector in zip(there, vectors, strict=True):
                found[place] = vector
        return found

    def _apart(self, pieces: Sequence[Piece], there: Sequence[int], found: list[Result]) -> None:
        """Embed the pieces of a batch that failed one by one."""
        has_some = False
        for place in there:
            owner, name, content = pieces[place]
            if self._is_lost(owner, content):
                continue
            try:
                [found[place]] = vectors_of(self._loaded, [content])
            except PluginError as error:
                found[place] = error
                if isinstance(content, Passage) and not content.is_last:
                    self._lost.add(owner)
                if not has_some:
                    self._failing.add(owner[0])  # a film fails once, however many of its frames do
                    if len(self._failing) >= _GIVEN_UP:
                        raise PluginError(f"{name}: {error.message}", hint=error.hint) from error
            else:
                has_some = True
                self._failing.clear()

    def _is_lost(self, owner: Hashable, content: Image | Passage) -> bool:
        """Whether a passage belongs to a text of which another one could not be embedded."""
        if not isinstance(content, Passage) or owner not in self._lost:
            return False
        if content.is_first:
            self._lost.discard(owner)
            return False
        if content.is_last:
            self._lost.discard(owner)
        return True
