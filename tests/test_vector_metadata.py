"""Vectors that come as metadata: by manifests, tables, merging and key frames they go to the store, and stay when keys go."""

from __future__ import annotations

import json

import numpy as np
import pytest

import heron
from heron.errors import InvalidInput, MetadataError, NotFound, QueryError
from heron.models import MediaFacts, NewFrame, NewItem
from tests.conftest import draw
from tests.toy_media import ToyMedia, clip
from tests.toy_vectors import register


@pytest.fixture
def lake(tmp_path):
    """A workspace with two keys of vectors and some others, that reads clips."""
    with heron.open(tmp_path / "lake", plugins=[ToyMedia()], discover=False) as opened:
        opened.schema.set_from_dict(
            {
                "look": {"type": "embedding", "size": 2},
                "half": {"type": "embedding", "size": 2, "dtype": "float16"},
                "speed": "number",
            }
        )
        yield opened


@pytest.fixture
def manifest(lake, tmp_path):
    """Write a manifest of a picture and a clip with four frames, and import it."""
    picture = draw(tmp_path / "in" / "a.png").as_uri()
    film = clip(tmp_path / "in" / "b.clip", [0, 1, 2, 3], fps=1, duration=4).as_uri()

    def load(name, text):
        file = tmp_path / name
        file.write_text(text.replace("PICTURE", picture).replace("FILM", film))
        report = lake.ingest.manifest(file, folder="A", ignore_errors=True)
        return [problem.reason for problem in report.problems]

    return load


def vectors(lake, thing, *more):
    """The vectors of a thing as lists; `more` is the number of a frame."""
    thing = lake.frames.get(thing, *more) if more else thing
    return {key: vector.tolist() for key, vector in lake.vectors.of(thing).items()}


def no_vector_is_json(lake):
    for item in lake.items.list():
        assert not {"look", "half"} & item.metadata.keys()
        for frame in lake.frames.list(item):
            assert not {"look", "half"} & frame.metadata.keys()
    assert list(lake.metadata.verify()) == []
    return True


# Manifests


FRAMES = {"2": {"look": [5, 6]}, "3": {"half": [7, 8], "speed": 9}}
META = {"look": [1, 2], "half": [3, 4], "speed": 5}


def test_a_json_manifest_brings_vectors_of_items_and_of_key_frames(lake, manifest):
    film = {"half": [0.5, 1], "keyframes": [0], "$heron": {"frames": FRAMES}}
    units = {
        "images": [{"objectUrl": "PICTURE", "title": "a", "clientMetadata": META}],
        "videos": [{"objectUrl": "FILM", "title": "b", "clientMetadata": film}],
    }
    assert manifest("lake.json", json.dumps(units)) == []
    a, b = lake.items.list()
    assert vectors(lake, a) == {"half": [3, 4], "look": [1, 2]}
    assert a.metadata == {"speed": 5}
    assert vectors(lake, b) == {"half": [0.5, 1]}
    assert [vectors(lake, b, number) for number in (0, 2, 3)] == [{}, {"look": [5, 6]}, {"half": [7, 8]}]
    assert lake.frames.get(b, 3).metadata == {"speed": 9}
    assert no_vector_is_json(lake)


def test_a_manifest_of_lines_brings_the_same(lake, manifest):
    units = [
        {"objectUrl": "PICTURE", "clientMetadata": META},
        {"objectUrl": "FILM", "clientMetadata": {"look": [9, 9]}},
    ]
    assert manifest("lake.jsonl", "\n".join(map(json.dumps, units))) == []
    assert [vectors(lake, item) for item in lake.items.list()] == [
        {"half": [3, 4], "look": [1, 2]},
        {"look": [9, 9]},
    ]
    assert no_vector_is_json(lake)


