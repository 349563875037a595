"""What an export has copied into a folder, kept in a file there, so that an export that was interrupted goes on."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import frozen

from heron.errors import HeronError

FILE = ".heron-copied.db"

_SECONDS = 0.5
"""How long copies wait to be noted; what is not noted is copied again."""


@frozen
class CopiedFile:
    """A copy: what it is of, its size in bytes, and its SHA-256 if that was computed while it was copied."""

    url: str
    etag: str | None
    size: int
    sha256: str | None


class CopiedFiles:
    """The copies in a folder. A copy is noted once it is whole."""

    def __init__(self, folder: Path) -> None:
        """Read what an export before has noted; `is_resumed` says whether there was one."""
        self._folder = folder
        file = folder / FILE
        self.is_resumed = file.exists()
        with _explained(folder):
            self._notes = sqlite3.connect(file, isolation_level=None)
            self._notes.execute("PRAGMA journal_mode = WAL")  # a process that is killed loses nothing noted
            self._notes.execute("PRAGMA synchronous = OFF")
            self._notes.execute(
                "CREATE TABLE IF NOT EXISTS copies (name TEXT PRIMARY KEY, url TEXT NOT NULL, etag TEXT, size INTEGER NOT NULL, "
                "sha256 TEXT, is_current INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID"
            )
            if self.is_resumed:
                self._notes.execute("UPDATE copies SET is_current = 0")
            self._notes.execute("BEGIN")
        self._noted = time.monotonic()

    def get(self, name: str) -> CopiedFile | None:
        """What was noted of a file."""
        with _explained(self._folder):
            row = self._notes.execute(
                "SELECT url, etag, size, sha256 FROM copies WHERE name = ?", [name]
            ).fetchone()
        return None if row is None else CopiedFile(*row)

    def note(self, name: str, copied: CopiedFile) -> None:
        """Note that a file is whole."""
        with _explained(self._folder):
            self._notes.execute(
                "INSERT OR REPLACE INTO copies (name, url, etag, size, sha256) VALUES (?, ?, ?, ?, ?)",
                [name, copied.url, copied.etag, copied.size, copied.sha256],
            )
            now = time.monotonic()
            if now - self._noted >= _SECONDS:
                self._noted = now
                self._notes.execute("COMMIT")
                self._notes.execute("BEGIN")

    def forget(self, name: str) -> None:
        """Forget a file that is removed."""
        with _explained(self._folder):
            self._notes.execute("DELETE FROM copies WHERE name = ?", [name])

    def count(self) -> int:
        """The number of copies that are noted."""
        with _explained(self._folder):
            return int(self._notes.execute("SELECT count(*) FROM copies WHERE url <> ''").fetchone()[0])

    def close(self) -> None:
        """Keep the notes for an export that goes on."""
        with suppress(sqlite3.Error):
            if self._notes.in_transaction:
                self._notes.execute("COMMIT")
        self._notes.close()

    def finish(self) -> None:
        """Remove the notes, and the files that belong to the export before and not to this one."""
        if self.is_resumed:
            for name in self._strangers():
                (self._folder / name).unlink()
        self.close()
        for ending in ("", "-wal", "-shm"):
            (self._folder / f"{FILE}{ending}").unlink(missing_ok=True)

    def _strangers(self) -> Iterator[str]:
        for here, folders, files in os.walk(self._folder, topdown=False):
            for name in files:
                path = Path(here) / name
                known = path.relative_to(self._folder).as_posix()
                if known.startswith(FILE) or name == LOCK:
                    continue
                with _explained(self._folder):
                    row = self._notes.execute(
                        "SELECT is_current FROM copies WHERE name = ?", [known]
                    ).fetchone()
                if row is None or not row[0]:
                    yield known
            for name in folders:
                with suppress(OSError):  # only one that is empty can be removed
                    (Path(here) / name).rmdir()


LOCK = ".heron-lock"
"""The file whose lock says that an export writes into the folder."""


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if "full" in str(error) or "disk I/O" in str(error):
            raise OSError(28, f"{os.strerror(28)} ({error})") from error
        raise HeronError(
            f"{folder} has notes of an export that cannot be read: {error}",
            hint="delete this folder; the export begins anew then",
        ) from error
