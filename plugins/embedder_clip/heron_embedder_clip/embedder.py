"""The embedder: a model of two sides, each loaded when it is first used."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import heron
from heron_embedder_clip.directory import ModelDirectory
from heron_embedder_clip.graph import Array, Graph
from heron_embedder_clip.hub import fetch
from heron_embedder_clip.layout import LARGEST_SIZE, Layout
from heron_embedder_clip.names import LocalModel, parse
from heron_embedder_clip.pictures import Preprocessing
from heron_embedder_clip.recipes import recipe_of
from heron_embedder_clip.scores import scale_of, told
from heron_embedder_clip.sides import TextSide, VisionSide

if TYPE_CHECKING:
    from PIL.Image import Image

_DYNAMIC = ("int8", "uint8", "quantized")
"""Variants that run one input at a time: they scale by the largest number of a run, so vectors would depend on it."""

Side = TypeVar("Side", VisionSide, TextSide)


class ClipEmbedder:
    """A model with images and texts in one space, safe to use from many threads. Its vectors have length one; a vector of zeros stays
    so.
    """

    def __init__(self, files: ModelDirectory, revision: str, model: str) -> None:
        """Read the configuration; `model` identifies exactly these weights. Raises NotFound and InvalidInput."""
        self.revision = revision
        self.model = model
        self._files = files
        self._lock = threading.Lock()
        self._graphs: dict[Path, Graph] = {}
        self._vision: VisionSide | None = None
        self._text: TextSide | None = None
        self._layout = Layout.read(files.folder)
        self.size = self._layout.size or self._measured_size()

    @property
    def shortest_side(self) -> int:
        """The pixels that the model looks at on the shortest side of a picture, as its files say.

        0 if they do not, or without a side for pictures; `embed_images` says what is wrong with them.
        """
        if self._files.vision is None:
            return 0
        try:
            return Preprocessing(recipe_of(self._layout)).shortest_side
        except heron.HeronError:
            return 0

    @property
    def source(self) -> str:
        """Which ONNX files are read."""
        return f"The model is read from {' and '.join(self._files.names)} of {self.model.partition('#')[0]}."

    @property
    def scores(self) -> str:
        """What the scores of texts mean, for a model whose cosines are on another scale than CLIP's; empty for CLIP."""
        if not self._layout.is_sigmoid or self._files.text is None:
            return ""
        texts = None
        if self._files.text == self._files.vision:
            with suppress(heron.HeronError):  # `embed_texts` says what is wrong with that side
                texts = self._text_side()
        return told(scale_of(self._layout, texts))

    def embed_images(self, images: Sequence[Image]) -> np.ndarray[Any, Any]:
        """Vectors of RGB pictures, float32 of shape (len(images), size).

        Raises InvalidInput if the model has no side for pictures, or a file of that side is wrong.
        """
        if not len(images):
            return np.zeros((0, self.size), np.float32)
        return normalised(self._picture_side()(images, self.size))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Vectors of texts, float32 of shape (len(texts), size).

        Raises InvalidInput if the model has no side for texts, or a file of that side is wrong.
        """
        if not len(texts):
            return np.zeros((0, self.size), np.float32)
        return normalised(self._text_side()(texts, self.size))

    def _picture_side(self) -> VisionSide:
        with self._lock:
            if self._vision is None:
                self._vision = self._loaded(VisionSide, self._files.vision, "pictures")
        return self._vision

    def _text_side(self) -> TextSide:
        with self._lock:
            if self._text is None:
                self._text = self._loaded(TextSide, self._files.text, "texts")
        return self._text

    def _measured_size(self) -> int:
        """The length of the vectors by a graph, where no configuration says it."""
        from PIL import Image

        if self._files.vision:
            size = (
                self._picture_side().size or self._picture_side()([Image.new("RGB", (64, 64))], None).shape[1]
            )
        else:
            size = self._text_side().size or self._text_side()(["a"], None).shape[1]
        if not 1 <= size <= LARGEST_SIZE:
            raise heron.InvalidInput(
                f"{self._files.folder} makes vectors of {size:,} numbers, at most {LARGEST_SIZE:,} are read"
            )
        return size

    def _loaded(self, side: type[Side], path: Path | None, things: str) -> Side:
        if path is None:
            raise heron.InvalidInput(f"the model {self._files.folder} has no side for {things}")
        if path not in self._graphs:
            self._graphs[path] = Graph(path, self._layout.picture)
        found = side(self._graphs[path], self._layout, one_by_one=self._files.variant in _DYNAMIC)
        expected = self._layout.size
        if expected and found.size not in (None, expected):
            raise heron.InvalidInput(
                f"{path} makes vectors of {found.size} numbers, but {self._layout.place} says {expected}"
            )
        return found


def load_named(name: str | None) -> ClipEmbedder:
    """The model of a directory or of the hub; None means the default. Raises NotFound, InvalidInput and PluginError."""
    model = parse(name)
    if isinstance(model, LocalModel):
        return load_directory(model.directory, model.variant)
    files, commit = fetch(model)
    pinned = f"{model.repository}@{commit}" + (f"#{model.variant}" if model.variant else "")
    return ClipEmbedder(files, pinned, pinned)


def load_directory(
    folder: Path, variant: str = "", *, embedder: type[ClipEmbedder] = ClipEmbedder
) -> ClipEmbedder:
    """The model in a directory, as an embedder of this class; raises NotFound and InvalidInput."""
    files = ModelDirectory.find(folder, variant)
    place = f"{folder.absolute()}" + (f"#{variant}" if variant else "")
    return embedder(files, files.fingerprint(), place)


def normalised(vectors: Array) -> Array:
    """Vectors scaled to length one; vectors of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
