"""The rows of an export on their way into a catalogue: tables of a temporary database, beside the catalogue on one connection.

The database is a file that has no name, so that it vanishes with its process. Nothing is written to the catalogue here, and no
lock on it is held.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from heron.catalog.database import Database
from heron.catalog.limits import BUNDLE, bundles
from heron.catalog.portable.parts import (
    COLLECTION_ITEMS,
    COLLECTIONS,
    DATASET_ROWS,
    DATASETS,
    FOLDERS,
    FRAME_THUMBNAILS,
    FRAMES,
    ITEMS,
    MEDIA,
    MEMBERS,
    PRESETS,
    THUMBNAILS,
    Part,
)
from heron.errors import CatalogueBusy, InvalidInput
from heron.metadata.keys import printable

T = TypeVar("T")

State = tuple[int, int, int]
"""As `Database.state`."""

_ITEM = "(SELECT seq FROM staged.items WHERE uuid = ?)"
_FRAME = "(SELECT f.seq FROM staged.frames AS f JOIN staged.items AS i ON i.seq = f.item WHERE i.uuid = ? AND f.number = ?)"

_CONSTRAINTS = {
    "folders": "UNIQUE (uuid), UNIQUE (path)",
    "items": "UNIQUE (uuid)",
    "members": "UNIQUE (item, position)",
    "frames": "UNIQUE (item, number)",
    "thumbnails": "UNIQUE (item)",
    "frame_thumbnails": "UNIQUE (frame)",
    "collections": "UNIQUE (uuid), UNIQUE (title)",
    "collection_items": "UNIQUE (collection, item)",
    "datasets": "UNIQUE (uuid), UNIQUE (title)",
    "presets": "UNIQUE (name)",
    "media": "UNIQUE (url), UNIQUE (file)",
}
_MORE = {
    "folders": ["target INTEGER", "place TEXT", "clash TEXT", "twin INTEGER"],
    "items": ["target INTEGER", "state TEXT NOT NULL DEFAULT 'new'", "folder_target INTEGER", "rank INTEGER"],
    "frames": ["target INTEGER"],
    "collections": ["target INTEGER", "state TEXT NOT NULL DEFAULT 'new'"],
    "datasets": ["target INTEGER", "state TEXT NOT NULL DEFAULT 'new'"],
    "presets": ["state TEXT NOT NULL DEFAULT 'new'"],
    "media": ["place TEXT"],
}
_REFERENCES = {
    "item": (_ITEM, "an item that is not in items.jsonl"),
    "collection": (
        "(SELECT seq FROM staged.collections WHERE uuid = ?)",
        "a collection that is not in collections.jsonl",
    ),
    "dataset": (
        "(SELECT seq FROM staged.datasets WHERE uuid = ?)",
        "a dataset that is not in datasets.jsonl",
    ),
}
_STAGED = (
    FOLDERS, ITEMS, MEMBERS, FRAMES, THUMBNAILS, FRAME_THUMBNAILS, COLLECTIONS, COLLECTION_ITEMS, DATASETS, DATASET_ROWS,
    PRESETS, MEDIA,
)  # fmt: skip


class Staging:
    """The temporary tables, as the schema `staged` of the connection of a catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def open(self) -> Iterator[Staging]:
        """Make the tables, and forget them at the end."""
        database = self._database
        with database._lock, database._explained():
            if any(row[1] == "staged" for row in database.connection.execute("PRAGMA database_list")):
                raise CatalogueBusy(
                    "this program merges another export into the workspace now",
                    hint="wait until that has ended",
                )
            database.connection.execute("ATTACH DATABASE '' AS staged")
            for part in _STAGED:
                database.connection.execute(_table(part))
            database.connection.execute(
                "CREATE TABLE staged.vectors (vector_set INTEGER NOT NULL, row INTEGER NOT NULL, item INTEGER NOT NULL, "
                "frame INTEGER NOT NULL DEFAULT 0, mark INTEGER, skip INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (vector_set, row), "
                "UNIQUE (vector_set, item, frame)) WITHOUT ROWID"
            )
        try:
            yield self
        finally:
            with database._lock, database._explained():
                database.connection.execute("DETACH DATABASE staged")

    def put(self, part: Part, rows: Iterable[Sequence[Any]]) -> None:
        """Add checked rows of a part; raises InvalidInput for one that is there twice, or refers to what is not there."""
        statement = _insert(part)
        if part is FRAME_THUMBNAILS:
            statement = f"INSERT INTO staged.frame_thumbnails (frame, jpeg) VALUES ({_FRAME}, ?)"
        for number, bundle in enumerate(bundles(rows)):
            self._run(part.file, number * BUNDLE, statement, bundle)

    def put_owners(
        self, vector_set: int, name: str, rows: Iterable[tuple[str, int | None, int | None]]
    ) -> int:
        """Add the owners of the vectors of a set, row by row; returns their number."""
        count = 0
        statement = (
            "INSERT INTO staged.vectors (vector_set, row, item, frame, mark) VALUES "
            f"(?, ?, {_ITEM}, iif(? IS NULL, 0, {_FRAME}), ?)"
        )
        for number, bundle in enumerate(bundles(rows)):
            first = number * BUNDLE
            given = [
                (vector_set, row, item, frame, item, frame, mark)
                for row, (item, frame, mark) in enumerate(bundle, start=first)
            ]
            self._run(name, first, statement, given)
            count += len(given)
        return count

    def _run(self, name: str, first: int, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows to the temporary database in a transaction of its own, which does not touch the catalogue."""
        database = self._database
        with database._lock, database._explained():
            connection = database.connection
            connection.execute("BEGIN")
            try:
                connection.executemany(statement, rows)
            except sqlite3.IntegrityError as error:
                connection.execute("ROLLBACK")
                connection.execute("BEGIN")
                for number, row in enumerate(rows, start=first + 1):
                    try:
                        connection.execute(statement, row)
                    except sqlite3.IntegrityError as found:
                        raise InvalidInput(f"{name}, line {number}: {_reason(found, row)}") from error
                raise
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

    def settled(self, work: Callable[[], T]) -> tuple[T, State]:
        """What `work` returns and the state of the catalogue that it has read; what it writes to the tables stays. Others may write meanwhile."""
        database = self._database
        with database._lock, database._explained():
            database.connection.execute("BEGIN")
            try:
                found = work()
            except BaseException:
                database.connection.execute("ROLLBACK")
                raise
            state = database.state()
            database.connection.execute("COMMIT")
            return found, state

    def complete(self) -> None:
        """Add the folders that items lie in and that the export does not describe, and those above."""
        database = self._database
        with database._lock, database._explained():
            connection = database.connection
            connection.execute("BEGIN")
            try:
                missing = "SELECT folder FROM staged.items UNION SELECT backing_folder FROM staged.datasets WHERE backing_folder IS NOT NULL"
                connection.execute(f"INSERT OR IGNORE INTO staged.folders (path) SELECT * FROM ({missing})")
                after = ""
                while paths := [
                    row[0]
                    for row in connection.execute(
                        "SELECT path FROM staged.folders WHERE path > ? ORDER BY path LIMIT 1000", [after]
                    )
                ]:
                    after = paths[-1]
                    above = {
                        "/".join(names[:depth])
                        for names in (path.split("/") for path in paths)
                        for depth in range(1, len(names))
                    }
                    connection.executemany(
                        "INSERT OR IGNORE INTO staged.folders (path) VALUES (?)", [(path,) for path in above]
                    )
            finally:
                connection.execute("COMMIT")


def _table(part: Part) -> str:
    columns = ["seq INTEGER PRIMARY KEY"]
    for name, value in part.fields.items():
        if name in _REFERENCES:
            columns.append(f"{name} INTEGER NOT NULL")
        elif part is FRAME_THUMBNAILS and name == "number":
            columns[-1] = "frame INTEGER NOT NULL"
        else:
            needed = " NOT NULL" if value.required and name not in ("uuid", "created_at") else ""
            columns.append(f"{name} {value.column}{needed}")
    constraint = _CONSTRAINTS.get(part.name)
    more = [*_MORE.get(part.name, ()), *([constraint] if constraint else [])]
    return f"CREATE TABLE staged.{part.name} ({', '.join([*columns, *more])})"


def _insert(part: Part) -> str:
    marks = [_REFERENCES[name][0] if name in _REFERENCES else "?" for name in part.fields]
    return f"INSERT INTO staged.{part.name} ({', '.join(part.fields)}) VALUES ({', '.join(marks)})"


def _reason(error: sqlite3.IntegrityError, row: Sequence[Any]) -> str:
    """What is wrong with a row, for a message."""
    text = str(error)
    if text.startswith("NOT NULL"):
        column = text.rpartition(".")[2]
        what = _REFERENCES.get(column, ("", "a frame that is not in frames.jsonl"))[1]
        return f"it names {what}"
    named = next((value for value in row if isinstance(value, str)), "")
    return f"it is there twice, or two rows have the same name ({printable(named)})"
