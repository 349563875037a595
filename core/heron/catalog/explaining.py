"""What SQLite's errors mean, as HeronErrors that say what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from heron.errors import CatalogueError


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the file."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explained(error: sqlite3.Error, path: Path) -> CatalogueError:
    """The error for a catalogue that is full, damaged, or may not be read or written."""
    code = _code(error)
    if code == sqlite3.SQLITE_FULL:
        return CatalogueError(
            f"the disk is full, {path} could not be written",
            hint="the transaction was rolled back; free some space and run it again",
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return CatalogueError(
            f"{path} is damaged or not a SQLite file ({error})",
            hint="move it away and restore a backup, or import again into a new workspace",
        )
    if code == sqlite3.SQLITE_READONLY:
        return CatalogueError(
            f"{path} can be read, but not written", hint="check the rights on it and its folder"
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return CatalogueError(
            f"{path} cannot be opened ({error})", hint="check the rights on it and its folder"
        )
    return CatalogueError(f"{path}: {error}")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
