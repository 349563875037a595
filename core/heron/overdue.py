"""Ends calls of plugins that take too long where no alarm can ring: in threads, in servers, and in programs that use Heron as a library.

A thread of Heron's own, which sleeps while no plugin is called, raises an exception in the thread of the call. It is raised before the next
step in Python: code in C that does not come back, such as one long `sleep`, is not ended, but a warning names it.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
import warnings
from collections.abc import Iterator

from attrs import define, field

from heron.errors import PluginWarning

TICK = 0.5
"""The seconds between two looks at the calls, unless calls may take less."""

GRACE = 10.0
"""The seconds, or the time of the call if that is less, after which an exception is raised once more, and what ignores it is named."""


@define(eq=False)
class Call:
    """One call into a plugin, in its thread; `around` is the call in which it was made."""

    thread: int
    seconds: float
    raises: type[BaseException]
    who: str
    around: Call | None
    begun: float = field(factory=time.monotonic)
    shifted: float = 0.0
    """The seconds of calls within it, which are none of its own."""

    times: int = 0
    """How often the exception was raised."""

    is_over: bool = False

    @property
    def is_paused(self) -> bool:
        """Whether its time does not run."""
        return self.seconds <= 0

    def left(self, now: float) -> float:
        """The seconds until the exception is raised (once more)."""
        return self.begun + self.shifted + self.seconds + self.times * min(GRACE, self.seconds) - now


_lock = threading.Lock()
_calls: dict[int, Call] = {}
"""The innermost call of each thread."""

_awake = threading.Event()
_watcher: threading.Thread | None = None


def begin(seconds: float, raises: type[BaseException], who: str) -> Call:
    """Begin the time of a call in this thread; 0 `seconds` stop that of the call around it."""
    thread = threading.get_ident()
    call = Call(thread, seconds, raises, who, _calls.get(thread))
    _calls[thread] = call
    if not _awake.is_set():
        _wake()
    return call


def end(call: Call) -> None:
    """End the time of a call, and of calls within it; that of the call around it goes on. What was raised too late is taken back.

    An exception that comes meanwhile is raised here: ended again, the call has nothing left. `seconds` pass until it could come once more.
    """
    with _lock:
        call.is_over = True
        if call in _chain(_calls.get(call.thread)):
            if call.around is None:
                del _calls[call.thread]
            else:
                call.around.shifted += time.monotonic() - call.begun
                _calls[call.thread] = call.around
        if call.times:
            _take_back(call.thread)
            call.times = 0


def _chain(call: Call | None) -> Iterator[Call]:
    """A call, and those in which it was made. One whose beginning was interrupted by the end of another has not been ended."""
    while call is not None:
        yield call
        call = call.around


def stuck(thread: int | None) -> Call | None:
    """The call of a thread that has ignored the end of its time."""
    call = _calls.get(thread or 0)
    return call if call is not None and call.times > 1 else None


def _wake() -> None:
    global _watcher
    with _lock:
        _awake.set()
        if _watcher is None:
            _watcher = threading.Thread(target=_watch, name="heron-overdue", daemon=True)
            _watcher.start()


def _watch() -> None:
    while True:
        if not _calls:
            _awake.clear()
            if not _calls:
                _awake.wait()
        now = time.monotonic()
        calls = [call for call in list(_calls.values()) if not call.is_paused]
        for call in calls:
            if call.left(now) <= 0:
                _ring(call)
        time.sleep(max(0.005, min([TICK, *(call.seconds / 4 for call in calls)])))


def _ring(call: Call) -> None:
    with _lock:
        if call.is_over or _calls.get(call.thread) is not call:
            return
        call.times += 1
        _raise(call.thread, call.raises)
    if call.times == 2:
        text = f"{call.who} has taken more than {call.seconds:g} s and cannot be ended: what needs it waits"
        warnings.warn(PluginWarning(text), stacklevel=1)


def _raise(thread: int, raises: type[BaseException] | None) -> None:
    """Raise an exception in a thread, in the place of one that was not raised yet; None takes that back."""
    what = ctypes.py_object(raises) if raises is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


class _TakenBack(BaseException):
    """Raised and caught in the place of what came too late."""


def _take_back(thread: int) -> None:
    """Take back an exception that was not raised yet in a thread.

    In this thread, another one is raised in its place at once: CPython, told that there is none, would look for it before each step from
    then on, and never come back in a function that is profiled.
    """
    if thread != threading.get_ident():
        _raise(thread, None)
        return
    other: BaseException | None = None
    while True:
        try:
            _raise(thread, _TakenBack)
            while True:
                time.sleep(0)
        except _TakenBack:
            break
        except BaseException as raised:  # noqa: BLE001 - such as KeyboardInterrupt, which is raised below
            other = other or raised
    if other is not None:
        raise other


def _after_fork() -> None:
    global _lock, _watcher
    _lock, _watcher = threading.Lock(), None
    _calls.clear()
    _awake.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
