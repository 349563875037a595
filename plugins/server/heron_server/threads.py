"""Threads for the event loop: work goes to one of them, and the answer comes back to the loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger("heron.server")


class Threads:
    """A fixed number of threads. Half the cost of an executor, whose futures are made to be waited for by other threads too."""

    def __init__(self, count: int) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"heron {n}", daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` returns, called in a thread; it goes on if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def within() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                _tell(loop, future, None, error)
            else:
                _tell(loop, future, result, None)

        self._queue.put(within)
        return await future

    def submit(self, work: Callable[[], object]) -> None:
        """Call `work` in a thread; nobody waits for it, and an error is logged."""

        def within() -> None:
            try:
                work()
            except Exception:  # noqa: BLE001 - what it was is logged
                _log.exception("work in the background failed")

        self._queue.put(within)

    def close(self) -> None:
        """Wait until all work that was given is done."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            work()


def _tell(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: BaseException | None
) -> None:
    def settle() -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop has ended: nobody waits any more
        pass
