"""Turns of writers: a process that waits to write is not passed by others that write again and again.

SQLite lets the writers of other processes ask now and then, so one that ends a transaction and begins the next at once has
always won. Here each writer takes the turn first, and keeps it until its transaction has begun.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from heron.catalog.busy import BUSY_SECONDS, milliseconds
from heron.catalog.explaining import is_busy
from heron.catalog.holder import Holder
from heron.inside import descriptor

FILE = "turn.lock"

_MOMENT, _LONG = 2.0, 10.0
"""The most seconds of one attempt to begin: the first, after which a waiting process says so, and the others."""

_SHORTEST, _LONGEST = 0.001, 0.05
"""The seconds between two attempts, which grow."""


@contextmanager
def turn(
    directory: Path, seconds: float, after_a_moment: Callable[[], None] = lambda: None
) -> Iterator[float]:
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
        begin, pause = time.monotonic(), _SHORTEST
        end = begin + seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if (left := end - time.monotonic()) <= 0:
                    break
                if time.monotonic() - begin > _MOMENT:
                    after_a_moment()
                time.sleep(min(pause, left))
                pause = min(pause * 2, _LONGEST)
            except OSError:
                break
        yield max(0.0, end - time.monotonic())
    finally:
        os.close(handle)


class Waiting:
    """How a connection waits for other writers: for some seconds, and unless they were given, on as long as a writer tells of its work."""

    def __init__(self, holder: Holder, seconds: float, *, is_given: bool) -> None:
        self._seconds = seconds
        self._hurried: set[int] = set()
        """The threads that wait for nobody."""

        self.tell: Callable[[str], None] = lambda text: None
        """Is told once, after a moment, who is waited for."""

        self._holder = holder
        self._is_given = is_given
        self._is_told = False

    @property
    def seconds(self) -> float:
        """How long this thread waits for other writers."""
        return 0.0 if threading.get_ident() in self._hurried else self._seconds

    @contextmanager
    def none(self) -> Iterator[None]:
        """Within this, this thread waits for nobody; other threads of the workspace do."""
        thread = threading.get_ident()
        self._hurried.add(thread)
        try:
            yield
        finally:
            self._hurried.discard(thread)

    def say(self) -> None:
        """Tell who is waited for, unless that was told since the last transaction began."""
        if not self._is_told:
            self._is_told = True
            self.tell(f"Waiting for {self._holder.who()}")

    def begin(self, connection: sqlite3.Connection, left: float) -> None:
        """Begin a transaction that writes; of the seconds, some are `left`. Raises sqlite3.OperationalError if others go on writing."""
        is_hurried = threading.get_ident() in self._hurried
        if not is_hurried and self._seconds - left < 0.01 and not self._holder.is_there:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                left = 0.0
        end, news = time.monotonic() + left, None
        try:
            while True:
                wait = min(max(0.0, end - time.monotonic()), _LONG if self._is_told else _MOMENT)
                connection.execute(f"PRAGMA busy_timeout = {milliseconds(wait)}")
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    if not is_busy(error):
                        raise
                    if time.monotonic() >= end:
                        before, news = news, self._holder.news()
                        if is_hurried or self._is_given or news is None or news == before:
                            raise
                        end = time.monotonic() + BUSY_SECONDS
                    self.say()
        finally:
            self._is_told = False
            connection.execute(f"PRAGMA busy_timeout = {milliseconds(self._seconds)}")
