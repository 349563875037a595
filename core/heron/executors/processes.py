"""Worker processes of this machine, for work that computes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


class Processes(Executor):
    """Processes that end with this one, also if it is killed. They are started by the first call."""

    def __init__(self, count: int) -> None:
        from loky import ProcessPoolExecutor

        self.workers = count
        self._pool: Any = ProcessPoolExecutor(count, initializer=_begin, initargs=(os.getpid(),))

    def submit(self, call: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        """Run a call in a process."""
        future: Future[T] = self._pool.submit(call, *arguments, **named)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after the calls that were submitted; with `cancel_futures` at once.

        Calls are never cancelled one by one: loky fails if some were before its processes are killed.
        """
        self._pool.shutdown(wait=wait or cancel_futures, kill_workers=cancel_futures)


def _begin(parent: int) -> None:
    """Ctrl-C reaches all processes of a terminal, and is the business of the parent; end if that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
