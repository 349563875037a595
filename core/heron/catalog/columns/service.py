"""The columns of a workspace, those of items and those of frames: shown, rebuilt at will, and pushed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.columns import kept
from heron.catalog.columns.kept import TableColumns
from heron.catalog.columns.tables import FRAMES, ITEMS, ColumnTables
from heron.catalog.database import Database
from heron.errors import CatalogueError, PermissionDenied, PluginError
from heron.records import Record

if TYPE_CHECKING:
    from heron.answers import Pushed
    from heron.catalog.referring import IntegrationRef

FOLDER = "columns"


@frozen(repr=False)
class ColumnStatus(Record):
    """The columns of a workspace: whether they are used, their segments, rows and bytes, and pending items.

    `reason` says why no program uses them, or which programs do if not all; it is empty if all do. `rows` are items and
    `frames` are frames; `pending` is the number of items and frames that are read from SQLite, because they were written
    after the segments.
    """

    used: bool
    reason: str
    segments: int
    rows: int
    bytes: int
    pending: int
    frames: int


class ColumnService:
    """The columns of one workspace."""

    def __init__(
        self,
        database: Database,
        access: Access,
        directory: Path,
        pusher: Callable[[], Callable[..., Pushed]],
        asks_often: Callable[[], bool],
    ) -> None:
        """`pusher` gives what writes columns to a place elsewhere; `asks_often` tells of a process that asks many queries."""
        self._database = database
        self._access = access
        self._pusher = pusher
        folder = directory / FOLDER
        self._items = TableColumns(ColumnTables(database, ITEMS), folder, asks_often)
        self._frames = TableColumns(ColumnTables(database, FRAMES), folder / "frames", asks_often)

    def status(self) -> ColumnStatus:
        """What the columns contain."""
        self._require_all()
        items, frames = self._database.in_one_state(lambda: (self._items.parts(), self._frames.parts()))
        larger = max(items, frames, key=lambda parts: parts.newest)
        used, reason = _use(larger.newest, are_made=larger.state.is_used)
        return ColumnStatus(
            used,
            reason,
            len(items.state.segments) + len(frames.state.segments),
            items.state.rows,
            items.state.size + frames.state.size,
            items.pending + frames.pending,
            frames.state.rows,
        )

    def rebuild(self) -> ColumnStatus:
        """Make all columns anew; raises PluginError without Polars, CatalogueError if another process makes them, or they cannot be written."""
        self._require_all()
        if not kept._has_polars():
            raise PluginError("columns need Polars", hint="pip install 'heron[columns]'")
        try:
            done = self._items.rebuild() and self._frames.rebuild()
        except OSError as error:
            raise CatalogueError(f"the columns cannot be written: {error.strerror or error}") from error
        if not done:
            raise CatalogueError(
                "another process makes the columns at this moment", hint="heron columns status"
            )
        return self.status()

    def refresh(self) -> None:
        """Write what is pending if that is much, as the next query would do.

        Without Polars, for a small catalogue, and where nothing can be written, nothing happens.
        """
        self._require_all()
        self._items.refresh_if_much()
        self._frames.refresh_if_much()

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

    def _landed(self) -> None:
        """After a batch of items was written: write whole segments, so that the next query finds little to write."""
        self._items.landed()
        self._frames.landed()


def _use(newest: int, *, are_made: bool) -> tuple[bool, str]:
    """Whether some program uses the columns, as `TableColumns` decides, and why none does or not all do."""
    if not kept._has_polars():
        return False, "Polars is not installed: pip install 'heron[columns]'"
    if newest < min(kept.SOME, kept.MANY):
        return (
            False,
            f"for fewer than {kept.SOME:,} items or frames no program uses them: SQLite alone is quicker",
        )
    if newest < kept.MANY:
        return (
            are_made,
            f"for fewer than {kept.MANY:,} items or frames only a program that asks many queries uses them",
        )
    return are_made, "" if are_made else "they are made by the next query"
