"""Temporary tables of a connection: no other reads them, writing them locks nothing, and the system deletes them with the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from heron.catalog.database import Database
from heron.errors import CatalogueError

_SERIAL = count(1)


def fresh(name: str) -> str:
    """The name of a temporary table that no other work of this process has."""
    return f"temp.{name}{next(_SERIAL)}"


@contextmanager
def scratching(database: Database) -> Iterator[sqlite3.Connection]:
    """A transaction on temporary tables alone; raises CatalogueError where their folder is full. Not within `Database.write`."""
    with database._lock, database._explained():
        connection = database.connection
        try:
            with connection:
                yield connection
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_FULL:
                raise
            raise CatalogueError(
                "the results cannot be stored in the folder for temporary files: it is full",
                hint="free some space, or set TMPDIR to another folder",
            ) from error


def drop(database: Database, *tables: str) -> None:
    """Delete temporary tables."""
    with database._lock:
        for table in tables:
            database.connection.execute(f"DROP TABLE IF EXISTS {table}")
