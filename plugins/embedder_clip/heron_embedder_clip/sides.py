"""The two sides of a model: from pictures to vectors, and from texts to vectors in the same space."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

import heron
from heron_embedder_clip.graph import USUAL, Array, Graph, cores
from heron_embedder_clip.layout import Layout
from heron_embedder_clip.pictures import Preprocessing
from heron_embedder_clip.recipes import recipe_of
from heron_embedder_clip.tokens import Tokens

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURES, TEXTS = 16, 32
"""Pictures or texts in one run: enough to use all cores, few enough for quick first results and little memory."""

MOST_THREADS = 8
"""Threads that prepare pictures: enough for a fast GPU."""

T = TypeVar("T")


class VisionSide:
    """Turns pictures into vectors. `size` is their length, if the graph gives it."""

    def __init__(self, graph: Graph, layout: Layout, *, one_by_one: bool) -> None:
        """Read how pictures are prepared; raises NotFound, and InvalidInput if that does not fit the graph."""
        self._side = graph.side("pictures", is_sigmoid=layout.is_sigmoid, any_name=layout.is_open_clip)
        self.size = self._side.size
        self._graph = graph
        self._at_once = 1 if one_by_one or self._side.alone else PICTURES
        recipe = recipe_of(layout)
        self._prepare = Preprocessing(recipe)
        made = (recipe.height, recipe.width)
        seen = layout.picture[::-1] if layout.picture else made
        for axis, (length, usual) in enumerate(zip(made, seen, strict=True), start=2):
            expected = graph.fixed(self._side.given, axis) or usual
            if length != expected:
                raise heron.InvalidInput(
                    f"{recipe.place} makes pictures of {made[1]} x {made[0]} pixels, "
                    f"but the model takes {expected}"
                )

    def __call__(self, images: Sequence[Image], size: int | None) -> Array:
        """Vectors of shape (len(images), size), not normalised."""
        runs = [
            self._graph.run(self._side.output, {self._side.given: pixels}, size)
            for pixels in self._prepared(images)
        ]
        return np.concatenate(runs)

    def _prepared(self, images: Sequence[Image]) -> Iterator[Array]:
        """Tensors of a few pictures each; while the graph runs on one, threads prepare the next."""
        pieces = _pieces(images, self._at_once)
        if len(pieces) == 1:
            yield self._prepare(images)
            return
        threads = min(cores(), MOST_THREADS, len(pieces))
        waiting: deque[Future[Array]] = deque()
        with ThreadPoolExecutor(threads, "heron-clip") as pool:
            for piece in pieces:
                waiting.append(pool.submit(self._prepare, piece))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


class TextSide:
    """Turns texts into vectors. `size` is their length, if the graph gives it."""

    def __init__(self, graph: Graph, layout: Layout, *, one_by_one: bool) -> None:
        """Read the tokenizer; raises NotFound, and InvalidInput if it does not fit the graph."""
        self._side = graph.side("texts", is_sigmoid=layout.is_sigmoid, any_name=layout.is_open_clip)
        self.size = self._side.size
        self._graph = graph
        self._at_once = 1 if one_by_one or self._side.alone else TEXTS
        length = graph.fixed(self._side.given, 1)
        self._tokens = Tokens(layout, length, is_masked=self._side.mask is not None)

    def __call__(self, texts: Sequence[str], size: int | None) -> Array:
        """Vectors of shape (len(texts), size), not normalised."""
        runs = [
            self._graph.run(self._side.output, self._feeds(piece), size)
            for piece in _pieces(texts, self._at_once)
        ]
        return np.concatenate(runs)

    def scored(self, texts: Sequence[str]) -> tuple[Array, Array] | None:
        """Cosines of texts and one picture, and the scores that the graph gives for these pairs, both of shape (len(texts),).

        None for a graph that does not give scores, or takes one text at a time.
        """
        names = (*(output for _, output in USUAL.values()), "logits_per_text")
        if not self._graph.makes(*names) or self._side.alone:
            return None
        picture, vectors, logits = self._graph.outputs(names, self._feeds(texts))
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit @ (picture[0] / np.linalg.norm(picture[0])), logits[:, 0]

    def _feeds(self, texts: Sequence[str]) -> Mapping[str, Array]:
        ids, mask = self._tokens(texts)
        return {self._side.given: ids, **({self._side.mask: mask} if self._side.mask else {})}


def _pieces(things: Sequence[T], count: int) -> list[Sequence[T]]:
    return [things[start : start + count] for start in range(0, len(things), count)]
