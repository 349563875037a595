"""Near duplicates that are turned, mirrored, or have borders: found on request, with what was done to them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageOps

import heron
from heron.curation import crowd as crowds
from heron.curation import groups, pairs
from heron.curation.chosen import Chosen
from heron.curation.crowd import Crowd
from heron.curation.groups import united
from heron.curation.pairs import close_pairs, indexed_pairs
from heron.curation.records import TURNS, undone
from heron.curation.turning import Turn, turned, turns_of
from heron.embedders.phash import SIZE, PerceptualHash
from heron.errors import InvalidInput
from heron.models import MediaFacts, NewFrame, NewItem
from heron.quickstart.canvas import Shot
from heron.quickstart.scenes import draw_scene
from heron.search.similar import Behind
from heron.vectors.matrix import Matrix
from heron.vectors.space import Space

BEHIND = Behind("embedder phash", PerceptualHash())


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A scene with a copy of each turn and one within bars, and another scene; with vectors of both built-in embedders."""
    place = tmp_path_factory.mktemp("turned")
    (place / "files").mkdir()
    scene = draw_scene(Shot("lisbon", "street", "day", "sun", "red bus"), 1, (480, 360)).resize((240, 180))
    scene.save(place / "files" / "scene.png")
    for number, name in enumerate(TURNS):
        if name:
            picture = ImageOps.mirror(scene) if number >= 4 else scene
            picture = picture.rotate(90 * (number % 4), expand=True)
            picture.resize([side // 2 for side in picture.size]).save(place / "files" / f"{name}.png")
    within = ImageOps.expand(scene.rotate(90, expand=True), (40, 0), "black")
    within.resize((104, 96)).save(place / "files" / "within bars.png")
    other = draw_scene(Shot("oslo", "harbour", "dusk", "fog", "white ferry"), 2, (480, 360)).resize(
        (240, 180)
    )
    other.save(place / "files" / "other.png")
    with heron.open(place, discover=False) as workspace:
        workspace.ingest.files([place / "files"], folder="Lake")
        workspace.embed("visual")
        workspace.embed("phash")
    return place


@pytest.fixture
def lake(planted, tmp_path):
    shutil.copytree(planted, tmp_path / "lake")
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        yield workspace


def named(workspace, pair):
    first, second = (workspace.items.get(uuid).name for uuid in (pair.first, pair.second))
    return first.removesuffix(".png"), second.removesuffix(".png")


@pytest.mark.parametrize("key", ["phash", "visual"])
def test_each_turn_is_found_and_named(lake, key):
    found = lake.curation.near_duplicates(key, 0.9, turned=True)
    [group] = found.groups
    turns = set(TURNS) - {""} | {"scene"} | ({"within bars"} if key == "phash" else set())
    assert {item.name.removesuffix(".png") for item in group.items} == turns
    of_scene = {}
    for pair in group.pairs:
        first, second = named(lake, pair)
        if first == "scene":
            of_scene[second] = pair.turn
        elif second == "scene":
            of_scene[first] = TURNS[undone(TURNS.index(pair.turn or ""))] or None
    if key == "phash":
        assert of_scene.pop("within bars") == "rotated by 90"
    assert of_scene == {name: name for name in TURNS if name}
    kept = group.turns
    assert lake.items.get(group.kept).name == "scene.png"
    assert {lake.items.get(uuid).name: turn for uuid, turn in kept.items()}.items() >= {
        f"{name}.png": name for name in TURNS if name
    }.items()


def test_leaks_are_found_turned_and_the_turn_is_named_from_the_first_dataset_to_the_second(lake):
    lake.datasets.create("one", items=["scene.png"])
    lake.datasets.create("turned", items=[f"{name}.png" for name in TURNS if name] + ["other.png"])
    assert {leak.turn for leak in lake.curation.leakage("one", "turned", "phash").leaks} <= {None}
    there = lake.curation.leakage("one", "turned", turned=True)
    assert (there.key, there.threshold) == ("phash", 0.6)
    assert {leak.name.removesuffix(".png"): leak.turn for leak in there.leaks} == {
        name: name for name in TURNS if name
    }
    back = lake.curation.leakage("turned", "one", turned=True)
    assert {leak.of_name.removesuffix(".png"): leak.turn for leak in back.leaks} == {
        name: TURNS[undone(place)] for place, name in enumerate(TURNS) if name
    }
    lake.schema.add_embedding("own", 3)
    lake.vectors.add("own", ["scene.png", "other.png"], np.eye(3)[:2])
    with pytest.raises(InvalidInput, match="do not tell how a picture is turned"):
        lake.curation.leakage("one", "turned", "own", turned=True)


def test_without_being_asked_for_turned_copies_stay_apart(lake):
    assert lake.curation.near_duplicates("visual", 0.97).groups == ()
    pairs = [pair for group in lake.curation.near_duplicates("phash").groups for pair in group.pairs]
    assert [(set(named(lake, pair)), pair.turn) for pair in pairs] == [
        ({"within bars", "rotated by 90"}, None)
    ]


def test_the_vectors_and_the_threshold_are_those_for_copies_unless_others_are_named(lake):
    found = lake.curation.near_duplicates(turned=True)
    assert (found.key, found.threshold, found.compared) == ("phash", 0.6, 10)
    assert lake.curation.near_duplicates(turned=True, key="visual").threshold == 0.95
    assert lake.curation.near_duplicates("phash", 0.99, turned=True).threshold == 0.99
    lake.datasets.create("a", items=["scene.png"])
    lake.datasets.create("b", items=["other.png"])
    assert lake.curation.leakage("a", "b", "phash").threshold == 0.6
    assert lake.curation.leakage("a", "b", "visual").threshold == 0.95


def test_vectors_that_do_not_tell_are_refused(lake, tmp_path):
    lake.schema.add_embedding("own", 3)
    lake.vectors.add("own", list(lake.items.list(limit=2)), np.eye(3)[:2])
    with pytest.raises(InvalidInput, match="the vectors of 'own' do not tell how a picture is turned"):
        lake.curation.near_duplicates("own", turned=True)
    with (
        heron.open(tmp_path / "empty", discover=False) as empty,
        pytest.raises(InvalidInput, match="there are no vectors that tell") as refusal,
    ):
        empty.curation.near_duplicates(turned=True)
    assert "heron embed --embedder phash" in refusal.value.hint


def test_films_with_vectors_of_frames_only_are_left_out_with_a_note_and_compared_by_frames(lake):
    film = NewItem("file:///film", MediaFacts("video", "video/x", frame_count=1), frames=[NewFrame(0)])
    lake.registration.register([film], "Lake")
    [item] = lake.search(where="kind = 'video'")
    [frame] = lake.frames.stream(item)
    scene = lake.vectors.find("phash", lake.items.find("scene.png"))
    lake.vectors.add("phash", [frame], BEHIND.turned(scene[None], 3, mirrored=False))
    found = lake.curation.near_duplicates(turned=True)
    assert found.notes[0] == "1 item with vectors of frames only left out; --frames compares these"
    assert found.compared == 10
    [group] = lake.curation.near_duplicates(turned=True, frames=True).groups
    pair = next(p for p in group.pairs if item.uuid in (p.first, p.second) and "scene" in named(lake, p))
    assert pair.turn == ("rotated by 270" if pair.second == item.uuid else "rotated by 90")


def test_the_command_shows_what_was_done_to_each(run):
    lines = run("duplicates", "--turned", "--near", "0.9").splitlines()
    assert lines[0].split()[:6] == ["group", "name", "id", "keep", "score", "turned"]
    for name in filter(None, TURNS):
        [line] = [line for line in lines if f"  {name}.png " in line]
        assert f"  {name}  " in line.partition(".png")[2]
    [kept] = [line for line in lines if " scene.png " in line]
    assert "largest" in kept and "rotated" not in kept
    told = json.loads(run("duplicates", "--turned", "--json"))
    assert (told["key"], told["threshold"]) == ("phash", 0.6)
    assert {pair["turn"] for pair in told["groups"][0]["pairs"]} == {None, *TURNS[1:]}
    assert "turned" not in run("duplicates", "--near", "--key", "phash").splitlines()[0]
    run("datasets", "create", "one", "--where", "name = 'scene.png'")
    run("datasets", "create", "rest", "--where", "name <> 'scene.png'")
    lines = run("leakage", "one", "rest", "--turned").splitlines()
    assert lines[0].split()[-1] == "turned"
    [line] = [line for line in lines if line.startswith("mirrored.png")]
    assert line.split()[-1] == "mirrored"
    assert "'near' is neither a number nor auto" in run("duplicates", "--near", "near", code=2)


# Every pair


def hashes(count, seed):
    """Hashes of which a third are turned copies of others, with some bits changed."""
    random = np.random.default_rng(seed)
    made = np.where(random.standard_normal((count, SIZE)) > 0, 1, -1).astype(np.float32)
    for place in range(0, count - 1, 3):
        number = int(random.integers(8))
        made[place] = BEHIND.turned(made[place + 1][None], number % 4, mirrored=number >= 4)[0]
        made[place, random.integers(0, SIZE, 5)] *= -1
    return made


def chosen(vectors):
    count = len(vectors)
    return Chosen(
        vectors, np.empty((0, SIZE), np.float32), np.arange(count), np.arange(1, count + 1),
        np.zeros(count, np.int64), np.linalg.norm(vectors.astype(float), axis=1),
    )  # fmt: skip


def silent(done):
    pass


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.sampled_from([0.3, 0.6, 0.9]))
def test_pairs_of_each_turn_are_those_of_comparing_all(seed, count, threshold):
    vectors = hashes(count, seed)
    plain = chosen(vectors)
    for turn in turns_of(BEHIND):
        scores = np.round(vectors.astype(float) @ turn(vectors).T / SIZE, 6)
        wanted = {tuple(place) for place in np.argwhere(np.triu(scores >= threshold, 1)).tolist()}
        found = close_pairs(plain, None, threshold, silent, turned=turned(plain, turn))
        assert wanted == {
            (int(a), int(b)) for part in found for a, b in zip(part.first, part.second, strict=True)
        }


def test_a_crowd_of_turned_pairs_gives_the_groups_of_all(monkeypatch):
    for where, name, value in ((crowds, "MANY", 0), (crowds, "_STRIP", 37), (pairs, "_ROWS", 90), (pairs, "_COLUMNS", 110), (groups, "_EACH", 3)):  # fmt: skip
        monkeypatch.setattr(where, name, value)
    vectors, threshold = hashes(300, 3), 0.2
    plain = chosen(vectors)
    crowd = Crowd(plain, np.arange(300), np.zeros(300, np.int64), threshold)
    whole, linked = np.arange(300), np.arange(300)
    for turn in turns_of(BEHIND):
        exact = np.round(vectors.astype(float) @ turn(vectors).T / SIZE, 6)
        whole = united(whole, *np.nonzero(np.triu(exact >= threshold, 1)))
        for part in close_pairs(plain, None, threshold, silent, crowd, turned(plain, turn)):
            assert (exact[part.first, part.second] >= threshold).all()
            assert part.scores == pytest.approx(exact[part.first, part.second], abs=1e-6)
            linked = united(linked, part.first, part.second)
    assert linked.tolist() == whole.tolist()
    assert crowd.dropped


def test_an_index_is_asked_for_turned_vectors_too(tmp_path):
    vectors = hashes(400, 5)
    matrix = Matrix(tmp_path / "m", SIZE, "float32")
    matrix.write(0, vectors)
    space = Space(matrix, 400, tmp_path, "m")
    plain, turn = chosen(vectors), Turn(BEHIND, 1)
    found = {
        (int(a), int(b)): round(float(score), 6)
        for part in indexed_pairs(space, plain, 0.8, silent, turned(plain, turn))
        for a, b, score in zip(part.first, part.second, part.scores, strict=True)
    }
    scores = np.round(vectors.astype(float) @ turn(vectors).T / SIZE, 6)
    np.fill_diagonal(scores, -1)
    assert found == {(int(a), int(b)): scores[a, b] for a, b in np.argwhere(scores >= 0.8)}
    assert found


def test_undoing_a_turn_gives_the_same_vector():
    vectors = hashes(3, 9)
    for turn in turns_of(BEHIND):
        assert (Turn(BEHIND, undone(turn.number))(turn(vectors)) == vectors).all()
