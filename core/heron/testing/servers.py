"""Real servers for tests: started once in a process, on a free port of this machine, and stopped with it."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from heron.testing import guard

SECONDS = 60.0
"""The most seconds until a server answers."""

_STOP_SECONDS = 30.0


class ServerProcess:
    """A server that runs until `stop`, or until this process ends or is killed. Its output goes to `log`.

    Exit handlers do not run in a process that is killed, as workers of pytest-xdist may be. So each server
    has a guard, a small process that stops it as soon as the pipe from this process is closed.
    """

    def __init__(
        self,
        command: Sequence[str],
        ready: Callable[[], bool],
        *,
        environment: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """Start a command, in which `{folder}` stands for an empty folder, and wait until `ready` returns
        True.

        Raises RuntimeError with the end of the log if the server ends, or does not answer within `seconds`.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="heron-server-"))
        self.log = self.folder / "log.txt"
        parts = [part.replace("{folder}", str(self.folder)) for part in command]
        with self.log.open("wb") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, str(self.folder), *parts],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline() or 0)
        """The process id of the server."""
        atexit.register(self.stop)
        end = time.monotonic() + seconds
        while not _answers(ready):
            if self._guard.poll() is not None or time.monotonic() > end:
                said = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                raise RuntimeError(f"{command[0]} does not answer:\n{said}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server and its children, wait for their end, and remove their files."""
        atexit.unregister(self.stop)
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()
        self._guard.wait(_STOP_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    """A port of this machine on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_answers(port: int) -> bool:
    """Whether a process listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def server_missing(reason: str) -> NoReturn:
    """Fail the test if CI is set, or else skip it with the reason, because a server is missing."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _answers(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except Exception:  # noqa: BLE001 - whatever a server that is not there yet makes of it
        return False
