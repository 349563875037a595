"""How long one call of a stranger's plugin may take in the main thread of `heron` or of a worker process: then it is ended there, wherever it waits.

Only the main thread can be interrupted, and only a program of ours may take the alarm signal: in threads, servers and programs of others
nothing is ended here. Code in C that never comes back to Python is not ended either; Ctrl-C twice ends the program then.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from heron.errors import InvalidInput

SECONDS = 300.0
"""The seconds of one call, unless HERON_PLUGIN_SECONDS says otherwise."""

_most: list[float] = []
"""The seconds of a call, while the program may be interrupted."""


class TookTooLong(BaseException):
    """A call has taken too long. No plugin catches it by `except Exception`."""


@contextmanager
def armed() -> Iterator[None]:
    """Within it, calls of plugins are limited. For the main thread of a program; raises InvalidInput."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    seconds = configured()
    before = signal.signal(signal.SIGALRM, _ring)
    _most.append(seconds)
    try:
        yield
    finally:
        _most.pop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def arm(seconds: float) -> None:
    """From now on, calls of plugins are limited. For the main thread of a process that is ours from its beginning to its end."""
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, _ring)
        _most.append(seconds)


def begin() -> float | None:
    """Begin the time of a call; what it returns goes to `end`. None where nothing is limited."""
    if not _most or threading.get_ident() != _MAIN:
        return None
    return signal.setitimer(signal.ITIMER_REAL, _most[-1])[0]


def end(left: float | None) -> None:
    """End the time of a call; that of the call around it goes on."""
    if left is not None:
        signal.setitimer(signal.ITIMER_REAL, left)


@contextmanager
def limited() -> Iterator[None]:
    """Within it, the call takes no longer than it may; raises TookTooLong."""
    left = begin()
    try:
        yield
    finally:
        end(left)


def begun_anew(step: Callable[[], object]) -> Callable[[], object]:
    """A function of ours that a plugin calls within its call: it takes none of its time, and the plugin begins anew after it."""

    def stepped() -> object:
        if (left := begin()) is None:
            return step()
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            return step()
        finally:
            signal.setitimer(signal.ITIMER_REAL, _most[-1] if left else 0)

    return stepped


_MAIN = threading.main_thread().ident


def _ring(number: int, frame: FrameType | None) -> None:
    if _most:
        raise TookTooLong(f"it took more than {_most[-1]:g} s")


def configured() -> float:
    """The seconds of one call; raises InvalidInput."""
    given = os.environ.get("HERON_PLUGIN_SECONDS", str(SECONDS))
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 10**7:
        raise InvalidInput(f"HERON_PLUGIN_SECONDS is {given!r}, a number of seconds is needed")
    return seconds
