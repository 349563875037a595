"""Imports whose stores do not answer: units wait in the catalogue, are asked again at the end, and are resumed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.catalog.migrations import imagine
from heron.cli.exits import DONE, FAILURES, INCOMPLETE, STATUSES
from heron.cli.main import status
from heron.ingest import runner
from heron.storage import retries, waiting
from heron.storage.waiting import Patience, waited_for
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin
from tests.test_outages import Clock

GONE = heron.Unreachable("the store does not answer")
SIDECAR = b'{"city": "Oran"}'


def picture():
    with tempfile.TemporaryDirectory() as folder:
        return draw(Path(folder) / "one.png", size=(8, 8)).read_bytes()


PICTURE = picture()


def filled(count=20):
    lake = Lake(page=100)
    lake.urls = [lake.put(f"mem://b/{number:03}.png", PICTURE) for number in range(count)]
    return lake


@pytest.fixture
def lake():
    return filled()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in (runner, waiting):
        monkeypatch.setattr(module, "Patience", partial(Patience, clock=clock, pause=clock.pause))
    monkeypatch.setenv("HERON_CONCURRENCY", "1")
    return clock


@pytest.fixture
def hasty(monkeypatch):
    """Times in tenths of a second, for tests that really wait."""
    monkeypatch.setattr(runner, "OBJECT", 0.1)
    monkeypatch.setattr(retries, "FIRST", 0.01)
    monkeypatch.setattr(retries, "WITNESS", 0.05)
    monkeypatch.setenv("HERON_PATIENCE", "0.5")


@pytest.fixture
def plugins(lake, clock):
    return [LakePlugin(lake)]


def breaking(lake, *keys):
    """Let the store fail for some objects until `lake.broken_keys` is emptied."""
    lake.broken_keys = set(keys)
    ask = lake.ask

    def asked(what, *about):
        ask(what, *about)
        if what == "get" and about[0] in lake.broken_keys:
            raise heron.Unreachable(f"mem://b/{about[0]} cannot be reached: 500")

    lake.ask = asked


def content(workspace):
    """What the catalogue says of each item, without ids and times, by URL."""
    items = list(workspace.search.all())
    folders = sorted(folder.path for folder in workspace.folders.list())
    found = [
        (i.url, i.name, i.folder_path, i.kind, i.size, i.etag, sorted(i.metadata.items()),
         i.deleted_at is None, [m.url for m in workspace.items.members(i)])
        for i in items
    ]  # fmt: skip
    return folders, sorted(found, key=repr)


def keys_asked(lake):
    return [about[0] for what, *about in lake.asked if what == "get"]


@pytest.mark.parametrize("by", ["manifest", "prefix"])
def test_resuming_asks_for_just_the_units_that_wait(workspace, lake, tmp_path, by, capsys):
    breaking(lake, "007.png", "013.png")
    if by == "manifest":
        file = tmp_path / "m.json"
        file.write_text(json.dumps({"images": [{"objectUrl": url} for url in lake.urls]}))
        report = workspace.ingest.manifest(file, folder="A", ignore_errors=True)
    else:
        report = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
    job = report.job
    assert (job.state, job.added, job.failed, job.waiting, job.position) == ("incomplete", 18, 0, 2, 20)
    for _ in range(2):
        lake.asked.clear()
        report = workspace.ingest.resume(job)
        assert (report.job.state, report.waiting, report.added) == ("incomplete", 2, 18)
        assert set(keys_asked(lake)) <= {"007.png", "013.png"}
        assert not [what for what, *_ in lake.asked if what == "list"]
    lake.broken_keys.clear()
    lake.asked.clear()
    report = workspace.ingest.resume(job)
    assert (report.job.state, report.added, report.failed, report.waiting) == ("done", 20, 0, 0)
    assert keys_asked(lake) == ["007.png", "013.png"]
    assert workspace._database.value("SELECT count(*) FROM import_waiting") == 0


def test_a_cancelled_import_forgets_the_units_that_wait(workspace, lake):
    breaking(lake, "007.png")
    job = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True).job
    cancelled = workspace.imports.cancel(job)
    assert (cancelled.state, cancelled.waiting, cancelled.added) == ("cancelled", 0, 19)
    assert workspace._database.value("SELECT count(*) FROM import_waiting") == 0
    with pytest.raises(heron.InvalidInput, match="is cancelled"):
        workspace.ingest.resume(job)


def test_a_unit_that_fails_for_good_when_it_is_asked_again_is_a_failure(workspace, lake):
    breaking(lake, "007.png")
    job = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True).job
    del lake.buckets["b"]["007.png"]
    lake.broken_keys.clear()
    report = workspace.ingest.resume(job)
    assert (report.job.state, report.failed, report.waiting) == ("done", 1, 0)
    assert "is not there" in report.problems[0].reason


@pytest.mark.parametrize("seconds", [3, 6, 15, 60])
@pytest.mark.parametrize("strict", [False, True])
def test_an_outage_that_ends_changes_nothing(workspace, lake, clock, seconds, strict):
    ask, begin = lake.ask, clock.now

    def asked(what, *about):
        clock.now += 0.05
        ask(what, *about)
        if 0.3 <= clock.now - begin < 0.3 + seconds:
            raise GONE

    lake.ask = asked
    report = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=not strict)
    assert (report.job.state, report.added, report.failed, report.waiting) == ("done", 20, 0, 0)
    assert [item.url for item in workspace.items.list()] == lake.urls
    assert clock.now - begin >= seconds


def test_a_strict_import_whose_store_stays_away_adds_nothing_and_says_so(workspace, lake, clock, tmp_path):
    file = tmp_path / "m.json"
    file.write_text(json.dumps({"images": [{"objectUrl": url} for url in lake.urls]}))
    lake.faults["get"] = [None] * 5
    lake.broken["get"] = GONE
    begin = clock.now
    with pytest.raises(heron.ImportInterrupted, match="does not answer") as stopped:
        workspace.ingest.manifest(file, folder="A")
    assert stopped.value.hint == "nothing was added: heron imports resume 1 begins anew"
    assert 120 <= clock.now - begin < 150
    assert list(workspace.items.list()) == []
    assert workspace.imports.get("1").state == "interrupted"
    lake.broken.clear()
    assert workspace.ingest.resume("1").added == 20


def test_a_store_that_is_down_ends_the_job_in_bounded_time_and_another_store_lands(lake, clock, tmp_path):
    class Away(LakePlugin):
        def __init__(self):
            super().__init__()
            self.lake.broken["get"] = GONE
            self.record = heron.StorageBackend(
                name="away", summary="away", schemes=["away"],
                normalise=str, load=self.load,
            )  # fmt: skip

    file = tmp_path / "m.csv"
    mixed = [url for number, one in enumerate(lake.urls) for url in (one, f"away://b/{number}.png")]
    file.write_text("\n".join(["ObjectURL", *mixed]))
    away = Away()
    with heron.open(tmp_path / "two", plugins=[LakePlugin(lake), away], discover=False) as workspace:
        begin = clock.now
        report = workspace.ingest.manifest(file, folder="A", ignore_errors=True)
        assert (report.job.state, report.added, report.waiting) == ("incomplete", 20, 20)
        assert 120 <= clock.now - begin < 150
        assert len(away.lake.asked) < 80


def test_metadata_of_entries_is_merged_in_the_order_of_the_source(workspace, lake, tmp_path):
    entries = [
        {"objectUrl": lake.urls[0], "clientMetadata": {"n": 1, "first": True}},
        {"objectUrl": lake.urls[1]},
        {"objectUrl": lake.urls[0], "clientMetadata": {"n": 2}},
    ]
    file = tmp_path / "m.json"
    file.write_text(json.dumps({"images": entries}))
    breaking(lake, "000.png")
    report = workspace.ingest.manifest(file, folder="A", ignore_errors=True, upsert_metadata=True)
    assert (report.added, report.waiting) == (1, 2)
    lake.broken_keys.clear()
    assert workspace.ingest.resume(report.job).job.state == "done"
    found = {item.url: item.metadata for item in workspace.items.list()}
    assert found == {lake.urls[0]: {"n": 2, "first": True}, lake.urls[1]: {}}


def test_a_sidecar_waits_for_its_object(workspace, lake):
    lake.put(lake.urls[3] + ".metadata.json", SIDECAR)
    breaking(lake, "003.png")
    workspace.ingest.follow("Runs", "mem://b/")
    report = workspace.ingest.sync("Runs")
    assert (report.job.state, report.added, report.waiting, report.job.warnings) == ("incomplete", 19, 2, 0)
    lake.broken_keys.clear()
    report = workspace.ingest.resume(report.job)
    assert (report.job.state, report.added) == ("done", 20)
    [found] = [item for item in workspace.items.list() if item.url == lake.urls[3]]
    assert found.metadata == {"city": "Oran"}
    assert workspace.ingest.sync("Runs").job.updated == 0


def test_a_moved_bucket_takes_the_units_that_wait_along(workspace, lake):
    breaking(lake, "007.png")
    job = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True).job
    lake.buckets["c"] = lake.buckets.pop("b")
    lake.broken_keys.clear()
    workspace.storage.relocate("mem://b/", "mem://c/")
    assert workspace.ingest.resume(job).job.state == "done"
    assert {item.url.rpartition("/")[0] for item in workspace.items.list()} == {"mem://c"}


def test_a_dry_run_says_what_waits_and_keeps_nothing(workspace, lake):
    breaking(lake, "007.png")
    report = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True, dry_run=True)
    assert (report.added, report.waiting) == (19, 1)
    assert [p.severity for p in report.problems] == ["waiting"]
    assert workspace._database.value("SELECT count(*) FROM import_waiting") == 0


# Any pattern


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    faults=st.lists(st.integers(0, 12), max_size=25),
    broken=st.dictionaries(st.integers(0, 11), st.integers(1, 4), max_size=4),
    entries=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 3)), min_size=1, max_size=20),
    upsert=st.booleans(),
    way=st.sampled_from(["manifest", "prefix", "sync"]),
)
def test_after_any_outages_the_catalogue_is_the_same(faults, broken, entries, upsert, way):
    """`faults` are failures in a row, with an answer in between; `broken` are jobs in which objects always fail."""

    def run(folder, *, undisturbed):
        lake, clock = filled(12), Clock()
        for number in (2, 5):
            lake.put(lake.urls[number] + ".metadata.json", SIDECAR)
        rest = dict(broken)
        if not undisturbed:
            for count in faults:
                lake.faults["get"] += [*[GONE] * count, None]
            breaking(lake, *(f"{number:03}.png" for number in broken))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                runner, "Patience", partial(Patience, clock=clock, pause=clock.pause, silence=600.0)
            )
            patch.setenv("HERON_CONCURRENCY", "1")
            with heron.open(folder / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
                report = begin(workspace, lake, folder)
                for _ in range(6):
                    assert report.failed == 0
                    if report.job.state == "done":
                        break
                    rest = {number: left - 1 for number, left in rest.items() if left > 1}
                    lake.broken_keys = {f"{number:03}.png" for number in rest}
                    report = workspace.ingest.resume(report.job)
                assert (report.job.state, report.waiting) == ("done", 0)
                return content(workspace)

    def begin(workspace, lake, folder):
        if way == "prefix":
            return workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
        if way == "sync":
            workspace.ingest.follow("A", "mem://b/")
            return workspace.ingest.sync("A")
        file = folder / "m.json"
        listed = [
            {"objectUrl": lake.urls[number], "clientMetadata": {"n": value, f"k{value}": place}}
            for place, (number, value) in enumerate(entries)
        ]
        file.write_text(json.dumps({"images": listed}))
        return workspace.ingest.manifest(
            file, folder="A", ignore_errors=True, upsert_metadata=upsert, skip_duplicates=True
        )

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        assert run(Path(one), undisturbed=False) == run(Path(two), undisturbed=True)


# Stops


@pytest.mark.slow
def test_kill_9_in_the_second_round_and_resuming_lands_the_rest_once(tmp_path):
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent.parent)]!r}
import heron
from heron.ingest import runner
from heron.storage import retries, waiting
from tests.test_incomplete_imports import breaking, filled
from tests.memory_storage import LakePlugin
waiting.PAUSES, runner.OBJECT, retries.FIRST, retries.WITNESS = (0.0, 300.0), 0.1, 0.01, 0.05
lake = filled()
breaking(lake, "007.png", "013.png")
with heron.open({str(tmp_path / "lake")!r}, plugins=[LakePlugin(lake)], discover=False) as workspace:
    workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    catalogue = tmp_path / "lake" / ".heron" / "catalog.db"

    def state():
        try:
            with closing(sqlite3.connect(catalogue)) as plain:
                return plain.execute(
                    "SELECT is_read, (SELECT count(*) FROM import_waiting WHERE reason LIKE '%500%') FROM imports"
                ).fetchone()
        except sqlite3.Error:
            return None

    end = time.monotonic() + 60
    while state() != (1, 2) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    lake = filled()
    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        job = workspace.imports.get("1")
        assert (job.state, job.added, job.waiting, job.is_read) == ("interrupted", 18, 2, True)
        report = workspace.ingest.resume(job)
        assert (report.job.state, report.added) == ("done", 20)
        assert sorted(keys_asked(lake)) == ["007.png", "013.png"]
        killed = content(workspace)
    with heron.open(tmp_path / "other", plugins=[LakePlugin(filled())], discover=False) as workspace:
        workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
        assert content(workspace) == killed


@pytest.mark.slow
@pytest.mark.parametrize("what", ["objects", "list", "second round"])
def test_ctrl_c_ends_a_wait_at_once(tmp_path, monkeypatch, request, what):
    lake = filled()
    if what == "second round":
        request.getfixturevalue("hasty")
        monkeypatch.setattr(waiting, "PAUSES", (0.0, 300.0))
        breaking(lake, "007.png")
    else:
        lake.broken["list" if what == "list" else "get"] = GONE
    pressed = []
    told = (
        "1 unit without an answer, asked again in "
        if what == "second round"
        else "the mem store does not answer"
    )

    def press():
        end = time.monotonic() + 20
        while not (waited_for() or "").startswith(told) and time.monotonic() < end:
            time.sleep(0.05)
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        threading.Thread(target=press).start()
        with pytest.raises(KeyboardInterrupt) as stop:
            workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
        assert time.monotonic() - pressed[0] < 1
        assert stop.value.__notes__ == ["heron imports resume 1 goes on from there"]
        assert workspace.imports.get("1").state == "interrupted"


# Older catalogues


def test_an_interrupted_import_of_an_older_catalogue_is_resumed(tmp_path, clock):
    lake = filled()
    lake.faults["list"] = [None]
    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        lake.page = 5
        lake.broken["list"] = heron.BadCredentials("expired")
        with pytest.raises(heron.BadCredentials):
            workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
    with closing(sqlite3.connect(tmp_path / "lake" / ".heron" / "catalog.db")) as plain:
        plain.execute("DROP TABLE import_waiting")
        plain.execute("ALTER TABLE imports DROP COLUMN is_read")
        plain.execute("DELETE FROM _sqlite_migrations WHERE name = 'waiting_units'")
        plain.commit()
    lake.broken.clear()
    shutil.copytree(tmp_path / "lake", tmp_path / "copy")
    catalogue = tmp_path / "copy" / ".heron" / "catalog.db"
    catalogue.chmod(0o444)
    with closing(sqlite3.connect(f"{catalogue.as_uri()}?mode=ro", uri=True)) as plain:
        imagine(plain, {"waiting_units"})
        assert plain.execute("SELECT state, is_read FROM imports").fetchall() == [("interrupted", 0)]
        assert plain.execute("SELECT * FROM import_waiting").fetchall() == []
    with heron.open(tmp_path / "lake", plugins=[LakePlugin(lake)], discover=False) as workspace:
        job = workspace.imports.get("1")
        assert (job.state, job.waiting, job.is_read) == ("interrupted", 0, False)
        assert workspace.ingest.resume(job).added == 20


# The command line


def test_the_exit_status_says_whether_all_landed_and_whether_resuming_helps(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in" / "a.png")
    status(["init"])
    assert status(["import", "in", "--folder", "A"]) == DONE == 0
    (tmp_path / "in" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert status(["import", "in", "--folder", "B", "--ignore-errors"]) == FAILURES == 3
    assert status(["import", "in", "--folder", "C"]) == 1
    assert status(["import"]) == 2
    assert sorted(STATUSES) == [0, 1, 2, 3, 4]


def test_an_incomplete_import_is_shown_as_such_everywhere(tmp_path, capsys, monkeypatch, hasty):
    from heron import builtin

    lake = filled()
    breaking(lake, "007.png")
    monkeypatch.setattr(waiting, "PAUSES", (0.0,))
    root = tmp_path / "lake"
    heron.open(root, discover=False).close()
    plugin = LakePlugin(lake)
    made = builtin.plugin_manager
    monkeypatch.setattr(builtin, "plugin_manager", lambda **_: made(discover=False, plugins=[plugin]))

    def run(*arguments, exit_status=0):
        assert status(["-w", str(root), *arguments]) == exit_status, capsys.readouterr()
        return capsys.readouterr().out

    said = run("import", "mem://b/", "--folder", "A", "--ignore-errors", exit_status=INCOMPLETE)
    assert said.splitlines()[0] == "Imported into A: 19 new, 1 waiting."
    assert "  waiting: mem://b/007.png cannot be reached: 500" in said
    assert "Not complete, since a store did not answer: heron imports resume 1 asks for the rest" in said
    [job] = json.loads(run("imports", "--json"))["items"]
    assert (job["state"], job["waiting"]) == ("incomplete", 1)
    assert "incomplete" in run("imports")
    assert "waiting" in run("imports", "show", "1")
    [problem] = json.loads(run("imports", "report", "1", "--json"))["items"]
    assert (problem["severity"], problem["url"]) == ("waiting", "mem://b/007.png")
    run("imports", "report", "1", "-o", str(tmp_path / "p.csv"))
    with (tmp_path / "p.csv").open(newline="") as stream:
        assert [row["severity"] for row in csv.DictReader(stream)] == ["waiting"]
    assert "Import 1 is incomplete" in run("imports", "resume", "1", exit_status=INCOMPLETE)
    lake.broken_keys.clear()
    assert run("imports", "resume", "1") == "Import 1 is done: 20 new.\n"
