"""Which segments the columns consist of, which rows have changed since, and the rows of which segments are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from heron.catalog.database import Database
from heron.columns.segments import SegmentFile
from heron.convert import dumps, loads
from heron.errors import CatalogueError
from heron.models import FRAME_FIELDS, ITEM_FIELDS

_BUNDLE = 20_000
_STORED = [name for name, field in ITEM_FIELDS.items() if field.sql and field.compares]


@frozen
class Kept:
    """A table with columns: its name, what the names of the tables about its columns begin with, and what is read of a row.

    `changed` is the column of the changes that names a row, `plain` are columns with one value, `texts` those of JSON. A row
    that is gone has `gone` in the place of its plain columns.
    """

    table: str
    prefix: str
    changed: str
    plain: Sequence[str]
    texts: tuple[str, str]
    gone: tuple[Any, ...]


ITEMS = Kept(
    "items",
    "column",
    "item_id",
    ("folder_id", "deleted_at", *_STORED),
    ("metadata", "facts"),
    (None, "gone", *(None for _ in _STORED)),
)
_OF_FRAMES = ("item_id", *(name for name, field in FRAME_FIELDS.items() if field.sql and field.compares))
FRAMES = Kept(
    "frames",
    "frame_column",
    "frame_id",
    _OF_FRAMES,
    ("metadata", "metrics"),
    tuple(None for _ in _OF_FRAMES),
)

Rows = tuple[Sequence[int], dict[str, Sequence[Any]], Sequence[str], Sequence[str]]
"""Rows as columns: ids, plain columns by name, and the JSON texts of metadata and of facts or metrics."""


@frozen
class ColumnState:
    """What the columns contain: segments from the oldest to the newest, and every row up to the id `covered`.

    The version changes with each change of the segments.
    """

    version: int
    is_used: bool
    covered: int
    segments: tuple[SegmentFile, ...]

    @property
    def rows(self) -> int:
        """The number of rows in all segments."""
        return sum(file.rows for file in self.segments)

    @property
    def size(self) -> int:
        """The bytes of all segments."""
        return sum(file.size for file in self.segments)


class ColumnTables:
    """The tables of the catalogue that tell about the columns of one of its tables."""

    def __init__(self, database: Database, kept: Kept) -> None:
        self.database = database
        self._kept = kept
        self._table, self._changed = kept.table, kept.changed
        self._state, self._segments, self._changes = (
            f"{kept.prefix}_{name}" for name in ("state", "segments", "changes")
        )
        self._pending = f"SELECT {self._changed} AS id FROM {self._changes} UNION SELECT id FROM {self._table} WHERE id > ?"

    def version(self) -> tuple[int, int] | None:
        """The version and the highest covered id; None if the columns are not used, or the catalogue has no tables for them."""
        try:
            row = self.database.row(f"SELECT version, covered, is_used FROM {self._state}")
        except CatalogueError:
            return None  # an older catalogue that cannot be written
        return (row[0], row[1]) if row is not None and row[2] else None

    def state(self) -> ColumnState:
        """The state of the columns."""
        row = self.database.row(f"SELECT version, is_used, covered FROM {self._state}")
        if row is None:  # an older catalogue that cannot be written
            return ColumnState(0, False, 0, ())
        version, is_used, covered = row
        rows = self.database.rows(f"SELECT file, size, row_count, left_out FROM {self._segments} ORDER BY id")
        segments = tuple(
            SegmentFile(
                name, size, count, frozenset((origin, tuple(path)) for origin, path in loads(left_out))
            )
            for name, size, count, left_out in rows
        )
        return ColumnState(version, bool(is_used), covered, segments)

    def pending(self, covered: int, limit: int) -> list[int]:
        """The ids of at most `limit` rows that are not in the segments as they are now, ascending, removed ones too."""
        return [row[0] for row in self.database.rows(f"{self._pending} ORDER BY 1 LIMIT ?", [covered, limit])]

    def pending_count(self, covered: int, limit: int | None = None) -> int:
        """The number of pending rows, at most `limit`."""
        most = -1 if limit is None else limit
        count: int = self.database.value(f"SELECT count(*) FROM ({self._pending} LIMIT ?)", [covered, most])
        return count

    def may_be_pending(self, covered: int) -> int:
        """At least as many as there are pending rows; found without looking at each new one, as `pending_count` does."""
        most: int = self.database.value(
            f"SELECT (SELECT count(*) FROM {self._changes}) + (SELECT coalesce(max(id), 0) FROM {self._table}) - ?",
            [covered],
        )
        return most

    def changed(self, through: int, covered: int) -> list[int]:
        """The ids of rows that changes up to an id name, ascending: those up to `covered`, and those that are gone."""
        is_gone = f"NOT EXISTS (SELECT 1 FROM {self._table} WHERE {self._table}.id = {self._changed})"
        rows = self.database.rows(
            f"SELECT {self._changed} FROM {self._changes} WHERE id <= ? AND ({self._changed} <= ? OR {is_gone}) ORDER BY 1",
            [through, covered],
        )
        return [row[0] for row in rows]

    def row_count(self) -> int:
        """The number of rows, deleted items included."""
        count: int = self.database.value(f"SELECT count(*) FROM {self._table}")
        return count

    def last_change(self) -> tuple[int, int]:
        """The id of the last change, and the highest id of a row."""
        found: tuple[int, int] = tuple(
            self.database.rows(
                f"SELECT (SELECT coalesce(max(id), 0) FROM {self._changes}), (SELECT coalesce(max(id), 0) FROM {self._table})"
            )[0]
        )
        return found

    def rows(self, ids: Sequence[int] | None, above: int, up_to: int) -> Iterator[Rows]:
        """The rows with given ids, and those with ids above one and up to another, in bundles, ascending within each part.

        An id that no row has is given as a row that is gone.
        """
        names = ", ".join(["id", *self._kept.plain, *self._kept.texts])
        for start in range(0, len(ids or ()), _BUNDLE):
            some = (ids or ())[start : start + _BUNDLE]
            found = self.database.rows(
                f"SELECT {names} FROM {self._table} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
                [dumps(list(some))],
            )
            known = {row[0] for row in found}
            gone = [(id, *self._kept.gone, "{}", "{}") for id in some if id not in known]
            yield self._columns(sorted([*map(tuple, found), *gone]))
        while above < up_to:
            found = self.database.rows(
                f"SELECT {names} FROM {self._table} WHERE id > ? AND id <= ? ORDER BY id LIMIT {_BUNDLE}",
                [above, up_to],
            )
            if not found:
                return
            above = found[-1][0]
            yield self._columns(found)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within this, a write that another process prevents fails at once; raises CatalogueBusy."""
        with self.database.waiting.none():
            yield

    def begin_use(self) -> None:
        """From now on record changes of rows."""
        self.database.execute(f"UPDATE {self._state} SET is_used = 1 WHERE NOT is_used")

    def end_use(self) -> None:
        """Forget all segments, and record no more changes."""
        with self.database.write():
            for table in (self._segments, self._changes):
                self.database.execute(f"DELETE FROM {table}")
            self.database.execute(f"UPDATE {self._state} SET version = version + 1, is_used = 0, covered = 0")

    def has_changed(self, row: int, since: int) -> bool:
        """Whether a row was changed or removed after a change."""
        sql = f"SELECT 1 FROM {self._changes} WHERE {self._changed} = ? AND id > ?"
        return self.database.value(sql, [row, since]) is not None

    def replace(
        self, version: int, removed: Iterable[str], added: SegmentFile | None, through: tuple[int, int]
    ) -> bool:
        """Put a segment in the place of others, and note that it contains the changes and rows through these ids.

        Returns False, and changes nothing, if the version is another one.
        """
        change, covered = through
        with self.database.write():
            if self.database.value(f"SELECT version FROM {self._state}") != version:
                return False
            self.database.execute_many(
                f"DELETE FROM {self._segments} WHERE file = ?", [(name,) for name in removed]
            )
            if added is not None:
                left_out = dumps(sorted([origin, list(path)] for origin, path in added.left_out))
                self.database.execute(
                    f"INSERT INTO {self._segments} (file, size, row_count, left_out) VALUES (?, ?, ?, ?)",
                    [added.name, added.size, added.rows, left_out],
                )
            self.database.execute(f"DELETE FROM {self._changes} WHERE id <= ?", [change])
            self.database.execute(f"UPDATE {self._state} SET version = version + 1, covered = ?", [covered])
        return True

    def _columns(self, rows: Sequence[Any]) -> Rows:
        ids, *columns, metadata, facts = zip(*rows, strict=True)
        return ids, dict(zip(self._kept.plain, columns, strict=True)), metadata, facts
