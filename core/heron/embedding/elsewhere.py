"""Embedding by the workers of an executor: each loads the same model, and returns vectors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.errors import PluginError
from heron.executors.shipping import here
from heron.hooks import PluginManager
from heron.media.ground import laid
from heron.pictures.elsewhere import Picture
from heron.search.similar import Embedders

if TYPE_CHECKING:
    import numpy


@frozen
class Vectors:
    """Makes vectors of pictures by an embedder of this name, model and revision."""

    embedder: str
    model: str | None
    revision: str
    size: int
    batch: int
    portrait: bool = True
    shortest: int = 0

    def begin(self, plugins: PluginManager) -> Callable[[Sequence[Picture]], list[numpy.ndarray[Any, Any]]]:
        """The function that makes them; raises PluginError if the model is not the same."""
        loaded = Embedders(lambda: plugins).get(self.embedder, self.model)
        if loaded.revision != self.revision:
            raise PluginError(
                f"{here()}: embedder {self.embedder} has the revision {loaded.revision}, expected {self.revision}",
                hint="workers need the same model",
            )
        one_at_a_time = threading.Lock()

        def make(pictures: Sequence[Picture]) -> list[numpy.ndarray[Any, Any]]:
            shown = [laid(picture) for _, _, picture in pictures]
            with one_at_a_time:
                return list(loaded.embed_images(shown))

        return make
