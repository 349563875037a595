"""Curation: planted duplicates are found, the best of them is kept, what is rare and what covers the rest is chosen."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from attrs import evolve
from PIL import ImageFilter

import heron
from heron.curation.keeping import best_first
from heron.curation.records import Candidate
from heron.models import MediaFacts, Member, NewItem, Query
from heron.quickstart.canvas import Shot
from heron.quickstart.scenes import draw_scene

SHOTS = {
    "bus": Shot("algiers", "street", "day", "sun", "red bus"),
    "taxi": Shot("oslo", "street", "night", "snow", "yellow taxi"),
    "ferry": Shot("lisbon", "harbour", "dusk", "fog", "white ferry"),
    "hills": Shot("oslo", "landscape", "day", "rain", "blue car"),
}
TWINS = {
    "bus": {"bus.png", "bus-again.jpg", "bus-small.jpg", "bus-copy.png"},
    "ferry": {"ferry.png", "ferry-soft.png"},
}
"""The items that were planted to be found together."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Four scenes; one of them encoded again, made smaller and copied, another one blurred; all with vectors."""
    place = tmp_path_factory.mktemp("planted")
    files = place / "files"
    files.mkdir()
    pictures = {name: draw_scene(shot, seed, (480, 360)) for seed, (name, shot) in enumerate(SHOTS.items())}
    for name, picture in pictures.items():
        picture.save(files / f"{name}.png")
    pictures["bus"].save(files / "bus-again.jpg", quality=70)
    pictures["bus"].resize((240, 180)).save(files / "bus-small.jpg", quality=85)
    shutil.copyfile(files / "bus.png", files / "bus-copy.png")
    pictures["ferry"].filter(ImageFilter.GaussianBlur(1.2)).save(files / "ferry-soft.png")
    for number, name in enumerate(("bus.png", "ferry.png")):
        os.utime(files / name, (10**9 + number, 10**9 + number))
    (files / "notes.txt").write_text("no picture")
    with heron.open(place, discover=False) as workspace:
        workspace.ingest.files([files], folder="Lake", content_hash=True, thumbnails=True)
        workspace.embed("visual")
    return place


@pytest.fixture
def lake(planted, tmp_path):
    """A copy of the planted lake to work in."""
    shutil.copytree(planted, tmp_path / "lake")
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        yield workspace


def names(group):
    return {item.name for item in group.items}


def with_vectors(workspace, vectors, key="own"):
    """Items called 0, 1, …, each with a vector."""
    new = [
        NewItem(f"file:///{n}", MediaFacts("image", "image/png"), name=str(n)) for n in range(len(vectors))
    ]
    workspace.registration.register(new, "Own")
    items = list(workspace.items.list(folder="Own"))
    workspace.schema.add_embedding(key, len(vectors[0]))
    workspace.vectors.add(key, items, vectors)
    return items


# Duplicates


@pytest.mark.slow
def test_equal_files_are_exact_duplicates_and_the_older_one_is_kept(lake):
    found = lake.curation.exact_duplicates()
    [group] = found.groups
    assert [item.name for item in group.items] == ["bus.png", "bus-copy.png"]
    assert (group.reason, group.pairs, found.way) == ("oldest", (), "hash")
    assert (found.compared, found.left_out, found.notes) == (9, 0, ())
    assert lake.items.get(found.kept[0]).name == "bus.png"
    assert [lake.items.get(uuid).name for uuid in found.redundant] == ["bus-copy.png"]


@pytest.mark.slow
def test_planted_copies_are_near_duplicates_with_their_scores(lake):
    found = lake.curation.near_duplicates(threshold=0.93)
    assert [names(group) for group in found.groups] == list(TWINS.values())
    assert (found.key, found.way, found.threshold) == ("visual", "pairs", 0.93)
    assert (found.compared, found.left_out) == (8, 1)
    assert found.notes == ("1 item without a vector under 'visual', left out",)
    bus = found.groups[0]
    assert bus.items[0].name == "bus.png"
    assert bus.reason == "largest, least loss, oldest"
    scores = [pair.score for pair in bus.pairs]
    assert scores == sorted(scores, reverse=True) and scores[0] == 1.0 and min(scores) >= 0.93
    vectors = {item.uuid: lake.vectors.find("visual", item.uuid).astype(float) for item in bus.items}
    for pair in bus.pairs:
        first, second = vectors[pair.first], vectors[pair.second]
        by_hand = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
        assert pair.score == pytest.approx(by_hand, abs=1e-6)
        assert pair.first_frame is pair.second_frame is None


