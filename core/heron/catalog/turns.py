"""Turns of writers: a process that waits to write is not passed by others that write again and again.

SQLite lets the writers of other processes ask now and then, so one that ends a transaction and begins the next at once has
always won. Here each writer takes the turn first, and keeps it until its transaction has begun.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heron.inside import descriptor

FILE = "turn.lock"

_SHORTEST, _LONGEST = 0.001, 0.05
"""The seconds between two attempts, which grow."""


@contextmanager
def turn(directory: Path, seconds: float) -> Iterator[float]:
    """Hold the turn, or go on without it when `seconds` are over; yields the seconds that are left then.

    The system takes the turn from a process that ends. Where its file cannot be locked there are no turns, and SQLite decides.
    """
    try:
        import fcntl

        handle = descriptor(directory / FILE, "lock")
    except (ImportError, OSError):
        yield seconds
        return
    try:
        end, pause = time.monotonic() + seconds, _SHORTEST
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if (left := end - time.monotonic()) <= 0:
                    break
                time.sleep(min(pause, left))
                pause = min(pause * 2, _LONGEST)
            except OSError:
                break
        yield max(0.0, end - time.monotonic())
    finally:
        os.close(handle)
