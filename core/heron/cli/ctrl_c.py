"""Ctrl-C is never lost: where Python cannot raise KeyboardInterrupt, the program gets the signal once more.

What is raised in `__del__`, in the callback of a weak reference or of the garbage collector, and in most functions that a C library
calls, has no caller that could catch it: Python prints it and goes on (`sys.unraisablehook`).
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SECONDS = 0.002
"""After so long the callback has ended; if another one has begun, the signal comes a third time."""


@contextmanager
def never_lost() -> Iterator[None]:
    """Within the context, Ctrl-C reaches the code that runs next if it was pressed where Python ignores it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hook = _Hook(sys.unraisablehook)
    sys.unraisablehook = hook
    try:
        yield
    finally:
        hook.end()


class _Hook:
    """Takes what Python cannot raise; all but Ctrl-C in the main thread goes on to the former hook."""

    def __init__(self, former: Callable[[UnraisableHookArgs], object]) -> None:
        self._former = former
        self._main = threading.get_ident()
        self._is_promised = False
        """Whether a signal will come, which is that of all presses until then."""

        self._coming: set[int] = set()
        """The presses whose signal was not sent."""

    def __call__(self, unraisable: UnraisableHookArgs) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt) or threading.get_ident() != self._main:
            self._former(unraisable)
        elif not self._is_promised:
            self._is_promised = True
            while True:
                try:  # another thread sends the signal, for it would be lost in this call
                    self._coming.add(id(unraisable))
                    _thread.start_new_thread(self._send, (id(unraisable),))
                    return
                except KeyboardInterrupt:  # pressed again at this very moment
                    continue

    def _send(self, press: int) -> None:
        time.sleep(SECONDS)
        self._is_promised = False
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self._main, signal.SIGINT)
        else:
            _thread.interrupt_main()
        self._coming.discard(press)

    def end(self) -> None:
        """Wait for the signals that were promised, and raise KeyboardInterrupt if one comes."""
        pressed = False
        while self._coming:
            try:
                time.sleep(SECONDS)
            except KeyboardInterrupt:
                pressed = True
        if sys.unraisablehook is self:
            sys.unraisablehook = self._former
        if pressed:
            raise KeyboardInterrupt
