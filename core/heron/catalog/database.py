"""Opening the SQLite file safely, and the one way to write to it: `Database.write`."""

from __future__ import annotations

import functools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from heron.catalog.busy import are_given, busy_seconds_wanted
from heron.catalog.deeds import Deeds
from heron.catalog.explaining import explained, is_busy
from heron.catalog.foreign import require_own_schema
from heron.catalog.full_text import SPACED, spaced
from heron.catalog.functions import Functions
from heron.catalog.happenings import Happenings
from heron.catalog.holder import Holder
from heron.catalog.migrations import APPLICATION_ID, OPTIONAL, imagine, migrations
from heron.catalog.places import Places
from heron.catalog.stored import add_columns, imagine_columns, missing_columns
from heron.catalog.turns import Waiting, turn
from heron.catalog.unwritable import State, address, is_passing, is_writable, quiet_state, unreadable
from heron.errors import CatalogueBusy, CatalogueError, InvalidInput, PermissionDenied
from heron.inside import FILE_NAME, other_owner, require_catalogue

PATIENCE = 2.0
"""The seconds for which a reader who may not write tries again while others open, change and close the file."""

Row = sqlite3.Row
T = TypeVar("T")


class _HasDatabase(Protocol):
    _database: Database


Service = TypeVar("Service", bound=_HasDatabase)
P = ParamSpec("P")
R = TypeVar("R")


