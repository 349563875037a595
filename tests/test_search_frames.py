"""Searching frames: conditions over frames, their metrics and their items, sorting, paging, and what is refused."""

from __future__ import annotations

import pytest

from heron.errors import InvalidInput, QueryError
from heron.models import MediaFacts, NewItem


@pytest.fixture
def workspace(workspace):
    """Videos a and b with ten and twenty frames, and an image without any."""
    workspace.schema.add_scalar("speed", "number")
    workspace.schema.add_scalar("story", "text")
    workspace.schema.add_enum("weather", ["sun", "rain"])
    for name, count, weather in (("a", 10, "sun"), ("b", 20, "rain")):
        facts = MediaFacts("video", "video/mp4", 64, 48, count, 10.0, count / 10)
        new = NewItem(f"s3://lake/{name}.mp4", facts, metadata={"weather": weather, "speed": 7})
        workspace.registration.register([new], f"Films/{name}")
        item = list(workspace.items.list())[-1]
        keys = {number: {"speed": number, "story": f"red bus {number}"} for number in range(0, count, 5)}
        workspace.frames.set(item, keys, rate=10)
        metrics = [
            (frame, b"x", {"sharpness": float(frame.number), "brightness": frame.number / count})
            for frame in workspace.frames.list(item)
            if frame.number < 10
        ]
        workspace.frames._keep_pictures(metrics)
    workspace.registration.register(
        [NewItem("s3://lake/c.jpg", MediaFacts("image", "image/jpeg"))], "Pictures"
    )
    return workspace


def found(workspace, where=None, **parts):
    """The frames found, as name and number of each."""
    parts.setdefault("limit", 1000)
    page = workspace.search.frames(where=where, **parts)
    assert workspace.search.count_frames(where=where, **parts) == len(page)
    return [f"{workspace.items.get(frame).name[0]}{frame.number}" for frame in page]


CONDITIONS = [
    ("frame.number = 3", ["a3", "b3"]),
    ("frame.number BETWEEN 18 AND 30", ["b18", "b19"]),
    ("frame.number IN (0, 9, 19) AND name = 'b.mp4'", ["b0", "b9", "b19"]),
    ("frame.seconds >= 0.8 AND frame.seconds < 1.05", ["a8", "a9", "b8", "b9", "b10"]),
    ("frame.is_key", ["a0", "a5", "b0", "b5", "b10", "b15"]),
    ("frame.is_key AND weather = 'rain'", ["b0", "b5", "b10", "b15"]),
    ("NOT frame.is_key AND frame.number < 2", ["a1", "b1"]),
    ("frame.is_key = TRUE AND frame.number > 10", ["b15"]),
    ("frame.speed > 5", ["b10", "b15"]),
    ("speed > 5 AND frame.number = 0", ["a0", "b0"]),
    ("metadata.speed = 7 AND frame.speed = 5", ["a5", "b5"]),
    ("frame.speed IS NULL AND frame.number > 17", ["b18", "b19"]),
    ("frame.story LIKE '%bus 15'", ["b15"]),
    ("metric.sharpness > 8", ["a9", "b9"]),
    ("metric.brightness >= 0.45", ["a5", "a6", "a7", "a8", "a9", "b9"]),
    ("metric.sharpness IS NULL AND frame.number < 12", ["b10", "b11"]),
    ("metric.unheard_of > 1", []),
    ("frame.number = frame_count - 1", ["a9", "b19"]),
    ("kind = 'video' AND folder = 'Films/b' AND frame.number < 1", ["b0"]),
    ("in_folder('Films') AND frame.number = 0", ["a0", "b0"]),
    ("kind = 'image'", []),
]


@pytest.mark.parametrize(("where", "expected"), CONDITIONS)
def test_a_condition_is_about_frames_or_about_their_items(workspace, where, expected):
    assert found(workspace, where) == expected


def test_frames_lead_to_their_item_and_carry_their_own_metadata_and_metrics(workspace):
    [frame] = workspace.search.frames(where="name = 'b.mp4' AND frame.number = 5")
    item = workspace.items.get(frame)
    assert frame == workspace.frames.get(item, 5)
    assert (item.name, frame.seconds, frame.is_key) == ("b.mp4", 0.5, True)
    assert (frame.metadata, frame.metrics) == (
        {"speed": 5, "story": "red bus 5"},
        {"sharpness": 5.0, "brightness": 0.25},
    )


SORTS = [
    ("frame.number", ["a0", "b0", "a1", "b1"]),
    ("-frame.number", ["b19", "b18", "b17", "b16"]),
    ("-name,frame.number", ["b0", "b1", "b2", "b3"]),
    ("-frame.speed", ["b15", "b10", "a5", "b5"]),
    ("-metric.sharpness", ["a9", "b9", "a8", "b8"]),
    ("metric.brightness,-frame.is_key", ["a0", "b0", "b1", "a1"]),
    ("-frame.seconds,name", ["b19", "b18", "b17", "b16"]),
    (None, ["a0", "a1", "a2", "a3"]),
]


