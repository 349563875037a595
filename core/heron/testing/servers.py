"""Real servers for tests: started once by a process, on a free port of this machine, and stopped by process id."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

SECONDS = 60.0
"""How long a server may take until it answers."""


class ServerProcess:
    """A server that runs until `stop`, or until this process ends. Its output goes to `log`."""

    def __init__(
        self,
        command: Sequence[str],
        ready: Callable[[], bool],
        *,
        environment: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        """Start a command and wait until `ready` says so; raises RuntimeError with the log when that fails."""
        self.folder = Path(tempfile.mkdtemp(prefix="heron-server-"))
        self.log = self.folder / "log.txt"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [part.replace("{folder}", str(self.folder)) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        atexit.register(self.stop)
        end = time.monotonic() + seconds
        while not _answers(ready):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop(keep_log=True)
                raise RuntimeError(
                    f"{command[0]} does not answer:\n{self.log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def stop(self, *, keep_log: bool = False) -> None:
        """End the server and its children, and remove its files."""
        atexit.unregister(self.stop)
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                pass
            break
        if not keep_log:
            shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_answers(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def server_missing(reason: str) -> NoReturn:
    """A server cannot be had: fail where CI is set, skip with the reason elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _answers(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except Exception:  # noqa: BLE001 - whatever a server that is not there yet makes of it
        return False
