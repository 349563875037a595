"""For each rule of the contract of embedders, an embedder that only this rule catches."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import heron
from heron.testing import EmbedderContract
from heron.testing import embedders as contract_module
from tests.test_text_embedding import SIZE, WordModel


class Model(WordModel):
    """Counts of words and letters, and mean colours, so that it tells all inputs apart."""

    revision = "1"

    def embed_images(self, images):
        found = np.zeros((len(images), SIZE), np.float32)
        for vector, image in zip(found, images, strict=True):
            pixels = np.asarray(image.convert("RGB").resize((4, 4)), np.float32).ravel()
            vector[:48] = pixels / 255
            vector[48:50] = image.size
        return found

    def fits(self, texts):
        return [len(text) <= 2000 for text in texts]


class Wide(Model):
    size = SIZE + 1


class TwoLines(Model):
    revision = "1\n2"


class Infinite(Model):
    def embed_images(self, images):
        found = super().embed_images(images)
        found[[image.size == (500, 3) for image in images]] = np.inf
        return found


class Alike(Model):
    def embed_images(self, images):
        return np.ones((len(images), SIZE), np.float32)


class Random(Model):
    def embed_images(self, images):
        return super().embed_images(images) + np.random.default_rng().random(SIZE).astype(np.float32)


class Batched(Model):
    def embed_images(self, images):
        return super().embed_images(images) + np.float32(len(images))


class Spoiling(Model):
    def embed_images(self, images):
        found = super().embed_images(images)
        for image in images:
            image.putpixel((0, 0), (1, 2, 3))
        return found


class NoImages(Model):
    def embed_images(self, images):
        return super().embed_images(images) if images else np.zeros(SIZE, np.float32)


class NoEmpty(Model):
    def embed_texts(self, texts):
        return super().embed_texts(texts) + (np.nan if "" in texts and len(texts) > 1 else 0)


class TextsBatched(Model):
    def embed_texts(self, texts):
        return super().embed_texts(texts) + np.float32(len(texts) > 1)


class NoTexts(Model):
    def embed_texts(self, texts):
        return super().embed_texts(texts) if texts else np.zeros(SIZE, np.float32)


class Short(Model):
    """It reads the first forty words, and says nothing of it."""

    def embed_texts(self, texts):
        return super().embed_texts([" ".join(text.split()[:40]) for text in texts])


class SameSubject(Model):
    def embed_texts(self, texts):
        return super().embed_texts([text[:16] if text.startswith("A note") else text for text in texts])


class Unlimited(Model):
    def fits(self, texts):
        return [True] * max(len(texts), 1)


class Unsure(Model):
    """It is outside for pictures, and answers for the wrong number of vectors."""

    def outside(self, vectors):
        return [False]

    def unknown(self, text):
        return []


CATCHES = {
    "test_size_is_within_the_limits": (Model, {"picture_size": 16}),
    "test_revision_is_one_line_and_stays": (TwoLines, {}),
    "test_different_images_get_different_vectors": (Alike, {}),
    "test_vector_does_not_depend_on_the_batch": (Batched, {}),
    "test_no_images_give_no_vectors": (NoImages, {}),
    "test_texts_become_vectors": (NoEmpty, {}),
    "test_text_vector_does_not_depend_on_the_batch": (TextsBatched, {}),
    "test_no_texts_give_no_vectors": (NoTexts, {}),
    "test_passages_are_read_to_their_end": (Short, {}),
    "test_texts_of_items_are_told_apart": (SameSubject, {}),
    "test_limits_are_told_for_each_text": (Unlimited, {}),
    "test_bounds_are_told_for_pictures_and_words": (Unsure, {"knows": "words"}),
    "test_vectors_are_turned_as_pictures_are": (Model, {"turns": True}),
    "test_images_are_left_alone": (Spoiling, {}),
    "test_images_become_vectors": (Infinite, {}),
    "test_same_images_get_the_same_vectors": (Random, {}),
}


def caught(model, **record):
    """The names of the rules of the contract that fail for an embedder."""
    given = {
        "name": "mutant", "summary": "a mutant", "size": SIZE, "embeds": ["image", "text"], "reads": ["picture", "text"],
        "load": model, **record,
    }  # fmt: skip
    contract = type("Contract", (EmbedderContract,), {"embedder": heron.EmbedderModel(**given)})
    embeds, found = given["embeds"], set()
    for name, rule in inspect.getmembers(contract(), inspect.ismethod):
        if not name.startswith("test_") or name in RECORD_RULES:
            continue
        wanted = inspect.signature(rule).parameters
        if ("images" in wanted and "image" not in embeds) or ("texts" in wanted and "text" not in embeds):
            continue
        fixtures = {
            "model": contract_module._LOADED.setdefault(contract, model()),
            "images": contract_module.pictures(),
            "texts": contract_module.TEXTS,
        }
        try:
            rule(**{fixture: fixtures[fixture] for fixture in wanted})
        except pytest.skip.Exception:
            continue
        except BaseException:  # noqa: BLE001 - failures of pytest too
            found.add(name)
    return found


RECORD_RULES = {
    name for name in dir(EmbedderContract) if name.startswith("test_") and name not in vars(EmbedderContract)
}
"""The rules of every record, which have mutants elsewhere."""


@pytest.mark.parametrize("rule", CATCHES)
def test_this_rule_catches_the_embedder(rule):
    model, record = CATCHES[rule]
    found = caught(model, **record)
    assert rule in found
    also = {  # these see the same fault too
        "test_images_become_vectors": {"test_same_images_get_the_same_vectors", "test_vector_does_not_depend_on_the_batch"},
        "test_same_images_get_the_same_vectors": {"test_vector_does_not_depend_on_the_batch"},
        "test_images_are_left_alone": {"test_same_images_get_the_same_vectors", "test_vector_does_not_depend_on_the_batch"},
        "test_texts_become_vectors": {"test_text_vector_does_not_depend_on_the_batch"},
    }  # fmt: skip
    assert found - also.get(rule, set()) == {rule}


@pytest.mark.parametrize(
    ("embeds", "reads"),
    [
        (["image", "text"], ["picture", "text"]),
        (["image", "text"], None),
        (["text"], None),
        (["text"], ["text"]),
    ],
)
def test_a_good_embedder_is_caught_by_none(embeds, reads):
    assert caught(Model, embeds=embeds, reads=reads) == set()


def test_an_embedder_of_images_refuses_texts():
    class Refusing(Model):
        def embed_texts(self, texts):
            raise heron.InvalidInput("it takes no texts")

    assert caught(Refusing, embeds=["image"], reads=None) == set()
    assert caught(Model, embeds=["image"], reads=None) == {"test_texts_are_refused_by_an_embedder_of_images"}


def test_every_rule_has_a_mutant():
    own = {name for name in vars(EmbedderContract) if name.startswith("test_")}
    assert own == {*CATCHES, "test_texts_are_refused_by_an_embedder_of_images"}
