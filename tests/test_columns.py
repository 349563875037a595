"""Columns: written as items land, never the truth, and made anew when they cannot be read."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest

import heron
from heron.catalog import turns
from heron.catalog.columns import kept
from heron.catalog.database import Database
from heron.models import MediaFacts, NewItem

pytest.importorskip("polars")
COUNT = 300


def new_items(count, start=0):
    return [
        NewItem(
            f"s3://b/{number}.jpg",
            MediaFacts("image", "image/jpeg", width=number % 7, extra={"exif": {"ISO": number % 5}}),
            metadata={
                "n": number,
                "city": f"c{number % 10}",
                "when": "2026-01-31T12:00:00Z",
                "more": {"x": 1},
            },
        )
        for number in range(start, start + count)
    ]


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MANY", 50)
    monkeypatch.setattr(kept, "PENDING", 50)
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add_scalar("n", "number")
        workspace.schema.add_scalar("city", "varchar")
        workspace.registration.register(new_items(COUNT), "A")
        yield workspace


def found(workspace, where):
    """The number of items by the columns, which SQLite has to confirm."""
    explained = workspace.search.explain(where=where)
    assert explained.engine == "columns"
    plan = workspace._planner.plan(heron.Query(where=where))
    assert workspace._engines.of(plan).ids(plan).tolist() == workspace._engines._sqlite.ids(plan).tolist()
    return workspace.search.count(where=where)


def files(workspace):
    return sorted(
        path for path in (workspace.root / ".heron" / "columns").iterdir() if path.suffix == ".arrow"
    )


def test_columns_are_written_once_there_are_many_items_and_answer(lake):
    assert found(lake, "n >= 100 AND city = 'c7'") == 20
    status = lake.columns.status()
    assert (status.used, status.rows, status.pending, status.reason) == (True, COUNT, 0, "")
    assert [path.stat().st_size for path in files(lake)] == [status.bytes]


def test_the_status_says_which_programs_use_columns(lake, monkeypatch):
    assert lake.columns.rebuild().reason == ""
    monkeypatch.setattr(kept, "MANY", COUNT + 1)
    monkeypatch.setattr(kept, "SOME", COUNT)
    status = lake.columns.rebuild()
    assert (status.used, "only a program that asks many queries" in status.reason) == (True, True)
    assert lake.search.explain(where="n < 10").engine == "SQLite"
    monkeypatch.setattr(kept, "SOME", COUNT + 1)
    status = lake.columns.rebuild()
    assert (status.used, status.rows, "no program uses them" in status.reason) == (False, COUNT, True)
    monkeypatch.setattr(kept, "MANY", COUNT)
    monkeypatch.setattr(kept, "_has_polars", lambda: False)
    status = lake.columns.status()
    assert (status.used, "Polars is not installed" in status.reason) == (False, True)


def test_what_changes_is_seen_by_the_next_query(lake):
    assert found(lake, "n = 5") == 1
    [item] = lake.search(where="n = 5")
    lake.metadata.merge_all([item], {"n": 1000})
    assert (found(lake, "n = 5"), found(lake, "n = 1000"), lake.columns.status().pending) == (0, 1, 1)
    lake.items.delete([item])
    assert (found(lake, "n = 1000"), found(lake, "n >= 0")) == (0, COUNT - 1)
    lake.registration.register(new_items(1, 2000), "B")
    assert found(lake, "n = 2000 AND in_folder('B')") == 1
    lake.folders.delete("A")  # items vanish by a foreign key
    assert found(lake, "n >= 0") == 1


def test_what_changes_much_is_written_as_another_segment_and_small_ones_are_merged(lake):
    assert found(lake, "n >= 0") == COUNT
    for start in range(1000, 1600, 60):
        lake.registration.register(new_items(60, start), "A")
        assert found(lake, "n >= 1000") == start - 1000 + 60
    status = lake.columns.status()
    assert 1 <= status.segments <= 4 and len(files(lake)) == status.segments
    lake.metadata.merge_all(lake.items.list(), {"city": "Oslo"})
    assert found(lake, "city = 'Oslo'") == COUNT + 600
    assert found(lake, "city LIKE 'c%'") == 0


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def of_another(path):
    import polars as pl

    size = path.stat().st_size
    pl.DataFrame({"a": [1]}).write_ipc(path)
    path.write_bytes(path.read_bytes().ljust(size, b"\0"))


def a_link(path):
    path.rename(path.parent / "elsewhere")
    path.symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize("damage", [os.remove, cut, of_another, a_link])
def test_a_damaged_segment_costs_time_only(lake, damage):
    assert found(lake, "n < 10") == 10
    damage(files(lake)[0])
    with heron.open(lake.root, discover=False) as again:
        assert again.search.count(where="n < 10") == 10
        assert found(again, "n < 10") == 10  # made anew
        assert again.columns.status().pending == 0


def test_a_catalogue_put_back_from_a_backup_under_newer_columns(lake, tmp_path):
    assert found(lake, "n < 10") == 10
    lake._database.settle()
    shutil.copy(tmp_path / ".heron" / "catalog.db", tmp_path / "backup.db")
    lake.registration.register(new_items(100, 5000), "A")
    assert found(lake, "n >= 5000") == 100
    lake.columns.rebuild()
    lake.close()
    for name in ("catalog.db-wal", "catalog.db-shm"):
        (tmp_path / ".heron" / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / ".heron" / "catalog.db")
    with heron.open(tmp_path, discover=False) as again:
        assert again.search.count(where="n >= 0") == COUNT
        assert found(again, "n >= 5000") == 0 and found(again, "n < 10") == 10


def test_where_nothing_can_be_written_sqlite_answers(lake, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_segment", full)
    lake.columns._items._forget()
    assert lake.search.count(where="n < 10") == 10
    assert not files(lake) and lake.columns.status().pending == COUNT


def test_two_processes_read_while_one_writes(lake, tmp_path):
    assert found(lake, "n >= 0") == COUNT
    code = (
        "import heron, sys, time; from heron.catalog.columns import kept; kept.MANY = kept.PENDING = 50\n"
        "with heron.open(sys.argv[1], discover=False) as ws:\n"
        "    seen, last = 0, int(sys.argv[2])\n"
        "    while seen < last:\n"
        "        count, rows = ws.search.count(where='n >= 0'), ws.search.count(where='n < 300')\n"
        "        assert count >= seen and rows == 300, (count, seen, rows)\n"
        "        seen or print('ready', flush=True)\n"
        "        seen = count\n"
        "    print(seen)\n"
    )
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(COUNT + 1000)], stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    assert [reader.stdout.readline() for reader in readers] == [b"ready\n"] * 2
    for start in range(1000, 2000, 40):
        lake.registration.register(new_items(40, start), "A")
        lake.columns.refresh()
    for reader in readers:
        out, _ = reader.communicate(timeout=120)
        assert reader.returncode == 0 and int(out) == COUNT + 1000


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_columns_that_answer_rightly(lake, tmp_path):
    code = (
        "import heron, sys; from heron.catalog.columns import kept; kept.MANY = kept.PENDING = 50\n"
        "from tests.test_columns import new_items\n"
        "with heron.open(sys.argv[1], discover=False) as ws:\n"
        "    print('ready', flush=True)\n"
        "    for start in range(10_000, 10**6, 60):\n"
        "        ws.registration.register(new_items(60, start), 'A'); ws.columns.refresh()\n"
    )
    for wait in (0.02, 0.1, 0.2, 0.3, 0.45):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert found(lake, "n >= 0") == lake._database.value("SELECT count(*) FROM items")
    lake.columns.rebuild()
    assert len(files(lake)) == lake.columns.status().segments


def test_keys_beyond_the_largest_number_of_columns_are_answered_by_sqlite(lake, monkeypatch):
    monkeypatch.setattr("heron.columns.building.MAX_COLUMNS", 30)
    many = [
        NewItem(
            f"s3://b/m{n}.jpg",
            MediaFacts("image", "image/jpeg"),
            metadata={f"k{n}-{i}": "x" for i in range(20)},
        )
        for n in range(10)
    ]
    lake.registration.register(many, "A")
    lake.columns.rebuild()
    assert lake.search.count(where="\"k3-4\" = 'x'") == 1
    assert lake.search.count(where="n < 10") == 10


def test_status_and_rebuild_of_the_command_line(lake, capsys):
    from heron.cli.main import status

    assert status(["-w", str(lake.root), "columns", "rebuild", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == COUNT
    assert status(["-w", str(lake.root), "search", "--where", "n < 10", "--explain"]) == 0
    assert "columns" in capsys.readouterr().out


def test_values_that_do_not_have_the_form_of_their_key_count_as_missing_here_too(lake):
    lake.registration.register(
        [
            NewItem(f"s3://b/x{n}", MediaFacts("image", "x/y"), metadata={"late": value})
            for n, value in enumerate(["1", "x", 3])
        ],
        "B",
    )
    lake.columns.rebuild()
    lake.schema.add_scalar("late", "number")
    for where in ("late > 0", "late IS NULL AND in_folder('B')", "NOT late > 2", "late = 3"):
        plan = lake._planner.plan(heron.Query(where=where))
        assert lake._engines.of(plan).ids(plan).tolist() == lake._engines._sqlite.ids(plan).tolist()
    assert lake.search.count(where="late IS NULL AND in_folder('B')") == 2
    assert lake.search.count(where="late > 0") == 1


def test_a_query_does_not_wait_for_another_writer_to_write_columns(lake, monkeypatch):
    monkeypatch.setenv("HERON_BUSY_SECONDS", "90")
    with (
        heron.open(lake.root, discover=False) as patient,
        heron.open(lake.root, discover=False) as other,
        other._database.write(),
    ):
        begin = time.monotonic()
        assert patient.search.count(where="n < 10") == 10
        assert time.monotonic() - begin < 60, "the lock is waited for 90 s otherwise"


def test_a_missing_segment_while_another_process_writes_is_no_error(lake):
    assert found(lake, "n < 10") == 10
    files(lake)[0].unlink()
    lake.columns._items._segments, lake.columns._items._version = (), None
    with heron.open(lake.root, discover=False) as other, other._database.write():
        assert lake.search.count(where="n < 10") == 10


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), lambda file: os.truncate(file, 100)])
def test_a_column_that_is_first_used_when_its_file_is_no_longer_there_is_made_anew(lake, harm):
    assert found(lake, "n < 10") == 10
    assert lake.columns._items._segments[0]._table.columns == ["id", '["metadata","whole","n"]'], (
        "others are not read"
    )
    [before] = files(lake)
    harm(before)
    assert lake.search.count(where="city = 'c7'") == COUNT // 10
    assert found(lake, "city = 'c7'") == COUNT // 10
    assert lake.columns.status().used
    assert before not in files(lake)


def test_an_item_that_changes_often_is_one_change(lake):
    assert found(lake, "n < 10") == 10
    [item] = lake.search(where="n = 5")
    for number in range(200):
        lake.metadata.merge_all([item], {"n": 1000 + number})
    assert lake._database.value("SELECT count(*) FROM column_changes") == 1
    assert found(lake, "n = 1199") == 1


def test_columns_are_written_while_items_land(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MANY", 20)
    monkeypatch.setattr(kept, "_SEGMENT", 10)
    rows = []
    with heron.open(tmp_path, discover=False) as workspace:
        landed = workspace.registration._landed
        monkeypatch.setattr(
            workspace.registration,
            "_landed",
            lambda: (landed(), rows.append(workspace.columns.status().rows)),
        )
        items = [NewItem(f"u:{number}", MediaFacts("image", "x/y", width=number)) for number in range(45)]
        workspace.registration.register(items, "F", batch=10)
        assert rows == [0, 20, 30, 40, 40]
        assert workspace.columns.status().pending == 5
        assert workspace.search.count(where="width >= 40") == 5


def test_a_process_that_asks_often_gets_columns_for_fewer_items(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "SOME", 40)
    monkeypatch.setattr("heron.search.service.BUNDLE", 2)
    items = [NewItem(f"u:{number}", MediaFacts("image", "x/y", width=number)) for number in range(45)]
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.registration.register(items, "F")
        assert len(list(workspace.search.all(where="width >= 0"))) == 45
        assert workspace.search.explain(where="width >= 40").engine == "SQLite"
        for width in range(kept.OFTEN):
            workspace.search.count(where=f"width >= {width}")
        assert workspace.search.explain(where="width >= 40").engine == "columns"
        assert workspace.search.count(where="width >= 40") == 5
    with heron.open(tmp_path, discover=False) as workspace:
        assert workspace.search.explain(where="width >= 40").engine == "SQLite", (
            "Polars is not imported for one query"
        )


def test_a_server_asks_often_from_its_first_query_in_each_of_its_workspaces(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "SOME", 40)
    items = [NewItem(f"u:{number}", MediaFacts("image", "x/y", width=number)) for number in range(45)]
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.registration.register(items, "F")
        workspace.asks_often = True
        with workspace.open_as(None) as other:
            for each in (workspace, other):
                assert each.search.explain(where="width >= 40").engine == "columns"
                assert each.search.count(where="width >= 40") == 5


def test_a_query_waits_for_no_writer_though_it_would_write_columns(lake, monkeypatch):
    told, path = [], lake._database.path.parent
    lake._database.waiting.tell = told.append
    monkeypatch.setattr(lake.registration, "_landed", lambda: None)
    lake.registration.register(new_items(200), "B")
    assert lake.columns.status().pending > 50
    monkeypatch.setattr(turns, "_MOMENT", 0.01)
    with closing(Database(path)) as other, other.write():
        other.working("import 1, 1 of 2 files")
        assert lake.search.count(where="n < 9") == 18
    assert told == []
