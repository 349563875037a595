"""Blocks of key frames in metadata: every form of them, what is wrong with a bad one, and what becomes of the rest."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from heron.catalog.full_text import SPACED, spaced
from heron.errors import InvalidInput, MetadataError
from heron.metadata.keyframes import LAST, FrameWish, without_blocks
from heron.models import MAX_METADATA, MediaFacts, NewFrame, NewItem
from tests.toy_media import ToyMedia, clip

FACTS = MediaFacts("video", "video/mp4", frame_count=90, fps=30.0, duration=3.0)
URL = "s3://lake/clip.mp4"


@pytest.fixture
def plugins():
    return [ToyMedia()]


@pytest.fixture
def workspace(workspace):
    workspace.schema.add_scalar("speed", "number")
    return workspace


def added(workspace, metadata=None, facts=FACTS, url=URL):
    """A video with this metadata, registered; the item."""
    workspace.registration.register([NewItem(url, facts, metadata=metadata)], "A")
    return list(workspace.items.list())[-1]


def frames(workspace, item):
    """Its frames as (number, seconds, is it a key frame, metadata)."""
    return [(f.number, f.seconds, f.is_key, f.metadata) for f in workspace.frames.list(item)]


def numbers(workspace, item):
    return [frame.number for frame in workspace.frames.list(item)]


def state(workspace):
    """All that the catalogue holds but its log, as text."""
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        left_out = ('INSERT INTO "log"', 'INSERT INTO "sqlite_sequence"')
        return "\n".join(line for line in plain.iterdump() if not line.startswith(left_out))


# Forms


FORMS = [
    ({"keyframes": [13, 17]}, {13: None, 17: None}),
    ({"keyframes": (17, 13, 13)}, {13: None, 17: None}),
    ({"keyframes": [13.0, "17"]}, {13: None, 17: None}),
    ({"keyframes": []}, {}),
    ({"keyframes": None}, {}),
    ({"$heron": {"frames": {"13": {"a": 1}, "17": {}}}}, {13: {"a": 1}, 17: None}),
    ({"$encord": {"frames": {"13": {"a": 1}, "17": None}}}, {13: {"a": 1}, 17: None}),
    ({"$heron": {"frames": {13: {"a": 1}}}, "$encord": {"frames": {"13": {"b": 2}}}}, {13: {"a": 1, "b": 2}}),
    ({"$heron": {"frames": {"13": {"a": 1}, "13.0": {"b": 2}}}}, {13: {"a": 1, "b": 2}}),
    ({"$heron": {"frames": {"13": {"a": 1}}}, "keyframes": [13, 5]}, {13: {"a": 1}, 5: None}),
    ({"$heron": {}}, {}),
    ({"$heron": {"config": None, "frames": None}}, {}),
    ({"$heron": {"config": {}}, "keyframes": [1]}, {1: None}),
]


@pytest.mark.parametrize(("metadata", "expected"), FORMS)
def test_every_form_of_a_block_names_the_same_frames(metadata, expected):
    rest, wish = without_blocks({**metadata, "city": "Oran"}, "clip.mp4")
    assert rest == {"city": "Oran"}
    assert dict(wish.keys) == expected
    assert (wish.mode, wish.sampling_rate) == ("frame", None)


def test_settings_are_read_from_either_spelling_and_given_metadata_is_left_as_it_was():
    metadata = {
        "$encord": {"config": {"sampling_rate": 2, "keyframe_mode": "seconds"}, "frames": {"0.5": {}}}
    }
    kept = json.dumps(metadata)
    assert without_blocks(metadata, "x") == ({}, FrameWish(2.0, "seconds", {0.5: None}))
    assert json.dumps(metadata) == kept


LEFT = [
    ({"$heron": {"frames": {"1": {}}, "curated": True}}, {"$heron": {"curated": True}}),
    ({"$encord": {"config": {"sampling_rate": 0, "codec": "x"}}}, {"$encord": {"config": {"codec": "x"}}}),
    ({"$heron": None}, {"$heron": None}),
]


@pytest.mark.parametrize(("metadata", "left"), LEFT)
def test_what_else_a_block_holds_stays(metadata, left):
    assert without_blocks(metadata, "x")[0] == left


BAD = [
    ({"keyframes": 13}, "clip.mp4: metadata keyframes: expected a list of numbers, got 13"),
    ({"keyframes": "13"}, "clip.mp4: metadata keyframes: expected a list of numbers, got '13'"),
    ({"keyframes": {"13": {}}}, "clip.mp4: metadata keyframes: expected a list of numbers, got "),
    ({"keyframes": [-1]}, "clip.mp4: metadata keyframes: -1 is not a frame, expected a number from 0 on"),
    ({"keyframes": [True]}, "clip.mp4: metadata keyframes: True is not a frame"),
    ({"keyframes": [None]}, "clip.mp4: metadata keyframes: None is not a frame"),
    ({"keyframes": ["x"]}, "clip.mp4: metadata keyframes: 'x' is not a frame"),
    ({"keyframes": [[13]]}, "clip.mp4: metadata keyframes: [13] is not a frame"),
    ({"keyframes": [float("nan")]}, "clip.mp4: metadata keyframes: nan is not a frame"),
    ({"keyframes": [float("inf")]}, "clip.mp4: metadata keyframes: inf is not a frame"),
    ({"keyframes": [10**400]}, "clip.mp4: metadata keyframes: 1000"),
    ({"keyframes": [LAST * 2]}, f"clip.mp4: metadata keyframes: {LAST * 2} is not a frame"),
    ({"keyframes": [1.5]}, "clip.mp4: 1.5 is not a frame number (times go with "),
    ({"$heron": [13]}, "clip.mp4: metadata $heron: expected an object, got [13]"),
    ({"$encord": "x"}, "clip.mp4: metadata $encord: expected an object, got 'x'"),
    ({"$heron": {"config": 1}}, "clip.mp4: metadata $heron.config: expected an object, got 1"),
    ({"$heron": {"frames": [13]}}, "clip.mp4: metadata $heron.frames: expected an object, got [13]"),
    ({"$heron": {"frames": {"x": {}}}}, "clip.mp4: metadata $heron.frames: 'x' is not a frame"),
    ({"$heron": {"frames": {"13": 4}}}, "clip.mp4: metadata $heron.frames.13: expected an object, got 4"),
    (
        {"$heron": {"config": {"sampling_rate": -1}}},
        "clip.mp4: metadata $heron.config: sampling_rate is -1, exp",
    ),
    (
        {"$heron": {"config": {"sampling_rate": "1"}}},
        "$heron.config: sampling_rate is '1', expected a number",
    ),
    (
        {"$heron": {"config": {"sampling_rate": True}}},
        "$heron.config: sampling_rate is True, expected a number",
    ),
    ({"$heron": {"config": {"sampling_rate": None}}}, "$heron.config: sampling_rate is None, expected a num"),
    ({"$heron": {"config": {"sampling_rate": float("inf")}}}, "$heron.config: sampling_rate is inf"),
    (
        {"$heron": {"config": {"keyframe_mode": "s"}}},
        "$heron.config: keyframe_mode is 's', expected frame or",
    ),
    (
        {"$heron": {"config": {"keyframe_mode": []}}},
        "$heron.config: keyframe_mode is [], expected frame or sec",
    ),
]


@pytest.mark.parametrize(("metadata", "reason"), BAD)
def test_a_bad_block_is_refused_with_item_place_and_value_and_nothing_lands(workspace, metadata, reason):
    before = state(workspace)
    with pytest.raises(MetadataError) as refusal:
        workspace.registration.register(
            [NewItem(URL, FACTS, metadata=metadata)], workspace.folders.ensure("A")
        )
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)
    workspace.folders.delete("A")
    assert state(workspace) == before


OUTSIDE = [
    ({"keyframes": [90]}, "clip.mp4: there is no frame 90, it has 90 frames in 3 s"),
    ({"$heron": {"frames": {"1e6": {}}}}, "clip.mp4: there is no frame 1,000,000, it has 90 frames in 3 s"),
    (
        {"$heron": {"config": {"keyframe_mode": "seconds"}, "frames": {"3.01": {}}}},
        "clip.mp4: nothing is shown at 3.01 s, it has 90 frames in 3 s",
    ),
]


@pytest.mark.parametrize(("metadata", "reason"), OUTSIDE)
def test_a_frame_outside_the_video_is_refused_with_video_value_and_length(workspace, metadata, reason):
    with pytest.raises(InvalidInput) as refusal:
        added(workspace, metadata)
    assert refusal.value.message == f"s3://lake/{reason}"
    item = added(workspace)
    with pytest.raises(InvalidInput) as refusal:
        workspace.metadata.merge([(item, metadata)])
    assert refusal.value.message == reason
    assert (workspace.items.count(), numbers(workspace, item)) == (1, [])


# What lands


def test_key_frames_are_rows_with_time_and_metadata_and_the_block_is_gone(workspace):
    item = added(workspace, {"$encord": {"frames": {"17": {"speed": 3}, "13": {}}}, "city": "Oran"})
    assert item.metadata == {"city": "Oran"}
    assert frames(workspace, item) == [(13, 13 / 30, True, {}), (17, 17 / 30, True, {"speed": 3})]


def test_seconds_name_the_frame_that_is_shown_then(workspace):
    block = {"config": {"keyframe_mode": "seconds"}, "frames": {"0.5": {"speed": 1}, "2.999": {}, "0": {}}}
    item = added(workspace, {"$heron": block, "keyframes": [3, 0.51]})
    assert [(n, key) for n, _, key, _ in frames(workspace, item)] == [(0, True), (15, True), (89, True)]
    assert frames(workspace, item)[1][3] == {"speed": 1}, "0.5 s and 0.51 s show the same frame"


def test_two_times_of_one_frame_give_it_the_metadata_of_both(workspace):
    block = {
        "config": {"keyframe_mode": "seconds"},
        "frames": {"0.5": {"speed": 1, "a": 1}, "0.51": {"a": 2}},
    }
    item = added(workspace, {"$heron": block})
    assert frames(workspace, item) == [(15, 0.5, True, {"speed": 1, "a": 2})]


def test_key_frames_and_sampling_are_united(workspace):
    item = added(workspace, {"$heron": {"config": {"sampling_rate": 1}, "frames": {"7": {}, "60": {}}}})
    assert [(n, key) for n, _, key, _ in frames(workspace, item)] == [
        (0, False),
        (7, True),
        (30, False),
        (60, True),
    ]
    item = added(workspace, {"$heron": {"config": {"sampling_rate": 0}}, "keyframes": [13]})
    assert [(n, key) for n, _, key, _ in frames(workspace, item)] == [(0, False), (13, True)]


def test_given_facts_are_not_sampled_unasked(workspace):
    assert numbers(workspace, added(workspace, {"keyframes": [13]})) == [13]
    assert numbers(workspace, added(workspace)) == []


def test_a_video_of_unknown_length_takes_any_frame_that_can_be_kept(workspace):
    facts = MediaFacts("video", "video/mp4")
    item = added(workspace, {"keyframes": [10**9, LAST]}, facts)
    assert frames(workspace, item) == [(10**9, None, True, {}), (LAST, None, True, {})]
    with pytest.raises(InvalidInput, match=r"clip\.mp4: the times of its frames are not known \(give fps"):
        added(workspace, {"$heron": {"config": {"keyframe_mode": "seconds"}, "frames": {"1": {}}}}, facts)


def test_frames_that_are_given_beside_a_block_are_united_with_it(workspace):
    given = [NewFrame(13, 0.4, True, {"a": 1}), NewFrame(2, 0.1)]
    metadata = {"$heron": {"config": {"sampling_rate": 0}, "frames": {"13": {"b": 2}}}}
    workspace.registration.register([NewItem(URL, FACTS, metadata=metadata, frames=given)], "A")
    assert [(n, key, m) for n, _, key, m in frames(workspace, next(workspace.items.stream()))] == [
        (0, False, {}), (2, False, {}), (13, True, {"a": 1, "b": 2}),
    ]  # fmt: skip


def test_what_is_left_of_a_block_is_kept_and_goes_when_it_is_merged_away(workspace):
    item = added(workspace, {"$heron": {"frames": {"1": {}}, "curated": True}})
    assert workspace.items.get(item).metadata == {"$heron": {"curated": True}}
    workspace.metadata.merge([(item, {"$heron": None})])
    assert workspace.items.get(item).metadata == {}
    assert numbers(workspace, item) == [1]


# Bundles


def test_a_faulty_frame_fails_its_item_alone(workspace):
    bad = [
        {"keyframes": "x"}, {"keyframes": [90]}, {"$heron": {"frames": {"1": {"speed": "fast"}}}},
        {"$heron": {"frames": {"1": {"story": "x" * MAX_METADATA}}}}, {"$heron": {"frames": {"1": {"": 1}}}},
    ]  # fmt: skip
    items = [NewItem(f"s3://lake/{n}.mp4", FACTS, metadata=metadata) for n, metadata in enumerate(bad)]
    good = [NewItem(f"s3://lake/g{n}.mp4", FACTS, metadata={"keyframes": [n]}) for n in range(3)]
    told = {}
    mixed = [good[0], *items[:3], good[1], *items[3:], good[2]]
    with workspace._database.write():
        workspace.registration._insert(mixed, workspace.folders.ensure("A"), reject=told.__setitem__)
    landed = list(workspace.items.list())
    assert [item.name for item in landed] == ["g0.mp4", "g1.mp4", "g2.mp4"]
    assert [numbers(workspace, item) for item in landed] == [[0], [1], [2]]
    assert sorted(told) == [1, 2, 3, 5, 6]
    assert "2.mp4, frame 1: metadata key 'speed': expected a number, got 'fast'" in str(told[3])
    assert f"3.mp4, frame 1: metadata has {MAX_METADATA + 12:,} bytes, at most {MAX_METADATA:,}" in str(
        told[5]
    )


def test_a_faulty_item_takes_its_bundle_back_frames_and_all(workspace):
    first, second = added(workspace), added(workspace)
    before = state(workspace)
    for bad in ({"keyframes": [-1]}, {"$heron": {"frames": {"1": {"speed": "x"}}}}, {"speed": "x"}):
        with pytest.raises(MetadataError):
            workspace.metadata.merge([(first, {"keyframes": [1], "a": 1}), (second, bad)])
        assert state(workspace) == before


@pytest.mark.parametrize("verb", ["merge", "replace"])
def test_later_blocks_add_frames_and_change_no_other_metadata_of_the_item(workspace, verb):
    item = added(workspace, {"keyframes": [13], "city": "Oran"})
    block = {"frames": {"13": {"speed": 3}, "5": {}}, "config": {"sampling_rate": 1}}
    assert getattr(workspace.metadata, verb)([(item, {"$heron": block, "b": 1})]) == 1
    assert [(n, key) for n, _, key, _ in frames(workspace, item)] == [
        (0, False), (5, True), (13, True), (30, False), (60, False),
    ]  # fmt: skip
    assert workspace.frames.get(item, 13).metadata == {"speed": 3}
    assert workspace.items.get(item).metadata == ({"city": "Oran", "b": 1} if verb == "merge" else {"b": 1})
    getattr(workspace.metadata, verb)([(item, {"$heron": {"frames": {"13": {"note": "x"}}}})])
    assert workspace.frames.get(item, 13).metadata == {"speed": 3, "note": "x"}


@pytest.mark.parametrize("verb", ["merge", "replace"])
def test_an_item_that_is_named_twice_in_a_bundle_gets_the_frames_of_both(workspace, verb):
    item = added(workspace)
    updates = [(item, {"keyframes": [1], "a": 1}), (item.uuid, {"keyframes": [2], "b": 2})]
    assert getattr(workspace.metadata, verb)(updates) == 1
    assert numbers(workspace, item) == [1, 2]
    assert workspace.items.get(item).metadata == ({"a": 1, "b": 2} if verb == "merge" else {"b": 2})


def test_blocks_come_by_metadata_files_too(workspace, tmp_path):
    item = added(workspace)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        json.dumps({"uuid": item.uuid, "keyframes": [4], "$heron": {"frames": {"9": {"speed": 2}}}})
    )
    workspace.ingest.metadata_file(rows)
    assert [(n, m) for n, _, _, m in frames(workspace, item)] == [(4, {}), (9, {"speed": 2})]
    assert workspace.items.get(item).metadata == {}


def test_unknown_keys_of_frames_are_remembered_for_queries(workspace):
    item = added(workspace, {"$heron": {"frames": {"9": {"mood": "calm"}}}})
    assert "mood" in workspace.schema._remembered_keys()
    workspace.metadata.merge([(item, {"$heron": {"frames": {"10": {"pace": 1}}}})])
    assert workspace.search.count_frames(where="frame.pace = '1' OR frame.mood = 'calm'") == 2


# Files


@pytest.mark.parametrize(
    ("metadata", "numbers"),
    [
        ({"$encord": {"frames": {"13": {"a": 1}}}}, [0, 10, 13, 20]),
        ({"$encord": {}}, [0, 10, 20]),
        ({"$heron": {"config": {"sampling_rate": 0}, "frames": {"13": {}}}}, [0, 13]),
        ({"keyframes": [13]}, [13]),
        ({"city": "Oran"}, []),
    ],
)
def test_a_block_beside_given_facts_samples_one_frame_a_second_unless_it_says_otherwise(
    workspace, tmp_path, metadata, numbers
):
    entry = {
        "objectUrl": "s3://lake/a.mp4",
        "clientMetadata": metadata,
        "videoMetadata": {"fps": 10, "duration": 3},
    }
    file = tmp_path / "m.json"
    file.write_text(json.dumps({"videos": [entry]}))
    workspace.ingest.manifest(file, folder="A")
    [item] = workspace.items.list()
    assert [frame.number for frame in workspace.frames.list(item)] == numbers


def test_blocks_of_probed_files_use_the_times_of_the_file_itself(workspace, tmp_path):
    times = [0.0, 0.1, 0.5, 2.5, 2.6]
    file = clip(tmp_path / "in" / "a.clip", times, duration=3.0)
    block = {"config": {"keyframe_mode": "seconds"}, "frames": {"2.0": {"speed": 1}}}
    (tmp_path / "in" / "a.clip.metadata.json").write_text(json.dumps({"$heron": block, "city": "Oran"}))
    workspace.ingest.files([file], folder="A")
    [item] = workspace.items.list()
    assert item.metadata == {"city": "Oran"}
    assert frames(workspace, item) == [(0, 0.0, False, {}), (2, 0.5, True, {"speed": 1})]
    workspace.metadata.merge([(item, {"$heron": {**block, "frames": {"2.59": {}}}})])
    assert numbers(workspace, item) == [0, 2, 3]
    assert workspace.frames.get(item, 3).is_key


def test_a_file_whose_blocks_are_wrong_is_reported_and_the_others_land(workspace, tmp_path):
    for number, keys in enumerate(([1], [9], "x")):
        file = clip(tmp_path / "in" / f"{number}.clip", [0.0, 1.0, 2.0], fps=1.0)
        file.with_name(f"{file.name}.metadata.json").write_text(json.dumps({"keyframes": keys}))
    report = workspace.ingest.files([tmp_path / "in"], folder="A", ignore_errors=True)
    assert [item.name for item in workspace.items.list()] == ["0.clip"]
    assert [problem.reason for problem in report.problems] == [
        "1.clip: there is no frame 9, it has 3 frames in 3 s (frames are numbered from 0)",
        "2.clip: metadata keyframes: expected a list of numbers, got 'x'",
    ]


def test_a_deleted_item_that_comes_back_with_a_faulty_frame_stops_no_other(workspace, tmp_path):
    files = [clip(tmp_path / "in" / f"{number}.clip", [0.0, 1.0]) for number in range(2)]
    workspace.ingest.files([tmp_path / "in"], folder="A")
    workspace._database.execute("UPDATE items SET deleted_at = created_at")
    block = {"$heron": {"frames": {"1": {"speed": "fast"}}}}
    files[0].with_name("0.clip.metadata.json").write_text(json.dumps(block))
    files[1].with_name("1.clip.metadata.json").write_text(
        json.dumps({"$heron": {"frames": {"1": {"speed": 2}}}})
    )
    report = workspace.ingest.files([tmp_path / "in"], folder="A", ignore_errors=True)
    assert "0.clip, frame 1: metadata key 'speed': expected a number, got 'fast'" in report.problems[0].reason
    assert [item.name for item in workspace.items.list()] == ["0.clip", "1.clip"]
    assert workspace.frames.get(list(workspace.items.list())[1], 1).metadata == {"speed": 2}
