"""Windows: any part of what a query finds, by position."""

import pytest

import heron
from heron.models import MediaFacts, NewFrame, NewItem


@pytest.fixture
def lake(workspace):
    workspace.schema.add_scalar("n", "number")
    workspace.schema.add_embedding("v", 2)
    new = (
        NewItem(
            f"s3://b/{number}.jpg",
            MediaFacts("image", "image/jpeg", width=number % 7),
            metadata={"n": (number * 37) % 101},
            frames=[NewFrame(0)] if number % 10 == 0 else (),
        )
        for number in range(100)
    )
    workspace.registration.register(new, "A")
    items = workspace.items.list()
    workspace.vectors.add("v", items, [[100 - number, number] for number in range(100)])
    return workspace


@pytest.mark.parametrize("parts", [{}, {"sort": "-n"}, {"sort": "width,-n", "where": "n > 20"}])
def test_windows_side_by_side_are_the_pages(lake, parts):
    by_cursor, cursor = [], None
    while True:
        page = lake.search(**parts, limit=13, cursor=cursor)
        by_cursor += page
        if (cursor := page.cursor) is None:
            break
    windows = [lake.search.window(**parts, start=start, limit=9) for start in range(0, 100, 9)]
    assert [item for window in windows for item in window] == by_cursor
    assert len(by_cursor) == lake.search.count(where=parts.get("where"))
    assert {window.cursor for window in windows} == {None}


def test_a_window_of_frames_and_one_behind_the_end(lake):
    assert [frame.item for frame in lake.search.window(frames=True, start=3, limit=2)] == [
        frame.item for frame in lake.search.frames()[3:5]
    ]
    assert list(lake.search.window(start=100)) == []


def test_a_window_of_a_similarity_search_has_the_scores_of_its_pages(lake):
    asked = {"like": [[1.0, 0.3]], "key": "v", "nearest": 40, "exact": True}
    page, window = lake.search(**asked, limit=40), lake.search.window(**asked, start=10, limit=5)
    assert list(window) == list(page)[10:15]
    assert [match.score for match in window.matches] == [match.score for match in page.matches[10:15]]
    by_n = lake.search.window(**asked, sort="n", limit=40)
    assert [item.metadata["n"] for item in by_n] == sorted(item.metadata["n"] for item in page)
    scores = {item: match.score for item, match in zip(page, page.matches, strict=True)}
    assert [match.score for match in by_n.matches] == [scores[item] for item in by_n]


def test_a_window_shows_what_another_process_has_changed(lake):
    assert lake.search.window(sort="n", limit=1)[0].metadata["n"] == 0
    with heron.open(lake.root, discover=False) as other:
        other.metadata.merge_all(other.search(where="n = 100")[:1], {"n": -5})
        other.items.delete(other.search(where="n = 0")[:1])
    assert [item.metadata["n"] for item in lake.search.window(sort="n", limit=2)] == [-5, 1]


def test_a_window_inside_of_a_transaction_that_is_undone_leaves_nothing_behind(lake):
    with pytest.raises(RuntimeError), lake._database.write():
        lake.metadata.merge_all(lake.search(where="n = 100")[:1], {"n": -5})
        assert lake.search.window(sort="n", limit=1)[0].metadata["n"] == -5
        raise RuntimeError
    assert lake.search.window(sort="n", limit=1)[0].metadata["n"] == 0


def test_the_order_is_found_once_while_nothing_changes(lake, monkeypatch):
    found = []
    find = lake.search._order
    monkeypatch.setattr(lake.search, "_order", lambda *asked: found.append(asked) or find(*asked))
    for start in (0, 50, 20):
        lake.search.window(sort="-n", start=start)
    assert len(found) == 1
    lake.search.window(sort="n")
    lake.metadata.merge_all(lake.items.list()[:1], {"n": 7})
    lake.search.window(sort="n")
    assert len(found) == 3


@pytest.mark.parametrize("parts", [{"start": -1}, {"cursor": "x"}])
def test_a_place_that_is_none_is_refused(lake, parts):
    with pytest.raises(heron.InvalidInput, match="start is"):
        lake.search.window(**parts)
    with pytest.raises(heron.InvalidInput, match="limit is 0"):
        lake.search.window(limit=0)


def test_each_name_that_is_offered_can_be_used(lake):
    lake.registration.register(
        [NewItem("s3://b/x", MediaFacts("image", "image/png", extra={"exif": {"Model": "Finch"}}))], "B"
    )
    lake.metadata.merge_all(lake.items.list(folder="B"), {"loose": "1"})
    lake.schema.add_enum("weather", ["sun", "rain"])
    for frames in (False, True):
        names = {name.name: name for name in lake.search.names(frames=frames)}
        assert {"n", "weather", "width", "area", "exif.Model", "loose", "year", "in_folder"} <= set(names)
        assert ("frame.seconds" in names) is frames
        assert "v" not in names, "a vector has no plain values"
        count = lake.search.count_frames if frames else lake.search.count
        for name in names.values():
            if name.kind != "function":
                count(where=f"{name.name} IS NULL")
    assert names["weather"].options == ("sun", "rain")
    assert names["year"].arguments == ("datetime",)
