"""Frames: rows of their own below an item, with number, time and metadata."""

from __future__ import annotations

import pytest

import heron
from heron.errors import InvalidInput, MetadataError, NotFound
from heron.models import MAX_METADATA, MediaFacts, NewFrame, NewItem


@pytest.fixture
def workspace(workspace):
    workspace.schema.add_scalar("speed", "number")
    return workspace


@pytest.fixture
def clip(workspace):
    facts = MediaFacts("video", "video/mp4", frame_count=90)
    workspace.registration.register([NewItem("s3://lake/clip.mp4", facts)], "A")
    return next(workspace.items.stream())


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


def test_exactly_the_named_frames_are_key_frames_and_all_others_stay(workspace, clip):
    workspace.frames.add(clip, [(3, 0.1, True), (4, 0.2, True), (5, 0.3, False)])
    workspace.frames.set_metadata(clip, 3, {"speed": 1})
    assert workspace.frames.set(clip, [4, 8], only_these=True) == 4
    marked = {frame.number: (frame.is_key, frame.metadata) for frame in workspace.frames.list(clip)}
    assert marked == {3: (False, {"speed": 1}), 4: (True, {}), 5: (False, {}), 8: (True, {})}
    with pytest.raises(InvalidInput, match="there is no frame 90"):
        workspace.frames.set(clip, [90], only_these=True)
    assert [frame.number for frame in workspace.frames.list(clip, only="key")] == [4, 8]


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
    assert workspace._database.value("SELECT count(*) FROM frames") == 0


def test_a_frame_stands_for_its_item_where_an_item_is_asked_for(workspace, clip):
    workspace.frames.add(clip, [(0, 0.0, True), (1, None, False)])
    first, second = workspace.frames.list(clip)
    assert workspace.items.get(first) == clip
    assert list(workspace.frames.list(second)) == [first, second]
    assert workspace.collections.create("night", items=[first, second]).item_count == 1


# Choosing frames


@pytest.fixture
def film(workspace):
    """A video of three seconds whose length and rate are known."""
    facts = MediaFacts("video", "video/mp4", frame_count=90, fps=30.0, duration=3.0)
    workspace.registration.register([NewItem("s3://lake/film.mp4", facts)], "A")
    return list(workspace.items.list())[-1]


def test_key_frames_are_set_by_number_or_by_time_and_sampled_ones_beside(workspace, film):
    assert workspace.frames.set(film, [7, 7, 40]) == 2
    assert workspace.frames.set(film, [0.5], mode="seconds", rate=1) == 6
    frames = list(workspace.frames.list(film))
    assert [(frame.number, frame.is_key) for frame in frames] == [
        (0, False), (7, True), (15, True), (30, False), (40, True), (60, False),
    ]  # fmt: skip
    assert [frame.seconds for frame in frames] == [number / 30 for number in (0, 7, 15, 30, 40, 60)]


def test_metadata_is_given_with_the_frames_and_merged_into_what_is_there(workspace, film):
    workspace.frames.set(film, {3: {"speed": 1, "mood": "calm"}, 4: None})
    workspace.frames.set(film, {3: {"speed": 2}})
    assert workspace.frames.get(film, 3).metadata == {"speed": 2, "mood": "calm"}
    assert workspace.search.count_frames(where="frame.mood = 'calm'") == 1


def test_replacing_leaves_those_with_metadata_as_sampled_ones(workspace, film):
    workspace.frames.set(film, {3: {"speed": 1}, 4: None, 9: {"speed": 2}}, rate=1)
    assert workspace.frames.set(film, [5, 9], replace=True) == 3
    assert [(f.number, f.is_key, f.metadata) for f in workspace.frames.list(film)] == [
        (3, False, {"speed": 1}), (5, True, {}), (9, True, {"speed": 2}),
    ]  # fmt: skip
    assert workspace.frames.set(film, replace=True) == 2, "no frame is named, so all go that may"


REFUSED = [
    ({"keys": [90]}, "film.mp4: there is no frame 90, it has 90 frames in 3 s"),
    ({"keys": [-1]}, "film.mp4: -1 is not a frame number"),
    ({"keys": [1.5]}, "film.mp4: 1.5 is not a frame number"),
    ({"keys": [float("nan")]}, "film.mp4: nan is not a frame number"),
    ({"keys": [float("inf")]}, "film.mp4: inf is not a frame number"),
    ({"keys": [3.01], "mode": "seconds"}, "film.mp4: nothing is shown at 3.01 s, it has 90 frames in 3 s"),
    ({"keys": [-0.5], "mode": "seconds"}, "film.mp4: nothing is shown at -0.5 s"),
    ({"keys": [float("nan")], "mode": "seconds"}, "film.mp4: nothing is shown at nan s"),
    ({"rate": -1}, "film.mp4: sampling_rate is -1, expected a number from 0 on"),
    ({"rate": float("inf")}, "film.mp4: sampling_rate is inf, expected a number from 0 on"),
    (
        {"keys": {1: {"speed": "fast"}}},
        "film.mp4, frame 1: metadata key 'speed': expected a number, got 'fast'",
    ),
]


