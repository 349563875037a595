"""The lock under which one thread at a time loads plugins. What waits for one that never comes back is told so."""

from __future__ import annotations

import threading
from types import TracebackType

from heron import overdue
from heron.errors import PluginError

_LOOK = 1.0
"""The seconds after which who waits looks at what the other thread does."""


class Alone:
    """A lock for one thread, which may take it several times; entering raises PluginError while a call in it cannot be ended."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        while not self._lock.acquire(timeout=_LOOK):
            if (call := overdue.stuck(self._holder)) is not None:
                raise PluginError(
                    f"{call.who} has taken more than {call.seconds:g} s and cannot be ended, so no plugin can be loaded here",
                    hint="end the program, and use heron --no-plugins or HERON_PLUGINS to leave that plugin out",
                )
        self._holder = threading.get_ident()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
