"""The embedder: a model of two sides, each loaded when it is first used."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

import heron
from heron_embedder_clip.directory import ModelDirectory
from heron_embedder_clip.graph import Array, Graph
from heron_embedder_clip.hub import fetch
from heron_embedder_clip.names import LocalModel, parse
from heron_embedder_clip.pictures import Preprocessing
from heron_embedder_clip.settings import Settings
from heron_embedder_clip.sides import TextSide, VisionSide, image_size

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_SIZE = 4096

_DYNAMIC = ("int8", "uint8", "quantized")
"""Variants that run one input at a time: they scale by the largest number of a run, so vectors would depend on it."""

Side = TypeVar("Side", VisionSide, TextSide)


class ClipEmbedder:
    """A CLIP model, safe to use from many threads. Its vectors have length one; a vector of zeros stays so."""

    def __init__(self, files: ModelDirectory, revision: str, model: str) -> None:
        """Read the configuration; `model` identifies exactly these weights. Raises NotFound and InvalidInput."""
        self.revision = revision
        self.model = model
        self._files = files
        self._lock = threading.Lock()
        self._graphs: dict[Path, Graph] = {}
        self._vision: VisionSide | None = None
        self._text: TextSide | None = None
        config = Settings.read(files.config)
        self.size = config.integer("projection_dim", 1, LARGEST_SIZE)

    @property
    def shortest_side(self) -> int:
        """The pixels that the model looks at on the shortest side of a picture, as its files say.

        0 if they do not, or without a side for pictures; `embed_images` says what is wrong with them.
        """
        if self._files.vision is None:
            return 0
        try:
            return Preprocessing(self._files.folder).shortest_side
        except heron.HeronError:
            return 0

    def embed_images(self, images: Sequence[Image]) -> np.ndarray[Any, Any]:
        """Vectors of RGB pictures, float32 of shape (len(images), size).

        Raises InvalidInput if the model has no side for pictures, or a file of that side is wrong.
        """
        if not len(images):
            return np.zeros((0, self.size), np.float32)
        with self._lock:
            if self._vision is None:
                self._vision = self._loaded(VisionSide, self._files.vision, "pictures")
        return normalised(self._vision(images, self.size))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Vectors of texts, float32 of shape (len(texts), size).

        Raises InvalidInput if the model has no side for texts, or a file of that side is wrong.
        """
        if not len(texts):
            return np.zeros((0, self.size), np.float32)
        with self._lock:
            if self._text is None:
                self._text = self._loaded(TextSide, self._files.text, "texts")
        return normalised(self._text(texts, self.size))

    def _loaded(self, side: type[Side], path: Path | None, things: str) -> Side:
        if path is None:
            raise heron.InvalidInput(f"the model {self._files.folder} has no side for {things}")
        if path not in self._graphs:
            self._graphs[path] = Graph(path, image_size(self._files.folder) or 224)
        found = side(self._graphs[path], self._files.folder, one_by_one=self._files.variant in _DYNAMIC)
        if found.size not in (None, self.size):
            raise heron.InvalidInput(
                f"{path} makes vectors of {found.size} numbers, but {self._files.config} says {self.size}"
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
