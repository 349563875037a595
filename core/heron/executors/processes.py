"""Worker processes of this machine, for work that computes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from heron.deadline import arm, configured
from heron.executors.shipping import keep_warnings
from heron.interrupts import left_to_this_process

T = TypeVar("T")


class Processes(Executor):
    """Processes that end with this one, also if it is killed. They are started by the first call.

    Calls of plugins are limited there as in the program `heron`; raises InvalidInput for a limit that is none.
    """

    def __init__(self, count: int) -> None:
        from loky import ProcessPoolExecutor

        self.workers = count
        self._is_begun = False
        self._pool: Any = ProcessPoolExecutor(count, initializer=_begin, initargs=(os.getpid(), configured()))

    def submit(self, call: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        """Run a call in a process."""
        if not self._is_begun:
            self._is_begun = True
            _start(self._pool)
        future: Future[T] = self._pool.submit(call, *arguments, **named)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after the calls that were submitted; with `cancel_futures` at once.

        Calls are never cancelled one by one: loky fails if some were before its processes are killed.
        """
        self._pool.shutdown(wait=wait or cancel_futures, kill_workers=cancel_futures)


def _start(pool: Any) -> None:
    """Start all processes of a pool, so that Ctrl-C, which a terminal sends to them too, does not meet them starting."""
    from multiprocessing import resource_tracker

    from loky.backend import resource_tracker as lokys

    for tracker in (resource_tracker, lokys):  # they change the mask of signals when they start
        tracker.ensure_running()
    with left_to_this_process():
        pool.submit(os.getpid)


def _begin(parent: int, seconds: float) -> None:
    """Limit calls of plugins, keep their warnings, leave Ctrl-C to the parent, and end if that was killed."""
    arm(seconds)
    keep_warnings()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