@pytest.mark.slow
def test_the_older_one_of_two_is_kept_whatever_their_sharpness(lake):
    found = lake.curation.near_duplicates(threshold=0.93, query=Query(where="name LIKE 'ferry%'"))
    [group] = found.groups
    assert (group.items[0].name, group.reason) == ("ferry.png", "oldest")


def test_a_query_says_what_is_compared(lake):
    found = lake.curation.near_duplicates(threshold=0.93, query=Query(where="media_type = 'image/jpeg'"))
    assert [names(group) for group in found.groups] == [{"bus-again.jpg", "bus-small.jpg"}]
    like = lake.items.by_name("bus.png")[0]
    found = lake.curation.near_duplicates(threshold=0.93, query=Query(like=like, nearest=3))
    assert [names(group) for group in found.groups] == [TWINS["bus"] - {"bus.png"}]
    assert lake.curation.exact_duplicates(Query(where="kind = 'text'")).groups == ()


def test_groups_are_connected_by_chains_of_pairs(workspace):
    angles = np.radians([0, 10, 20, 30, 90, 100, 180])
    with_vectors(workspace, np.stack([np.cos(angles), np.sin(angles)], axis=1))
    found = workspace.curation.near_duplicates("own", np.cos(np.radians(10.5)))
    assert [sorted(names(group)) for group in found.groups] == [["0", "1", "2", "3"], ["4", "5"]]
    assert [len(group.pairs) for group in found.groups] == [3, 1]


