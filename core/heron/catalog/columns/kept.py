"""The columns of one table, items or frames: brought up to date in segments, and opened for queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from heron.catalog.columns.tables import ColumnState, ColumnTables, Rows
from heron.columns.building import as_texts, frame_of, name_of, title
from heron.columns.segments import SUFFIX, Segment, UnreadableSegment, write_segment
from heron.errors import CatalogueError
from heron.inside import make_folder
from heron.vectors.files import exclusive

if TYPE_CHECKING:
    import polars

    from heron.columns.building import Place

MANY = 200_000
"""With so many items, or frames, there are columns. With fewer, one query of SQLite takes less time than the import of Polars (0.2 s)."""

SOME = 20_000
"""With so many there are columns for a process that asks OFTEN, such as a server, a notebook or a long script."""

OFTEN = 10
"""A process asks often after so many first pages, counts and other parts of queries; further pages do not count.

A server says so itself: it opens the workspace once for each thread and user.
"""

PENDING = 20_000
"""So many may be pending before they are written."""

RETRY = 30.0
"""The seconds until columns that could not be written are written again."""

_SEGMENT = 100_000
"""The most rows that are read for one segment."""

_LARGEST = 200_000
"""The most rows of a segment that is made of smaller ones."""


@frozen
class Opened:
    """The segments from the oldest to the newest, and the ids of rows that are not in them as they are now."""

    segments: Sequence[Segment]
    pending: Sequence[int]


@frozen
class Parts:
    """What columns consist of, the number of rows that are pending, and the highest id of a row of the table."""

    state: ColumnState
    pending: int
    newest: int


class TableColumns:
    """The columns of one table of a workspace."""

    def __init__(self, tables: ColumnTables, folder: Path, asks_often: Callable[[], bool]) -> None:
        """`asks_often` tells of a process that is known to ask OFTEN, whatever it has asked until now."""
        self._tables = tables
        self._asks_often = asks_often
        self._folder = folder
        self._version: tuple[int, int] | None = None
        self._segments: Sequence[Segment] = ()
        self._retry_at = 0.0
        self._asked = 0

    def parts(self) -> Parts:
        """What the columns consist of."""
        state, newest = self._tables.state(), self._tables.last_change()[1]
        if not state.is_used:
            return Parts(state, self._tables.row_count(), newest)
        return Parts(state, self._tables.pending_count(state.covered), newest)

    def rebuild(self) -> bool:
        """Make the columns anew; False if another process makes them at this moment. Raises OSError."""
        self._forget()
        return self._refresh()

    def are_used(self, *, is_new: bool) -> bool:
        """Whether the columns can answer a query, which `is_new` or a further page, after what is pending was written if
        that is much.
        """
        self._asked += is_new
        self.refresh_if_much()
        return self._is_large() and _has_polars() and self._tables.version() is not None

    def _is_large(self) -> bool:
        """Whether columns are quicker for this process than SQLite alone."""
        newest = self._tables.last_change()[1]
        return newest >= MANY or (newest >= SOME and (self._asked > OFTEN or self._asks_often()))

    def opened(self) -> Opened | None:
        """The columns in the state of the caller's transaction; None if SQLite has to answer alone."""
        version = self._tables.version()
        if version is None:
            return None
        pending = self._tables.pending(version[1], 2 * PENDING)
        if len(pending) >= 2 * PENDING:
            return None
        if version != self._version:
            known = {segment.file: segment for segment in self._segments}
            state = self._tables.state()
            segments = [known.get(file) or Segment(self._folder, file) for file in state.segments]
            for place, segment in enumerate(segments):
                segment.replace_by(segments[place + 1 :])
            self._segments, self._version = segments, version
        return Opened(self._segments, pending)

    def give_up(self) -> None:
        """Forget segments that cannot be read, so that they are made anew; if that cannot be written now, later."""
        self._segments, self._version = (), None
        if not self._tables.database.may_write or self._tables.database.is_writing:
            return
        try:
            with self._tables.at_once():
                self._forget()
        except CatalogueError:
            self._retry_at = time.monotonic() + RETRY

    def landed(self) -> None:
        """After a batch was written: write whole segments, so that the next query finds little to write."""
        self.refresh_if_much(_SEGMENT)

    def refresh_if_much(self, much: int | None = None) -> None:
        """Write what is pending if there are `much`, by default PENDING, rows."""
        much = much or PENDING
        database = self._tables.database
        if not database.may_write or database.is_writing or not _has_polars() or not self._is_large():
            return
        version = self._tables.version()
        if version is not None and (
            self._tables.may_be_pending(version[1]) < much
            or self._tables.pending_count(version[1], much) < much
        ):
            return
        if time.monotonic() < self._retry_at:
            return
        try:
            with self._tables.at_once():
                self._refresh()
        except UnreadableSegment:
            self.give_up()
        except (
            OSError,
            CatalogueError,
        ):  # a full disk, another writer, a folder that cannot be written: SQLite answers
            self._retry_at = time.monotonic() + RETRY

    def _forget(self) -> None:
        self._tables.end_use()
        self._segments, self._version = (), None
        with suppress(OSError), exclusive(self._folder / "lock") as is_held:
            if is_held:
                self._sweep()

    def _refresh(self) -> bool:
        """Write all pending rows; False if another process does. Raises OSError."""
        for folder in (self._folder.parent, self._folder):  # the columns of frames lie below those of items
            make_folder(folder)
        with exclusive(self._folder / "lock") as is_held:
            if not is_held:
                return False
            if self._tables.version() is None:
                self._tables.begin_use()
            while self._write_next():
                pass
            self._sweep()
        return True

    def _write_next(self) -> bool:
        """Write one segment of pending rows, and merge small segments; whether there is more to write."""
        read = self._tables.database.in_one_state(self._read_next)
        if read is None:
            return False
        state, (change, top, last), (frame, left_out) = read
        removed, frame, left_out = self._merged(state, frame, left_out)
        added = write_segment(self._folder, frame, left_out) if frame.height else None
        with self._tables.database.write():
            if self._tables.has_changed(last, change):
                return True  # if it is gone, ids up to it may be those of rows that were not read
            is_written = self._tables.replace(state.version, removed, added, (change, top))
        return is_written and top < last

    def _read_next(
        self,
    ) -> tuple[ColumnState, tuple[int, int, int], tuple[polars.DataFrame, set[Place]]] | None:
        """The rows of the next segment, with the last change and row that it contains, and the last row; None if nothing is pending."""
        state = self._tables.state()
        change, last = self._tables.last_change()
        top = min(last, state.covered + _SEGMENT)
        changed = self._tables.changed(change, state.covered)
        if not changed and top <= state.covered:
            return None
        return state, (change, top, last), _gathered(self._tables.rows(changed, state.covered, top))

    def _merged(
        self, state: ColumnState, frame: polars.DataFrame, left_out: set[Place]
    ) -> tuple[list[str], polars.DataFrame, set[Place]]:
        """The new rows with those of the newest segments that are not much larger than they are, and the names of these segments."""
        import numpy as np
        import polars as pl

        total, chosen = frame.height, []
        for file in reversed(state.segments):
            if file.rows > 2 * total or file.rows + total > _LARGEST:
                break
            chosen.append(file)
            total += file.rows
        frames, ids = [frame], frame["id"].to_numpy()
        for file in chosen:
            segment = Segment(self._folder, file)
            kept = segment.table(segment.columns.values()).filter(pl.Series(~np.isin(segment.ids, ids)))
            frames.append(kept)
            ids = np.concatenate([ids, segment.ids])
            left_out = left_out | file.left_out
        if not chosen:
            return [], frame, left_out
        return [file.name for file in chosen], _joined(frames, left_out).sort("id"), left_out

    def _sweep(self) -> None:
        """Remove files that no state names; the lock is held."""
        named = {file.name for file in self._tables.state().segments}
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path.name not in named:
                with suppress(IsADirectoryError, PermissionError):  # a folder, which is none of Heron's
                    path.unlink(missing_ok=True)


