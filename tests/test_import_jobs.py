"""Imports as jobs: an outage interrupts them, they are resumed without loss or duplicates, cancelled, and listed."""

from __future__ import annotations

import json
import os
import signal

import pytest

import heron
from heron.catalog.imports import ImportService
from heron.cli.main import status
from heron.ingest import pipeline
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin
from tests.test_access import state

OUTAGES = [
    heron.Unreachable("the store does not answer"),
    heron.Throttled("the store asks for fewer requests"),
    heron.BadCredentials("the session token has expired"),
]


@pytest.fixture
def lake(tmp_path):
    found = Lake(page=100)
    content = draw(tmp_path / "one.png", size=(8, 8)).read_bytes()
    found.urls = [found.put(f"mem://b/{number:04}.png", content) for number in range(300)]
    return found


@pytest.fixture
def plugins(lake, monkeypatch):
    monkeypatch.setenv("HERON_RETRIES", "0")
    monkeypatch.setenv("HERON_CONCURRENCY", "1")
    return [LakePlugin(lake)]


@pytest.fixture
def manifest(lake, tmp_path):
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"images": [{"objectUrl": url} for url in lake.urls]}))
    return file


def urls(workspace):
    return [item.url for item in workspace.items.list()]


def failures(workspace, job="1"):
    return [p for p in workspace.imports.problems(job) if p.severity == "failure"]


def but_for_jobs(workspace):
    """What the catalogue says, but for its jobs and their lines in the log."""
    tables = ("imports", "import_problems", "sqlite_sequence", "log")
    jobs = tuple(f'INSERT INTO "{table}"' for table in tables)
    return [line for line in state(workspace).splitlines() if not line.startswith(jobs)]


def stop_after(count):
    """Progress that stops the import as Ctrl-C does."""

    def stop(progress):
        if progress.done >= count:
            raise KeyboardInterrupt

    return stop


def interrupted(workspace, manifest, **options):
    """Import up to somewhere in the middle."""
    pipeline_most = pipeline.MOST
    pipeline.MOST = 20
    try:
        with pytest.raises(KeyboardInterrupt):
            workspace.ingest.manifest(
                manifest, folder="A", progress=stop_after(100), **{"ignore_errors": True} | options
            )
    finally:
        pipeline.MOST = pipeline_most
    return workspace.imports.get("1")


# Outages


@pytest.mark.slow
@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: type(outage).__name__)
def test_after_an_outage_an_import_is_incomplete_and_resuming_lands_the_rest(
    workspace, lake, manifest, outage
):
    lake.faults["get"] = [None] * 120
    lake.broken["get"] = outage
    report = workspace.ingest.manifest(manifest, folder="A", ignore_errors=True)
    job = report.job
    assert (job.state, job.position, job.added, job.waiting, job.failed, job.warnings) == (
        "incomplete", 300, 120, 180, 0, 0,
    )  # fmt: skip
    assert (report.waiting, {p.severity for p in report.problems}) == (180, {"waiting"})
    assert str(outage) in report.problems[0].reason
    waiting = list(workspace.imports.problems("1"))
    assert [p.url for p in waiting] == lake.urls[120:]
    assert [p.place for p in waiting] == [f"$.images[{number}]" for number in range(120, 300)]
    assert urls(workspace) == lake.urls[:120]
    job = workspace.ingest.resume("1").job
    assert (job.state, job.position, job.waiting) == ("incomplete", 300, 180)
    lake.broken.clear()
    lake.asked.clear()
    report = workspace.ingest.resume("1")
    assert (report.job.state, report.job.position, report.added, report.failed) == ("done", 300, 300, 0)
    assert (report.waiting, report.problems) == (0, ())
    assert urls(workspace) == lake.urls
    assert len(lake.asked) == 180, "what had landed was not asked for again"
    with pytest.raises(heron.InvalidInput, match="import 1 is done"):
        workspace.ingest.resume("1")


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: type(outage).__name__)
def test_what_fails_in_short_outages_is_asked_again_at_the_end(workspace, lake, manifest, outage):
    lake.faults["get"] = [None] * 10 + [outage] * 49 + [None] * 10 + [outage] * 49
    report = workspace.ingest.manifest(manifest, folder="A", ignore_errors=True)
    assert (report.job.state, report.added, report.failed, report.job.position) == ("done", 300, 0, 300)
    assert urls(workspace) == [
        *lake.urls[:10], *lake.urls[59:69], *lake.urls[118:], *lake.urls[10:59], *lake.urls[69:118]
    ]  # fmt: skip
    assert failures(workspace) == []


def test_one_that_is_missing_fails_for_good_among_those_that_wait(workspace, lake, manifest):
    gone = [*range(10, 300, 50)]
    for number in gone:
        del lake.buckets["b"][f"{number:04}.png"]
    no_answer = heron.Unreachable("no")
    lake.faults["get"] = [no_answer if n not in gone else None for n in range(300)]
    lake.broken["get"] = no_answer
    report = workspace.ingest.manifest(manifest, folder="A", ignore_errors=True)
    assert (report.job.state, report.added, report.failed, report.waiting) == ("incomplete", 0, 6, 294)
    lake.broken.clear()
    report = workspace.ingest.resume("1")
    assert (report.job.state, report.added, report.failed, report.waiting) == ("done", 294, 6, 0)
    assert [p.place for p in failures(workspace)] == [f"$.images[{number}]" for number in gone]


