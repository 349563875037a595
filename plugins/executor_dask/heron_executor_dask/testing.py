"""Real clusters for tests: a scheduler and its workers, each a process of its own on this machine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from heron.testing import servers

_WORKER = "--host 127.0.0.1 --nthreads 1 --memory-limit 0 --no-dashboard --local-directory {folder}"


class Cluster:
    """A scheduler with some workers of one thread; `settings` are environment variables of both, and `modules` a folder
    that they import from first.
    """

    def __init__(
        self,
        workers: int = 2,
        *,
        nanny: bool = False,
        settings: Mapping[str, str] | None = None,
        modules: Path | None = None,
    ) -> None:
        self.port = servers.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._settings = {
            **(settings or {}),
            "PYTHONPATH": os.pathsep.join([*([str(modules)] if modules else []), *filter(None, sys.path)]),
        }
        self._nanny = nanny
        command = "-m distributed.cli.dask_scheduler --host 127.0.0.1 --no-dashboard --port"
        self.scheduler = servers.ServerProcess(
            [sys.executable, *command.split(), str(self.port)],
            lambda: servers.port_answers(self.port),
            environment=self._settings,
        )
        self.workers = [self.add_worker() for _ in range(workers)]

    def add_worker(self) -> servers.ServerProcess:
        """Start one more worker, and wait until it is known to the scheduler."""
        from distributed import Client

        nanny = "--nanny" if self._nanny else "--no-nanny"
        with Client(f"tcp://{self.address}", set_as_default=False) as client:
            before = len(client.nthreads())
            return servers.ServerProcess(
                [sys.executable, "-m", "distributed.cli.dask_worker", self.address, nanny, *_WORKER.split()],
                lambda: len(client.nthreads()) > before,
                environment=self._settings,
            )

    def kill_worker(self) -> None:
        """Kill the first worker that runs."""
        os.kill(self.workers.pop(0).pid, signal.SIGKILL)

    def kill_scheduler(self) -> None:
        """Kill the scheduler."""
        os.kill(self.scheduler.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop all that still runs."""
        for process in (*self.workers, self.scheduler):
            process.stop()