def test_a_csv_manifest_brings_vectors_in_cells(lake, manifest):
    text = 'ObjectURL,Title,look,half,speed\nPICTURE,a,"[1, 2]","[3, 4]",5\nFILM,b,,"[1, 1]",\n'
    assert manifest("lake.csv", text) == []
    a, b = lake.items.list()
    assert (vectors(lake, a), vectors(lake, b)) == ({"half": [3, 4], "look": [1, 2]}, {"half": [1, 1]})
    assert no_vector_is_json(lake)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ([1], "expected 2 numbers, got 1"),
        ([1, None], "expected finite numbers only"),
        ([1, "2"], "expected finite numbers only"),
        ("[1, 2]", "expected a list of 2 numbers"),
        ([1, 1e39], "expected numbers up to 3.40282e+38, the largest float32"),
    ],
)
def test_a_wrong_vector_is_reported_with_its_unit_and_the_others_land(lake, manifest, wrong, reason):
    units = {
        "images": [{"objectUrl": "PICTURE", "clientMetadata": {"look": wrong}}],
        "videos": [{"objectUrl": "FILM", "clientMetadata": {"look": [1, 2]}}],
    }
    [told] = manifest("lake.json", json.dumps(units))
    assert f"metadata key 'look': {reason}" in told
    [b] = lake.items.list()
    assert vectors(lake, b) == {"look": [1, 2]}
    assert lake.vectors.verify("look", deep=True) == []


def test_rejected_items_do_not_shift_vectors_to_their_neighbours(lake):
    facts = MediaFacts("image", "image/x")
    new = [
        NewItem(f"s3://lake/{n}", facts, metadata={"look": [n, 1] if n % 3 else [n]}, frames=[NewFrame(0, metadata={"half": [n, 2]})])
        for n in range(9)
    ]  # fmt: skip
    rejected = []
    with lake._database.write():
        lake.registration._insert(
            new, lake.folders.ensure("A"), reject=lambda place, error: rejected.append(place)
        )
    assert rejected == [0, 3, 6]
    for item in lake.items.list():
        number = int(item.name)
        assert vectors(lake, item) == {"look": [number, 1]}
        assert vectors(lake, item, 0) == {"half": [number, 2]}


# Merged and replaced


def test_merging_sets_replaces_and_takes_away_only_what_it_names(lake):
    a, b = register(lake, 2)
    lake.metadata.merge({a.uuid: {"look": [1, 2], "half": [3, 4], "speed": 1}, b.uuid: {"look": [5, 6]}})
    lake.metadata.merge({a.uuid: {"look": [7, 8]}})
    assert vectors(lake, a) == {"half": [3, 4], "look": [7, 8]}
    lake.metadata.merge({a.uuid: {"look": None, "speed": None}})
    assert vectors(lake, a) == {"half": [3, 4]}
    assert lake.items.get(a).metadata == {}
    assert vectors(lake, b) == {"look": [5, 6]}
    lake.metadata.merge({b.uuid: {"half": None}})
    assert vectors(lake, b) == {"look": [5, 6]}
    assert no_vector_is_json(lake)


def test_replacing_leaves_vectors_that_it_does_not_name(lake):
    a, b = register(lake, 2)
    lake.metadata.merge_all([a, b], {"look": [1, 2], "half": [3, 4], "speed": 1})
    lake.metadata.replace({a.uuid: {"half": [5, 6]}})
    assert (vectors(lake, a), lake.items.get(a).metadata) == ({"half": [5, 6], "look": [1, 2]}, {})
    lake.metadata.replace({a.uuid: {"look": None, "speed": 2}})
    assert (vectors(lake, a), lake.items.get(a).metadata) == ({"half": [5, 6]}, {"speed": 2})
    assert vectors(lake, b) == {"half": [3, 4], "look": [1, 2]}


def test_an_item_named_twice_gets_the_vector_that_was_given_last(lake):
    [a] = register(lake, 1)
    lake.metadata.merge([(a, {"look": [1, 1]}), (a, {"half": [2, 2]}), (a, {"look": [3, 3]})])
    assert vectors(lake, a) == {"half": [2, 2], "look": [3, 3]}
    lake.metadata.merge([(a, {"look": [4, 4]}), (a, {"look": None})])
    assert vectors(lake, a) == {"half": [2, 2]}


