"""Imports from a real S3 server: what lands of prefixes and manifests, and what survives being stopped and cancelled."""

from __future__ import annotations

import csv
import random
import signal
import subprocess
import sys

import pytest

import heron
from heron.cli.exits import DONE, FAILURES, INCOMPLETE
from heron.cli.main import status
from heron.testing.faults import FaultProxy
from tests.bucket_lake import BucketLake, is_sound, widths
from tests.children import end_of
from tests.conftest import draw
from tests.test_import_jobs import but_for_jobs, failures, urls
from tests.test_import_processes import wait_for

pytest.importorskip("s3fs")
from heron_storage_s3.testing import forget_environment, seaweedfs

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]
COUNT = 500


@pytest.fixture(scope="module")
def proxy():
    with FaultProxy(seaweedfs().endpoint) as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures(proxy):
    return BucketLake(COUNT, proxy.endpoint)


@pytest.fixture
def lake(pictures, proxy):
    """A bucket that no test changes."""
    proxy.heal()
    proxy.requests.clear()
    return pictures


@pytest.fixture
def workspace(lake, tmp_path, monkeypatch):
    forget_environment(monkeypatch)
    with lake.open(tmp_path / "lake", monkeypatch) as opened:
        yield opened


@pytest.fixture
def run(tmp_path, capsys):
    """Run a command line in the workspace, check its exit status, and return what it says."""

    def run(*arguments, exit_status=0):
        assert status(["-w", str(tmp_path / "lake"), *map(str, arguments)]) == exit_status
        out, err = capsys.readouterr()
        return err if exit_status in (1, 2) else out

    return run


