"""A decoder that ends Heron's own process, in which it wants to run, costs its file, and is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import heron
from heron.cli import crashes
from heron.cli.crashes import Crash, left_by
from heron.cli.exits import ERROR, FAILURES, INCOMPLETE
from heron.cli.sync import told_before

CRASHING = """
import os
import time
import heron

class Tape:
    def probe(self, file):
        with file.open() as stream:
            words = stream.read()
        if words.endswith(b"picture"):
            return heron.MediaFacts("video", "video/x-tape", width=8, height=8)
        if words.endswith(b"wait"):
            with open("reading.new", "w") as said:
                said.write(str(os.getpid()))
            os.rename("reading.new", "reading")
            time.sleep(60)
        os.abort()

    def picture(self, file, size):
        os.abort()

@heron.hookimpl
def register_decoders():
    form = heron.MediaFormat(media_type="video/x-tape", kind="video", suffixes=[".tape"], signature=b"TAPE")
    yield heron.MediaDecoder(name="tape", summary="Tapes", formats=[form], load=Tape, isolation="none")
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="who sent a signal")]

PROGRAM = (sys.executable, "-c", "from heron.cli.program import run; run()")


@pytest.fixture
def lake(tmp_path):
    """A workspace with 13 texts and a tape beside it, and what runs a command or a program there."""
    info = tmp_path / "site" / "tapes-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "tapes.py").write_text(CRASHING)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tapes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[heron]\ntapes = tapes\n")
    lake = tmp_path / "lake" / "in"
    lake.mkdir(parents=True)
    for number in range(13):
        (lake / f"{number:02}.txt").write_text(f"text {number}")
    (lake / "06.tape").write_bytes(b"TAPE words")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    environment.pop("HERON_PLUGINS", None)

    def run(*arguments, program=None, runs=True):
        line = [sys.executable, "-c", program] if program else [*PROGRAM, *arguments]
        process = subprocess.Popen(
            line, cwd=lake.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        if not runs:
            return process
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(line, process.returncode, out, err)

    heron.open(lake.parent, discover=False).close()
    return lake.parent, run


def named(report):
    [problem] = report["problems"]
    return problem["reason"].endswith(
        "06.tape: decoder tape (plugin tapes of tapes) failed in probe: its process ended by signal SIGABRT"
    )


def test_an_import_survives_the_crash_of_a_decoder(lake):
    place, run = lake
    done = run("import", "in", "--folder", "A", "--ignore-errors", "--json")
    assert done.returncode == FAILURES, done.stderr
    assert "The process ended by SIGABRT: import 1 goes on with its decoders in processes" in done.stderr
    report = json.loads(done.stdout)
    assert (report["job"]["added"], report["job"]["failed"]) == (13, 1) and named(report)
    (place / "gone").mkdir()
    for folder, of in (("B", "gone"), ("C", "in")):
        synced = run("folders", "create", folder, "--sync", of)
        assert synced.returncode == 0, synced.stderr
    (place / "gone").rmdir()
    done = run("sync", "--json")
    assert done.returncode == ERROR and "Folder B could not be synced" in done.stderr, done.stderr
    [report] = json.loads(done.stdout)["items"]
    assert (report["job"]["added"], report["job"]["failed"]) == (13, 1) and named(report)


@pytest.mark.parametrize("deleted", ["A", "B", "C", None])
def test_a_sync_that_goes_on_knows_what_was_done_though_a_folder_was_deleted(tmp_path, deleted):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        for name in "ABC":
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.txt").write_text("a")
            workspace.synced.bind(name, (tmp_path / name).as_uri() + "/")
        for name in "AB":
            workspace.ingest.sync(name)
        if deleted:
            workspace.folders.delete(deleted)
        there = [synced.folder for synced in workspace.synced.list()]
        before, left = told_before(there, workspace, workspace.imports.list()[::-1])
    assert left == [name for name in "C" if name != deleted]
    last = "B" if deleted != "B" else "a folder that was deleted meanwhile"
    assert before == [*(name for name in "A" if name != deleted), last]


def test_a_crash_outside_of_an_import_ends_the_program_as_before(lake):
    _, run = lake
    dry = run("import", "in", "--folder", "A", "--ignore-errors", "--dry-run")
    assert dry.returncode == -signal.SIGABRT


def test_pictures_and_vectors_survive_the_crash_of_a_decoder(lake):
    place, run = lake
    (place / "in" / "06.tape").write_bytes(b"TAPE picture")
    for number in (3, 9):
        Image.new("RGB", (40, 30), (number * 20, 0, 0)).save(place / "in" / f"{number:02}.png")
    assert run("import", "in", "--folder", "A").returncode == 0
    for command in ("thumbnails", "embed"):
        done = run(command, "--where", "kind <> 'text'", "--json")
        assert done.returncode == FAILURES, done.stderr
        assert (
            "The process ended by SIGABRT: what is left is done with the decoders in processes" in done.stderr
        )
        made = json.loads(done.stdout)
        assert (made["failed"], len(made["problems"])) == (1, 1), made
        assert "decoder tape (plugin tapes of tapes) failed in picture" in made["problems"][0]["reason"]
    with heron.open(place, discover=False) as workspace:
        pictures = workspace.search(where="kind = 'image'").rows
        assert len(pictures) == 2
        assert all(workspace.vectors.find("visual", each) is not None for each in pictures)


def test_a_program_resumes_an_import_that_crashed_it(lake):
    _, run = lake
    program = (
        "import heron\nwith heron.open('.') as w: w.ingest.files(['in'], folder='A', ignore_errors=True)"
    )
    crashed = run(program=program)
    assert crashed.returncode == -signal.SIGABRT
    resumed = run("imports", "resume", "1", "--json")
    assert resumed.returncode == FAILURES, resumed.stderr
    report = json.loads(resumed.stdout)
    assert (report["job"]["added"], report["job"]["failed"]) == (13, 1) and named(report)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_signals_reach_the_import(lake, number):
    place, run = lake
    (place / "in" / "06.tape").write_bytes(b"TAPE wait")
    process = run("import", "in", "--folder", "A", "--ignore-errors", runs=False)
    ready = place / "reading"
    while not ready.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    child = int(ready.read_text())
    assert child != process.pid
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == (INCOMPLETE if number == signal.SIGINT else -number), said
    for _ in range(500):
        if not Path(f"/proc/{child}").exists():
            break
        time.sleep(0.01)
    assert not Path(f"/proc/{child}").exists()
    assert json.loads(run("imports", "list", "--json").stdout)["items"][0]["state"] == "interrupted"


COUNTING = """
import os, signal, sys, time
from heron.cli import crashes
crashes.is_program()
assert crashes.survived(nested=False) is None
pressed = []
signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
print(os.getpid(), flush=True)
sys.stdin.read()
print(len(pressed), flush=True)
"""


@pytest.mark.parametrize("to_both", [True, False])
def test_one_ctrl_c_is_one(to_both):
    """Who sends it to a group of processes, such as `timeout`, reaches the child too, which may see it before it is passed on."""
    with subprocess.Popen(
        [sys.executable, "-c", COUNTING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        child = int(process.stdout.readline())
        if to_both:
            os.kill(child, signal.SIGINT)
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        pressed, _ = process.communicate("", timeout=60)
    assert pressed == "1\n"


def test_an_import_that_was_stopped_before_the_crash_does_not_go_on(tmp_path, monkeypatch):
    """Such as by Ctrl-C, when a library crashes as the process ends."""

    def ended(crash):
        raise InterruptedError(crash.signal)

    monkeypatch.setattr(crashes, "end_by", ended)
    with heron.open(tmp_path, discover=False) as workspace:
        database = workspace._database
        job = workspace.imports._start("in", None, {})
        database.execute("UPDATE imports SET process = '999999999@1'")
        assert left_by(workspace, Crash("999999999@1", "SIGABRT"))[1].id == job.id
        database.execute("UPDATE imports SET state = 'interrupted'")
        with pytest.raises(InterruptedError):
            left_by(workspace, Crash("999999999@1", "SIGABRT"))
