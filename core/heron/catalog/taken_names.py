"""Names that are taken below a folder, kept in a temporary file, so that memory does not grow with their number."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from heron.errors import HeronError

_CACHE = "-4096"
"""Kibibytes of names that SQLite keeps in memory, as its pragma writes them."""


class TakenNames:
    """Gives each file a path that no other file and no folder has, also where case and the form of Unicode do not count.

    A second file of one name gets a number: `a.jpg`, `a-2.jpg`. So does a folder where a file has its name.
    """

    def __init__(self) -> None:
        with _explained():
            self._names = sqlite3.connect("", isolation_level=None)  # a file that goes with the connection
            self._names.execute(f"PRAGMA cache_size = {_CACHE}")
            self._names.execute("PRAGMA journal_mode = OFF")
            self._names.execute("PRAGMA synchronous = OFF")
            self._names.execute(
                "CREATE TABLE names (key TEXT PRIMARY KEY, folder TEXT, next INTEGER NOT NULL) WITHOUT ROWID"
            )
            self._names.execute(
                "BEGIN"
            )  # never committed, so that names are written to the file only when they are many
        self._folders: dict[str, str] = {"": ""}
        """Some folders by the path that was asked for, with the path that they have."""

    def close(self) -> None:
        """Forget all names."""
        self._names.close()

    def file(self, wanted: str) -> str:
        """The path for a file: the one that is wanted, or with the next number. It is taken from now on."""
        folder, _, name = wanted.rpartition("/")
        with _explained():
            return self._free(self._folder(folder), name, is_folder=False)

    def has(self, path: str) -> bool:
        """Whether a file or folder of this path was given."""
        with _explained():
            return self._row(_key(path)) is not None

    def _folder(self, wanted: str) -> str:
        found = self._folders.get(wanted)
        if found is None:
            above, _, name = wanted.rpartition("/")
            found = self._free(self._folder(above), name, is_folder=True)
            if len(self._folders) > 1000:
                self._folders = {"": ""}
            self._folders[wanted] = found
        return found

    def _free(self, folder: str, name: str, *, is_folder: bool) -> str:
        plain = f"{folder}/{name}" if folder else name
        row = self._row(_key(plain))
        number, path = 2, plain
        if row is not None:
            if is_folder and row[0] is not None:
                return str(row[0])
            number = row[1]
        taken = row
        if taken is not None:
            stem, suffix = (name, "") if is_folder else (PurePosixPath(name).stem, PurePosixPath(name).suffix)
        while taken is not None:
            path = f"{folder}/{stem}-{number}{suffix}" if folder else f"{stem}-{number}{suffix}"
            number += 1
            taken = self._row(_key(path))
            if is_folder and taken is not None and taken[0] is not None:
                return str(taken[0])
        if row is not None:
            self._names.execute("UPDATE names SET next = ? WHERE key = ?", [number, _key(plain)])
        self._names.execute("INSERT INTO names VALUES (?, ?, 2)", [_key(path), path if is_folder else None])
        return path

    def _row(self, key: str) -> tuple[str | None, int] | None:
        found: tuple[str | None, int] | None = self._names.execute(
            "SELECT folder, next FROM names WHERE key = ?", [key]
        ).fetchone()
        return found


def _key(path: str) -> str:
    """What two paths have in common that a file system may take for one."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise HeronError(
            f"the names of the files cannot be kept in the temporary folder: {error}",
            hint="free some space there, or let SQLITE_TMPDIR name another folder",
        ) from error
