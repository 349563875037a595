"""The file that says who is writing, so that a process whose wait timed out can name the writer."""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

from heron.inside import open_file
from heron.models import now

_MOST_BYTES = 64 * 1024


class Holder:
    """The file `writer.json`, which only helps people: writing works without it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def enter(self) -> None:
        """Write this process into the file."""
        text = json.dumps({"pid": os.getpid(), "host": platform.node(), "command": program(), "since": now()})
        with suppress(OSError):
            self._path.unlink(missing_ok=True)  # a file left by a killed process, or a symbolic link
            with open_file(self._path, "xb") as stream:
                stream.write(text.encode("utf-8", "replace"))

    def leave(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def who(self) -> str:
        """The writer in words; `another program` if that is not known."""
        try:
            with open_file(self._path, "rb") as stream:
                found = json.loads(stream.read(_MOST_BYTES))
            if found["host"] != platform.node() or is_alive(found["pid"]):
                return (
                    f"{found['command']} (process {found['pid']} on {found['host']}, since {found['since']})"
                )
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            pass
        return "another program"


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
