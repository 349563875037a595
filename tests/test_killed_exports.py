"""What killed exports leave beside their targets is removed by the next export, and standard output may be full."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from heron.export import parts
from heron.export.files import whole_file
from heron.export.folders import whole_folder

PROGRAM = [sys.executable, "-c", "from heron.cli.main import run; run()"]

EXPORT = """
import sys, time
from pathlib import Path
from heron.export.files import whole_file
from heron.export.folders import whole_folder
root = Path(sys.argv[1])
with whole_file(root / "a.csv") as stream, whole_folder(root / "b", None) as folder:
    stream.write(b"half")
    folder.create("images/1.txt").write(b"half")
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _nothing_was_swept(monkeypatch):
    monkeypatch.setattr(parts, "_last", (Path(), -parts.AGAIN))


@pytest.fixture
def export(tmp_path):
    """A process that is in the middle of two exports to `tmp_path`."""
    command = [sys.executable, "-c", EXPORT, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def left(folder):
    return sorted(path.name for path in folder.glob(".heron-*.part"))


@pytest.mark.parametrize("kind", [whole_file, lambda path: whole_folder(path, None)])
def test_the_next_export_removes_what_a_killed_one_left(tmp_path, export, kind):
    export.kill()
    export.wait()
    assert len(left(tmp_path)) == 2, "kill -9 leaves a file and a folder"
    with kind(tmp_path / "next"):
        assert len(left(tmp_path)) == 1, "only that of this export"
    assert left(tmp_path) == []
    assert not (tmp_path / "a.csv").exists()


def test_what_a_running_export_writes_is_left_alone(tmp_path, export):
    before = left(tmp_path)
    with whole_file(tmp_path / "next") as stream:
        stream.write(b"x")
    assert left(tmp_path) == before
    assert export.poll() is None


def test_parts_of_other_machines_and_files_of_the_user_are_left_alone(tmp_path, export):
    export.kill()
    export.wait()
    for name in left(tmp_path):
        other = re.sub("^.heron-[0-9a-f]{12}", ".heron-" + "0" * 12, name)
        (tmp_path / name).rename(tmp_path / other)
    (tmp_path / ".heron-notes.part").write_text("mine")
    before = left(tmp_path)
    with whole_file(tmp_path / "next"):
        pass
    assert left(tmp_path) == before


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the start of a process is known on Linux")
def test_a_process_id_that_is_used_again_counts_as_gone(tmp_path):
    with whole_file(tmp_path / "a.csv"):
        [name] = left(tmp_path)
    old = name.replace("@", "@1")
    assert old != name
    (tmp_path / old).mkdir()
    parts._sweep(tmp_path)
    assert left(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command",
    [
        ["items"],
        ["items", "--json"],
        ["items", "--csv"],
        ["--help"],
        ["--version"],
        ["manifest", "create", ".", "-o", "-"],
        ["plugins"],
    ],
)
def test_a_full_disk_behind_standard_output_is_said(tmp_path, workspace_with_items, command):
    with Path("/dev/full").open("wb") as full:
        arguments = [*PROGRAM, "-w", workspace_with_items, *command]
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert re.fullmatch(r"Error: .* cannot be written: No space left on device\n", done.stderr)


@pytest.mark.parametrize("command", [["items"], ["items", "--json"], ["items", "--csv"], ["--help"]])
def test_a_closed_pipe_is_silent(workspace_with_items, command):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, "-w", workspace_with_items, *command], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.fixture
def workspace_with_items(tmp_path):
    import heron

    file = tmp_path / "a.txt"
    file.write_text("words")
    with heron.open(tmp_path / "ws") as opened:
        opened.ingest.files([file], folder="F")
    return str(tmp_path / "ws")