def test_a_wrong_vector_in_a_bundle_leaves_all_vectors_of_it_as_they_were(lake):
    items = register(lake, 3)
    lake.metadata.merge_all(items, {"look": [1, 2]})
    with pytest.raises(MetadataError, match="expected 2 numbers, got 3"):
        lake.metadata.merge([(items[0], {"look": [9, 9]}), (items[1], {"look": [1, 2, 3]})])
    with pytest.raises(NotFound):
        lake.metadata.merge({items[0].uuid: {"look": [9, 9]}, "00000000-0000-7000-8000-000000000000": {}})
    assert [vectors(lake, item) for item in items] == [{"look": [1, 2]}] * 3
    assert lake.vectors.status()[0].gaps == 0


@pytest.mark.parametrize(
    "value", [np.array([1, 2]), np.array([1, 2], np.float16), (1, 2), [True + 0, np.float64(2)]]
)
def test_vectors_of_any_sort_are_taken_as_metadata(lake, value):
    [a] = register(lake, 1)
    lake.metadata.merge({a.uuid: {"look": value, "half": value}})
    assert vectors(lake, a) == {"half": [1, 2], "look": [1, 2]}


def test_metadata_files_bring_vectors_to_items(lake, tmp_path):
    a, b = register(lake, 2)
    rows = [{"uuid": a.uuid, "look": [1, 2]}, {"name": b.name, "half": [3, 4], "speed": 1}]
    for name, text in (("a.json", json.dumps(rows)), ("b.csv", f'uuid,half\n{a.uuid},"[5, 6]"\n')):
        (tmp_path / name).write_text(text)
        lake.ingest.metadata_file(tmp_path / name)
    assert (vectors(lake, a), vectors(lake, b)) == ({"half": [5, 6], "look": [1, 2]}, {"half": [3, 4]})
    (tmp_path / "c.json").write_text(json.dumps([{"uuid": a.uuid, "speed": 3}]))
    lake.ingest.metadata_file(tmp_path / "c.json", replace=True)
    assert vectors(lake, a) == {"half": [5, 6], "look": [1, 2]}
    assert no_vector_is_json(lake)


# Frames


def test_metadata_of_frames_brings_vectors_to_frames(lake):
    [video] = register(lake, 1, kind="video", frames=4)
    lake.frames.set_metadata(video, 1, {"look": [1, 2], "speed": 1})
    assert lake.frames.get(video, 1).metadata == {"speed": 1}
    lake.frames.set_metadata(video, 1, {"half": [3, 4]}, merge=True)
    assert (vectors(lake, video, 1), lake.frames.get(video, 1).metadata) == (
        {"half": [3, 4], "look": [1, 2]},
        {"speed": 1},
    )
    lake.frames.set_metadata(video, 1, {"look": None}, merge=True)
    lake.frames.set_metadata(video, 1, {})
    assert (vectors(lake, video, 1), lake.frames.get(video, 1).metadata) == ({"half": [3, 4]}, {})
    assert (vectors(lake, video), vectors(lake, video, 2)) == ({}, {})
    with pytest.raises(MetadataError, match="frame 2: metadata key 'look': expected 2 numbers, got 1"):
        lake.frames.set_metadata(video, 2, {"look": [1]})


def test_key_frames_in_merged_metadata_bring_vectors_too(lake):
    [video] = register(lake, 1, kind="video", frames=4)
    lake.metadata.merge({video.uuid: {"$encord": {"frames": FRAMES}, "look": [1, 1]}})
    assert [vectors(lake, video, number) for number in (1, 2, 3)] == [{}, {"look": [5, 6]}, {"half": [7, 8]}]
    assert vectors(lake, video) == {"look": [1, 1]}
    lake.frames.set(video, {2: {"look": [0, 1]}, 3: None})
    assert [vectors(lake, video, number) for number in (2, 3)] == [{"look": [0, 1]}, {"half": [7, 8]}]


@pytest.mark.parametrize("way", ["other key frames", "a changed file"])
def test_frames_stay_for_the_sake_of_a_vector_that_was_given_as_for_metadata(lake, way):
    [video] = register(lake, 1, kind="video", frames=4)
    lake.frames.set_metadata(video, 1, {"look": [1, 2]})
    lake.frames.set_metadata(video, 2, {"speed": 1})
    if way == "other key frames":
        lake.frames.set(video, [3], replace=True)
    else:
        lake.registration._refresh([(video.id, NewItem(video.url, video.facts, etag="another"))])
    assert {1, 2} <= {frame.number for frame in lake.frames.list(video)}
    assert vectors(lake, video, 1) == {"look": [1, 2]}