@pytest.mark.parametrize(("given", "reason"), REFUSED)
@pytest.mark.parametrize("replace", [False, True])
def test_what_cannot_be_a_frame_is_refused_and_nothing_changes(workspace, film, given, reason, replace):
    workspace.frames.set(film, [2])
    before = list(workspace.frames.list(film))
    keys = given.get("keys", ())
    both = {8: None, **keys} if isinstance(keys, dict) else [1, *keys]
    with pytest.raises(InvalidInput) as refusal:
        workspace.frames.set(film, **{**given, "keys": both}, replace=replace)
    assert refusal.value.message.startswith(reason)
    assert list(workspace.frames.list(film)) == before


@pytest.mark.slow
def test_ten_thousand_frames_are_listed_page_by_page_in_order(workspace):
    facts = MediaFacts("video", "video/mp4", frame_count=12_345, fps=30.0)
    workspace.registration.register([NewItem("s3://lake/long.mp4", facts)], "A")
    [item] = workspace.items.list()
    assert workspace.frames.set(item, [12_344, 5], rate=30) == 12_345
    asked = []
    workspace._database.connection.set_trace_callback(asked.append)
    stream = workspace.frames.stream(item)
    assert [next(stream).number for _ in range(3)] == [0, 1, 2]
    assert sum("FROM frames" in statement for statement in asked) == 1, "the others are not read yet"
    assert [frame.number for frame in stream] == list(range(3, 12_345))
    assert sum("FROM frames" in statement for statement in asked) == 13, (
        "thirteen pages: behind the last, which is not full, nothing is read"
    )


# Pictures of frames


def test_pictures_and_metrics_are_kept_with_their_frames_and_go_with_them(workspace, film):
    workspace.frames.set(film, [1, 2, 3])
    first, second, third = workspace.frames.list(film)
    assert workspace.frames._keep_pictures([(first, b"one", {"sharpness": 2.5}), (third, b"three", {})]) == 2
    assert [workspace.frames.thumbnail(frame) for frame in (first, second, third)] == [b"one", None, b"three"]
    assert workspace.frames.get(film, 1).metrics == {"sharpness": 2.5}
    assert workspace.frames._without_picture(film) == [second]
    workspace.frames._keep_pictures([(first, b"new", {"sharpness": 3.0})])
    assert workspace.frames.thumbnail(first) == b"new"
    workspace.frames.delete(film, [1, 2, 3])
    assert workspace._database.value("SELECT count(*) FROM frame_thumbnails") == 0


def test_pictures_of_frames_that_were_removed_meanwhile_are_dropped(workspace, film):
    workspace.frames.set(film, [1, 2])
    first, second = workspace.frames.list(film)
    workspace.frames.delete(film, [1])
    assert workspace.frames._keep_pictures([(first, b"one", {}), (second, b"two", {})]) == 1
    assert workspace.frames._keep_pictures([]) == 0
    assert workspace._database.value("SELECT count(*) FROM frame_thumbnails") == 1


def test_an_item_that_is_refreshed_keeps_key_frames_and_metadata_and_forgets_pictures(workspace, film):
    workspace.frames.set(film, {3: {"speed": 1}, 4: None}, rate=1)
    workspace.frames.set_metadata(film, 30, {"speed": 2})
    workspace.frames._keep_pictures(
        [(frame, b"x", {"sharpness": 1.0}) for frame in workspace.frames.list(film)]
    )
    again = NewItem(film.url, film.facts, frames=[NewFrame(0, 0.0), NewFrame(45, 1.5, metadata={"speed": 9})])
    workspace.registration._refresh([(film.id, again)])
    frames = list(workspace.frames.list(film))
    assert [(f.number, f.is_key, f.metadata) for f in frames] == [
        (0, False, {}), (3, True, {"speed": 1}), (4, True, {}), (30, False, {"speed": 2}), (45, False, {}),
    ]  # fmt: skip
    assert [frame.metrics for frame in frames] == [{}] * 5
    assert workspace.frames._without_picture(film) == frames


@pytest.mark.parametrize(
    ("keys", "mode"), [([True], "frame"), (["1"], "frame"), ([None], "seconds"), ([1], "minutes")]
)
def test_what_is_no_frame_is_refused(workspace, keys, mode):
    facts = MediaFacts("video", "video/mp4", frame_count=10, fps=5.0)
    workspace.registration.register([NewItem("s3://b/a.mp4", facts)], "A")
    [item] = workspace.items.list()
    with pytest.raises(heron.InvalidInput, match="expected"):
        workspace.frames.set(item, keys, mode=mode)


@pytest.mark.parametrize(("kind", "pages", "allowed"), [("audio", None, 0), ("text", None, 0), ("pdf", 3, 3)])
def test_kinds_without_frames_have_none_and_documents_have_their_pages(workspace, kind, pages, allowed):
    workspace.registration.register([NewItem("s3://b/a", MediaFacts(kind, "x/y", pages=pages))], "A")
    [item] = workspace.items.list()
    for number in range(allowed):
        workspace.frames.set(item, [number])
    with pytest.raises(heron.InvalidInput, match=f"it has {allowed} frames"):
        workspace.frames.set(item, [allowed])
