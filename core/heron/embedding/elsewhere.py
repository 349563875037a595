"""Embedding by the workers of an executor: each loads the same model, reads pictures and texts, and returns vectors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import evolve, frozen

from heron.embedders.passages import NOTHING, Mean, Passage
from heron.embedding.batches import Batches
from heron.embedding.contents import PICTURES, Reading
from heron.errors import PluginError
from heron.executors.shipping import here
from heron.hooks import PluginManager
from heron.media.ground import laid
from heron.media.sizing import Sight, portrait_seen
from heron.pictures.elsewhere import Asked, Drawing, Given
from heron.search.similar import Embedders


@frozen
class Vectors:
    """Makes vectors by an embedder of this name, model and revision."""

    embedder: str
    model: str | None
    revision: str
    size: int
    batch: int
    portrait: bool = True
    shortest: int = 0
    reading: Reading = PICTURES

    def begin(self, plugins: PluginManager) -> Callable[[Sequence[Any]], list[Any]]:
        """The function that makes them; raises PluginError if the model is not the same."""
        loaded = Embedders(lambda: plugins).get(self.embedder, self.model)
        if loaded.revision != self.revision:
            raise PluginError(
                f"{here()}: embedder {self.embedder} has the revision {loaded.revision}, expected {self.revision}",
                hint="workers need the same model",
            )
        batches, one_at_a_time = Batches(loaded), threading.Lock()

        def make(pieces: Sequence[Any]) -> list[Any]:
            shown = [
                ((item.id, number), item.name, each if isinstance(each, Passage) else laid(each))
                for item, number, each in pieces
            ]
            there = [piece for piece in shown if piece[2] != NOTHING]
            with one_at_a_time:
                found = iter(batches(there))
            return [
                (each, next(found) if each.text else None) if isinstance(each, Passage) else next(found)
                for _, _, each in shown
            ]

        return make


class Embedding(Drawing):
    """The work: embeds the pictures of items and frames, and the texts of items, whose passages it puts together."""

    def __call__(self, units: Sequence[Asked]) -> list[Given]:
        """The vectors of some items; a text that could not be read to its end has none."""
        return [
            evolve(given, made=tuple(each for each in given.made if _is_whole(each[1])))
            for given in super().__call__(units)
        ]

    def _contents(self, unit: Asked) -> Iterator[tuple[int | None, Any]]:
        reading: Reading = self._finish.reading  # type: ignore[attr-defined]
        files = self._files(unit)
        if unit.own:
            sight = Sight(self._finish.size, self._finish.shortest)
            draw = lambda: portrait_seen(files, unit.item, sight)  # noqa: E731
            for content in reading.own(files, unit.item, self._kinds, draw):
                yield None, content
        frames = super()._contents
        draw_all = lambda some: frames(evolve(unit, own=False, numbers=tuple(some)))  # noqa: E731
        yield from reading.frames(files, unit.item, self._kinds, unit.numbers, draw_all)

    def _collect(self, made: list[tuple[int | None, Any]], number: int | None, result: Any) -> None:
        if not isinstance(result, tuple):
            super()._collect(made, number, result)
            return
        passage, vector = result
        if passage == NOTHING:
            made.append((number, None))
            return
        if passage.is_first:
            made.append((number, Mean(is_whole=False)))
        place = next(place for place in reversed(range(len(made))) if made[place][0] == number)
        if isinstance(vector, PluginError):
            made[place] = number, vector
        elif vector is not None:
            mean = made[place][1]
            mean.join(vector)
            mean.is_whole = passage.is_last


def _is_whole(made: Any) -> bool:
    return not isinstance(made, Mean) or made.is_whole