def test_an_outage_of_one_storage_does_not_stop_another(lake, tmp_path, monkeypatch):
    class Locked(LakePlugin):
        def __init__(self):
            super().__init__()
            self.record = heron.StorageBackend(
                name="locked", summary="locked", schemes=["locked"], normalise=str, load=self.load
            )
            self.lake.broken["load"] = heron.BadCredentials("there are no credentials")

    monkeypatch.setenv("HERON_RETRIES", "0")
    file = tmp_path / "both.csv"
    mixed = [
        url if number % 6 == 0 else f"locked://b/{number}.png" for number, url in enumerate(lake.urls[:270])
    ]
    file.write_text("\n".join(["ObjectURL", *mixed]))
    plugins = [LakePlugin(lake), Locked()]
    with heron.open(tmp_path / "lake", plugins=plugins, discover=False) as workspace:
        report = workspace.ingest.manifest(file, folder="A", ignore_errors=True)
        assert (report.job.state, report.added, report.failed) == ("incomplete", 45, 0)
        assert urls(workspace) == lake.urls[:270:6]
        assert report.waiting == 225
        problems = list(workspace.imports.problems("1"))
        assert [p.url for p in problems] == [url for url in mixed if url.startswith("locked")]
        assert {p.reason for p in problems} == {"there are no credentials"}
        assert (problems[0].place, problems[-1].place) == ("line 3", "line 271")


@pytest.mark.slow
def test_a_list_that_breaks_off_interrupts_and_resuming_adds_the_rest(workspace, lake):
    lake.faults["list"] = [None, None]
    lake.broken["list"] = heron.Unreachable("the store does not answer")
    with pytest.raises(heron.Unreachable, match="the store does not answer"):
        workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
    job = workspace.imports.get("1")
    assert (job.state, job.failed, job.warnings) == ("interrupted", 0, 1)
    lake.broken.clear()
    assert workspace.ingest.resume("1").job.state == "done"
    assert urls(workspace) == lake.urls


@pytest.mark.slow
@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: type(outage).__name__)
def test_without_ignore_errors_an_outage_leaves_the_catalogue_as_it_was(workspace, lake, manifest, outage):
    workspace.ingest.manifest(manifest, folder="Before")
    before = but_for_jobs(workspace)
    lake.faults["get"] = [None] * 120
    lake.broken["get"] = outage
    with pytest.raises(heron.ImportInterrupted) as stopped:
        workspace.ingest.manifest(manifest, folder="New/Deep")
    assert stopped.value.message == str(outage)
    assert "heron imports resume 2" in stopped.value.hint
    assert but_for_jobs(workspace) == before
    job = workspace.imports.get("2")
    assert (job.state, job.position, job.added, job.failed) == ("interrupted", 0, 0, 0)
    assert failures(workspace, "2") == []
    lake.broken.clear()
    report = workspace.ingest.resume("2")
    assert (report.job.state, report.added, report.failed, report.problems) == ("done", 300, 0, ())
    assert urls(workspace) == lake.urls * 2


# Resuming


@pytest.mark.slow
def test_resuming_goes_on_behind_what_has_landed(workspace, lake, manifest):
    job = interrupted(workspace, manifest)
    assert job.state == "interrupted"
    assert 100 <= job.position == job.added == len(urls(workspace)) < 300
    lake.asked.clear()
    report = workspace.ingest.resume("1")
    assert (report.job.id, report.job.state, report.added, report.job.position) == (1, "done", 300, 300)
    assert urls(workspace) == lake.urls
    assert len(lake.asked) == 300 - job.position, "what had landed was not asked for again"
    assert len(workspace.imports.list()) == 1


def test_a_strict_import_begins_anew(workspace, lake, manifest):
    job = interrupted(workspace, manifest, ignore_errors=False)
    assert (job.state, job.position, urls(workspace)) == ("interrupted", 0, [])
    lake.asked.clear()
    report = workspace.ingest.resume("1")
    assert (report.job.state, report.added, report.job.position) == ("done", 300, 300)
    assert (len(set(lake.asked)), urls(workspace)) == (
        300,
        lake.urls,
    )  # one may be asked for again: is the store there?


