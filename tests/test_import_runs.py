"""Runs of imports: worker processes, plugins that hear of new items, others beside, and what a stop leaves."""

import signal
import sqlite3
import subprocess
import sys
import time

import pytest

import heron
from tests.conftest import draw
from tests.test_import import names


@pytest.mark.slow
def test_many_files_go_through_worker_processes_in_order(workspace, tmp_path):
    for number in range(230):
        draw(tmp_path / "in" / f"{number:03}.png", size=(8, 8), seed=number)
    (tmp_path / "in" / "100.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    seen = []
    report = workspace.ingest.files(
        [tmp_path / "in"],
        folder="A",
        thumbnails=True,
        ignore_errors=True,
        progress=seen.append,
    )
    assert (report.added, report.failed) == (229, 1)
    assert names(workspace) == sorted(names(workspace))
    assert (seen[-1].done, seen[-1].added, seen[-1].failed) == (230, 229, 1)


def test_plugins_hear_of_imported_items(tmp_path, pictures):
    heard = []

    class Listener:
        @heron.hookimpl
        def items_imported(self, items):
            heard.extend(item.name for item in items)

    class Grumpy:
        @heron.hookimpl
        def items_imported(self, items):
            raise RuntimeError("no")

    with heron.open(tmp_path / "lake", plugins=[Grumpy(), Listener()], discover=False) as workspace:
        workspace.ingest.files([pictures], folder="A")
    assert heard == [f"p{number}.jpg" for number in range(6)]


def test_a_plugin_that_fails_at_the_news_is_named_in_the_report(tmp_path, pictures):
    class Grumpy:
        @heron.hookimpl
        def items_imported(self, items):
            raise RuntimeError("no room")

    with heron.open(tmp_path / "lake", plugins=[Grumpy()], discover=False) as workspace:
        report = workspace.ingest.files([pictures], folder="A")
        assert (report.added, report.job.warnings, report.job.state) == (6, 1, "done")
        assert "items_imported failed: RuntimeError: no room" in report.problems[0].reason


def test_only_new_items_are_news(tmp_path, pictures):
    heard = []

    class Listener:
        @heron.hookimpl
        def items_imported(self, items):
            heard.append(len(items))

    with heron.open(tmp_path / "lake", plugins=[Listener()], discover=False) as workspace:
        workspace.ingest.files([pictures], folder="A")
        draw(pictures / "new.jpg", seed=50)
        workspace.ingest.files([pictures], folder="A")
        workspace.ingest.files([pictures / "new.jpg"], folder="A", skip_duplicates=False)
    assert heard == [6, 1, 1]


@pytest.mark.slow
def test_two_imports_at_once_bring_each_file_once(workspace, tmp_path):
    for number in range(200):
        draw(tmp_path / "in" / f"{number:03}.png", size=(8, 8), seed=number)
    code = (
        "import sys, heron\n"
        "with heron.open(sys.argv[1], discover=False) as ws:\n"
        "    ws.ingest.files([sys.argv[2]], folder='A', ignore_errors=sys.argv[3] == '1')\n"
    )
    arguments = [sys.executable, "-c", code, workspace.root, tmp_path / "in"]
    both = [subprocess.Popen([*arguments, ignore], stderr=subprocess.PIPE) for ignore in ("1", "0")]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert sorted(names(workspace)) == [f"{number:03}.png" for number in range(200)]
    assert sum(job.added for job in workspace.imports.list()) == 200
    assert sum(job.skipped for job in workspace.imports.list()) == 200


def test_others_can_write_while_a_strict_import_looks_at_files(workspace, pictures):
    written = []

    def write(progress):
        if not written:
            with heron.open(workspace.root, discover=False) as other:
                written.append(other.folders.create("Meanwhile").path)

    workspace.ingest.files([pictures], folder="A", progress=write)
    assert written == ["Meanwhile"]


def test_a_job_is_closed_whatever_ends_it(workspace, pictures):
    def fail(progress):
        raise ValueError("from the caller")

    for ignore_errors in (True, False):
        with pytest.raises(ValueError, match="from the caller"):
            workspace.ingest.files([pictures], folder="A", ignore_errors=ignore_errors, progress=fail)
    assert [job.state for job in workspace.imports.list()] == ["failed", "failed"]


SLOW_IMPORT = """
import sys, time, heron
from heron.ingest import pipeline, service
pipeline.BATCH = pipeline.CHUNK = 4
def slowly(progress):
    print(progress.done, flush=True)
    if progress.done >= 12:
        time.sleep(600)
with heron.open(sys.argv[1], discover=False) as workspace:
    workspace.ingest.files([sys.argv[2]], folder="A", ignore_errors=sys.argv[3] == "1", progress=slowly)
"""


@pytest.mark.slow
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize("ignore_errors", ["1", "0"], ids=["batches", "strict"])
def test_a_stopped_import_loses_nothing_reported_and_a_second_run_completes_it(
    tmp_path, signal_number, ignore_errors
):
    for number in range(60):
        draw(tmp_path / "in" / f"{number:02}.png", size=(8, 8), seed=number)
    arguments = [sys.executable, "-c", SLOW_IMPORT, tmp_path / "lake", tmp_path / "in", ignore_errors]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    done = 0
    while done < 12:
        done = int(process.stdout.readline())
    process.send_signal(signal_number)
    process.wait(timeout=120)
    time.sleep(0.05)

    file = tmp_path / "lake" / ".heron" / "catalog.db"
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        kept = names(workspace)
        assert len(kept) >= 12 if ignore_errors == "1" else kept == []
        assert workspace.imports.list()[0].state == "interrupted"
        report = workspace.ingest.files([tmp_path / "in"], folder="A")
        assert report.added == 60 - len(kept)
        assert sorted(names(workspace)) == [f"{number:02}.png" for number in range(60)], (
            "nothing is there twice"
        )
