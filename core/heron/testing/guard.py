"""Runs one server for a test process, and stops it when that process ends for any reason.

Run as a script: `guard.py FOLDER COMMAND…`. Only the test process holds its standard input, a pipe, open, so
the pipe closes even if that process is killed. The guard prints the server's process id, and removes FOLDER.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys

_PAUSE = 0.5
"""Seconds between two checks that the server and the parent still run."""

_GRACE = 3.0
"""Seconds that a server has to end after the first signal."""


def run(folder: str, command: list[str]) -> int:
    """Start the server and wait for its end or that of the parent; returns the server's exit code.
    The folder of a server that ended by itself stays, because the parent reads its log.
    """
    parent = os.getppid()
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True)
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    while server.poll() is None:
        if select.select([sys.stdin], [], [], _PAUSE)[0] or os.getppid() != parent:
            end(server)
            shutil.rmtree(folder, ignore_errors=True)
    return server.returncode


def end(server: subprocess.Popen[bytes]) -> None:
    """Stop a server with all processes of its session: by SIGTERM, then by SIGKILL."""
    for number, seconds in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(server.pid, number)
            server.wait(seconds)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the closing pipe says when to stop
    sys.exit(run(sys.argv[1], sys.argv[2:]))
