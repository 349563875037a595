"""Annotations that stand apart from their images wait on disk, so that memory does not grow with the dataset."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from heron.convert import dumps, loads
from heron.errors import CatalogueError
from heron.models import Json


class Joined:
    """Annotations by the id of their image, in the order in which they were added, in a file without a name."""

    def __init__(self, pairs: Iterable[tuple[str, Json]]) -> None:
        """Read all pairs of an id and an annotation. Raises CatalogueError if the disk is full."""
        self._file = sqlite3.connect("", check_same_thread=False)
        try:
            self._file.execute("CREATE TABLE found (number INTEGER PRIMARY KEY, id TEXT, value TEXT)")
            rows = ((id, dumps(value)) for id, value in pairs)
            self._file.executemany("INSERT INTO found (id, value) VALUES (?, ?)", rows)
            self._file.execute("CREATE INDEX by_id ON found(id)")
        except sqlite3.Error as error:
            self._file.close()
            raise CatalogueError(
                f"annotations cannot be stored in the temporary folder: {error}",
                hint="free some space, or set TMPDIR to another folder",
            ) from error

    def of(self, id: str) -> list[Json]:
        """The annotations of an image; they are taken, so that those without an image are left."""
        found = self._file.execute(
            "SELECT number, value FROM found WHERE id = ? ORDER BY number", [id]
        ).fetchall()
        if found:
            self._file.execute("DELETE FROM found WHERE id = ?", [id])
        return [loads(value) for _, value in found]

    def left(self) -> Iterator[tuple[str, int]]:
        """The ids of images that were not asked for, each with the number of its annotations."""
        yield from self._file.execute("SELECT id, count(*) FROM found GROUP BY id ORDER BY min(number)")

    def close(self) -> None:
        """Throw the annotations away."""
        self._file.close()

    def __enter__(self) -> Joined:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
