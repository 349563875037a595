"""The two sides of a model: from pictures to vectors, and from texts to vectors in the same space."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

import heron
from heron_embedder_clip.graph import Array, Graph, cores
from heron_embedder_clip.pictures import LARGEST_SIDE, Preprocessing
from heron_embedder_clip.settings import Settings
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

    def __init__(self, graph: Graph, folder: Path, *, one_by_one: bool) -> None:
        """Read how pictures are prepared; raises NotFound, and InvalidInput if that does not fit the graph."""
        self.size = graph.check("pixel_values", "image_embeds")
        self._graph = graph
        self._at_once = 1 if one_by_one else PICTURES
        self._prepare = Preprocessing(folder)
        made = (self._prepare.height, self._prepare.width)
        seen = image_size(folder)
        for axis, length in enumerate(made, start=2):
            expected = graph.fixed("pixel_values", axis) or seen or length
            if length != expected:
                raise heron.InvalidInput(
                    f"{self._prepare.place} makes pictures of {made[1]} x {made[0]} pixels, "
                    f"but the model takes {expected}"
                )

    def __call__(self, images: Sequence[Image], size: int) -> Array:
        """Vectors of shape (len(images), size), not normalised."""
        runs = [
            self._graph.run("image_embeds", {"pixel_values": pixels}, size)
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

    def __init__(self, graph: Graph, folder: Path, *, one_by_one: bool) -> None:
        """Read the tokenizer; raises NotFound, and InvalidInput if it does not fit the graph."""
        self.size = graph.check("input_ids", "text_embeds")
        self._graph = graph
        self._at_once = 1 if one_by_one else TEXTS
        self._tokens = Tokens(folder, graph.fixed("input_ids", 1))

    def __call__(self, texts: Sequence[str], size: int) -> Array:
        """Vectors of shape (len(texts), size), not normalised."""
        runs = []
        for piece in _pieces(texts, self._at_once):
            ids, mask = self._tokens(piece)
            runs.append(self._graph.run("text_embeds", {"input_ids": ids, "attention_mask": mask}, size))
        return np.concatenate(runs)


def image_size(folder: Path) -> int | None:
    """The width of the pictures that a model takes, in pixels; None if its configuration does not say."""
    vision = Settings.read(folder / "config.json").section("vision_config")
    return vision.integer("image_size", 1, LARGEST_SIDE) if "image_size" in vision else None


def _pieces(things: Sequence[T], count: int) -> list[Sequence[T]]:
    return [things[start : start + count] for start in range(0, len(things), count)]