def _gathered(bundles: Iterator[Rows]) -> tuple[polars.DataFrame, set[Place]]:
    """The table of bundles of rows, sorted by `id`, and the places that it does not contain."""
    frames: list[polars.DataFrame] = []
    left_out: set[Place] = set()
    for bundle in bundles:
        frame, without = frame_of(*bundle)
        frames.append(frame)
        left_out |= without
    return _joined(frames, left_out).sort("id"), left_out


def _joined(frames: Sequence[polars.DataFrame], left_out: set[Place]) -> polars.DataFrame:
    """One table of several, without places that one of them does not contain. Times beside texts become texts."""
    import polars as pl

    titles = {title for frame in frames for title in frame.columns}
    names = {title: name_of(title) for title in titles if title != "id"}
    spread = {
        title
        for title, (origin, path, _) in names.items()
        if (origin, path) in left_out or (origin, ()) in left_out
    }
    texts = {(origin, path) for origin, path, family in names.values() if family == "text"}
    mixed = [title for title, (*place, family) in names.items() if family == "time" and tuple(place) in texts]
    cleaned = []
    for frame in frames:
        frame = frame.drop(spread & set(frame.columns))
        for each in mixed:
            if each in frame.columns:
                written = as_texts(frame[each]).rename(title((*names[each][:2], "text")))
                frame = frame.drop(each).with_columns(written)
        cleaned.append(frame)
    return (
        pl.concat(cleaned, how="diagonal", rechunk=True)
        if cleaned
        else pl.DataFrame({"id": pl.Series([], dtype=pl.Int64)})
    )


@cache
def _has_polars() -> bool:
    return find_spec("polars") is not None
