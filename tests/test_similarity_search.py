"""Search by similarity, beside conditions, words, folders, sorts and pages: what is found is what looking at all would find."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve
from PIL import Image

import heron
from heron.errors import HeronError, InvalidInput, NotFound, PluginError, QueryError
from heron.models import Query
from tests.toy_vectors import COLOURS, Colours, cosines, register

# Colours: a lake of one-coloured pictures and a film, by an embedder with a text side


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """Pictures of five colours in two folders, and a film whose frames are blue, yellow and green."""
    root = tmp_path_factory.mktemp("painted")
    with heron.open(root / "lake", plugins=[Colours()], discover=False) as lake:
        lake.schema.set_from_dict(
            {"story": "text", "speed": "number", "given": {"type": "embedding", "size": 2}}
        )
        for number, (name, colour) in enumerate(COLOURS.items()):
            path = root / "in" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            Image.new("RGB", (8, 6), colour).save(path)
            lake.ingest.files([path], folder="A" if number < 3 else "A/B")
            [item] = lake.items.by_name(path.name)
            lake.metadata.merge({item.uuid: {"story": f"paint number {number}", "speed": number}})
        assert lake.embed("colour").embedded == 5
        [film] = register(lake, 1, "Films", kind="video", frames=4)
        frames = list(lake.frames.list(film))
        lake.vectors.add("colour", frames[:3], [(0, 0, 0.5), (1, 1, 0.1), (0.1, 1, 0)])
        Image.new("RGB", (8, 6), (255, 60, 0)).save(root / "in" / "late.png")
        lake.ingest.files([root / "in" / "late.png"], folder="Late")
        yield lake


def names(page):
    """Names without suffix, each with the number of the frame that is meant."""
    frames = [match.frame for match in page.matches] or [None] * len(page)
    rows = zip(page, frames, strict=True)
    return [r.name.partition(".")[0] + (f"#{f.number}" if f else "") for r, f in rows]


def test_a_text_finds_what_it_names_with_scores_in_their_order(painted):
    page = painted.search("something red", limit=3)
    assert (names(page)[0], page.matches[0].score) == ("red", pytest.approx(1))
    scores = [match.score for match in page.matches]
    assert scores == sorted(scores, reverse=True)
    assert page == painted.search(Query(text="something red", limit=3))
    assert names(painted.search("red green", limit=1)) == ["yellow"]


def test_a_frame_leads_to_its_item_which_comes_once_and_by_its_best_frame(painted):
    assert names(painted.search("blue", limit=3)) == ["blue", "0#0", "white"]
    assert names(painted.search("yellow", limit=2)) == ["yellow", "0#1"]
    assert names(painted.search("green", folder="Films")) == ["0#2"]
    assert len(painted.search("green")) == painted.search.count("green") == 6


def test_frames_are_found_themselves(painted):
    page = painted.search.frames("yellow")
    assert [frame.number for frame in page] == [1, 2, 0]
    assert [match.score for match in page.matches] == pytest.approx(
        cosines([(1, 1, 0.1), (0.1, 1, 0), (0, 0, 0.5)], (1, 1, 0)), abs=1e-6
    )
    assert painted.search.count_frames("yellow") == 3
    assert [f.number for f in painted.search.frames("yellow", where="frame.number <> 1", limit=1)] == [2]


def test_everything_is_asked_at_once(painted):
    query = Query(
        where="speed < 4",
        words="paint",
        folder="A",
        text="red",
        min_score=0.5,
        sort="-speed",
        limit=1,
        nearest=3,
    )
    assert names(page := painted.search(query)) == ["yellow"]
    assert names(painted.search(evolve(query, cursor=page.cursor))) == ["red"]
    assert painted.search.count(query) == 2
    assert names(painted.search(evolve(query, sort=None, limit=9))) == ["red", "yellow"]
    assert names(painted.search(evolve(query, recursive=False, limit=9))) == ["red"]
    assert [item.name for item in painted.search.all(query)] == ["yellow.png"]
    assert names(painted.search("red", words="number 1 paint")) == ["green"]


def test_what_a_query_is_like_is_an_item_a_frame_a_file_a_vector_or_all_of_these(painted, tmp_path):
    [red], [film] = painted.items.by_name("red.png"), painted.items.by_name("0.video")
    for like in (red, red.uuid, red.uuid.upper(), "red.png"):
        page = painted.search(like=like, limit=1)
        assert names(page) == ["yellow"]  # and not the item itself
        assert page.matches[0].score == pytest.approx(0.5**0.5)
    frame = painted.frames.get(film, 1)
    for like in (frame, f"{film.uuid}#1", "0.video#1"):
        assert names(painted.search(like=like, limit=1)) == ["yellow"]
        assert "0" not in [name[0] for name in names(painted.search(like=like))]
        assert [f.number for f in painted.search.frames(like=like)] == [2, 0]
    Image.new("RGB", (50, 40), (0, 200, 10)).save(tmp_path / "green.jpg", quality=95)
    assert names(painted.search(like=tmp_path / "green.jpg", limit=2)) == ["green", "0#2"]
    np.save(tmp_path / "v.npy", np.array([[0, 0, 7]], np.int64))
    for like in (tmp_path / "v.npy", [0, 0, 7], np.array([0, 0, 7.0]), [[0, 0, 7]], (0, 0, 7)):
        assert names(painted.search(like=like, limit=1)) == ["blue"]
    assert names(painted.search("green", like=["red.png", (0, 0, 9)], limit=1)) == ["white"]
    assert names(painted.search(like=film, limit=1)) == ["yellow"]  # the mean of its frames


def test_a_thing_without_a_vector_is_embedded_for_the_query_alone(painted):
    [late] = painted.items.by_name("late.png")
    for where in (None, "speed < 2"):
        assert names(painted.search(like=late, where=where, limit=1)) == ["red"]
    assert painted.search.frames(like=late, limit=1).rows[0].number == 1
    assert painted.vectors.find("colour", late) is None


def test_presets_keep_what_is_sought(painted, tmp_path):
    [red] = painted.items.by_name("red.png")
    queries = [
        Query(text="a red bus", where="speed > 1", key="colour", min_score=0.1, nearest=3, exact=True),
        Query(
            like=[red, "x#3", tmp_path / "f.png", np.array([1.0, 0.5, 0.25])], sort="-speed", words="paint"
        ),
    ]
    for number, query in enumerate(queries):
        painted.presets.create(f"p{number}", query, replace=True)
        assert painted.presets.get(f"p{number}").query == query
    assert names(painted.search(painted.presets.get("p0").query)) == ["yellow", "white"]
    like = painted.presets.create("like", Query(like=[red, [0, 1, 0]]), replace=True).query
    assert names(painted.search(like, limit=1)) == ["yellow"]


def test_an_explanation_says_by_what_and_how(painted):
    told = painted.search.explain("red", where="speed > 1")
    assert (told.key, told.way, told.vectors, told.parameters) == ("colour", "scan", 8, (1,))
    assert "speed" in told.sql
    assert told.reason
    assert told.candidates > 0
    assert set(told.milliseconds) == {"embed", "search", "fetch"}
    assert painted.search.explain("red", frames=True).vectors == 8
    plain = painted.search.explain(where="speed > 1")
    assert (plain.key, plain.way, set(plain.milliseconds)) == (None, None, {"search", "fetch"})


def test_a_set_smaller_than_what_is_asked_for_is_no_error(painted):
    assert len(painted.search("red", limit=10**6, nearest=10**9)) == 6
    assert len(painted.search("red", where="speed > 99")) == 0
    assert painted.search.count("red", where="speed > 99") == 0
    assert painted.search("something red and green", min_score=1, where="speed < 2").rows == ()
    assert painted.search.count("red", nearest=2) == 2
    assert list(painted.search.all("red", where="speed > 99")) == []


WRONG = [
    ({"text": ""}, QueryError, "the text to search for is empty"),
    ({"text": " \n"}, QueryError, "the text to search for is empty"),
    ({"text": "x", "key": "nothing"}, QueryError, "there are no vectors under 'nothing' (there are some under: colour)"),
    ({"text": "black"}, InvalidInput, "the vector of the text 'black' is zero and has no direction"),
    ({"like": [0, 0, 0]}, InvalidInput, "the vector of the vector given is zero and has no direction"),
    ({"like": [1, 2]}, InvalidInput, "the vector given: expected 3 numbers, got an array of shape (2,)"),
    ({"like": [[1, 2, 3], [4, 5]]}, InvalidInput, "the vector given: expected 3 numbers"),
    ({"like": [float("nan"), 0, 1]}, InvalidInput, "finite"),
    ({"like": np.empty((0, 3))}, InvalidInput, "vector"),
    ({"like": [[1, 0, 0], [-1, 0, 0]]}, InvalidInput, "cancel each other out"),
    ({"like": "nobody.png"}, NotFound, "there is no item and no file 'nobody.png'"),
    ({"like": "red.png#7"}, NotFound, "red.png: frame 7 is not in the catalogue"),
    ({"like": "0.video#3"}, PluginError, "no storage is called 's3'"),
    ({"like": "00000000-0000-7000-8000-000000000000"}, NotFound, "there is no item and no file"),
    ({"text": "x", "min_score": 1.5}, QueryError, "min_score is 1.5, a cosine from -1 to 1 is needed"),
    ({"text": "x", "min_score": float("nan")}, QueryError, "min_score is nan, a cosine from -1 to 1 is needed"),
    ({"text": "x", "nearest": 0}, QueryError, "nearest is 0, at least 1 is needed"),
    ({"text": "x", "limit": 0}, InvalidInput, "limit is 0, at least 1 is needed"),
    ({"key": "colour"}, QueryError, "key needs a text, or something to be similar to"),
    ({"min_score": 0.5}, QueryError, "min_score needs a text, or something to be similar to"),
    ({"nearest": 5}, QueryError, "nearest needs a text, or something to be similar to"),
    ({"text": "red", "where": "spied > 1"}, QueryError, "there is no field 'spied'"),
    ({"text": "red", "cursor": "x"}, QueryError, "the cursor is damaged"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "error", "reason"), WRONG)
def test_what_cannot_be_sought_is_said_in_one_sentence(painted, parts, error, reason):
    for ask in (painted.search, painted.search.frames):
        with pytest.raises(error) as refusal:
            ask(**parts)
        assert reason in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_files_that_are_no_pictures_and_no_vectors_are_refused(painted, tmp_path):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY and nonsense")
    np.save(tmp_path / "pickled.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "two.npy", np.eye(3)[:2])
    np.save(tmp_path / "wide.npy", np.eye(5)[:1])
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    (tmp_path / "a.bin").write_bytes(b"\0\1\2")
    for file in tmp_path.iterdir():
        with pytest.raises(HeronError) as refusal:
            painted.search(like=file)
        assert "\n" not in str(refusal.value)


def test_given_vectors_take_no_text_and_an_embedder_of_pictures_neither(tmp_path):
    with heron.open(tmp_path / "lake", plugins=[Colours(embeds=["image"])], discover=False) as lake:
        for ask, reason in (
            ({"text": "red"}, "no embedding takes text queries yet"),
            ({"like": [1]}, "no vectors"),
        ):
            with pytest.raises(QueryError, match=reason):
                lake.search(**ask)
        lake.schema.add_embedding("given", 2)
        items = register(lake, 2)
        lake.vectors.add("given", items[:1], [[1, 2]])
        with pytest.raises(QueryError, match="no embedding takes text queries yet"):
            lake.search("red")
        with pytest.raises(
            QueryError, match="the vectors of 'given' were imported, and no embedder is known that makes more"
        ):
            lake.search("red", key="given")
        with pytest.raises(QueryError, match=r"1\.image has no vector under 'given'"):
            lake.search(like=items[1])
        path = tmp_path / "red.png"
        Image.new("RGB", (9, 9), (255, 0, 0)).save(path)
        lake.ingest.files([path], folder="P")
        lake.embed("colour")
        with pytest.raises(QueryError, match="the embedder colour of 'colour' takes no text"):
            lake.search("red", key="colour")
        lake.vectors.remove("given", items[:1])
        with pytest.raises(QueryError, match="there are no vectors under 'given'"):
            lake.search(like=[1, 2], key="given")
    with (
        heron.open(tmp_path / "lake", discover=False) as lake,
        pytest.raises((PluginError, QueryError)) as refusal,
    ):
        lake.search("red", key="colour")
    assert "colour" in str(refusal.value)


def test_an_item_name_that_many_have_is_refused(painted):
    register(painted, 2, "Twice", start=50)
    register(painted, 2, "Twice/more", start=50)
    with pytest.raises(InvalidInput, match=r"2 items are called '50\.image'"):
        painted.search(like="50.image")


def test_a_cursor_leads_on_in_its_own_query_only(painted):
    cursor = painted.search("red", limit=2).cursor
    assert len(painted.search("red", limit=4, cursor=cursor)) == 4
    for ask, parts in (
        (painted.search, {"text": "green"}),
        (painted.search, {"text": "red", "where": "speed > 1"}),
        (painted.search, {"text": "red", "min_score": 0.5}),
        (painted.search, {"text": "red", "sort": "name"}),
        (painted.search, {}),
        (painted.search.frames, {"text": "red"}),
    ):
        with pytest.raises(QueryError, match="the cursor belongs to another query"):
            ask(**parts, cursor=cursor)
