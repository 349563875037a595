"""Running embedders: existing vectors are skipped, changed ones are computed again, failures are reported, the rest is done."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve
from PIL import Image

import heron
from heron.errors import HeronError, InvalidInput, NotFound, PluginError, QueryError
from heron.models import NewItem, Query
from tests.toy_media import ToyMedia, clip
from tests.toy_vectors import ColourModel, Colours, kept, register

ROOT = Path(__file__).parents[1]


@pytest.fixture
def model():
    return ColourModel()


@pytest.fixture
def lake(tmp_path, model):
    """A workspace with an embedder of colours, in which nothing is yet."""
    with heron.open(tmp_path / "lake", plugins=[Colours(model), ToyMedia()], discover=False) as opened:
        yield opened


def paint(lake, folder, count, *, start=0, size=(8, 6)):
    """Import pictures of one colour each, which tells their number; returns their items."""
    for number in range(start, start + count):
        path = folder / f"{number:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", size, (number, 100, 200)).save(path)
    lake.ingest.files([folder], folder="A", skip_duplicates=True)
    return sorted(lake.items.list(folder="A"), key=lambda item: item.name)[start : start + count]


def levels(lake, things, key="colour"):
    """The numbers that the vectors of pictures tell; None where there is no vector."""
    vectors = [lake.vectors.find(key, thing) for thing in things]
    return [None if vector is None else round(float(vector[0]) * 255) for vector in vectors]


# What is done, and what is skipped


def test_pictures_become_vectors_under_a_key_that_is_made_for_them(lake, tmp_path):
    items, told = paint(lake, tmp_path / "in", 10), []
    report = lake.embed("colour", progress=told.append)
    assert (report.key, report.embedded, report.skipped, report.failed, report.problems) == (
        "colour",
        10,
        0,
        0,
        (),
    )
    assert told == list(range(1, 11))
    assert levels(lake, items) == list(range(10))
    assert lake.schema.to_dict() == {"colour": {"type": "embedding", "size": 3}}
    [status] = lake.vectors.status()
    assert (status.embedder, status.model, status.revision, status.coded) == ("colour", None, "colour 1", 10)


def test_what_has_a_vector_is_skipped_unless_it_is_to_be_done_again(lake, model, tmp_path):
    items = paint(lake, tmp_path / "in", 6)
    lake.embed("colour", items[:4])
    report = lake.embed("colour")
    assert (report.embedded, report.skipped, model.seen) == (2, 4, 6)
    assert lake.embed("colour").skipped == 6
    assert model.seen == 6
    report = lake.embed("colour", items[:2], again=True)
    assert (report.embedded, report.skipped, model.seen) == (2, 0, 8)
    assert levels(lake, items) == list(range(6))


def test_which_items_is_said_in_any_way(lake, model, tmp_path):
    items = paint(lake, tmp_path / "in", 6)
    assert lake.embed("colour", Query(where="name < '002'")).embedded == 2
    assert lake.embed("colour", [items[2].uuid, items[3]]).embedded == 2
    assert lake.embed("colour", (item for item in items[:5])).embedded == 1
    assert lake.embed("colour", []).embedded == 0
    assert lake.embed("colour", [items[5]] * 3).embedded == 1
    assert lake.embed("colour", Query(text="blue", limit=2)).skipped == 2
    assert levels(lake, items) == list(range(6))
    with pytest.raises(NotFound, match="there is no item"):
        lake.embed("colour", ["00000000-0000-7000-8000-000000000000"])


def test_a_changed_file_gets_a_new_vector_and_no_other_does(lake, model, tmp_path):
    items = paint(lake, tmp_path / "in", 3)
    lake.embed("colour")
    Image.new("RGB", (8, 6), (77, 0, 0)).save(tmp_path / "in" / "001.png")
    new = NewItem(items[1].url, items[1].facts, size=items[1].size, etag="another")
    lake.registration._refresh([(items[1].id, new)])
    report = lake.embed("colour")
    assert (report.embedded, report.skipped) == (1, 2)
    assert levels(lake, items) == [0, 77, 2]
    [status] = lake.vectors.status()
    assert (status.vectors, status.gaps) == (3, 1)


def test_vectors_of_another_revision_of_the_model_are_not_mixed_and_all_made_anew(lake, model, tmp_path):
    items = paint(lake, tmp_path / "in", 5)
    lake.embed("colour")
    model.revision = "colour 2"
    with pytest.raises(QueryError, match="made by another revision of colour"):
        lake.search("red")
    with pytest.raises(InvalidInput, match="were made by another model or revision of colour") as refusal:
        lake.embed("colour")
    assert "--again" in refusal.value.hint
    assert lake.embed("colour", items[:2], again=True).embedded == 2
    assert levels(lake, items) == [0, 1, None, None, None]
    report = lake.embed("colour")
    assert (report.embedded, report.skipped, model.seen) == (3, 2, 10)
    assert lake.vectors.status()[0].revision == "colour 2"
    assert len(lake.search("red")) == 5


def test_vectors_that_were_given_stay_as_they_are(lake, model, tmp_path):
    items = paint(lake, tmp_path / "in", 3)
    lake.embed("colour", items[:1])
    lake.vectors.add("colour", items[:2], [[1, 0, 0]] * 2)
    report = lake.embed("colour")
    assert (report.embedded, report.skipped) == (1, 2)
    assert levels(lake, items) == [255, 255, 2]


def test_frames_get_vectors_of_their_own(lake, model, tmp_path):
    film = clip(tmp_path / "in" / "a.clip", [n / 2 for n in range(40)], fps=2, duration=20)
    lake.ingest.files([film], folder="Films")
    [item] = lake.items.list()
    lake.frames.set(item, [3, 30, 39], replace=True)
    assert lake.embed("colour").embedded == 1
    assert levels(lake, [item, *lake.frames.list(item)]) == [20, None, None, None]
    report = lake.embed("colour", frames=True)
    assert (report.embedded, report.skipped) == (3, 1)
    assert levels(lake, [item, *lake.frames.list(item)]) == [20, 3, 30, 39]
    lake.frames.set(item, [5])
    report = lake.embed("colour", frames=True)
    assert (report.embedded, report.skipped) == (1, 4)


def test_frames_that_a_shorter_file_has_no_more_do_not_stop_the_others(lake, tmp_path):
    path = clip(tmp_path / "in" / "a.clip", list(range(8)), fps=1, duration=8)
    lake.ingest.files([path], folder="Films")
    [item] = lake.items.list()
    lake.frames.set(item, [1, 7])
    clip(path, [0, 1, 2], fps=1, duration=3)
    facts = evolve(item.facts, frame_count=3, duration=3.0)
    lake.registration._refresh([(item.id, NewItem(item.url, facts, etag="shorter"))])
    report = lake.embed("colour", frames=True)
    assert (report.embedded, report.failed) == (2, 0)
    assert levels(lake, [item, *lake.frames.list(item)]) == [1, 1, None]


class Blank:
    """A plugin of images of which there are no pictures."""

    @heron.hookimpl
    def register_decoders(self):
        blank = heron.MediaFormat(media_type="image/x-blank", kind="image", suffixes=[], signature=b"BLANK")
        yield heron.MediaDecoder(name="blank", summary="Blank images", formats=[blank], load=Blank)

    def probe(self, file):
        return heron.MediaFacts("image", file.media_type)

    def picture(self, file, size):
        return None


def test_only_what_can_have_no_picture_counts_as_without_one(tmp_path, model):
    with heron.open(tmp_path / "lake", plugins=[Colours(model), Blank()], discover=False) as lake:
        folder = tmp_path / "in"
        folder.mkdir()
        for name, content in (
            ("a.bin", b"\0\1\2" * 99),
            ("gone.bin", b"\0\1\3" * 99),
            ("blank", b"BLANK\0\1"),
        ):
            (folder / name).write_bytes(content)
        lake.ingest.files([folder], folder="A", ignore_errors=True)
        (folder / "gone.bin").unlink()
        report = lake.embed("colour", lake.items.list())
        assert (report.embedded, report.without_picture, report.failed) == (0, 1, 2)
        assert sorted(problem.place for problem in report.problems) == ["blank", "gone.bin"]


def test_what_looks_like_nothing_is_left_out_unless_it_is_asked_for(lake, tmp_path):
    paint(lake, tmp_path / "in", 1)
    [text] = register(lake, 1, "B", kind="text")
    assert lake.embed("colour").failed == 0
    report = lake.embed("colour", [text])
    assert (report.embedded, report.failed) == (0, 1)


# What goes wrong


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
    items = paint(lake, tmp_path / "in", 10)
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
    assert lake.embed("colour").embedded == 2


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


def test_vectors_may_be_kept_in_half_the_space_and_under_several_keys(lake, tmp_path):
    items = paint(lake, tmp_path / "in", 3)
    lake.schema.add("half", "embedding", size=3, dtype="float16")
    for key in ("half", "colour"):
        assert lake.embed("colour", key=key).embedded == 3
        assert levels(lake, items, key) == [0, 1, 2]
    assert [(status.key, status.dtype) for status in lake.vectors.status()] == [
        ("colour", "float32"),
        ("half", "float16"),
    ]


# Stopped, and large: this file is also the script of the process that is killed, or measured


def script(folder, *arguments):
    command = [sys.executable, "-m", "tests.test_embedding", str(folder), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("after", [0, 5, 9, 14])
def test_a_run_that_was_killed_goes_on_where_it_was(lake, model, tmp_path, after):
    items = paint(lake, tmp_path / "in", 20)
    assert script(tmp_path / "lake", after).returncode == -9
    there = sum(level is not None for level in levels(lake, items))
    assert there >= after - 4 - 4  # what waits to be kept, and the batch
    assert lake.vectors.status() == [] or there == 0 or lake.vectors.verify("colour", deep=True) == []
    report = lake.embed("colour")
    assert (report.embedded, report.skipped, model.seen) == (20 - there, there, 20 - there)
    assert levels(lake, items) == list(range(20))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_pictures(lake, tmp_path):
    [item] = paint(lake, tmp_path / "in", 1, size=(512, 512))
    lake.registration.register([NewItem(item.url, item.facts)] * 399, "B")
    done = script(tmp_path / "lake", "measure")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 200  # all pictures together have 314


class Dying(ColourModel):
    """Dies after so many pictures."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def embed_images(self, images):
        if self.seen >= self.after:
            os.kill(os.getpid(), 9)
        return super().embed_images(images)


class Slow(ColourModel):
    """Takes longer than decoding does."""

    def embed_images(self, images):
        time.sleep(0.01)
        return super().embed_images(images)


def main(folder, task):
    import resource

    from heron.embedding import run

    run._KEPT = 4
    if task != "measure":
        with heron.open(folder, plugins=[Colours(Dying(int(task)))], discover=False) as lake:
            lake.embed("colour")
        return
    with heron.open(folder, plugins=[Colours(Slow(), picture_size=512)], discover=False) as lake:
        lake.embed("colour", Query(limit=5))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert lake.embed("colour").embedded == 395
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
