"""Servers that tests start: they end with the process that started them, whichever way it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heron.catalog.holder import is_alive
from heron.testing.servers import ServerProcess

pytestmark = pytest.mark.slow

SERVER = """
import pathlib, subprocess, sys, time
from heron.testing.servers import ServerProcess

def test_something(request):
    place = pathlib.Path(request.config.rootpath)
    child = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}, sys.argv[1]])"
    server = ServerProcess([sys.executable, "-c", parent, str(place / "child")], (place / "child").exists)
    (place / "pid").write_text(f"{server.pid} {server.folder}")
    time.sleep(SECONDS)
"""


def started(place: Path, arguments: list[str], seconds: float) -> subprocess.Popen[bytes]:
    """A run of pytest whose only test starts a server and goes on for some seconds."""
    (place / "test_it.py").write_text(SERVER.replace("SECONDS", str(seconds)))
    (place / "pytest.ini").write_text("[pytest]")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
        *arguments,
        "test_it.py",
    ]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, start_new_session=True)


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def left_behind(place: Path) -> tuple[list[int], Path]:
    """The process ids of the server and its child, and the server's folder."""
    pid, folder = (place / "pid").read_text().split()
    return [int(pid), int((place / "child").read_text())], Path(folder)


def assert_all_end(place: Path) -> None:
    pids, folder = left_behind(place)
    wait_for(lambda: not any(is_alive(pid) for pid in pids) and not folder.exists())


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["one process", "workers"])
def test_a_server_ends_with_the_run(tmp_path, arguments):
    assert started(tmp_path, arguments, 0).wait(120) == 0
    assert_all_end(tmp_path)


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["one process", "workers"])
def test_a_server_ends_with_a_run_that_is_killed(tmp_path, arguments):
    run = started(tmp_path, arguments, 600)
    try:
        wait_for((tmp_path / "pid").exists)
        assert all(is_alive(pid) for pid in left_behind(tmp_path)[0])
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert_all_end(tmp_path)


def test_a_server_that_ignores_the_signal_to_end_is_killed(tmp_path):
    deaf = (
        "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); time.sleep(600)"
    )
    server = ServerProcess([sys.executable, "-c", deaf, str(tmp_path / "ready")], (tmp_path / "ready").exists)
    assert is_alive(server.pid)
    server.stop()
    assert not is_alive(server.pid) and not server.folder.exists()


def test_a_server_that_does_not_start_says_why():
    with pytest.raises(RuntimeError, match="no such luck"):
        ServerProcess([sys.executable, "-c", "raise SystemExit('no such luck')"], lambda: False)
    with pytest.raises(RuntimeError, match="No such file"):
        ServerProcess(["/no/such/program"], lambda: False)
