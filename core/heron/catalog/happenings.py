"""What happens in the catalogue, noted by temporary triggers in each transaction: whichever verb does it, none can forget to."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Literal

from attrs import frozen

from heron.convert import dumps
from heron.errors import HeronError

AT_ONCE = 1024
"""The most rows that are told of at once."""

MOST = 1000
"""The most bundles of what plugins do themselves when they are told: then they are not told of more."""

_FACTS = (
    "kind, media_type, size, width, height, frame_count, duration, captured_at, facts, content_hash, etag"
)
_OTHER_FACTS = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _FACTS.split(", "))

_WHEN = {
    "items_imported": ["INSERT ON items : NEW.id"],
    "items_updated": [f"UPDATE OF {_FACTS} ON items : NEW.id : {_OTHER_FACTS}"],
    "items_vanished": [
        "UPDATE OF deleted_at ON items : NEW.id : NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL"
    ],
    "items_restored": [
        "UPDATE OF deleted_at ON items : NEW.id : NEW.deleted_at IS NULL AND OLD.deleted_at IS NOT NULL"
    ],
    "items_deleted": ["DELETE ON items : OLD.id"],
    "metadata_changed": [
        "UPDATE OF metadata ON items : NEW.id : NEW.metadata IS NOT OLD.metadata",
        "UPDATE OF metadata ON frames : NEW.item_id : NEW.metadata IS NOT OLD.metadata",
    ],
    "vectors_added": ["INSERT ON vectors : NEW.set_id"],
    "dataset_created": ["INSERT ON datasets : NEW.id"],
    "dataset_changed": [
        "INSERT ON dataset_rows : NEW.dataset_id",
        "DELETE ON dataset_rows : OLD.dataset_id",
        "UPDATE OF title, description ON datasets : NEW.id",
    ],
    "collection_changed": [
        "INSERT ON collections : NEW.id",
        "UPDATE OF title, description ON collections : NEW.id",
        "INSERT ON collection_items : NEW.collection_id",
        "DELETE ON collection_items : OLD.collection_id",
    ],
    "job_finished": [
        "UPDATE OF state ON imports : NEW.id : NEW.state <> 'running' AND OLD.state = 'running'"
    ],
}
"""The statements that make an event, each as `OPERATION : ID` or `OPERATION : ID : CONDITION`."""

EVENTS = tuple(_WHEN)

_GONE = "json_array(OLD.uuid, OLD.name, OLD.url)"
"""What is kept of an item that is deleted."""


@frozen
class Happened:
    """One event, with the inner ids of what it is about in the order in which it happened, or what is left of it."""

    event: str
    ids: tuple[int, ...]
    left: tuple[str, ...] = ()


class Happenings:
    """What has happened in the transactions of one connection since it was last told."""

    def __init__(self) -> None:
        self.listens: Callable[[], Collection[str]] | None = None
        """Gives the events that somebody wants to hear of; asked once, before the first transaction."""

        self.tell: Callable[[Happened], None] = lambda happened: None
        """Tells those who listen."""

        self.complain: Callable[[str], None] = lambda complaint: None
        """Says what was not told."""

        self._wanted: tuple[str, ...] | None = None
        self._noting: sqlite3.Connection | None = None
        self._told = 0
        self._is_telling = False

    def prepare(self) -> None:
        """Find out who listens, before the lock is taken: that may load plugins."""
        if self._wanted is None and self.listens is not None:
            self._wanted = ()  # what is asked may write itself
            listens = self.listens()
            self._wanted = tuple(event for event in EVENTS if event in listens)

    def note(self, connection: sqlite3.Connection) -> None:
        """Before a transaction begins: note what happens on this connection from now on."""
        if self._wanted and self._noting is not connection:
            for statement in _statements(self._wanted):
                connection.execute(statement)
            self._noting, self._told = connection, 0

    def begun(self) -> None:
        """At the beginning of a transaction: forget what was told."""
        if self._noting is not None and self._told:
            self._noting.execute("DELETE FROM temp.happened WHERE number <= ?", [self._told])

    def ended(self) -> None:
        """At the end of a transaction that was committed, when others can write: tell what happened in it.

        What those who hear of it change is told too, after that, but not without end.
        """
        if self._noting is None or self._is_telling:
            return
        self._is_telling = True
        left = MOST
        last = self._last()
        try:
            while left and (rows := self._next()):
                left -= rows[-1][0] > last
                for happened in _bundled(rows):
                    try:
                        self.tell(happened)
                    except HeronError as error:  # what has happened is committed, so its verb has not failed
                        self.complain(f"plugins were not told of {happened.event}: {error}")
            if not left and (last := self._last()) > self._told:
                self._told = last
                self.complain(
                    "plugins that are told of changes go on making more: they were not told of the last ones"
                )
        finally:
            self._is_telling = False

    def _last(self) -> int:
        assert self._noting is not None
        found: int = self._noting.execute("SELECT coalesce(max(number), 0) FROM temp.happened").fetchone()[0]
        return found

    def _next(self) -> list[tuple[int, str, int, str | None]]:
        assert self._noting is not None
        rows = self._noting.execute(
            "SELECT number, event, id, part FROM temp.happened WHERE number > ? ORDER BY number LIMIT ?",
            [self._told, AT_ONCE],
        )
        found: list[tuple[int, str, int, str | None]] = [tuple(row) for row in rows]
        if found:
            self._told = found[-1][0]
        return found


def uuids_of(
    rows: Callable[[str, Sequence[Any]], list[Any]],
    table: Literal["datasets", "collections", "vector_sets"],
    ids: Sequence[int],
) -> list[str]:
    """The UUIDs of rows, or the keys of vector sets, that are still there, in the order of their inner ids."""
    column = "key" if table == "vector_sets" else "uuid"
    found = rows(
        f"SELECT {column} FROM {table} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", [dumps(ids)]
    )
    return [row[0] for row in found]


def _statements(wanted: Collection[str]) -> Iterator[str]:
    """The temporary table, and a trigger for each statement that makes an event."""
    yield "DROP TABLE IF EXISTS temp.happened"
    yield (
        "CREATE TEMP TABLE happened (number INTEGER PRIMARY KEY AUTOINCREMENT, "
        "event TEXT NOT NULL, id INTEGER NOT NULL, part TEXT)"
    )
    for event in wanted:
        for place, rule in enumerate(_WHEN[event]):
            operation, id, condition = [*rule.split(" : "), "1"][:3]
            name = f"happened_{event}_{place}"
            what, _, table = operation.rpartition(" ON ")
            part = _GONE if event == "items_deleted" else "NULL"
            yield f"DROP TRIGGER IF EXISTS temp.{name}"
            yield (
                f"CREATE TEMP TRIGGER {name} AFTER {what} ON main.{table} WHEN {condition} BEGIN "
                f"INSERT INTO happened (event, id, part) VALUES ('{event}', {id}, {part}); END"
            )


def _bundled(rows: Sequence[tuple[int, str, int, str | None]]) -> Iterator[Happened]:
    """Each event once, with everything that it is about, in the order in which it happened first.

    A dataset that is new is not changed as well.
    """
    found: dict[str, dict[int, str | None]] = {}
    for _, event, id, part in rows:
        found.setdefault(event, {}).setdefault(id, part)
    for id in found.get("dataset_created", ()):
        found.get("dataset_changed", {}).pop(id, None)
    for event, about in found.items():
        if about:
            yield Happened(event, tuple(about), tuple(part for part in about.values() if part is not None))
