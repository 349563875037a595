"""Embedders and pictures that fail: what goes wrong is reported, and the rest is done."""

from __future__ import annotations

import numpy as np
import pytest

from heron.errors import HeronError, InvalidInput, PluginError
from tests.test_embedding import lake, levels, model, paint  # noqa: F401 - fixtures
from tests.toy_media import clip
from tests.toy_vectors import kept, register


def test_broken_pictures_are_told_and_the_rest_is_done(lake, tmp_path):
    items = paint(lake, tmp_path / "in", 12)
    for number in (0, 5, 11):
        (tmp_path / "in" / f"{number:03}.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (tmp_path / "in" / "007.png").unlink()
    report = lake.embed("colour")
    assert (report.embedded, report.failed) == (8, 4)
    assert sorted(problem.place for problem in report.problems) == [
        "000.png",
        "005.png",
        "007.png",
        "011.png",
    ]
    assert all(problem.reason and "\n" not in problem.reason for problem in report.problems)
    assert levels(lake, items) == [None if n in (0, 5, 7, 11) else n for n in range(12)]
    paint(lake, tmp_path / "in", 1)
    assert lake.embed("colour").embedded == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_picture_of_which_no_numbers_are_made_is_told_and_the_rest_is_done(lake, model, tmp_path, number):
    items = paint(lake, tmp_path / "in", 9)
    embed = model.embed_images

    def faulty(images):
        vectors = embed(images)
        vectors[np.isclose(vectors[:, 0] * 255, 4)] = number
        return vectors

    model.embed_images = faulty
    for embedded in (8, 0):
        report = lake.embed("colour")
        assert (report.embedded, report.failed) == (embedded, 1)
        assert report.problems[0].place == "004.png"
        assert "finite" in report.problems[0].reason
    assert levels(lake, items) == [None if n == 4 else n for n in range(9)]


def raising(images):
    raise ZeroDivisionError("in\nthe model")


FAULTS = {
    "raises": (raising, "ZeroDivisionError: in"),
    "too few": (lambda images: np.zeros((len(images) - 1, 3), np.float32), "shape"),
    "too many": (lambda images: np.zeros((len(images) + 1, 3), np.float32), "shape"),
    "another size": (lambda images: np.zeros((len(images), 4), np.float32), "shape"),
    "flat": (lambda images: np.zeros(len(images) * 3, np.float32), "shape"),
    "no array": (lambda images: None, "shape"),
    "ragged": (lambda images: [[1.0] * n for n in range(len(images))], ""),
    "texts": (lambda images: [["a", "b", "c"]] * len(images), "numbers"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_embedder_that_fails_is_named_in_one_sentence_and_what_was_done_stays(
    lake, model, tmp_path, fault
):
    items = paint(lake, tmp_path / "in", 12)
    embed, (faulty, reason) = model.embed_images, FAULTS[fault]
    model.embed_images = lambda images: embed(images) if model.seen < 6 else faulty(images)
    with pytest.raises(PluginError) as refusal:
        lake.embed("colour")
    assert "embedder colour" in str(refusal.value)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert sum(level is not None for level in levels(lake, items)) == 8
    model.embed_images, model.embed_texts = faulty, faulty
    for query in ({"text": "red"}, {"like": tmp_path / "in" / "000.png"}):
        with pytest.raises(HeronError) as refusal:
            lake.search(**query)
        assert "\n" not in str(refusal.value)
    model.embed_images = embed
    assert lake.embed("colour").embedded == 4


@pytest.mark.parametrize("executor", [None, "threads:2"])
def test_a_picture_that_an_embedder_fails_for_costs_itself_alone(lake, model, tmp_path, executor):
    """Also the last one, which is a batch of its own."""
    items = paint(lake, tmp_path / "in", 9)
    embed = model.embed_images

    def some(images):
        made = embed(images)
        if {1, 8} & {round(255 * level) for level in made[:, 0].tolist()}:
            raise ValueError("this one")
        return made

    model.embed_images = some
    report = lake.embed("colour", executor=executor)
    assert (report.embedded, report.failed) == (7, 2)
    assert sorted(problem.place for problem in report.problems) == [items[1].name, items[8].name]
    assert all("this one" in problem.reason for problem in report.problems)
    again = lake.embed("colour", executor=executor)
    assert (again.embedded, again.skipped, again.failed) == (0, 7, 2)


@pytest.mark.parametrize("executor", [None, "threads:2"])
def test_a_film_of_which_an_embedder_fails_for_every_frame_costs_itself_alone(
    lake, model, tmp_path, executor
):
    film = clip(tmp_path / "in" / "a.clip", [1 + n / 100 for n in range(8)], fps=2, duration=4)
    lake.ingest.files([film], folder="Films")
    [film] = lake.items.list()
    lake.frames.set(film, range(8))
    paint(lake, tmp_path / "pictures", 5, start=20)
    embed = model.embed_images

    def some(images):
        made = embed(images)
        if (made[:, 0] * 255 < 10).any():
            raise ValueError("this film")
        return made

    model.embed_images = some
    report = lake.embed("colour", frames=True, executor=executor)
    assert (report.embedded, report.failed) == (5, 9)
    assert {problem.place for problem in report.problems} == {"a.clip"}


def test_an_embedding_that_is_refused_leaves_no_key_and_no_set_behind(lake, model, tmp_path):
    paint(lake, tmp_path / "in", 3)
    embed, model.embed_images = model.embed_images, raising
    before = lake.schema.to_dict()
    for _ in range(2):
        with pytest.raises(PluginError, match="ZeroDivisionError"):
            lake.embed("colour")
        assert (lake.schema.to_dict(), lake.schema.unknown_keys(), lake.vectors.status()) == (before, [], [])
    lake.schema.add_embedding("colour", 3)
    assert lake.embed("colour").failed == 3
    assert "colour" in lake.schema.to_dict()  # it was there before
    model.embed_images = embed
    assert lake.embed("colour").embedded == 3


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64])
def test_numbers_of_another_type_are_taken_as_they_are(lake, model, tmp_path, dtype):
    items = paint(lake, tmp_path / "in", 3)
    model.embed_images = lambda images: np.ones((len(images), 3), dtype) * 2
    assert lake.embed("colour").embedded == 3
    assert lake.vectors.find("colour", items[1]).tolist() == [2, 2, 2]


def test_items_that_are_deleted_meanwhile_get_no_vector_and_nobody_gets_theirs(lake, model, tmp_path):
    items = paint(lake, tmp_path / "in", 12)
    embed = model.embed_images

    def deleting(images):
        if model.seen == 4:
            lake.items.delete([items[1], items[-1]])
            register(lake, 1, "New", start=40)  # it has the inner id of the last one
        return embed(images)

    model.embed_images = deleting
    report = lake.embed("colour")
    left = [item for item in items if item not in (items[1], items[-1])]
    assert levels(lake, left) == [n for n in range(11) if n != 1]
    assert {uuid for uuid, _ in kept(lake, "colour")} == {item.uuid for item in left}
    assert report.embedded == 10


def test_a_key_that_holds_something_else_is_refused_before_anything_is_made(lake, model, tmp_path):
    items = paint(lake, tmp_path / "in", 2)
    lake.schema.set_from_dict(
        {"text": "text", "wide": {"type": "embedding", "size": 4}, "given": {"type": "embedding", "size": 3}}
    )
    lake.vectors.add("given", items[:1], [[1, 2, 3]])
    for key, reason in (
        ("text", "key 'text' .text. takes no vectors of 3 numbers"),
        ("wide", "key 'wide' .embedding. takes no vectors of 3 numbers"),
        ("given", "key 'given' contains vectors that were given"),
    ):
        with pytest.raises(InvalidInput, match=reason):
            lake.embed("colour", key=key)
    with pytest.raises(PluginError, match="nothing"):
        lake.embed("nothing")
    with pytest.raises(InvalidInput, match="colour has one model only"):
        lake.embed("colour", model="large")
    assert model.seen == 0
    lake.vectors.remove("given", items[:1])
    assert lake.embed("colour", key="given").embedded == 2
    lake.schema.add_embedding("look", 392)
    assert lake.embed("visual", key="look").embedded == 2
    model.size = 392
    with pytest.raises(InvalidInput, match="key 'look' contains vectors of the embedder visual"):
        lake.embed("colour", key="look")
