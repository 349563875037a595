"""Frames: rows of their own below an item, with number, time and metadata."""

from __future__ import annotations

import pytest

import heron
from heron.errors import InvalidInput, MetadataError, NotFound
from heron.models import MAX_METADATA, MediaFacts, NewItem


@pytest.fixture
def workspace(tmp_path):
    with heron.open(tmp_path, discover=False) as opened:
        opened.schema.add_scalar("speed", "number")
        yield opened


@pytest.fixture
def clip(workspace):
    facts = MediaFacts("video", "video/mp4", frame_count=90)
    workspace.registration.register([NewItem("s3://lake/clip.mp4", facts)], "A")
    return next(workspace.items.list())


def numbers(workspace, item):
    return [frame.number for frame in workspace.frames.list(item)]


def test_frames_are_listed_by_number_with_time_and_key_mark(workspace, clip):
    workspace.frames.add(clip, [(30, 1.0, False), (0, 0.0, True), (7, None, False)])
    frames = list(workspace.frames.list(clip))
    assert [(frame.number, frame.seconds, frame.is_key) for frame in frames] == [
        (0, 0.0, True),
        (7, None, False),
        (30, 1.0, False),
    ]
    assert {frame.item for frame in frames} == {clip.uuid}
    assert workspace.frames.get(clip.uuid, 30) == frames[2]


def test_a_frame_added_again_keeps_its_metadata_and_can_only_become_a_key_frame(workspace, clip):
    workspace.frames.add(clip, [(3, 0.1, False), (4, 0.2, True)])
    workspace.frames.set_metadata(clip, 3, {"speed": 1})
    workspace.frames.add(clip, [(3, 0.1, True), (4, 0.2, False)])
    third, fourth = workspace.frames.list(clip)
    assert (third.is_key, third.metadata, fourth.is_key) == (True, {"speed": 1}, True)


@pytest.mark.parametrize("number", [-1, 90, 10**6])
def test_a_frame_outside_the_video_is_refused_with_all_that_come_along(workspace, clip, number):
    with pytest.raises(InvalidInput, match=rf"clip\.mp4: there is no frame {number}, the item has 90 frames"):
        workspace.frames.add(clip, [(0, 0.0, True), (number, None, True)])
    assert numbers(workspace, clip) == []


def test_the_last_frame_is_taken(workspace, clip):
    workspace.frames.add(clip, [(89, None, True)])
    assert numbers(workspace, clip) == [89]


def test_a_frame_that_is_not_there_is_refused_by_name(workspace, clip):
    with pytest.raises(NotFound, match=r"clip\.mp4: frame 5 is not in the catalogue"):
        workspace.frames.get(clip, 5)
    with pytest.raises(NotFound):
        workspace.frames.set_metadata(clip, 5, {"speed": 1})


def test_metadata_is_replaced_or_merged(workspace, clip):
    workspace.frames.add(clip, [(0, 0.0, True)])
    assert workspace.frames.set_metadata(clip, 0, {"speed": 1, "note": "x"}).metadata == {
        "speed": 1,
        "note": "x",
    }
    merged = workspace.frames.set_metadata(clip, 0, {"speed": 2, "note": None}, merge=True)
    assert merged.metadata == {"speed": 2}
    assert workspace.frames.set_metadata(clip, 0, {"other": [1]}).metadata == {"other": [1]}
    assert workspace.items.get(clip).metadata == {}


def test_a_wrong_value_is_refused_with_item_frame_key_and_type(workspace, clip):
    workspace.frames.add(clip, [(13, 0.5, True)])
    with pytest.raises(MetadataError, match=r"clip\.mp4, frame 13.*'speed'.*expected a number.*'fast'"):
        workspace.frames.set_metadata(clip, 13, {"speed": "fast"})
    assert workspace.frames.get(clip, 13).metadata == {}


def test_metadata_beyond_10_mb_is_refused(workspace, clip):
    workspace.frames.add(clip, [(0, 0.0, True)])
    with pytest.raises(MetadataError, match=f"at most {MAX_METADATA:,}"):
        workspace.frames.set_metadata(clip, 0, {"note": "x" * MAX_METADATA})


def test_merging_does_not_stumble_over_an_old_value_that_the_schema_no_longer_takes(workspace, clip):
    workspace.frames.add(clip, [(0, 0.0, True)])
    workspace.frames.set_metadata(clip, 0, {"mood": "calm"})
    workspace.schema.add_scalar("mood", "number")
    merged = workspace.frames.set_metadata(clip, 0, {"speed": 1}, merge=True)
    assert merged.metadata == {"mood": "calm", "speed": 1}


def test_deletion_removes_the_frames_named_and_counts_them(workspace, clip):
    workspace.frames.add(clip, [(number, None, False) for number in range(5)])
    assert workspace.frames.delete(clip, [1, 3, 80]) == 2
    assert numbers(workspace, clip) == [0, 2, 4]
    assert workspace.frames.delete(clip, []) == 0


def test_frames_go_with_their_item(workspace, clip):
    workspace.frames.add(clip, [(0, 0.0, True)])
    workspace.items.delete([clip])
    assert workspace.database.value("SELECT count(*) FROM frames") == 0


def test_a_frame_stands_for_its_item_where_an_item_is_asked_for(workspace, clip):
    workspace.frames.add(clip, [(0, 0.0, True), (1, None, False)])
    first, second = workspace.frames.list(clip)
    assert workspace.items.get(first) == clip
    assert list(workspace.frames.list(second)) == [first, second]
    assert workspace.collections.create("night", items=[first, second]).item_count == 1
