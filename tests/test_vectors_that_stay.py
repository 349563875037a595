"""Vectors that were given stay whatever else happens, and those of two models are never mixed."""

import numpy as np
import pytest
from PIL import Image

import heron
from tests.conftest import draw


class Pale:
    """Says how bright a picture is; its revision is that of the class."""

    size = 2
    revision = "1"

    def embed_images(self, images):
        return np.array([[np.asarray(image).mean() / 255, 1] for image in images], dtype="float32").reshape(
            -1, 2
        )

    def embed_texts(self, texts):
        return np.ones((len(texts), 2), dtype="float32")


class Plugin:
    @heron.hookimpl
    def register_embedders(self):
        yield heron.EmbedderModel(name="pale", summary="brightness", embeds=["image", "text"], load=Pale)


@pytest.fixture
def lake(tmp_path):
    """Three pictures and a GIF of eight."""
    for number in range(3):
        draw(tmp_path / "in" / f"p{number}.png", seed=number)
    animate(tmp_path / "in" / "a.gif", 8)
    with heron.open(tmp_path / "lake", discover=False, plugins=[Plugin()]) as opened:
        opened.schema.add_embedding("own", 2)
        opened.ingest.files([tmp_path / "in"], folder="In")
        yield opened


def animate(path, count):
    pictures = [Image.new("RGB", (40, 30), (number * 30, 0, 0)) for number in range(count)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)


def named(lake, name):
    return lake.items.by_name(name)[0]


def test_given_vectors_of_frames_keep_their_frames(lake):
    gif = named(lake, "a.gif")
    lake.frames.add(gif, [(2, None, False), (5, None, False)])
    lake.vectors.add("own", list(lake.frames.list(gif)), [[1, 0], [0, 1]])
    lake.frames.set(gif, [1], replace=True)
    assert [frame.number for frame in lake.frames.list(gif)] == [1, 2, 5]
    assert lake.vectors.find("own", lake.frames.get(gif, 5)).tolist() == [0, 1]


def test_given_vectors_under_the_key_of_an_embedder_are_not_computed_anew(lake):
    lake.embed("pale")
    item = named(lake, "p0.png")
    lake.vectors.add("pale", [item], [[7, 7]])
    assert lake.embed("pale").embedded == 0
    assert lake.vectors.find("pale", item).tolist() == [7, 7]


def test_another_revision_is_refused_until_all_is_made_anew(lake, monkeypatch):
    lake.embed("pale")
    monkeypatch.setattr(Pale, "revision", "2")
    with heron.open(lake.root, discover=False, plugins=[Plugin()]) as again:
        with pytest.raises(heron.InvalidInput, match=r"another model or revision of pale.*--again"):
            again.embed("pale", named(again, "p0.png"))
        assert again.embed("pale", named(again, "p0.png"), again=True).embedded == 1
        assert [status.vectors for status in again.vectors.status()] == [1], "the others were of revision 1"
        assert len(again.search("bright")) == 1


def test_hashing_later_makes_no_vector_outdated(lake):
    lake.embed("pale")
    lake.curation.hash_missing()
    assert lake.embed("pale").embedded == 0


def test_files_that_are_not_of_the_store_are_left_alone(lake):
    lake.vectors.add("own", [named(lake, "p0.png")], [[1, 2]])
    folder = lake.root / ".heron" / "vectors"
    (folder / "my backup.npy").write_bytes(b"precious")
    (folder / "more").mkdir()
    lake.vectors.add("own", [named(lake, "p0.png")], [[2, 1]])
    assert lake.vectors.compact("own") == 1
    assert (folder / "my backup.npy").read_bytes() == b"precious"
    assert lake.vectors.find("own", named(lake, "p0.png")).tolist() == [2, 1]


def test_a_compaction_that_is_rolled_back_loses_nothing(lake):
    item = named(lake, "p0.png")
    lake.vectors.add("own", [item], [[1, 2]])
    with pytest.raises(ZeroDivisionError), lake._database.write():
        lake.vectors.add("own", [item], [[3, 4]])
        lake.vectors.compact("own")
        raise ZeroDivisionError
    assert lake.vectors.find("own", item).tolist() == [1, 2]


def test_rows_that_the_file_has_lost_are_embedded_again(lake):
    lake.embed("pale")
    [status] = lake.vectors.status()
    with open(status.file, "r+b") as stream:
        stream.truncate(8)
    assert lake.embed("pale").embedded == 3
    assert len(lake.search("bright")) == 4


def test_the_key_that_fits_is_taken_unasked(lake):
    lake.vectors.add("own", [named(lake, "p0.png"), named(lake, "p1.png")], [[1, 0], [0, 1]])
    lake.embed("pale")
    lake.embed("visual")
    assert lake.search("bright").key == "pale", "the one that takes texts"
    assert lake.search(like=named(lake, "p0.png")).key == "visual", "the one for what looks alike"
    assert lake.search(like=[1.0, 0.5]).key == "pale", "the first of that size"
    lake.schema.delete_key("pale")
    assert lake.search(like=[1.0, 0.5]).key == "own"
    with pytest.raises(heron.QueryError, match="no embedding takes text"):
        lake.search("bright")


def test_what_a_query_is_like_is_not_among_its_frames(lake):
    gif = named(lake, "a.gif")
    lake.frames.set(gif, [0, 4, 7])
    with pytest.raises(heron.QueryError, match="no frame has a vector"):
        lake.embed("visual")
        lake.search.frames(like=gif)
    lake.embed("visual", frames=True)
    assert len(lake.search.frames(like=gif)) == 0
    assert len(lake.search.frames(like=lake.frames.get(gif, 4))) == 2


@pytest.mark.parametrize("like", ["~nobody/a", "x" * 5000, "p0.png#" + "9" * 5000, "a\0b"])
def test_odd_texts_are_no_thing_and_no_file(lake, like):
    lake.embed("visual")
    with pytest.raises(heron.NotFound, match="there is no item and no file") as refusal:
        lake.search(like=like)
    assert len(refusal.value.message) < 300


@pytest.mark.parametrize(
    "parts", [{"limit": 0}, {"nearest": -3}, {"min_score": 1.5}, {"min_score": float("nan")}]
)
def test_a_query_that_cannot_be_is_refused_by_every_verb(lake, parts):
    lake.embed("visual")
    query = heron.Query(like=named(lake, "p0.png"), **parts)
    for verb in (lake.search, lake.search.frames, lake.search.explain, lambda q: list(lake.search.all(q))):
        with pytest.raises(heron.InvalidInput, match="is needed"):
            verb(query)


def test_all_ends_where_limit_or_nearest_says(lake):
    lake.embed("visual")
    item = named(lake, "p0.png")
    assert len(list(lake.search.all(like=item, nearest=2, limit=3))) == 2
    assert len(list(lake.search.all(like=item, nearest=3, limit=1))) == 1
