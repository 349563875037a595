"""Open workspaces, lent to one thread at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import heron

IDLE = 32
"""The most workspaces that are kept open while no thread has them."""


class Workspaces:
    """Workspaces by their user. One is opened when none is free, and the longest unused ones are closed."""

    def __init__(self, first: heron.Workspace) -> None:
        self._first = first
        self._lock = threading.Lock()
        self._idle: OrderedDict[heron.Workspace, str | None] = OrderedDict()
        self._is_closed = False

    @contextmanager
    def lent(self, user: str | None) -> Iterator[heron.Workspace]:
        """A workspace opened as a user, for the thread that asks; raises PermissionDenied for somebody who is not a user."""
        workspace = self.free(user) or self._first.open_as(user)
        try:
            yield workspace
        finally:
            self.give_back(workspace, user)

    def free(self, user: str | None) -> heron.Workspace | None:
        """A workspace of a user that is open and not lent, or None; `give_back` has to follow."""
        with self._lock:
            for workspace in reversed(self._idle):
                if self._idle[workspace] == user:
                    del self._idle[workspace]
                    return workspace
        return None

    def give_back(self, workspace: heron.Workspace, user: str | None) -> None:
        """Take back what was lent."""
        surplus = None
        with self._lock:
            if self._is_closed:
                surplus = workspace
            else:
                self._idle[workspace] = user
                if len(self._idle) > IDLE:
                    surplus, _ = self._idle.popitem(last=False)
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        """Close those that no thread has; the others are closed when they are returned."""
        with self._lock:
            self._is_closed = True
            idle = [*self._idle]
            self._idle.clear()
        for workspace in idle:
            workspace.close()
