"""Waits that Ctrl-C ends whichever thread the signal reaches: Python raises KeyboardInterrupt only when the main thread runs.

A lock without a time limit ends early only if the signal interrupts the main thread itself. A terminal sends the signal to
worker processes too, which leave it to the main process.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import Any

SLICE = 0.2
"""The seconds after which the main thread looks at its signals."""


def wait_until_done(task: Future[Any], gives_up: Callable[[], bool] = lambda: False) -> bool:
    """Wait until a task is done; `gives_up` is asked now and then. Returns whether it is done."""
    while not task.done():
        wait([task], timeout=SLICE)
        if not task.done() and gives_up():
            return False
    return True


def join(thread: threading.Thread) -> None:
    """Wait for the end of a thread."""
    while thread.is_alive():
        thread.join(SLICE)


def wait_until_set(event: threading.Event, seconds: float) -> None:
    """Wait until an event is set, or for some seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not event.wait(min(left, SLICE)):
        pass


@contextmanager
def held_back() -> Iterator[None]:
    """Ctrl-C waits for the end of a short piece of work that must not be done by half; never for anything that can wait."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed and callable(before):
            before(*pressed[0])


@contextmanager
def left_to_this_process() -> Iterator[None]:
    """Processes and threads that are started within never see Ctrl-C, not even while they start: they inherit the mask.

    A signal that arrives meanwhile is not lost: this process gets it at the end, when all are started.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    with held_back():  # another thread can get the signal, and this one would be interrupted
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
