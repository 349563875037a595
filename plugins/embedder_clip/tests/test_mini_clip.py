"""The miniature CLIP finds drawn scenes by words: those of places that it never saw, and those of the quickstart's lake."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import heron
import heron_embedder_clip

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from miniclip.lake import lake
from miniclip.pictures import Example, all_shots, held_out
from miniclip.quality import Vectors, precisions, recall

pytestmark = pytest.mark.slow

Metadata = Mapping[str, Any]
Lake = Mapping[str, tuple[Image.Image, Metadata | None]]
"""The picture of each item, and what the metadata says of it, by name."""

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
    """Pictures of a third of all shots, every one in a place of its own."""
    return list(held_out(random.Random(5).sample(all_shots(), 156)))


@pytest.fixture(scope="module")
def unseen_vectors(model: heron.Embedder, unseen: Sequence[Example]) -> Vectors:
    return model.embed_images([example.image for example in unseen])


@pytest.fixture(scope="module")
def sample(heron_sample_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    place = tmp_path_factory.mktemp("lake")
    shutil.copytree(heron_sample_lake, place, dirs_exist_ok=True)
    pictures, metadata = lake(place)
    known = {name: metadata.get(ORIGINALS.get(name, name)) for name in pictures if name not in UNTOLD}
    return {name: (pictures[name], said) for name, said in known.items()}


@pytest.fixture(scope="module")
def sample_vectors(model: heron.Embedder, sample: Lake) -> Vectors:
    return model.embed_images([picture for picture, _ in sample.values()])


def test_short_queries_find_what_they_say(
    model: heron.Embedder, unseen: Sequence[Example], unseen_vectors: Vectors
) -> None:
    found = precisions([example.facts for example in unseen], unseen_vectors, model.embed_texts)
    assert np.mean(list(found.values())) >= 0.8
    assert min(found.values()) >= 0.3, min(found, key=found.__getitem__)


def test_a_sentence_finds_the_scene_that_it_describes(
    model: heron.Embedder, unseen: Sequence[Example], unseen_vectors: Vectors
) -> None:
    assert recall(unseen, unseen_vectors, model.embed_texts, 1) >= 0.5
    assert recall(unseen, unseen_vectors, model.embed_texts, 5) >= 0.9


@pytest.mark.parametrize(
    ("query", "is_right"),
    [
        ("a red bus in the rain", lambda said: "red bus in the rain" in said["description"]),
        ("snow", lambda said: said["weather"] == "snow"),
        ("a ferry", lambda said: "boat" in said["description"] or "ferry" in said["description"]),
        ("night", lambda said: said["night"]),
        ("fog", lambda said: said["weather"] == "fog"),
        ("yellow tram", lambda said: "tram" in said["description"]),
        ("boats", lambda said: "boat" in said["description"] or "ferry" in said["description"]),
        ("a street in Oslo", lambda said: said["description"].endswith(" in Oslo")),
    ],
)
def test_the_first_five_of_the_lake_are_right(
    model: heron.Embedder,
    sample: Lake,
    sample_vectors: Vectors,
    query: str,
    is_right: Callable[[Metadata], bool],
) -> None:
    right = {name for name, (_, said) in sample.items() if said and is_right(said)}
    first = ranked(model, sample, sample_vectors, query)[: min(5, len(right))]
    assert set(first) <= right


@pytest.mark.parametrize(
    ("query", "endings"),
    [
        ("a map", (".png",)),
        ("a page of text", (".txt", ".md", ".html", ".json", ".csv", ".xml", ".pdf")),
        ("a sound wave", (".wav",)),
        ("a CT scan of a head", ("Head CT", "Head MR", ".nii.gz")),
    ],
)
def test_what_is_no_scene_is_found_too(
    model: heron.Embedder, sample: Lake, sample_vectors: Vectors, query: str, endings: tuple[str, ...]
) -> None:
    right = {name for name in sample if name.endswith(endings)}
    if not right:
        pytest.skip(f"nothing that is installed reads {endings[0]}")
    assert ranked(model, sample, sample_vectors, query)[0] in right


def ranked(model: heron.Embedder, sample: Lake, vectors: Vectors, query: str) -> list[str]:
    """The names of the lake's items, that which fits the query best first."""
    names = list(sample)
    return [names[place] for place in np.argsort(-(vectors @ model.embed_texts([query])[0]))]


def test_drawings_are_known_and_noise_is_not(
    model: Any, unseen_vectors: Vectors, sample_vectors: Vectors
) -> None:
    assert sum(model.outside(unseen_vectors)) <= 1
    assert sum(model.outside(sample_vectors)) <= 1
    assert sum(model.outside(model.embed_images(noise()))) >= 6  # of 8: it is a threshold, no proof


def test_words_of_no_caption_are_named(model: Any) -> None:
    assert list(model.unknown("a white dog in the Rain")) == ["dog"]
    assert not model.unknown("a red bus in the rain, Lisbon at night")
    assert list(model.unknown("東京")) == ["東京"]


def test_embed_and_search_say_what_it_knows(model: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(noise()[:3]):
        picture.save(tmp_path / "in" / f"{number}.png")
    workspace = heron.init(tmp_path / "lake")
    workspace.ingest.files([tmp_path / "in"], folder="A")
    made = workspace.embed("clip-mini")
    assert "drawings" in made.notes[0]
    assert "heron embed --embedder clip" in made.notes[0]
    assert made.notes[1].startswith("3 of the 3 new pictures")
    page = workspace.search("a white dog")
    assert "drawings" in page.notes[0]
    assert page.notes[1] == "clip-mini does not know 'dog'."
    assert page.notes[2].startswith("3 hits unlike all")
    assert not workspace.search(where="width > 1").notes


def noise() -> list[Image.Image]:
    """Pictures of which no drawing is like."""
    rng = np.random.default_rng(3)
    return [Image.fromarray(rng.integers(0, 255, (90, 120, 3), np.uint8)) for _ in range(8)]
