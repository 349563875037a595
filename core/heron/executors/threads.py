"""Threads of this process, for work that waits for a storage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Threads(Executor):
    """Threads that are not joined at exit, so that Ctrl-C ends a program even if its storage does not answer."""

    def __init__(self, count: int) -> None:
        self.workers = count
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._is_stopped = False
        for _ in range(count):
            threading.Thread(target=self._work, name="heron-worker", daemon=True).start()

    def submit(self, call: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        """Run a call in a thread."""
        if self._is_stopped:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[T] = Future()
        self._tasks.put((future, partial(call, *arguments, **named)))
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:
        """End each thread after its current call, without waiting; calls that have not begun are cancelled."""
        self._is_stopped = True
        for _ in range(self.workers):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, call = task
            if self._is_stopped:
                future.cancel()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001 - raised again where the result is read
                    future.set_exception(error)
