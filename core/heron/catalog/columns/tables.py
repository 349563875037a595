"""Which segments the columns consist of, which items have changed since, and the rows of which segments are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from heron.catalog.database import Database
from heron.columns.segments import SegmentFile
from heron.convert import dumps, loads
from heron.errors import CatalogueError
from heron.models import ITEM_FIELDS

_BUNDLE = 20_000
_STORED = [name for name, field in ITEM_FIELDS.items() if field.sql and field.compares]
_SELECTED = ["folder_id", "deleted_at", *_STORED]
_PENDING = "SELECT item_id FROM column_changes UNION SELECT id FROM items WHERE id > ?"

Rows = tuple[Sequence[int], dict[str, Sequence[Any]], Sequence[str], Sequence[str]]
"""Items as columns: ids, plain columns by name, and the JSON texts of metadata and of facts."""


@frozen
class ColumnState:
    """What the columns contain: segments from the oldest to the newest, and every item up to the id `covered`.

    The version changes with each change of the segments.
    """

    version: int
    is_used: bool
    covered: int
    segments: tuple[SegmentFile, ...]


class ColumnTables:
    """The tables of the catalogue that tell about the columns."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def version(self) -> tuple[int, int] | None:
        """The version and the highest covered id; None if the columns are not used, or the catalogue has no tables for them."""
        try:
            row = self.database.row("SELECT version, covered, is_used FROM column_state")
        except CatalogueError:
            return None  # an older catalogue that cannot be written
        return (row[0], row[1]) if row is not None and row[2] else None

    def state(self) -> ColumnState:
        """The state of the columns."""
        version, is_used, covered = self.database.rows("SELECT version, is_used, covered FROM column_state")[
            0
        ]
        rows = self.database.rows("SELECT file, size, row_count, left_out FROM column_segments ORDER BY id")
        segments = tuple(
            SegmentFile(
                name, size, count, frozenset((origin, tuple(path)) for origin, path in loads(left_out))
            )
            for name, size, count, left_out in rows
        )
        return ColumnState(version, bool(is_used), covered, segments)

    def pending(self, covered: int, limit: int) -> list[int]:
        """The ids of at most `limit` items that are not in the segments as they are now, ascending, removed ones too."""
        return [
            row[0] for row in self.database.rows(f"{_PENDING} ORDER BY item_id LIMIT ?", [covered, limit])
        ]

    def pending_count(self, covered: int, limit: int | None = None) -> int:
        """The number of pending items, at most `limit`."""
        most = -1 if limit is None else limit
        count: int = self.database.value(f"SELECT count(*) FROM ({_PENDING} LIMIT ?)", [covered, most])
        return count

    def changed(self, through: int, covered: int) -> list[int]:
        """The ids of items that changes up to an id name, ascending, without those above `covered`."""
        rows = self.database.rows(
            "SELECT item_id FROM column_changes WHERE id <= ? AND item_id <= ? ORDER BY item_id",
            [through, covered],
        )
        return [row[0] for row in rows]

    def item_count(self) -> int:
        """The number of items, deleted ones included."""
        count: int = self.database.value("SELECT count(*) FROM items")
        return count

    def last_change(self) -> tuple[int, int]:
        """The id of the last change, and the highest id of an item."""
        found: tuple[int, int] = tuple(
            self.database.rows(
                "SELECT (SELECT coalesce(max(id), 0) FROM column_changes), (SELECT coalesce(max(id), 0) FROM items)"
            )[0]
        )
        return found

    def rows(self, ids: Sequence[int] | None, above: int, up_to: int) -> Iterator[Rows]:
        """The items with given ids and those with ids above one and up to another, in bundles, ascending within each part.

        An id that no item has is given as a deleted item without values.
        """
        names = ", ".join(["id", *_SELECTED, "metadata", "facts"])
        for start in range(0, len(ids or ()), _BUNDLE):
            some = (ids or ())[start : start + _BUNDLE]
            found = self.database.rows(
                f"SELECT {names} FROM items WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
                [dumps(list(some))],
            )
            known = {row[0] for row in found}
            gone = [(id, *("gone" if name == "deleted_at" else None for name in _SELECTED), "{}", "{}") for id in some if id not in known]  # fmt: skip
            yield _columns(sorted([*map(tuple, found), *gone]))
        while above < up_to:
            found = self.database.rows(
                f"SELECT {names} FROM items WHERE id > ? AND id <= ? ORDER BY id LIMIT {_BUNDLE}",
                [above, up_to],
            )
            if not found:
                return
            above = found[-1][0]
            yield _columns(found)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this, a write that another process prevents fails at once; raises CatalogueBusy."""
        connection = self.database.connection
        milliseconds = connection.execute("PRAGMA busy_timeout").fetchone()[0]
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            connection.execute(f"PRAGMA busy_timeout = {milliseconds}")

    def begin_use(self) -> None:
        """From now on record changes of items."""
        self.database.execute("UPDATE column_state SET is_used = 1 WHERE NOT is_used")

    def end_use(self) -> None:
        """Forget all segments, and record no more changes."""
        with self.database.write():
            for table in ("column_segments", "column_changes"):
                self.database.execute(f"DELETE FROM {table}")
            self.database.execute("UPDATE column_state SET version = version + 1, is_used = 0, covered = 0")

    def replace(
        self, version: int, removed: Iterable[str], added: SegmentFile | None, through: tuple[int, int]
    ) -> bool:
        """Put a segment in the place of others, and note that it contains the changes and items through these ids.

        Returns False, and changes nothing, if the version is another one.
        """
        change, covered = through
        with self.database.write():
            if self.database.value("SELECT version FROM column_state") != version:
                return False
            self.database.execute_many(
                "DELETE FROM column_segments WHERE file = ?", [(name,) for name in removed]
            )
            if added is not None:
                left_out = dumps(sorted([origin, list(path)] for origin, path in added.left_out))
                self.database.execute(
                    "INSERT INTO column_segments (file, size, row_count, left_out) VALUES (?, ?, ?, ?)",
                    [added.name, added.size, added.rows, left_out],
                )
            self.database.execute("DELETE FROM column_changes WHERE id <= ?", [change])
            self.database.execute("UPDATE column_state SET version = version + 1, covered = ?", [covered])
        return True


def _columns(rows: Sequence[Any]) -> Rows:
    ids, *columns, metadata, facts = zip(*rows, strict=True)
    return ids, dict(zip(_SELECTED, columns, strict=True)), metadata, facts
