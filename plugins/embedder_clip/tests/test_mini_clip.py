"""The miniature CLIP finds drawn scenes by words: those of places that it never saw, and those of the quickstart's lake."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import heron
import heron_embedder_clip

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from miniclip.lake import lake  # noqa: E402
from miniclip.pictures import Example, all_shots, held_out  # noqa: E402
from miniclip.quality import precisions, recall  # noqa: E402

Metadata = Mapping[str, Any]

ORIGINALS = {"the-red-bus.jpg": "algiers-001.jpg", "tram-as-sent.jpg": "lisbon-001.jpg"}
"""Items of the lake that are copies of photographs."""

UNTOLD = {"lisbon-postcard.webp", "boat-at-dusk.gif", "ferry.avi"}
"""Scenes of the lake of which the metadata says nothing."""


@pytest.fixture(scope="module")
def model() -> heron.Embedder:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tokenizers")
    (record,) = (known for known in heron_embedder_clip.register_embedders() if known.name == "clip-mini")
    return record.load()


@pytest.fixture(scope="module")
def unseen() -> list[Example]:
    """One picture of each third shot, every one in a place of its own."""
    return list(held_out(all_shots()[::3]))


@pytest.fixture(scope="module")
def unseen_vectors(model: heron.Embedder, unseen: Sequence[Example]) -> np.ndarray[Any, Any]:
    return model.embed_images([example.image for example in unseen])


@pytest.fixture(scope="module")
def sample(
    model: heron.Embedder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], list[str]]]:
    """A search in the lake: names of its items by words, the best first."""
