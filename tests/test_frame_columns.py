"""Columns of frames: they follow every change of frames and of their items, in what a user sees too, and are only a cache."""

import os
import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog.columns import kept
from heron.models import MediaFacts, NewFrame, NewItem
from heron.search.frame_columns import FrameColumnsEngine

pytest.importorskip("polars")
CARL = "carl@example.org"
FACTS = MediaFacts("video", "video/mp4", frame_count=100)


def clips(count, start=0):
    return [
        NewItem(
            f"s3://b/{n}.mp4",
            FACTS,
            metadata={"n": n},
            frames=[NewFrame(k, k / 2, k == 0, {"label": f"l{k}"}) for k in range(5)],
        )
        for n in range(start, start + count)
    ]


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MANY", 50)
    monkeypatch.setattr(kept, "PENDING", 50)
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.set_from_dict({"n": "number", "label": "varchar"})
        for folder in "AB":
            workspace.registration.register(clips(10, 10 * (folder == "B")), folder)
        yield workspace


def found(workspace, where, sort=None):
    """The number of frames by the columns, which SQLite has to confirm, in a page of them too."""
    plan = workspace._planner.plan(heron.Query(where=where, sort=sort), frames=True)
    by_columns, by_sqlite = workspace._engines.of(plan), workspace._engines._sqlite
    assert isinstance(by_columns, FrameColumnsEngine)
    assert workspace.search.explain(where=where, frames=True).engine == "columns"
    assert by_columns.ids(plan).tolist() == by_sqlite.ids(plan).tolist()
    assert [tuple(row) for row in by_columns.page(plan, 7)] == [tuple(row) for row in by_sqlite.page(plan, 7)]
    return workspace.search.count_frames(where=where)


def test_items_that_are_few_are_asked_of_sqlite_and_their_many_frames_of_columns(lake):
    assert found(lake, "frame.label = 'l3' AND n >= 5", sort="-frame.seconds") == 15
    assert found(lake, "frame.is_key OR n = 7", sort="-n,frame.number") == 24
    assert found(lake, "NOT (frame.is_key OR n = 7)", sort="folder") == 76
    status = lake.columns.status()
    assert (status.used, status.rows, status.frames, status.pending) == (True, 0, 100, 20)


def test_every_change_of_a_frame_or_its_item_is_seen_by_the_next_query(lake):
    assert found(lake, "frame.label = 'l3'") == 20
    first, second, *_ = lake.items.list()
    lake.frames.set_metadata(first, 3, {"label": "other"})
    lake.frames.set(second, [3, 50])
    lake.frames.delete(second, [4])
    assert (found(lake, "frame.label = 'l3'"), found(lake, "frame.label = 'other'")) == (19, 1)
    assert (found(lake, "frame.is_key"), found(lake, "frame.number >= 4")) == (22, 20)
    [frame] = lake.search.frames(where="frame.label = 'other'")
    lake.frames._keep_pictures([(frame, b"jpeg", {"brightness": 0.25})])
    assert found(lake, "metric.brightness < 0.5") == 1
    lake.items.delete([first])
    assert (found(lake, "frame.label = 'other'"), found(lake, "frame.number = 0")) == (0, 19)
    lake.folders.delete("B")  # frames vanish by foreign keys
    assert found(lake, "frame.number = 0") == 9
    lake.registration.register(clips(1, 70), "C")  # inner ids are used again
    assert found(lake, "frame.number = 0 AND n = 70") == 1
    lake.columns.rebuild()
    assert found(lake, "frame.number >= 0") == lake.columns.status().frames


def test_a_member_finds_the_frames_of_the_items_that_he_sees(lake):
    lake.users.add(CARL)
    lake.roles.grant("user", user=CARL, folder="A")
    lake.columns.rebuild()
    with heron.open(lake.root, user=CARL, discover=False) as carl:
        assert found(carl, "frame.label = 'l3' OR n = 15") == 10
        assert found(carl, "NOT (frame.label = 'l3' AND n = 5)") == 49
        lake.roles.grant("user", user=CARL, folder="B")
        assert found(carl, "frame.label = 'l3'") == 20


@pytest.mark.parametrize("harm", [os.remove, lambda file: os.truncate(file, 100)])
def test_a_damaged_segment_of_frames_costs_time_only(lake, harm):
    assert found(lake, "frame.number = 0") == 20
    folder = lake.root / ".heron" / "columns" / "frames"
    [segment] = folder.glob("*.arrow")
    harm(segment)
    with heron.open(lake.root, discover=False) as again:
        assert again.search.count_frames(where="frame.number = 0") == 20
        assert found(again, "frame.number = 0") == 20  # made anew
    assert segment not in list(folder.glob("*.arrow"))


def test_a_catalogue_without_columns_of_frames_gets_them_and_is_read_where_it_cannot(lake, tmp_path):
    assert found(lake, "frame.number = 0") == 20
    lake.close()
    with closing(sqlite3.connect(tmp_path / ".heron" / "catalog.db")) as plain:
        for name in ("frame_column_of_changed", "frame_column_of_removed"):
            plain.execute(f"DROP TRIGGER {name}")
        for name in ("state", "segments", "changes"):
            plain.execute(f"DROP TABLE frame_column_{name}")
        plain.execute("DELETE FROM _sqlite_migrations WHERE name IN ('frame_columns', 'columns_anew')")
        plain.commit()
    with heron.open(tmp_path, discover=False, read_only=True) as before:
        assert before.search.explain(where="frame.number = 0", frames=True).engine == "SQLite"
        assert (before.search.count_frames(where="frame.number = 0"), before.columns.status().frames) == (
            20,
            0,
        )
    with heron.open(tmp_path, discover=False) as again:
        assert found(again, "frame.number = 0") == 20