def with_one_in_a_hundred_missing(lake):
    """The URLs of the lake, 1 % of them with nothing behind them, and the numbers of those."""
    gone = sorted(random.Random(5).sample(range(COUNT), COUNT // 100))
    return [lake.url(f"gone/{n}.jpg") if n in gone else url for n, url in enumerate(lake.urls)], gone


# What lands


@pytest.mark.parametrize("ignore_errors", [True, False])
@pytest.mark.parametrize("kind", ["manifest", "prefix"])
def test_everything_lands_in_its_order_with_one_request_each(
    workspace, lake, proxy, tmp_path, kind, ignore_errors
):
    options = {"folder": "A", "integration": "lab", "ignore_errors": ignore_errors}
    shuffled = random.Random(6).sample(lake.urls, COUNT)
    if kind == "manifest":
        report = workspace.ingest.manifest(lake.manifest(tmp_path, shuffled), **options)
    else:
        report = workspace.ingest.files([lake.url("")], **options)
    assert (report.job.state, report.added, report.failed, report.job.warnings) == ("done", COUNT, 0, 0)
    assert report.job.position == COUNT
    expected = shuffled if kind == "manifest" else lake.urls
    assert urls(workspace) == expected
    assert widths(workspace) == [lake.urls.index(url) + 1 for url in expected]
    assert len(proxy.requests) == COUNT + (kind == "prefix")
    item = next(workspace.items.stream())
    key = item.url.rpartition("/")[2]
    head = lake.client.head_object(Bucket=lake.bucket, Key=key)
    assert (item.etag, item.size) == (head["ETag"].strip('"'), head["ContentLength"])


def test_one_in_a_hundred_missing_are_in_the_report_and_in_its_csv(workspace, lake, tmp_path, run):
    wanted, gone = with_one_in_a_hundred_missing(lake)
    file = lake.manifest(tmp_path, wanted)
    said = run(
        "import",
        "--manifest",
        file,
        "--folder",
        "A",
        "--integration",
        "lab",
        "--ignore-errors",
        exit_status=3,
    )
    assert "Imported into A: 495 new, 5 failed." in said
    assert f"  failed: $.images[{gone[0]}]: {wanted[gone[0]]} is not there" in said
    assert urls(workspace) == [url for number, url in enumerate(wanted) if number not in gone]
    run("imports", "report", "1", "-o", tmp_path / "problems.csv")
    with (tmp_path / "problems.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [
        {
            "severity": "failure",
            "place": f"$.images[{n}]",
            "url": wanted[n],
            "reason": f"{wanted[n]} is not there",
        }
        for n in gone
    ]


def test_without_ignore_errors_the_first_missing_one_is_named_and_nothing_has_changed(
    workspace, lake, tmp_path, run
):
    workspace.ingest.files([lake.urls[0]], folder="Before", integration="lab")
    before = but_for_jobs(workspace)
    wanted, gone = with_one_in_a_hundred_missing(lake)
    file = lake.manifest(tmp_path, wanted)
    said = run("import", "--manifest", file, "--folder", "New", "--integration", "lab", exit_status=1)
    assert said.strip() == (
        f"Error: $.images[{gone[0]}]: {wanted[gone[0]]} is not there "
        "(use --ignore-errors to import the rest and get a report)"
    )
    assert but_for_jobs(workspace) == before
    assert workspace.imports.list()[0].state == "failed"


def test_a_storage_without_credentials_does_not_stop_the_others_of_a_manifest(
    workspace, lake, tmp_path, monkeypatch
):
    monkeypatch.setenv("HERON_RETRIES", "0")
    local = [draw(tmp_path / "in" / f"{n}.png", size=(n + 1, 8)).as_uri() for n in range(60)]
    mixed = [url for pair in zip(local, lake.urls[:60], strict=True) for url in pair]
    report = workspace.ingest.manifest(lake.manifest(tmp_path, mixed), folder="A", ignore_errors=True)
    assert (report.job.state, report.added, report.failed, report.waiting) == ("incomplete", 60, 0, 60)
    assert urls(workspace) == local
    waiting = workspace.imports.problems(report.job)
    assert sorted(p.url for p in waiting) == sorted(lake.urls[:60])
    assert all("there are no credentials" in p.reason for p in waiting)


def test_a_bucket_that_is_not_there_fails_its_units_and_no_others(workspace, lake, tmp_path):
    mixed = [f"s3://no-such-lake/{n}.jpg" for n in range(60)] + lake.urls[:60]
    options = {"folder": "A", "integration": "lab"}
    report = workspace.ingest.manifest(lake.manifest(tmp_path, mixed), ignore_errors=True, **options)
    assert (report.job.state, report.added, report.failed) == ("done", 60, 60)
    assert urls(workspace) == lake.urls[:60]
    assert all(p.reason.startswith("bucket no-such-lake does not exist") for p in failures(workspace))
    with pytest.raises(heron.NoSuchBucket, match="bucket no-such-lake does not exist"):
        workspace.ingest.files(["s3://no-such-lake/"], ignore_errors=True, **options)
    assert workspace.imports.get("2").state == "failed"


# What is stopped


@pytest.fixture
def heron_process(tmp_path, lake, proxy, monkeypatch):
    """Start the command line in a process of its own, slowed down by the server."""
    proxy.fault("stall", matching=".jpg", seconds=0.02)
    monkeypatch.setenv("HERON_CONCURRENCY", "8")
    started = []

    def start(*arguments):
        command = [sys.executable, "-c", "from heron.cli.main import run; run()", "-w", tmp_path / "lake"]
        started.append(
            subprocess.Popen(
                [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "missing"), [(signal.SIGKILL, True), (signal.SIGINT, False)], ids=["kill -9", "Ctrl-C"]
)
def test_one_that_is_stopped_again_and_again_lands_each_entry_once(
    workspace, lake, tmp_path, heron_process, number, missing
):
    wanted, gone = with_one_in_a_hundred_missing(lake) if missing else (lake.urls, [])
    file = lake.manifest(tmp_path, wanted)
    arguments = ["import", "--manifest", file, "--folder", "A", "--integration", "lab", "--ignore-errors"]
    process, kept = heron_process(*arguments), 0
    wait_for(lambda: workspace.imports.list())
    for again in range(3):
        if number == signal.SIGINT or again != 1:  # the second is killed before it has begun
            wait_for(lambda: workspace.items.count() > kept)  # noqa: B023
        process.send_signal(number)
        _, err = end_of(process)
        if number == signal.SIGINT:
            assert process.returncode == INCOMPLETE
            assert err.strip() == "Error: interrupted (heron imports resume 1 goes on from there)"
        job, kept = workspace.imports.get("1"), workspace.items.count()
        assert (job.state, job.added, job.position) == ("interrupted", kept, kept + job.failed)
        assert urls(workspace) == [url for n, url in enumerate(wanted[: job.position]) if n not in gone]
        assert is_sound(workspace)
        process = heron_process("imports", "resume", "1")
    out, _ = end_of(process)
    assert process.returncode == (FAILURES if gone else DONE)
    assert f"Import 1 is done: {COUNT - len(gone)} new" in out
    job = workspace.imports.get("1")
    assert (job.state, job.position, job.added, job.failed) == ("done", COUNT, COUNT - len(gone), len(gone))
    assert urls(workspace) == [url for n, url in enumerate(wanted) if n not in gone]
    assert [p.url for p in failures(workspace)] == [wanted[n] for n in gone]
    assert is_sound(workspace)


def test_an_import_that_runs_is_cancelled_from_elsewhere(workspace, lake, tmp_path, heron_process, run):
    file = lake.manifest(tmp_path)
    process = heron_process(
        "import", "--manifest", file, "--folder", "A", "--integration", "lab", "--ignore-errors"
    )
    wait_for(lambda: workspace.items.count())
    assert "Cancelled import 1; " in run("imports", "cancel", "1")
    _, err = end_of(process)
    assert process.returncode == 1
    assert err.strip() == "Error: import 1 was cancelled (what had landed before stays)"
    job = workspace.imports.get("1")
    assert (job.state, job.added) == ("cancelled", workspace.items.count())
    assert 0 < job.added < COUNT
    assert urls(workspace) == lake.urls[: job.added]
    assert "import 1 is cancelled, only one that" in run("imports", "resume", "1", exit_status=1)
    assert "import 1 is cancelled already" in run("imports", "cancel", "1", exit_status=1)


def test_ctrl_c_ends_an_import_whose_storage_keeps_silent(workspace, lake, proxy, tmp_path, heron_process):
    proxy.heal()
    proxy.fault("stall", matching=".jpg", after=20, seconds=60)
    file = lake.manifest(tmp_path)
    process = heron_process(
        "import", "--manifest", file, "--folder", "A", "--integration", "lab", "--ignore-errors"
    )
    wait_for(lambda: any(seen.status is None for seen in proxy.requests[20:]))
    process.send_signal(signal.SIGINT)
    _, err = end_of(process)
    assert process.returncode == INCOMPLETE
    assert err.strip() == "Error: interrupted (heron imports resume 1 goes on from there)"
    assert workspace.imports.get("1").state == "interrupted"
    proxy.heal()
    assert workspace.ingest.resume("1").added == COUNT
    assert urls(workspace) == lake.urls