@pytest.mark.parametrize("ignore_errors", [True, False])
def test_an_import_that_ended_before_its_job_was_closed_is_not_run_twice(
    workspace, lake, manifest, monkeypatch, ignore_errors
):
    with monkeypatch.context() as patch:
        patch.setattr(ImportService, "_finish", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            workspace.ingest.manifest(manifest, folder="A", ignore_errors=ignore_errors)
    assert urls(workspace) == lake.urls
    workspace._database.execute("UPDATE imports SET process = ''")
    workspace._database.execute("UPDATE imports SET state = 'interrupted'")
    lake.asked.clear()
    report = workspace.ingest.resume("1")
    assert (report.job.state, report.added, report.job.position) == ("done", 300, 300)
    assert (urls(workspace), lake.asked) == (lake.urls, [])


def test_a_manifest_that_was_changed_is_not_resumed(workspace, lake, manifest):
    job = interrupted(workspace, manifest)
    manifest.write_text(json.dumps({"images": [{"objectUrl": lake.urls[0]}]}))
    with pytest.raises(heron.InvalidInput, match="was changed since import 1 began") as refused:
        workspace.ingest.resume("1")
    assert refused.value.hint == "import it again with --skip-duplicates"
    manifest.unlink()
    with pytest.raises(heron.NotFound, match="cannot be read"):
        workspace.ingest.resume("1")
    assert workspace.imports.get("1") == job


@pytest.mark.parametrize(
    "options", [{}, {"ignore_errors": True, "content_hash": False, "skip_identical": False}]
)
def test_a_job_of_an_older_catalogue_says_that_it_cannot_be_resumed(workspace, options):
    job = workspace.imports._start("/photos", None, options)
    workspace.imports._finish(job, "interrupted")
    before = state(workspace)
    with pytest.raises(heron.InvalidInput, match="import 1 was made by another version of Heron") as refused:
        workspace.ingest.resume("1")
    assert refused.value.hint == "import again, existing items are skipped"
    assert state(workspace) == before
    assert workspace.imports.list()[0].state == "interrupted"


@pytest.mark.parametrize("process", [str(os.getppid()) + "@1", "999999999", "999999999@5"])
def test_a_job_whose_process_has_gone_is_interrupted_though_its_number_was_given_out_again(
    workspace, lake, manifest, process
):
    interrupted(workspace, manifest)
    workspace._database.execute("UPDATE imports SET state = 'running', process = ?", [process])
    assert workspace.imports.get("1").state == "interrupted"
    assert workspace.ingest.resume("1").job.state == "done"
    assert urls(workspace) == lake.urls


def test_a_job_of_a_process_that_runs_is_running(workspace, manifest):
    seen = []
    workspace.ingest.manifest(
        manifest, folder="A", progress=lambda _: seen.append(workspace.imports.get("1"))
    )
    assert {job.state for job in seen} == {"running"}
    workspace._database.execute("UPDATE imports SET state = 'running', process = ?", [str(os.getppid())])
    assert workspace.imports.get("1").state == "running", "as a version without the time of begin kept it"
    with pytest.raises(heron.InvalidInput, match="import 1 is running, only one that was interrupted"):
        workspace.ingest.resume("1")


# Cancelling


def test_cancelling_one_that_was_interrupted_keeps_what_has_landed(workspace, manifest):
    landed = interrupted(workspace, manifest).position
    assert workspace.imports.cancel("1").state == "cancelled"
    assert len(urls(workspace)) == landed
    with pytest.raises(heron.InvalidInput, match="import 1 is cancelled, only one that was interrupted"):
        workspace.ingest.resume("1")
    with pytest.raises(heron.InvalidInput, match="import 1 is cancelled already"):
        workspace.imports.cancel("1")


def test_one_that_is_done_cannot_be_cancelled_or_resumed(workspace, manifest):
    workspace.ingest.manifest(manifest, folder="A")
    before = state(workspace)
    with pytest.raises(heron.InvalidInput, match="import 1 is done already"):
        workspace.imports.cancel("1")
    with pytest.raises(heron.InvalidInput, match="import 1 is done, only one that was interrupted or failed"):
        workspace.ingest.resume("1")
    assert state(workspace) == before


@pytest.mark.parametrize("ignore_errors", [True, False])
def test_what_is_cancelled_stays_cancelled_whatever_ends_it(workspace, manifest, ignore_errors):
    def cancel_and_stop(progress):
        workspace.imports.cancel("1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.ingest.manifest(manifest, folder="A", ignore_errors=ignore_errors, progress=cancel_and_stop)
    assert workspace.imports.get("1").state == "cancelled"


# The command line


def test_jobs_are_listed_and_shown_as_tables_and_json(workspace, manifest, tmp_path, capsys):
    interrupted(workspace, manifest)
    workspace.ingest.manifest(manifest, folder="B")
    root = ["-w", str(tmp_path / "lake"), "imports"]

    def told(*arguments):
        assert status([*root, *arguments]) == 0
        return capsys.readouterr().out

    listed = json.loads(told("list", "--json"))["items"]
    assert [(job["id"], job["state"], job["added"]) for job in listed] == [
        (2, "done", 300),
        (1, "interrupted", listed[1]["position"]),
    ]
    shown = json.loads(told("show", "1", "--json"))
    assert shown == listed[1]
    assert shown["source"] == str(manifest)
    assert told("list").splitlines()[1].split()[:3] == ["2", "done", "300"]
    table = dict(line.split(maxsplit=1) for line in told("show", "1").splitlines()[1:] if " " in line.strip())
    assert (table["state"], table["position"]) == ("interrupted", str(shown["position"]))
    assert json.loads(told("report", "1", "--json")) == {"items": [], "cursor": None}
    assert status([*root, "show", "7"]) == 1
    assert "there is no import '7' (see heron imports list)" in capsys.readouterr().err
