"""Running embedders: which items get vectors, which are skipped, and which are computed again."""

from __future__ import annotations

import pytest
from attrs import evolve
from PIL import Image

import heron
from heron.errors import InvalidInput, NotFound, QueryError
from heron.isolation import picture_worker
from heron.models import NewItem, Query
from tests.toy_media import ToyMedia, clip
from tests.toy_vectors import ColourModel, Colours, register


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


# What an embedder says of itself


def test_what_a_model_says_of_itself_is_told(lake, model, tmp_path):
    model.source, model.scores = "It is read from\na file.", "Its scores are low."
    [item] = paint(lake, tmp_path / "in", 1)
    assert lake.embed("colour").notes == ("It is read from%0Aa file.", "Its scores are low.")
    assert lake.search("red").notes == ("Its scores are low.",)
    assert lake.search(like=[item.uuid]).notes == ()
    told = picture_worker._described("colour", model)
    assert (told["source"], told["scores"]) == (model.source, model.scores)


@pytest.mark.parametrize("said", [7, None, "x" * 2001])
def test_what_is_no_sentence_is_refused(lake, model, said):
    model.scores = said
    if not isinstance(said, str):
        with pytest.raises(heron.PluginError, match="expected a sentence"):
            picture_worker._described("colour", model)
    with pytest.raises(heron.PluginError, match="expected a sentence of at most 2,000 characters"):
        lake.embed("colour")


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
