"""Imports whose stores do not answer: units wait in the catalogue, are asked again at the end, and are resumed."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path

import pytest

import heron
from heron.ingest import runner
from heron.storage import retries, waiting
from heron.storage.waiting import Patience
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
