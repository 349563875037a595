"""Waits that Ctrl-C ends whichever thread the signal reaches: Python raises KeyboardInterrupt only when the main thread runs.

A lock without a time limit ends early only if the signal interrupts the main thread itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
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
