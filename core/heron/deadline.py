"""How long one call of a stranger's plugin may take: then it is ended, wherever it waits.

In the main thread of `heron` and of worker processes an alarm rings, which ends also what waits in C. Only a program of ours may take that signal:
in threads, servers and programs of others a thread watches the calls instead (`heron.overdue`). Code in C that never comes back to Python is
ended by neither; Ctrl-C twice ends the program then.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from heron.errors import InvalidInput

if TYPE_CHECKING:
    from heron.overdue import Call

    Begun = float | Call

SECONDS = 300.0
"""The seconds of one call, unless HERON_PLUGIN_SECONDS says otherwise."""

_most: list[float] = []
"""The seconds of a call, while the program may be interrupted."""


class TookTooLong(BaseException):
    """A call has taken too long. No plugin catches it by `except Exception`."""

    def __str__(self) -> str:
        return f"it took more than {_most[-1] if _most else configured():g} s"


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


def begin(who: str = "a plugin") -> Begun:
    """Begin the time of a call of `who`, as messages name it; what it returns goes to `end`. Raises InvalidInput."""
    if _most and threading.get_ident() == _MAIN:
        return signal.setitimer(signal.ITIMER_REAL, _most[-1])[0]
    from heron import overdue

    return overdue.begin(configured(), TookTooLong, who)


def end(begun: Begun | None) -> None:
    """End the time of a call, if it was begun; that of the call around it goes on. It may be ended twice."""
    if isinstance(begun, float):
        signal.setitimer(signal.ITIMER_REAL, begun)
    elif begun is not None:
        from heron import overdue

        overdue.end(begun)


@contextmanager
def limited(who: str = "a plugin") -> Iterator[None]:
    """Within it, a call of `who` takes no longer than it may; raises TookTooLong."""
    begun = begin(who)
    try:
        try:
            yield
        finally:
            end(begun)
    except TookTooLong:  # which may have come as the time was ended
        end(begun)
        raise


def begun_anew(step: Callable[[], object]) -> Callable[[], object]:
    """A function of ours that a plugin calls within its call: it takes none of its time, and the plugin begins anew after it."""

    def stepped() -> object:
        if not _most or threading.get_ident() != _MAIN:
            return _not_counted(step)
        left = signal.setitimer(signal.ITIMER_REAL, 0)[0]
        try:
            return step()
        finally:
            signal.setitimer(signal.ITIMER_REAL, _most[-1] if left else 0)

    return stepped


def _not_counted(step: Callable[[], object]) -> object:
    from heron import overdue

    call = overdue.begin(0, TookTooLong, "")
    around = call.around
    try:
        return step()
    finally:
        overdue.end(call)
        if around is not None:
            around.begun, around.shifted = time.monotonic(), 0.0


_MAIN = threading.main_thread().ident


def _ring(number: int, frame: FrameType | None) -> None:
    if _most:
        raise TookTooLong


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
