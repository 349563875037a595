"""What kill -9 leaves of a folder: its files right before each call by which a process may change something.

The process that works copies them itself, between two of its calls. A copy has what was given to the system, as after a kill: buffers of
Python and pages that SQLite keeps are not in it, and locks, which end with a process, are in no copy. So one run shows what it leaves
wherever it is killed. `tests/test_vector_crashes.py` compares this with real kills.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

IsChange = Callable[[Any, Any], bool]
"""Whether a call may change files: gets the frame that calls, and the function of C that is called."""


class Left:
    """Copies of a folder into another one. A copy that would be like the last one is not made."""

    def __init__(self, folder: Path, into: Path) -> None:
        self._folder, self._into = folder, into
        self._last: object = None
        self.reported = 0
        """How much was reported as done until now."""
        self.copies: list[tuple[Path, int]] = []
        """The copies, and what was reported when they were made."""
        self.at: list[Path] = []
        """The copy that shows the folder before each step."""

    def copy(self) -> None:
        """Copy the folder as it is now."""
        now = (self.reported, _content(self._folder))
        if now != self._last:
            self._last = now
            self.copies.append((self._into / str(len(self.copies)), self.reported))
            shutil.copytree(self._folder, self.copies[-1][0])
        self.at.append(self.copies[-1][0])


def _content(folder: Path) -> bytes:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path}\n{path.is_file() and path.stat().st_size}\n".encode())
        if path.is_file():
            found.update(path.read_bytes())
    return found.digest()


@contextmanager
def copied_before_each(is_change: IsChange, folder: Path, into: Path) -> Iterator[Left]:
    """Copy the folder before each change that this thread makes in the block, and at its end."""
    left = Left(folder, into)
    with _calling(is_change, left.copy):
        yield left
    left.copy()


@contextmanager
def killed_before(step: int, is_change: IsChange) -> Iterator[None]:
    """Kill this process before so many changes and one more; nothing cleans up."""
    steps = iter(range(step))
    with _calling(is_change, lambda: os.kill(os.getpid(), 9) if next(steps, None) is None else None):
        yield


@contextmanager
def _calling(is_change: IsChange, do: Callable[[], None]) -> Iterator[None]:
    def look(frame: Any, event: str, function: Any) -> None:
        if event == "c_call" and is_change(frame, function):
            do()

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