@pytest.mark.parametrize(("sort", "first"), SORTS)
def test_frames_are_sorted_by_their_own_fields_and_by_those_of_their_items(workspace, sort, first):
    assert found(workspace, sort=sort)[:4] == first


@pytest.mark.parametrize("sort", [None, *(sort for sort, _ in SORTS if sort)])
@pytest.mark.parametrize("limit", [1, 7, 30])
def test_pages_follow_each_other_without_loss_or_repetition(workspace, sort, limit):
    whole = [frame.id for frame in workspace.search.frames(sort=sort, limit=1000)]
    assert len(whole) == 30
    seen, cursor = [], None
    while True:
        page = workspace.search.frames(sort=sort, limit=limit, cursor=cursor)
        seen += [frame.id for frame in page]
        assert len(page) <= limit
        if (cursor := page.cursor) is None:
            break
    assert seen == whole


def test_a_page_has_a_hundred_frames_unless_it_is_asked_for_otherwise(workspace):
    facts = MediaFacts("video", "video/mp4", frame_count=200, fps=10.0)
    workspace.registration.register([NewItem("s3://lake/d.mp4", facts)], "D")
    workspace.frames.set(list(workspace.items.list())[-1], rate=10)
    page = workspace.search.frames()
    assert (len(page), page.cursor is None) == (100, False)
    assert workspace.search.count_frames() == 230
    assert len(workspace.search.frames(limit=10**6)) == 230
    with pytest.raises(InvalidInput, match="limit is 0, at least 1 is needed"):
        workspace.search.frames(limit=0)


def test_deleted_items_have_no_frames_to_find(workspace):
    workspace._database.execute(
        "UPDATE items SET deleted_at = '2026-01-31T12:00:00.000000Z' WHERE name = 'b.mp4'"
    )
    assert workspace.search.count_frames() == 10
    assert workspace.search.count_frames(folder="Films/b") == 0
    assert workspace.search.count_frames(folder="Films") == 10
    assert workspace.search.count_frames(folder="Films", recursive=False) == 0


def test_a_cursor_of_items_is_none_of_frames_and_the_other_way_round(workspace):
    of_items, of_frames = workspace.search(limit=1).cursor, workspace.search.frames(limit=1).cursor
    with pytest.raises(QueryError, match="the cursor belongs to another query"):
        workspace.search.frames(limit=1, cursor=of_items)
    with pytest.raises(QueryError, match="the cursor belongs to another query"):
        workspace.search(limit=1, cursor=of_frames)
    with pytest.raises(QueryError, match="the cursor is damaged"):
        workspace.search.frames(limit=1, cursor="x")


@pytest.mark.parametrize("name", ["frame.number", "frame.seconds", "frame.is_key"])
def test_a_field_of_frames_in_a_search_of_items_says_what_to_do(workspace, name):
    for ask in ({"where": f"{name} = 1"}, {"sort": f"-{name}"}):
        with pytest.raises(QueryError) as refusal:
            workspace.search(**ask)
        assert refusal.value.message == f"{name} is a field of frames"
        assert refusal.value.hint == "search frames: heron search --frames"


def test_a_key_of_items_that_begins_with_frame_is_not_taken_for_a_field_of_frames(workspace):
    workspace.schema.add_scalar("frame.mount", "varchar")
    item = next(workspace.items.stream())
    workspace.metadata.merge([(item, {"frame.mount": "left"})])
    assert workspace.search.count(where="frame.mount = 'left'") == 1
    assert workspace.search.count_frames(where="metadata.\"frame.mount\" = 'left'") == 10


WRONG = [
    ("frame.numbr = 1", "there is no field 'frame.numbr'"),
    ("frame.number = 'x'", "number"),
    ("frame.weather = 'snow'", "snow"),
    ("match(frame.story, 'bus')", "story"),
    ('metric."a\\"b" > 1', ""),
]


@pytest.mark.parametrize(("where", "reason"), WRONG)
def test_a_condition_that_cannot_be_is_refused_in_one_line(workspace, where, reason):
    with pytest.raises(QueryError) as refusal:
        workspace.search.frames(where=where)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_full_text_finds_items_and_so_their_frames(workspace):
    item = next(workspace.items.stream())
    workspace.metadata.merge([(item, {"story": "a green tram"})])
    assert workspace.search.count_frames(where="match(story, 'tram')") == 10
    assert workspace.search.count_frames(where="match(story, 'bus')") == 0
