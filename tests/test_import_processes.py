"""Imports and several processes: cancelled by another one, resumed by two at once, stopped by Ctrl-C and kill -9."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from heron.cli.exits import INCOMPLETE
from heron.cli.main import status
from tests.children import end_of
from tests.test_import_jobs import failures, urls

SCRIPT = """
import sys, time
from pathlib import Path
import heron
from heron.cli import main
from heron.cli.context import Context
from heron.ingest import pipeline
from tests.memory_storage import Lake, LakePlugin

class SlowLake(Lake):
    def ask(self, what, *about):
        time.sleep(0.01)
        while what != "list" and about[0] >= last():
            time.sleep(0.01)
        super().ask(what, *about)

def last():
    try:
        return Path(root, "hold").read_text()
    except FileNotFoundError:
        return "a"

pipeline.SECONDS = 0.05
lake = SlowLake(page=100)
for number in range(200):
    lake.put(f"mem://b/{number:04}.txt", b"words of %d" % number)
root, *arguments = sys.argv[1:]
Context.workspace = lambda self: heron.open(root, plugins=[LakePlugin(lake)], discover=False)
sys.exit(main.status(arguments))
"""
"""The command line over a lake that needs two seconds for 200 objects, and waits before the one named in the file `hold`."""

URLS = [f"mem://b/{number:04}.txt" for number in range(200)]


@pytest.fixture
def manifest(tmp_path):
    file = tmp_path / "manifest.jsonl"
    file.write_text("".join(json.dumps({"objectUrl": url}) + "\n" for url in URLS))
    return file


@contextmanager
def holding(tmp_path, number):
    """No process goes further than this object until the end: what is to happen meanwhile has all the time it needs."""
    hold = tmp_path / "lake" / "hold"
    hold.write_text(f"{number:04}.txt")
    try:
        yield
    finally:
        hold.unlink()


@pytest.fixture
def heron_process(tmp_path, monkeypatch):
    """Start the command line in a process of its own; what still runs at the end is killed."""
    monkeypatch.setenv("HERON_CONCURRENCY", "1")
    monkeypatch.setenv("HERON_RETRIES", "0")
    started = []

    def start(*arguments):
        command = [sys.executable, "-c", SCRIPT, tmp_path / "lake", *arguments]
        root = Path(__file__).parents[1]
        started.append(
            subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.005)


def position(workspace):
    return workspace._database.value("SELECT max(position) FROM imports") or 0


def is_sound(workspace):
    return workspace._database.value("PRAGMA integrity_check") == "ok"


@pytest.mark.slow
def test_another_process_cancels_an_import_that_runs(workspace, manifest, heron_process, tmp_path, capsys):
    with holding(tmp_path, 100):
        process = heron_process("import", "--manifest", manifest, "--folder", "A", "--ignore-errors")
        wait_for(lambda: position(workspace) > 20)
        assert status(["-w", str(tmp_path / "lake"), "imports", "cancel", "1"]) == 0
    assert "Cancelled import 1; " in capsys.readouterr().out
    _, err = end_of(process)
    assert process.returncode == 1
    assert err.strip() == "Error: import 1 was cancelled (what had landed before stays)"
    job = workspace.imports.get("1")
    assert job.state == "cancelled"
    assert 20 < job.position == job.added < 200
    assert urls(workspace) == URLS[: job.added]
    assert status(["-w", str(tmp_path / "lake"), "imports", "resume", "1"]) == 1
    assert "import 1 is cancelled" in capsys.readouterr().err


@pytest.mark.slow
def test_another_process_cancels_a_strict_import_and_nothing_has_landed(
    workspace, manifest, heron_process, tmp_path
):
    with holding(tmp_path, 100):
        process = heron_process("import", "--manifest", manifest, "--folder", "A")
        wait_for(lambda: workspace.imports.list())
        time.sleep(0.3)  # some objects are read meanwhile, however many
        workspace.imports.cancel("1")
    _, err = end_of(process)
    assert (process.returncode, "import 1 was cancelled" in err) == (1, True)
    assert (urls(workspace), workspace.folders.list()) == ([], [])
    assert workspace.imports.get("1").state == "cancelled"


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
def test_of_two_that_resume_at_once_one_does_it(workspace, manifest, heron_process, tmp_path, strict):
    options = [] if strict else ["--ignore-errors"]
    with holding(tmp_path, 100):
        first = heron_process("import", "--manifest", manifest, "--folder", "A", *options)
        wait_for(lambda: workspace.imports.list())
        time.sleep(0.5)
        first.kill()
        first.wait()
        assert workspace.imports.get("1").state == "interrupted"
        both = [heron_process("imports", "resume", "1") for _ in range(2)]
        wait_for(lambda: any(process.poll() is not None for process in both))
    said = [end_of(process) for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    assert any("Import 1 is done: 200 new." in out for out, _ in said)
    assert any(
        "Error: import 1 is running, only one that was interrupted or failed" in err for _, err in said
    )
    assert urls(workspace) == URLS
    assert workspace.imports.get("1").position == 200


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["manifest", "prefix"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_one_that_is_stopped_again_and_again_lands_everything_once(
    workspace, manifest, heron_process, tmp_path, number, kind
):
    source = ["--manifest", manifest] if kind == "manifest" else ["mem://b/"]
    hold = tmp_path / "lake" / "hold"
    hold.write_text("0050.txt")
    process = heron_process("import", *source, "--folder", "A", "--ignore-errors")
    wait_for(lambda: workspace.imports.list())
    kept = 0
    for last in (120, 190):
        if number == signal.SIGKILL:
            time.sleep(random.uniform(0, 0.7))  # perhaps before it has begun
        else:
            wait_for(lambda: workspace.items.count() > kept)  # noqa: B023
        process.send_signal(number)
        _, err = end_of(process)
        if number == signal.SIGINT:
            assert process.returncode == INCOMPLETE
            assert err.strip() == "Error: interrupted (heron imports resume 1 goes on from there)"
        job, kept = workspace.imports.get("1"), workspace.items.count()
        assert (job.state, job.added) == ("interrupted", kept)
        assert is_sound(workspace)
        hold.write_text(f"{last:04}.txt")
        process = heron_process("imports", "resume", "1")
    hold.unlink()
    out, _ = end_of(process)
    assert process.returncode == 0
    assert "Import 1 is done: 200 new" in out
    assert urls(workspace) == URLS
    job = workspace.imports.get("1")
    assert (job.state, job.position, job.added, job.failed) == ("done", 200, 200, 0)
    assert (failures(workspace), is_sound(workspace)) == ([], True)


WITH_WORKERS = """
import os, sys
import heron
from heron.cli import main
from heron.ingest import choosing
choosing.MANY_DECODED = 10
choosing.usable_cores = lambda: 2
os.chdir(sys.argv[1])
sys.exit(main.status(["--no-plugins", "import", "in", "--folder", "A", "--ignore-errors", "--hash"]))
"""


@pytest.fixture(scope="module")
def large_files(tmp_path_factory):
    """A megabyte each, so that many tasks wait for a worker; holes take no place on the disk."""
    folder = tmp_path_factory.mktemp("large")
    for number in range(3000):
        with (folder / f"{number}.txt").open("wb") as file:
            file.truncate(1_000_000 + number)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "group"), [(0.0, True), (0.1, True), (0.3, True), (None, True), (None, False)]
)
def test_ctrl_c_with_worker_processes_is_one_line(workspace, tmp_path, large_files, seconds, group):
    """While the workers start, and while they work (None); a terminal sends the signal to the whole group of processes."""
    (tmp_path / "lake/in").symlink_to(large_files)
    process = subprocess.Popen(
        [sys.executable, "-c", WITH_WORKERS, tmp_path / "lake"],
        cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    if seconds is None:
        wait_for(lambda: workspace.items.count() > 0)
    else:
        wait_for(lambda: workspace.imports.list())
        time.sleep(seconds)
    if group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    _, err = end_of(process)
    assert (process.returncode, err) == (
        INCOMPLETE,
        "Error: interrupted (heron imports resume 1 goes on from there)\n",
    )
    assert workspace.imports.get("1").state == "interrupted"
    assert workspace.items.count() < 3000
