"""The columns of a workspace: brought up to date in segments, opened for queries, and rebuilt at will."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.columns.tables import ColumnState, ColumnTables, Rows
from heron.catalog.database import Database
from heron.columns.building import as_texts, frame_of, name_of, title
from heron.columns.segments import SUFFIX, Segment, UnreadableSegment, write_segment
from heron.errors import CatalogueError, PermissionDenied, PluginError
from heron.records import Record
from heron.vectors.files import exclusive

if TYPE_CHECKING:
    import polars

    from heron.answers import Pushed
    from heron.catalog.referring import IntegrationRef
    from heron.columns.building import Place

FOLDER = "columns"
MANY = 200_000
"""With so many items there are columns. With fewer, one query of SQLite takes less time than the import of Polars (0.2 s)."""

SOME = 20_000
"""With so many items there are columns for a process that asks OFTEN, such as a server, a notebook or a long script."""

OFTEN = 10
"""A process asks often after so many first pages, counts and other parts of queries; further pages do not count."""

PENDING = 20_000
"""So many items may be pending before they are written."""

RETRY = 30.0
"""The seconds until columns that could not be written are written again."""

_SEGMENT = 100_000
"""The most items that are read for one segment."""

_LARGEST = 200_000
"""The most rows of a segment that is made of smaller ones."""


@frozen(repr=False)
class ColumnStatus(Record):
    """The columns of a workspace: whether they are used, their segments, rows and bytes, and pending items.

    `reason` says why no program uses them, or which programs do if not all; it is empty if all do. `pending` is the number of items that are read from SQLite, because they were written after the segments.
    """

    used: bool
    reason: str
    segments: int
    rows: int
    bytes: int
    pending: int


@frozen
class Opened:
    """The segments from the oldest to the newest, and the ids of items that are not in them as they are now."""

    segments: Sequence[Segment]
    pending: Sequence[int]


class ColumnService:
    """The columns of one workspace."""

    def __init__(
        self, database: Database, access: Access, directory: Path, pusher: Callable[[], Callable[..., Pushed]]
    ) -> None:
        """`pusher` gives what writes columns to a place elsewhere."""
        self._tables = ColumnTables(database)
        self._access = access
        self._folder = directory / FOLDER
        self._pusher = pusher
        self._version: tuple[int, int] | None = None
        self._segments: Sequence[Segment] = ()
        self._retry_at = 0.0
        self._asked = 0

    def status(self) -> ColumnStatus:
        """What the columns contain."""
        self._require_all()
        state, pending, newest = self._tables.database.in_one_state(self._state_and_pending)
        used, reason = _use(newest, are_made=state.is_used)
        sizes = (sum(file.rows for file in state.segments), sum(file.size for file in state.segments))
        return ColumnStatus(used, reason, len(state.segments), *sizes, pending)

    def _state_and_pending(self) -> tuple[ColumnState, int, int]:
        """The state, the number of pending items, and the highest id of an item."""
        state, newest = self._tables.state(), self._tables.last_change()[1]
        if not state.is_used:
            return state, self._tables.item_count(), newest
        return state, self._tables.pending_count(state.covered), newest

    def rebuild(self) -> ColumnStatus:
        """Make all columns anew; raises PluginError without Polars, CatalogueError if another process makes them."""
        self._require_all()
        if not _has_polars():
            raise PluginError("columns need Polars", hint="pip install 'heron[columns]'")
        self._forget()
        if not self._refresh():
            raise CatalogueError(
                "another process makes the columns at this moment", hint="heron columns status"
            )
        return self.status()

    def refresh(self) -> None:
        """Write what is pending if that is much, as the next query would do.

        Without Polars, for a small catalogue, and where nothing can be written, nothing happens.
        """
        self._require_all()
        self._refresh_if_much()

    def push(
        self,
        destination: str | Path,
        *,
        integration: IntegrationRef | None = None,
        delta: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Pushed:
        """Write items, frames and vectors that the acting user may see as Parquet files to a folder or URL, for other engines.

        All tables show one state of the catalogue. Readers take the files from `_heron.json` there, which is written last;
        files that are there already are not written again. `delta` keeps logs of Delta Lake beside, from now on.
        `progress` is called with rows done and rows in total. Raises InvalidInput for a place that has other files,
        AlreadyExists for one that has the columns of another workspace or user, CatalogueBusy while another process pushes,
        PluginError without Polars, PermissionDenied, and HeronError for a place that is full.
        """
        return self._pusher()(destination, integration=integration, delta=delta, progress=progress)

    def _require_all(self) -> None:
        """Raise PermissionDenied for a user who does not see every item, since the columns tell of all."""
        self._access.require("update", WORKSPACE)
        if not self._access.sees_all("item"):
            raise PermissionDenied(
                f"{self._access.user.email} may not use the columns as a whole, which contain all items",
                hint="ask an admin of the workspace",
            )

    def _are_used(self, *, is_new: bool) -> bool:
        """Whether the columns can answer a query, which `is_new` or a further page, after what is pending was written if
        that is much.
        """
        self._asked += is_new
        self._refresh_if_much()
        return self._is_large() and _has_polars() and self._tables.version() is not None

    def _is_large(self) -> bool:
        """Whether columns are quicker for this process than SQLite alone."""
        newest = self._tables.last_change()[1]
        return newest >= MANY or (newest >= SOME and self._asked > OFTEN)

    def _opened(self) -> Opened | None:
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

    def _give_up(self) -> None:
        """Forget segments that cannot be read, so that they are made anew; if that cannot be written now, later."""
        self._segments, self._version = (), None
        if not self._tables.database.may_write or self._tables.database.is_writing:
            return
        try:
            with self._tables.at_once():
                self._forget()
        except CatalogueError:
            self._retry_at = time.monotonic() + RETRY

    def _landed(self) -> None:
        """After a batch of items was written: write whole segments, so that the next query finds little to write."""
        self._refresh_if_much(_SEGMENT)

    def _refresh_if_much(self, much: int | None = None) -> None:
        """Write what is pending if there are `much`, by default PENDING, items."""
        much = much or PENDING
        database = self._tables.database
        if not database.may_write or database.is_writing or not _has_polars() or not self._is_large():
            return
        version = self._tables.version()
        if version is not None and self._tables.pending_count(version[1], much) < much:
            return
        if time.monotonic() < self._retry_at:
            return
        try:
            with self._tables.at_once():
                self._refresh()
        except UnreadableSegment:
            self._give_up()
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
        """Write all pending items; False if another process does. Raises OSError."""
        self._folder.mkdir(exist_ok=True)
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
        """Write one segment of pending items, and merge small segments; whether there is more to write."""
        read = self._tables.database.in_one_state(self._read_next)
        if read is None:
            return False
        state, (change, top, last), (frame, left_out) = read
        removed, frame, left_out = self._merged(state, frame, left_out)
        added = write_segment(self._folder, frame, left_out) if frame.height else None
        if not self._tables.replace(state.version, removed, added, (change, top)):
            return False
        return top < last

    def _read_next(
        self,
    ) -> tuple[ColumnState, tuple[int, int, int], tuple[polars.DataFrame, set[Place]]] | None:
        """The rows of the next segment, with the last change and item that it contains, and the last item; None if nothing is pending."""
        state = self._tables.state()
        change, last = self._tables.last_change()
        top = min(
            last, state.covered + _SEGMENT
        )  # less than before if the newest items were removed: ids are used again
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
                path.unlink(missing_ok=True)


def _use(newest: int, *, are_made: bool) -> tuple[bool, str]:
    """Whether some program uses the columns, as `_is_large` decides, and why none does or not all do."""
    if not _has_polars():
        return False, "Polars is not installed: pip install 'heron[columns]'"
    if newest < min(SOME, MANY):
        return False, f"for fewer than {SOME:,} items no program uses them: SQLite alone is quicker"
    if newest < MANY:
        return are_made, f"for fewer than {MANY:,} items only a program that asks many queries uses them"
    return are_made, "" if are_made else "they are made by the next query"


def _gathered(bundles: Iterator[Rows]) -> tuple[polars.DataFrame, set[Place]]:
    """The table of bundles of rows, sorted by `id`, and the places that it does not contain."""
    frames: list[polars.DataFrame] = []
    left_out: set[Place] = set()
    for bundle in bundles:
        frame, without = frame_of(*bundle)
        frames.append(frame)
        left_out |= without
    return _joined(frames, left_out), left_out


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
