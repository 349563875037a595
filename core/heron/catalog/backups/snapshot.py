"""A snapshot of the catalogue: one state of it, by SQLite's own backup, while other processes write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

from attrs import frozen

from heron.catalog.explaining import explained
from heron.catalog.migrations import APPLICATION_ID
from heron.catalog.unwritable import address
from heron.errors import CatalogueError, HeronError
from heron.inside import child

_PAGES = 4096
"""Pages that are copied at a time; between two of them, Ctrl-C is heard."""

_BYTES = {"float32": 4, "float16": 2}
_SUFFIXES = {"float32": "f32", "float16": "f16"}

_PURGE = "these are tables of a plugin: heron plugins purge {} deletes them for good"

_NOT_WRITTEN = ("disk I/O error", "disk is full", "readonly database", "unable to open")

_COLUMNS = tuple(
    (f"{prefix}_state", statement)
    for prefix in ("column", "frame_column")
    for statement in (
        f"DELETE FROM {prefix}_segments",
        f"DELETE FROM {prefix}_changes",
        f"UPDATE {prefix}_state SET version = version + 1, is_used = 0, covered = 0",
    )
)
"""Columns are a cache, and are not copied: the snapshot says that there are none, so that they are made anew."""


@frozen
class VectorFile:
    """The file of a set of vectors, as far as the snapshot names its rows."""

    name: str
    size: int


@frozen
class Snapshot:
    """What a snapshot contains."""

    workspace: str
    items: int
    vectors: int
    files: tuple[VectorFile, ...]


def take(source: Path, target: Path, *, read_only: bool, progress: Callable[[int, int], None]) -> Snapshot:
    """Copy the catalogue, in one state, to a new file. Writers are not kept from writing meanwhile.

    `progress` gets pages done and pages in total. Raises CatalogueError if the catalogue is damaged.
    """
    uri = address(source)[0] if read_only else source.absolute().as_uri()
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as reading,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")  # it is flushed as a whole
            reading.execute("BEGIN")  # all pages are of the state that this transaction reads
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reading.backup(copy, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
            reading.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode = DELETE")
            tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table, statement in _COLUMNS:
                if table in tables:  # a workspace that may only be read can lack some
                    copy.execute(statement)
            check(copy, source, "quick_check")
            return read(copy, source)
    except sqlite3.Error as error:
        raise (not_written(error, target.parent.parent) or explained(error, source)) from error


def take_tables(source: Path, target: Path, *, read_only: bool) -> None:
    """Copy the tables of a plugin, in one state, to a new file; raises CatalogueError if they are damaged."""
    uri = address(source)[0] if read_only else source.absolute().as_uri()
    try:
        with (
            closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as reading,
            closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            copy.execute("PRAGMA synchronous = OFF")  # it is flushed as a whole
            reading.backup(copy, pages=_PAGES)
            copy.execute("PRAGMA journal_mode = DELETE")
            check_tables(copy, source)
    except sqlite3.Error as error:
        if found := not_written(error, target.parent.parent):
            raise found from error
        raise CatalogueError(f"{source} is damaged: {error}", hint=_PURGE.format(source.stem)) from error


def check_tables(connection: sqlite3.Connection, file: Path) -> None:
    """Raise CatalogueError if SQLite finds tables of a plugin damaged."""
    [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise CatalogueError(
            f"{file} is damaged: {' '.join(str(found).split())}", hint=_PURGE.format(file.stem)
        )


def not_written(error: sqlite3.Error, place: Path) -> HeronError | None:
    """The error of a place that is full or cannot be written, if SQLite's error says that; None for another one.

    SQLite does not say of an I/O error during a backup on which side it was; that of a write is far more frequent.
    """
    if not any(words in str(error) for words in _NOT_WRITTEN):  # errors of backups come without a code
        return None
    return HeronError(f"{place} cannot be written: {error}", hint="is the disk full? nothing was kept there")


def read(connection: sqlite3.Connection, file: Path) -> Snapshot:
    """What a snapshot contains; raises CatalogueError if it names files of vectors that Heron would not make."""
    [workspace] = connection.execute("SELECT uuid FROM workspace").fetchone()
    [items] = connection.execute("SELECT count(*) FROM items").fetchone()
    sets = connection.execute("SELECT id, key, size, dtype, file, row_count FROM vector_sets").fetchall()
    files, vectors = [], 0
    for id, key, size, dtype, name, count in sets:
        if dtype not in _BYTES or type(size) is not int or type(count) is not int or size < 1 or count < 0:
            raise CatalogueError(f"{file} is damaged: the vectors under {key!r} have no size")
        [beyond] = connection.execute(
            "SELECT count(*) FROM vectors WHERE set_id = ? AND row >= ?", [id, count]
        ).fetchone()
        if beyond:
            raise CatalogueError(
                f"{file} is damaged: {beyond:,} vectors under {key!r} are beyond the last row"
            )
        child(file.parent, name)
        if count:
            files.append(VectorFile(f"{name}.{_SUFFIXES[dtype]}", count * size * _BYTES[dtype]))
        vectors += count
    return Snapshot(workspace, items, vectors, tuple(files))


def check(
    connection: sqlite3.Connection, file: Path, pragma: Literal["quick_check", "integrity_check"]
) -> None:
    """Raise CatalogueError if the file is no catalogue, or SQLite finds it damaged."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise CatalogueError(f"{file} is not a catalogue of Heron")
    [found] = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    if found != "ok":
        raise CatalogueError(
            f"{file} is damaged: {' '.join(str(found).split())}", hint="restore an older backup"
        )
