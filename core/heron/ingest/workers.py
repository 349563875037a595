"""The workers that probe: threads if most time is spent waiting for a storage, processes if most time is
spent computing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from queue import SimpleQueue
from typing import Any, TypeVar

from heron.cores import usable_cores
from heron.errors import InvalidInput
from heron.ingest.pipeline import Workers
from heron.ingest.units import Unit

T = TypeVar("T")

CONCURRENCY = 32
"""Concurrent requests to a storage, unless HERON_CONCURRENCY says otherwise."""


TOGETHER = 8
"""Objects that one thread requests at a time."""


@contextmanager
def given(units: Iterable[Unit], executor: Executor) -> Iterator[tuple[Iterable[Unit], Workers]]:
    """The executor of the caller, which the caller closes."""
    yield units, Workers(executor, outlives=True)


@contextmanager
def threads(units: Iterable[Unit]) -> Iterator[tuple[Iterable[Unit], Workers]]:
    """Threads for one import; each of them requests several objects at a time."""
    count = -(-concurrency() // TOGETHER)
    grain = concurrency() // count
    pool = _Threads(count)
    try:
        yield units, Workers(pool, grain=grain, ahead=count * 4)
    finally:
        pool.shutdown()


class _Threads(Executor):
    """Threads that are not joined at exit, so that Ctrl-C ends a program even if its storage does not answer."""

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._count = count
        self._is_stopped = False
        for _ in range(count):
            threading.Thread(target=self._work, name="heron-probe", daemon=True).start()

    def submit(self, call: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        """Run a call in a thread."""
        future: Future[T] = Future()
        self._tasks.put((future, partial(call, *arguments, **named)))
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = True) -> None:
        """End each thread after its current call."""
        self._is_stopped = True
        for _ in range(self._count):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            future, call = task
            if self._is_stopped:
                future.cancel()
            elif future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001 - raised again where the result is read
                    future.set_exception(error)


@contextmanager
def processes(units: Iterable[Unit], many: int, *, allowed: bool) -> Iterator[tuple[Iterable[Unit], Workers]]:
    """Worker processes for one import, if there are at least `many` units and more than one core."""
    stream = iter(units)
    first = list(islice(stream, many))
    cores = usable_cores()
    if len(first) < many or cores == 1 or not allowed:
        yield chain(first, stream), Workers()
        return
    from loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(max_workers=cores, initializer=end_with_parent, initargs=(os.getpid(),))
    try:
        yield chain(first, stream), Workers(pool)
    except BaseException:
        pool.shutdown(wait=True, kill_workers=True)
        raise
    pool.shutdown(wait=True)


def concurrency() -> int:
    """The number of concurrent requests: HERON_CONCURRENCY, or the default; raises InvalidInput."""
    given = os.environ.get("HERON_CONCURRENCY", str(CONCURRENCY))
    if not given.isdecimal() or not 1 <= int(given) <= 256:
        raise InvalidInput(f"HERON_CONCURRENCY is {given!r}, a number from 1 to 256 is needed")
    return int(given)


def end_with_parent(parent: int) -> None:
    """End this worker process if the import that started it was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