# Schema


def test_vectors_outlive_a_key_that_is_deleted_and_restored(lake):
    [a] = register(lake, 1)
    lake.metadata.merge({a.uuid: {"look": [1, 2]}})
    lake.schema.delete_key("look")
    lake.metadata.merge({a.uuid: {"speed": 1}})
    with pytest.raises(QueryError, match="look"):
        lake.search(where="look IS NULL AND look = 1")
    lake.schema.restore_key("look")
    assert vectors(lake, a) == {"look": [1, 2]}
    assert lake.search.count(where="look IS NOT NULL") == 1
    assert list(lake.metadata.verify()) == []


def test_a_key_that_comes_back_with_another_size_says_what_to_do(lake):
    [a] = register(lake, 1)
    lake.metadata.merge({a.uuid: {"look": [1, 2]}})
    lake.schema.set_from_dict({"look": {"type": "embedding", "size": 3}})
    for keep in (
        lambda: lake.metadata.merge({a.uuid: {"look": [1, 2, 3]}}),
        lambda: lake.vectors.add("look", [a], [[1, 2, 3]]),
    ):
        with pytest.raises(InvalidInput) as refusal:
            keep()
        assert refusal.value.message == "key 'look' takes 3 numbers by the schema, but its vectors have 2"
        assert refusal.value.hint == "heron vectors delete 'look' removes them, then others can be kept"
    assert vectors(lake, a) == {"look": [1, 2]}
    lake.vectors.delete("look")
    lake.metadata.merge({a.uuid: {"look": [1, 2, 3]}})
    assert vectors(lake, a) == {"look": [1, 2, 3]}


def test_a_key_that_became_one_of_numbers_holds_numbers_and_the_vectors_wait(lake):
    [a] = register(lake, 1)
    lake.metadata.merge({a.uuid: {"look": [1, 2]}})
    lake.schema.set_from_dict({"look": "number"})
    lake.metadata.merge({a.uuid: {"look": 5}})
    assert (lake.items.get(a).metadata, lake.search.count(where="look = 5")) == ({"look": 5}, 1)
    with pytest.raises(
        InvalidInput, match="key 'look' is of type number, vectors need a key of type embedding"
    ):
        lake.vectors.add("look", [a], [[1, 2]])
    assert lake.vectors.find("look", a).tolist() == [1, 2]


def test_conditions_ask_who_has_a_vector(lake):
    a, b, c = register(lake, 3)
    [video] = register(lake, 1, kind="video", frames=3)
    lake.metadata.merge(
        {a.uuid: {"look": [1, 2]}, b.uuid: {"half": [1, 2], "speed": 1}, video.uuid: {"look": [0, 0]}}
    )
    lake.frames.set_metadata(video, 1, {"look": [3, 4]})

    def found(where):
        return {item.uuid for item in lake.search(where=where)}

    assert found("look IS NULL") == {b.uuid, c.uuid}
    assert found("look IS NOT NULL") == {a.uuid, video.uuid}
    assert found("look IS NULL AND half IS NOT NULL") == {b.uuid}
    assert found("NOT (look IS NULL) OR speed = 1") == {a.uuid, b.uuid, video.uuid}
    assert found("metadata.half IS NULL") == {a.uuid, c.uuid, video.uuid}
    numbers = [frame.number for frame in lake.search.frames(where="frame.look IS NULL")]
    assert numbers == [0, 2]
    assert [
        frame.number for frame in lake.search.frames(where="frame.look IS NOT NULL AND look IS NOT NULL")
    ] == [1]
    lake.metadata.merge({a.uuid: {"look": None}})
    lake.frames.delete(video, [1])
    assert found("look IS NOT NULL") == {video.uuid}
    assert lake.search.count_frames(where="frame.look IS NOT NULL") == 0
    for wrong in ("look = 1", "look > 1", "look LIKE 'a'", "look IN (1)", "look + 1 = 2"):
        with pytest.raises(QueryError) as refusal:
            lake.search(where=wrong)
        assert "\n" not in str(refusal.value)
    with pytest.raises(QueryError, match="look"):
        lake.search(sort="look")