def one_transaction(verb: Callable[Concatenate[Service, P], R]) -> Callable[Concatenate[Service, P], R]:
    """Make a method of a service read and write in one transaction, so that what it has read cannot change before
    it writes. What it notes in `Database.deeds` goes to the log in the same transaction, under the name of the outermost such verb.
    """

    @functools.wraps(verb)
    def within(service: Service, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with service._database.doing(service, verb.__name__):
            return verb(service, *args, **kwargs)

    return within


class Database:
    """One open catalogue. Reads go through `rows`, `row` and `value`; writes only inside `write`."""

    _synchronous = "NORMAL"
    """How far SQLite waits for the disk (`PRAGMA synchronous`)."""

    def __init__(
        self,
        directory: Path,
        *,
        busy_seconds: float | None = None,
        create: bool = True,
        read_only: bool = False,
    ) -> None:
        """Open `directory`/catalog.db and migrate its tables; with `create`, make it if it is missing or empty.

        A file that cannot be written is opened for reading; see `unwritable`. With `read_only` nothing is written or created, neither
        files beside it nor missing tables. Raises CatalogueError for a file that is foreign, corrupt, empty, or newer
        than this Heron.
        """
        self.path = directory / FILE_NAME
        self._holder = Holder(directory / "writer.json")
        self.places = Places(directory.parent)
        is_given = busy_seconds is not None or are_given()
        if busy_seconds is None:
            busy_seconds = busy_seconds_wanted()
        self.waiting = Waiting(self._holder, busy_seconds, is_given=is_given)
        self._lock = threading.RLock()
        self.deeds = Deeds()
        self.happenings = Happenings()
        self._depth = 0
        if (owner := other_owner(self.path)) is not None:
            from heron.consent import require_trusted

            require_trusted(directory.parent, owner)
        require_catalogue(self.path)
        self._seconds = busy_seconds
        self._functions = Functions()
        self.places.define(self._functions.keep)
        self._functions.keep(SPACED, 1, spaced)
        self.refuses_writes = False
        """Whether every change is refused, though the file could be written."""

        self.is_read_only = not is_writable(self.path, read_only=read_only)
        self._state: State | None = None
        self._connections = 0
        self._is_outdated = True
        self._reopen = functools.partial(self._connect, create, read_only)
        with self._explained():
            if self.is_read_only:
                self._patiently(lambda: None)
            else:
                self._reopen()

    def _connect(self, create: bool, read_only: bool) -> None:
        uri = self.path.absolute().as_uri()
        if self.is_read_only:
            uri, self._state = address(self.path)
        connection = sqlite3.connect(uri, uri=True, timeout=self._seconds, check_same_thread=False)
        previous, self.connection = getattr(self, "connection", connection), connection
        self._connections += 1
        if previous is not connection:
            previous.close()
        try:
            self._open(connection, create, read_only)
        except BaseException:
            connection.close()
            raise
        self._is_outdated = False

    def _open(self, connection: sqlite3.Connection, create: bool, read_only: bool) -> None:
        self._functions.define(connection)
        is_new = not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if is_new and not create:
            raise CatalogueError(
                f"{self.path} is damaged: it is empty",
                hint="if heron init was interrupted, run it again; otherwise move the file away and restore a backup",
            )
        if not is_new and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise CatalogueError(
                f"{self.path} is a SQLite file, but not a Heron catalogue",
                hint="move it away, then run heron init",
            )
        require_own_schema(connection, self.path)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute(
            "PRAGMA wal_autocheckpoint = 8000"
        )  # in pages; in bulk, each page is then written fewer times
        connection.execute("PRAGMA recursive_triggers = ON")  # INSERT OR REPLACE fires the triggers on DELETE
        if is_new:
            connection.execute("PRAGMA journal_mode = WAL")
        if not read_only:
            self._migrate(is_new)
        connection.row_factory = sqlite3.Row

    def _migrate(self, is_new: bool) -> None:
        applied = migrations.applied(self.connection)
        unknown = set(applied) - set(migrations.names)
        if unknown:
            raise CatalogueError(
                f"{self.path} was written by a newer Heron (it knows {', '.join(sorted(unknown))})",
                hint="upgrade with pip install --upgrade heron",
            )
        pending = set(migrations.names) - set(applied)
        if self.is_read_only and pending <= OPTIONAL:
            imagine(self.connection, pending)
        elif pending:
            with self.write():
                migrations.apply(self.connection)
        missing = missing_columns(self.connection)
        if self.is_read_only:
            imagine_columns(self.connection, missing, has_stores="stores" not in pending)
        elif missing:
            with self.write():
                add_columns(self.connection, missing_columns(self.connection))

    def close(self) -> None:
        """Close the file; the object cannot be used afterwards."""
        self.connection.close()

    @contextmanager
    def write(self) -> Iterator[None]:
        """One transaction: everything inside is written, or nothing.

        A block within a block is a savepoint: if it fails, what it wrote is undone, and the outer block may go on.

        Raises CatalogueBusy, naming the holder, when another process keeps writing; CatalogueError when the
        disk is full or the file is damaged.
        """
        if self.refuses_writes:
            raise PermissionDenied("the workspace was opened for reading: nothing can be changed in it")
        self.happenings.prepare()
        with self._lock, self._explained():
            if self._depth:
                with self._savepoint():
                    yield
                return
            self.happenings.note(self.connection)
            try:  # Ctrl-C, or the end of the time of a plugin, may come as soon as the transaction has begun
                with turn(self.path.parent, self.waiting.seconds, self.waiting.say) as left:
                    self.waiting.begin(self.connection, left)
                self._depth = 1
                self._holder.enter()
                self.happenings.begun()
                yield
                self._holder.leave()  # while the lock is held, so that the file of the next writer is not removed
                self.connection.execute("COMMIT")
            except BaseException:
                if self._depth:
                    self._holder.leave()
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0
        self.happenings.ended()

    def working(self, text: str) -> None:
        """Tell those who wait for the transaction at hand how far it is, such as `import 7, 2,000 of 10,000 files`."""
        if self._depth:
            self._holder.tell(text)

    @contextmanager
    def doing(self, service: object, verb: str) -> Iterator[None]:
        """One transaction of a verb of a service, at whose end the log says what it did."""
        with self.write(), self.deeds.of(service, verb, self.execute_many):
            yield

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        if (
            not self.connection.in_transaction
        ):  # an error such as a full disk has rolled back the whole transaction
            raise CatalogueError(f"{self.path}: the transaction has ended, nothing more can be written in it")
        self.connection.execute(
            "SAVEPOINT inner"
        )  # of savepoints with the same name, SQLite uses the innermost
        try:
            yield
            self.connection.execute("RELEASE inner")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK TO inner")
                self.connection.execute("RELEASE inner")
            raise

    @property
    def may_write(self) -> bool:
        """Whether a write can succeed: caches are kept only then."""
        return not (self.is_read_only or self.refuses_writes)

    @property
    def is_writing(self) -> bool:
        """Whether a transaction of `write` is open."""
        return self._depth > 0

    def require_no_transaction(self, work: str) -> None:
        """Raise InvalidInput within a transaction: threads of the work would wait for it, and it for them."""
        if self.is_writing:
            raise InvalidInput(
                f"{work} cannot run within atomic(): its threads and processes read what is locked then",
                hint="do it before or after",
            )

    def state(self) -> tuple[int, int, int]:
        """What identifies the state of the catalogue that is read next: each write, by whichever process, makes another one.

        What a transaction wrote before it was undone counts too, so keep nothing that was read while `is_writing`.
        """
        with self._lock:
            version = self.value("PRAGMA data_version")  # changes with the writes of other connections
            return self._connections, version, self.connection.total_changes

    def in_one_state(self, work: Callable[[], T]) -> T:
        """What `work` returns; all that it reads is of one state of the catalogue, whatever other processes write.

        For a file that may not be written `work` is called again if the file has changed meanwhile.
        """
        with self._lock, self._explained():
            if self.connection.in_transaction:
                return work()
            end = time.monotonic() + min(PATIENCE, self._seconds)
            while True:
                connection = self.connection
                connection.execute("BEGIN")
                try:
                    found = work()
                finally:
                    if self.connection.in_transaction:
                        self.connection.execute("ROLLBACK")
                if self.connection is connection:
                    return found
                if time.monotonic() > end:
                    raise unreadable(self.path)

    def settle(self) -> bool:
        """Flush all committed transactions to disk; False if other connections prevent it, or nothing can be
        written.
        """
        with self._lock, self._explained():
            busy: int = self.connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0]
            return not busy

    def define(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Define a deterministic function that statements can call."""
        with self._lock:
            self._functions.keep(name, arguments, function)
            self._functions.define(self.connection, name)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        with self._lock, self._explained():
            if self.is_read_only:
                return self._patiently(lambda: self.connection.execute(sql, parameters).fetchall())
            return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        with self._lock, self._explained():
            row: Row | None
            if self.is_read_only:
                row = self._patiently(lambda: self.connection.execute(sql, parameters).fetchone())
            else:
                row = self.connection.execute(sql, parameters).fetchone()
            return row

    def _patiently(self, read: Callable[[], T]) -> T:
        """What `read` returns from a file that may not be written. If the file changes meanwhile, it is opened and read again.

        Raises CatalogueError if that does not succeed within PATIENCE seconds.
        """
        end = time.monotonic() + min(PATIENCE, self._seconds)
        while True:
            failed: Exception | None = None
            try:
                if self._is_outdated:
                    self._reopen()
                found = read()
            except (sqlite3.Error, CatalogueError) as error:
                if self._is_unchanged() and not is_passing(error):
                    raise
                failed = error
            else:
                if self._is_unchanged():
                    return found
            self._is_outdated = True
            if time.monotonic() > end:
                raise failed if isinstance(failed, CatalogueError) else unreadable(self.path) from failed
            time.sleep(0.01)

    def _is_unchanged(self) -> bool:
        """Whether the file is as it was when it was opened, if it was opened as one that does not change."""
        return self._state is None or self._state == quiet_state(self.path)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.row(sql, parameters)
        return row[0] if row is not None else None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction and return the number of rows it changed."""
        with self.write():
            return self.connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, parameters: Iterable[Sequence[Any] | Mapping[str, Any]]) -> int:
        """Run one statement for each set of parameters, in one transaction; returns the rows changed."""
        with self.write():
            return self.connection.executemany(sql, parameters).rowcount

    def _busy(self) -> CatalogueBusy:
        return CatalogueBusy(
            f"{self.path} is being written by {self._holder.who()}",
            hint="wait for it to end, or raise HERON_BUSY_SECONDS",
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into HeronErrors."""
        try:
            yield
        except sqlite3.Error as error:
            if self._functions.were_interrupted(error):
                raise KeyboardInterrupt from error
            raise self._explain(error) from error
        except (
            UnicodeEncodeError,
            OverflowError,
        ) as error:  # a lone surrogate, an integer of more than 64 bits
            raise InvalidInput(f"a value cannot be stored in the catalogue: {error}") from error

    def _explain(self, error: sqlite3.Error) -> CatalogueError:
        return self._busy() if is_busy(error) else explained(error, self.path)