def test_frames_lead_to_their_items_and_are_no_duplicates_of_each_other(workspace):
    items = with_vectors(workspace, [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    for item in items[:2]:
        workspace.frames.add(item, [(number, None, False) for number in range(3)])
    frames = [list(workspace.frames.list(item)) for item in items[:2]]
    workspace.vectors.add("own", frames[0], [[0.6, 0.8, 0], [0.6, 0.79, 0], [0, 0.05, 1]])
    workspace.vectors.add("own", frames[1][:1], [[-1, 0, 0]])
    assert workspace.curation.near_duplicates("own", 0.9).groups == ()
    [group] = workspace.curation.near_duplicates("own", 0.99, frames=True).groups
    assert names(group) == {"0", "2"}
    [pair] = group.pairs
    assert {pair.first: pair.first_frame, pair.second: pair.second_frame} == {
        items[0].uuid: 2,
        items[2].uuid: None,
    }


def test_an_item_without_a_vector_of_its_own_is_known_by_the_mean_of_its_frames(workspace):
    items = with_vectors(workspace, [[1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 5, 5]])
    workspace.vectors.remove("own", [items[0], items[3]])
    for item, vectors in ((items[0], [[9, 0, 0], [0, 2, 0]]), (items[3], [[0, 0, 1], [0, 0, -1]])):
        workspace.frames.add(item, [(0, None, False), (1, None, False)])
        workspace.vectors.add("own", list(workspace.frames.list(item)), vectors)
    found = workspace.curation.near_duplicates("own", 0.7)
    [group] = found.groups
    assert names(group) == {"0", "2"}
    assert group.pairs[0].score == pytest.approx(0.5**0.5, abs=1e-6)
    assert (
        "1 vector of zeros, which have no direction, left out" in found.notes
    )  # frames that cancel each other out


def test_very_many_equal_vectors_are_one_group_without_all_their_pairs(workspace):
    random = np.random.default_rng(2)
    vectors = random.standard_normal((260, 8))
    vectors[20:200] = vectors[10]
    vectors[200] = vectors[10] + 0.01 * vectors[11]
    items = with_vectors(workspace, vectors)
    workspace.frames.add(items[30], [(7, None, False)])
    workspace.vectors.add("own", list(workspace.frames.list(items[30])), [vectors[10] - 0.01 * vectors[12]])
    found = workspace.curation.near_duplicates("own", 0.999, frames=True)
    [group] = found.groups
    assert names(group) == {"10", *map(str, range(20, 201))}
    assert found.notes[-1].startswith("there are too many pairs to list all")
    assert sum(pair.score == 1.0 for pair in group.pairs) == 180
    others = [pair for pair in group.pairs if pair.score < 1]
    assert {(pair.first_frame, pair.second_frame) for pair in others} == {(None, None), (7, None)}


def test_equal_vectors_of_two_kinds_are_two_groups(workspace):
    with_vectors(workspace, [[1.0, 2.0]] * 200)
    workspace._database.execute("UPDATE items SET kind = 'video' WHERE id % 2")
    found = workspace.curation.near_duplicates("own")
    assert [len(group.items) for group in found.groups] == [100, 100]
    assert all(len({item.kind for item in group.items}) == 1 for group in found.groups)


def test_zero_vectors_are_left_out_and_said(workspace):
    with_vectors(workspace, [[0, 0], [0, 0], [1, 0]])
    found = workspace.curation.near_duplicates("own", -1.0)
    assert (found.groups, found.compared, found.left_out) == ((), 1, 2)
    assert found.notes[1] == "2 vectors of zeros, which have no direction, left out"


def test_half_precision_vectors_are_compared_too(workspace):
    workspace.schema.add("own", "embedding", size=2, dtype="float16")
    new = [NewItem(f"file:///{n}", MediaFacts("image", "image/png"), name=str(n)) for n in range(3)]
    workspace.registration.register(new, "Own")
    workspace.vectors.add("own", list(workspace.items.list()), [[1, 2], [2, 4], [2, -1]])
    [group] = workspace.curation.near_duplicates("own", 1.0).groups
    assert names(group) == {"0", "1"}


@pytest.mark.slow
def test_of_very_many_vectors_the_index_is_asked_and_the_answer_says_so(workspace, monkeypatch):
    random = np.random.default_rng(4)
    vectors = random.standard_normal((16_500, 12)).astype(np.float32)
    vectors[:50] = vectors[5000:5050] * 2
    with_vectors(workspace, vectors)
    workspace.vectors.rebuild("own", graph=True)
    monkeypatch.setattr("heron.curation.compared._EXACT_MOST", 1000)
    most, few = Query(where="name NOT LIKE '1%'"), Query(where="name LIKE '1%'")
    found = workspace.curation.near_duplicates("own", 0.9999, most)
    exactly = workspace.curation.near_duplicates("own", 0.9999, most, exact=True)
    assert (found.way, exactly.way) == ("index", "pairs")
    assert found.notes == ("the index was used, which can miss some pairs",)
    assert len(exactly.groups) == 39 and len(found.groups) >= 37
    assert {group.kept for group in found.groups} <= {group.kept for group in exactly.groups}
    assert (
        workspace.curation.near_duplicates("own", 0.9999, few).way == "pairs"
    )  # the index is mostly of others


CANDIDATE = Candidate("u", "n", "F", "image", 100, 50, 1000, 10.0, "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": 101}, "largest"),
        ({"sharpness": 11.0}, "sharpest"),
        ({"size": 1001}, "largest file"),
        ({"metadata": 1, "width": 10, "quality": 15}, "most work"),
        ({"collections": 1}, "most work"),
        ({"datasets": 1}, "most work"),
        ({"lossless": True, "sharpness": 1.0}, "least loss"),
        ({"media_type": "image/png", "sharpness": 1.0}, "least loss"),
        ({"quality": 90, "size": 2000, "sharpness": 1.0}, "least compressed"),
        ({"size": 2000, "sharpness": 1.0, "time": "2027-01-01T00:00:00Z"}, "least compressed"),
        ({"captured_at": "2026-05-01T00:00:00Z", "time": "2027-01-01T00:00:00Z"}, "taken first"),
        ({"time": "2025-12-31T00:00:00Z"}, "oldest"),
        ({"width": 200, "sharpness": 1.0, "size": 1, "time": "2027-01-01T00:00:00Z"}, "largest"),
        ({"sharpness": None, "size": 1001}, "largest file"),
    ],
)
def test_one_to_keep_is_chosen_for_a_reason(changes, reason):
    better = evolve(CANDIDATE, uuid="better", **changes)
    ordered, why = best_first([CANDIDATE, better])
    assert ([item.uuid for item in ordered], why) == (["better", "u"], reason)


