"""Checks the catalogue of a backup before it is used, and prepares it for its new place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from heron.catalog.backups.snapshot import Snapshot, check, check_tables, not_written, read
from heron.catalog.explaining import explained
from heron.catalog.foreign import require_own_schema
from heron.catalog.migrations import migrations
from heron.catalog.plugin_tables import FOLDER, table_files
from heron.catalog.vectors.rows import new_file
from heron.convert import dumps
from heron.errors import CatalogueError
from heron.inside import FILE_NAME
from heron.times import now


def checked(stage: Path, workspace: str, shown: Path) -> Snapshot:
    """What was copied from the catalogue `shown`; raises CatalogueError for a catalogue that is newer, damaged or forged, and for vectors that are missing."""
    file = stage / FILE_NAME
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as plain:
        try:
            plain.execute("PRAGMA trusted_schema = OFF")
            require_own_schema(plain, shown)
            unknown = sorted({*migrations.applied(plain)} - {*migrations.names})
            if unknown:
                raise CatalogueError(
                    f"the backup was written by a newer Heron (it knows {', '.join(unknown)})",
                    hint="upgrade with pip install --upgrade heron",
                )
            check(plain, shown, "integrity_check")
            found = read(plain, shown)
            orphan = plain.execute("PRAGMA foreign_key_check").fetchone()
            if orphan is not None:
                raise CatalogueError(
                    f"the catalogue of the backup is damaged: a row of {orphan[0]} refers to nothing",
                    hint="use another backup",
                )
        except sqlite3.Error as error:
            raise explained(error, shown) from error
    if found.workspace != workspace:
        raise CatalogueError("the catalogue of the backup is of another workspace than its manifest says")
    there = {path.name: path.stat().st_size for path in (stage / "vectors").iterdir()}
    for vectors in found.files:
        if there.get(vectors.name) != vectors.size:
            raise CatalogueError(
                f"the backup has {there.get(vectors.name, 0):,} of {vectors.size:,} bytes of the vectors {vectors.name}",
                hint="it is damaged: use another one",
            )
    for tables in table_files(stage):
        with closing(sqlite3.connect(f"{tables.as_uri()}?mode=ro&immutable=1", uri=True)) as plain:
            try:
                plain.execute("PRAGMA trusted_schema = OFF")
                check_tables(plain, shown.parent / FOLDER / tables.name)
            except sqlite3.Error as error:
                raise explained(error, shown.parent / FOLDER / tables.name) from error
    return found


def prepare(stage: Path, found: Snapshot, user: str, told: dict[str, str]) -> None:
    """Write the restoring into the log, and give each file of vectors a new name, since rows that are added from now on differ from those that were added after the backup.

    So no cache, and no later backup, takes one for the other.
    """
    try:
        with closing(sqlite3.connect(stage / FILE_NAME, isolation_level=None)) as plain:
            plain.execute("PRAGMA journal_mode = WAL")
            plain.execute("BEGIN")
            _rename(plain, stage / "vectors", found)
            plain.execute(
                "INSERT INTO log (at, user, verb, noun, resource, count, details) VALUES (?, ?, ?, ?, ?, 1, ?)",
                [now(), user, "backup.restore", "workspace", "workspace", dumps(told)],
            )
            plain.execute("COMMIT")
            plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise (not_written(error, stage.parent) or explained(error, stage.parent)) from error


def _rename(plain: sqlite3.Connection, folder: Path, found: Snapshot) -> None:
    for vectors in found.files:
        old, _, suffix = vectors.name.partition(".")
        new = new_file()
        (folder / vectors.name).rename(folder / f"{new}.{suffix}")
        for table in ("vector_sets", "projections"):
            plain.execute(f"UPDATE {table} SET file = ? WHERE file = ?", [new, old])


def is_in_use(file: Path) -> bool:
    """Whether another process has a catalogue open. Nobody can open it at the name that it has now."""
    if not file.is_file():
        return False
    try:
        with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as plain:
            plain.execute("PRAGMA locking_mode = EXCLUSIVE")
            plain.execute("BEGIN IMMEDIATE")
            plain.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    except sqlite3.DatabaseError:
        return False  # it is damaged, and so nobody works with it
    return False
