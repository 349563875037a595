"""The file that says who is writing, and how far a long transaction is, so that a process that waits can name the writer."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from heron.errors import HeronError
from heron.inside import open_file
from heron.times import moment, now

_MOST_BYTES = 64 * 1024
_EVERY = 0.5
"""The seconds between two changes of the file."""


class Holder:
    """The file `writer.json`, which only helps people: writing works without it."""

    def __init__(self, path: Path) -> None:
        self._path, self._new = path, path.with_name(f"{path.name}.new")
        self._since, self._told = "", 0.0

    @property
    def is_there(self) -> bool:
        """Whether a process is writing, or was killed while it did."""
        return self._path.exists()

    def enter(self) -> None:
        """Write this process into the file."""
        self._since, self._told = now(), time.monotonic()
        with suppress(OSError):
            self._new.unlink(missing_ok=True)  # left by a killed process
        self._write(self._path)

    def tell(self, work: str) -> None:
        """Write into the file how far the work is, unless that was done a moment ago. Writers wait as long as this changes."""
        if time.monotonic() - self._told > _EVERY:
            self._write(self._new, work=work)
            with suppress(OSError):
                self._new.replace(self._path)
            self._told = time.monotonic()

    def _write(self, path: Path, **more: str) -> None:
        who = {"pid": os.getpid(), "host": platform.node(), "command": program(), "since": self._since}
        with suppress(OSError):
            path.unlink(missing_ok=True)  # a file left by a killed process, or a symbolic link
            with open_file(path, "xb") as stream:
                stream.write(json.dumps({**who, **more}).encode("utf-8", "replace"))

    def leave(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def who(self) -> str:
        """The writer in words; `another program` if that is not known."""
        found = self._read()
        if found is None:
            return "another program"
        held = (moment(now()) - found["since"]).total_seconds()
        work = f": {found['work']}" if "work" in found else ""
        return (
            f"{found['command']} (process {found['pid']} on {found['host']}, for {max(0, held):,.0f} s{work})"
        )

    def news(self) -> str | None:
        """What changes as long as a writer gets on with a long transaction, None of a writer that does not tell."""
        found = self._read()
        return (
            f"{found['pid']} {found['since']} {found['work']}"
            if found is not None and "work" in found
            else None
        )

    def _read(self) -> dict[str, Any] | None:
        """What the file says, unless the process has ended."""
        try:
            with open_file(self._path, "rb") as stream:
                found = json.loads(stream.read(_MOST_BYTES))
            if found["host"] == platform.node() and not is_alive(found["pid"]):
                return None
            return {
                **found,
                "pid": found["pid"],
                "command": str(found["command"]),
                "since": moment(str(found["since"])),
            }
        except (OSError, ValueError, KeyError, TypeError, OverflowError, HeronError):
            return None


def program() -> str:
    """What people call this process: `heron import` for a command line, without its arguments, or the script."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    if not name.startswith("heron"):
        return name if name not in ("", "-c", "-m") else "a Python program"
    words = iter(sys.argv[1:])
    for word in words:
        if word in ("-w", "--workspace", "--as"):
            next(words, None)
        elif not word.startswith("-"):
            return f"heron {word}"
    return "heron"


def is_alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def mark_of(pid: int) -> str:
    """A process as text: its id and, on Linux, its start time, because ids are used again."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return str(pid)
    return f"{pid}@{status.rpartition(')')[2].split()[19]}"


def runs(mark: str) -> bool:
    """Whether a process that was stored as text is still running."""
    pid = int(mark.partition("@")[0])
    return is_alive(pid) and ("@" not in mark or mark == mark_of(pid))