def test_of_equals_the_first_is_kept_and_each_step_is_about_those_left():
    assert best_first([CANDIDATE, evolve(CANDIDATE, uuid="v")])[1] == "came first"
    small = evolve(CANDIDATE, uuid="small", width=10, sharpness=99.0, time="2000-01-01T00:00:00Z")
    newer = evolve(CANDIDATE, uuid="newer", time="2026-01-02T00:00:00Z", sharpness=9.8)
    ordered, why = best_first([small, newer, CANDIDATE])
    assert ([item.uuid for item in ordered], why) == (["u", "small", "newer"], "largest, oldest")


# Hashes


@pytest.mark.slow
def test_missing_hashes_are_said_and_made_on_request(planted, tmp_path):
    files = tmp_path / "files"
    shutil.copytree(planted / "files", files)
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.ingest.files([files], folder="Lake")
        group = NewItem("file:///g#1", MediaFacts("image_group", "image/png"), members=[Member("file:///g")])
        workspace.registration.register([group], "Groups")
        found = workspace.curation.exact_duplicates()
        assert (found.groups, found.compared, found.left_out) == ((), 0, 10)
        assert found.notes[0] == "1 item of several files, which have no hash, left out"
        assert found.notes[1].startswith(
            "9 items without a content hash left out; heron duplicates --hash-missing"
        )
        (files / "taxi.png").unlink()
        (files / "notes.txt").write_text("longer than it was")
        told = []
        done = workspace.curation.hash_missing(progress=told.append)
        assert (done.hashed, done.failed, told[-1]) == (7, 2, 9)
        assert any("taxi.png is not there" in problem for problem in done.problems)
        assert any("notes.txt has changed since it was imported" in problem for problem in done.problems)
        assert [names(group) for group in workspace.curation.exact_duplicates().groups] == [
            {"bus.png", "bus-copy.png"}
        ]
        [item] = workspace.items.by_name("bus.png")
        with heron.open(planted, discover=False) as other:
            assert item.content_hash == other.items.by_name("bus.png")[0].content_hash
        assert workspace.curation.hash_missing(Query(where="name = 'bus.png'")).hashed == 0


# Uniqueness and diversity


def test_uniqueness_is_one_minus_the_mean_cosine_of_the_nearest(workspace):
    random = np.random.default_rng(5)
    vectors = random.standard_normal((40, 6))
    items = with_vectors(workspace, vectors)
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    scores = units @ units.T
    np.fill_diagonal(scores, -2)
    wanted = 1 - np.sort(scores, axis=1)[:, -4:].mean(axis=1)
    found = workspace.curation.uniqueness("own", neighbours=4, keep=True)
    assert [item.name for item in found.items] == [str(n) for n in np.argsort(-wanted)]
    assert [item.score for item in found.items] == pytest.approx(np.sort(wanted)[::-1], abs=2e-6)
    assert (found.neighbours, found.compared, found.way) == (4, 40, "pairs")
    assert workspace.curation.uniqueness("own", neighbours=4, limit=3).items == found.items[:3]
    best = workspace.search(sort="-metric.uniqueness", limit=2)
    assert [item.uuid for item in best] == [item.uuid for item in found.items[:2]]
    assert workspace.items.get(items[0]).facts.extra["metric"]["uniqueness"] == pytest.approx(
        wanted[0], abs=2e-6
    )


def test_making_pictures_anew_keeps_uniqueness(lake, planted):
    lake.curation.uniqueness(neighbours=2, keep=True)
    [before] = lake.items.by_name("taxi.png")
    assert {"brightness", "uniqueness"} <= set(before.facts.extra["metric"])
    lake.pictures.make([before], again=True)
    assert lake.items.get(before).facts.extra["metric"] == before.facts.extra["metric"]


def test_a_diverse_subset_covers_what_was_planted(lake):
    found = lake.curation.diverse(count=4)
    assert len({item.name.split("-")[0].split(".")[0] for item in found.items}) == 4
    assert found.items[0].score is None
    assert all(later.score <= 0.9 for later in found.items[1:])
    assert 0.9 < found.covered <= 1 and found.compared == 8


def test_more_than_there_are_are_all_with_a_word(lake):
    found = lake.curation.diverse(count=50)
    assert len(found.items) == 8 and found.covered == 1
    assert found.notes[-1] == "there are only 8 items, so all were chosen"
