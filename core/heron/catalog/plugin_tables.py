"""Tables that plugins keep: one SQLite file for each set of them, so that nothing of a plugin is in the catalogue."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from attrs import frozen

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.catalog.limits import at_most
from heron.errors import CatalogueError, InvalidInput, NotFound, PermissionDenied, PluginError
from heron.hooks import PluginManager
from heron.hooks.tables import PluginTables
from heron.records import Record

FOLDER = "tables"
"""The folder of the files within that of the catalogue."""

NAME = "[a-z][a-z0-9_]{0,63}"
"""What tables can be called, as a pattern."""

_SECONDS = 30.0
_ENDINGS = (".db", ".db-wal", ".db-shm")
_APPLIED = "CREATE TABLE IF NOT EXISTS heron_migrations (number INTEGER PRIMARY KEY, hash TEXT NOT NULL)"


@frozen(repr=False)
class TablesInfo(Record):
    """Tables that a plugin keeps: the size of their file in bytes, 0 before they are first opened, and the plugin, None if it is gone."""

    name: str
    plugin: str | None
    size: int


class PluginTableService:
    """Opens, lists and deletes the tables that plugins keep."""

    def __init__(
        self, database: Database, access: Access, plugins: Callable[[], PluginManager], folder: Path
    ) -> None:
        self._database = database
        self._access = access
        self._plugins = plugins
        self._folder = folder / FOLDER

    def list(self, *, limit: int | None = None) -> list[TablesInfo]:
        """All tables by name, or the first `limit`: those of the plugins in use, and those of which there is a file."""
        self._access.require("read", WORKSPACE)
        plugins = self._plugins()
        known = {each.name: plugins.plugin_of(each) for each in plugins.contributions(PluginTables)}
        files = {path.stem: path for path in table_files(self._folder.parent)}
        names = sorted({*known, *files})[: at_most(limit) if limit is not None else None]
        return [
            TablesInfo(name, known.get(name), files[name].stat().st_size if name in files else 0)
            for name in names
        ]

    @contextmanager
    def open(self, name: str) -> Iterator[sqlite3.Connection]:
        """A connection to tables, after their migrations; what was done is committed at the end, or after an error undone.

        Several processes can open them; one writes at a time. Raises PluginError if no plugin brings them, if a migration fails, was
        changed, or is of a newer version, and CatalogueError for a file that is damaged. A workspace opened for reading gives them for reading.
        """
        self._access.require("read", WORKSPACE)
        plugins = self._plugins()
        record = plugins.tables(name)
        path = self._folder / f"{record.name}.db"
        if not self._database.may_write and not path.is_file():
            raise PermissionDenied(
                f"the workspace was opened for reading, and the tables {name} are not made yet"
            )
        try:
            with closing(self._connected(path)) as connection:
                connection.set_authorizer(_of_plugins)
                _migrate(connection, record, plugins.named(record), may_write=self._database.may_write)
                connection.execute("BEGIN")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
        except sqlite3.DatabaseError as error:
            raise CatalogueError(f"the tables {name}: {error}", hint=f"they are in {path}") from error

    def _connected(self, path: Path) -> sqlite3.Connection:
        if not self._database.may_write:
            return sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_SECONDS, isolation_level=None
            )
        self._folder.mkdir(exist_ok=True)
        connection = sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def purge(self, name: str) -> int:
        """Delete the tables of this name, or all of a plugin of this name, for good; also if the plugin is gone.

        Returns the number of bytes. Raises NotFound if there are none.
        """
        self._access.require("update", WORKSPACE)
        if not self._database.may_write:
            raise PermissionDenied("the workspace was opened for reading: nothing can be changed in it")
        plugins = self._plugins()
        names = [
            each.name for each in plugins.contributions(PluginTables) if plugins.plugin_of(each) == name
        ] or [name]
        if not all(re.fullmatch(NAME, each) for each in names):
            raise InvalidInput(f"{name!r:.80} is not the name of a plugin or of its tables")
        files = [
            path
            for each in names
            for ending in _ENDINGS
            if (path := self._folder / f"{each}{ending}").is_file()
        ]
        if not files:
            raise NotFound(f"there are no tables of {name}", hint="heron plugins tables lists them")
        size = 0
        with self._database.doing(self, "purge"):
            for path in files:
                with suppress(FileNotFoundError):
                    size += path.stat().st_size
                    path.unlink()
            self._access.note(WORKSPACE, tables=sorted({path.stem for path in files}), bytes=size)
        return size


def table_files(directory: Path) -> list[Path]:
    """The files of the tables in the folder of a catalogue, by name."""
    folder = directory / FOLDER
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(
        path for path in folder.glob("*.db") if re.fullmatch(NAME, path.stem) and not path.is_symlink()
    )


def _migrate(connection: sqlite3.Connection, record: PluginTables, who: str, *, may_write: bool) -> None:
    """Apply the migrations that are missing. Raises PluginError."""
    hashes = [sha256(script.encode()).hexdigest() for script in record.migrations]
    if _pending(connection, hashes, who) == len(hashes):
        return
    if not may_write:
        raise PermissionDenied(f"{who} has new migrations, and the workspace was opened for reading")
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_APPLIED)
        for number in range(_pending(connection, hashes, who), len(hashes)):
            try:
                connection.set_authorizer(_of_migrations)
                for statement in _statements(record.migrations[number]):
                    connection.execute(statement)
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise PluginError(f"{who}: migration {number + 1} failed: {error}") from error
            finally:
                connection.set_authorizer(_of_plugins)
            connection.execute("INSERT INTO heron_migrations VALUES (?, ?)", [number + 1, hashes[number]])
        connection.commit()
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise


def _pending(connection: sqlite3.Connection, hashes: Sequence[str], who: str) -> int:
    """The place of the first migration that is not applied; raises PluginError for a file that another version made."""
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'heron_migrations'").fetchone()
    applied = (
        [row[0] for row in connection.execute("SELECT hash FROM heron_migrations ORDER BY number")]
        if there
        else []
    )
    if len(applied) > len(hashes):
        raise PluginError(
            f"{who}: the tables were made by a newer version of the plugin", hint="install that"
        )
    for number, (one, other) in enumerate(zip(applied, hashes, strict=False), start=1):
        if one != other:
            raise PluginError(
                f"{who}: migration {number} was changed since it was applied here",
                hint="a change is a new migration",
            )
    return len(applied)


def _of_plugins(action: int, *about: str | None) -> int:
    """Refuse to attach other files, such as the catalogue."""
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK


def _of_migrations(action: int, *about: str | None) -> int:
    """Refuse what ends or begins a transaction too: Heron's own has to be undone whole."""
    refused = (sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT)
    return sqlite3.SQLITE_DENY if action in refused else _of_plugins(action, *about)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, each to be run within Heron's transaction."""
    current = ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            yield current
            current = ""
    if current.strip():
        yield current
