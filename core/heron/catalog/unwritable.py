"""How a catalogue is read by a user who may not write it, while others may be writing.

SQLite reads such a file correctly with the help of the write-ahead log and its index (`-wal`, `-shm`), which exist as
long as a writer has the file open. Without them, the file is read as one that does not change, and each answer counts
only if the file is afterwards the same, and still nobody has it open.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from heron.errors import CatalogueError

State = tuple[int, int, int, int]
"""What changes when a file does: inode, size, and the two times in ns."""

_PASSING = {
    sqlite3.SQLITE_READONLY_RECOVERY, sqlite3.SQLITE_READONLY_CANTLOCK, sqlite3.SQLITE_READONLY_CANTINIT,
    sqlite3.SQLITE_BUSY_RECOVERY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL,
}  # fmt: skip
"""Errors that a reader may get for a moment, while a writer opens or closes the file."""


def is_writable(file: Path, *, read_only: bool = False) -> bool:
    """Whether the file may be written, or made; SQLite writes files beside it too."""
    return not file.exists() or (
        not read_only and os.access(file.parent, os.W_OK) and os.access(file, os.W_OK)
    )


def address(file: Path) -> tuple[str, State | None]:
    """The URI by which SQLite reads a file that may not be written, and the state in which the file has to stay.

    Raises CatalogueError for a write-ahead log without its index, since the changes in it cannot be read.
    """
    uri, state = file.absolute().as_uri(), quiet_state(file)
    if state is not None:
        return f"{uri}?mode=ro&immutable=1", state
    if Path(f"{file}-wal").exists() and not Path(f"{file}-shm").exists():
        raise _Incomplete(
            f"{file} cannot be read: its latest changes are in {file.name}-wal, and {file.name}-shm, which belongs to it, is missing",
            hint="open the workspace once as a user who may write it, or copy it into a folder of yours",
        )
    return f"{uri}?mode=ro", None


def quiet_state(file: Path) -> State | None:
    """The state of a file that nobody has open for writing; None if somebody has, or a write-ahead log was left."""
    try:
        if Path(f"{file}-wal").stat().st_size or Path(f"{file}-shm").exists():
            return None
    except FileNotFoundError:
        pass
    except OSError:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_passing(error: Exception) -> bool:
    """Whether an error may be over in a moment."""
    return isinstance(error, _Incomplete) or getattr(error, "sqlite_errorcode", 0) in _PASSING


class _Incomplete(CatalogueError):
    """A write-ahead log without its index, as it also exists for a moment when a writer opens or closes the file."""


def unreadable(file: Path) -> CatalogueError:
    """The error for a file that others write, and whose write-ahead log may not be read."""
    return CatalogueError(
        f"{file} is written by another user, and you may not read all of it: {file.name}, {file.name}-wal and {file.name}-shm",
        hint=f"ask its owner for: chmod a+rx {file.parent}; chmod a+r {file}*",
    )
