"""Pushes the columns of a catalogue to a place: new files first, the manifest last, and then what nobody reads any more goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from heron.answers import Pushed
from heron.catalog.columns.service import FOLDER
from heron.catalog.columns.visible import VisibleRows
from heron.catalog.referring import IntegrationRef
from heron.errors import AlreadyExists, CatalogueBusy, HeronError, PluginError
from heron.export.pushed.manifest import Manifest, PushedTable
from heron.export.pushed.place import PushPlace
from heron.inside import make_folder
from heron.storage.service import StorageService
from heron.times import now
from heron.vectors.files import exclusive

if TYPE_CHECKING:
    from heron.hooks import StoredObject

LEFTOVER = timedelta(days=1)
"""Files that no manifest names, as an interrupted push leaves them, are deleted once they are so old."""


class PushService:
    """Pushes what the acting user may see."""

    def __init__(self, rows: VisibleRows, storage: StorageService, directory: Path) -> None:
        self._rows = rows
        self._storage = storage
        self._directory = directory

    def __call__(
        self,
        destination: str | Path,
        *,
        integration: IntegrationRef | None = None,
        delta: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Pushed:
        """Push to a folder or URL; see `ws.columns.push`."""
        if find_spec("polars") is None:
            raise PluginError("pushing columns needs Polars", hint="pip install 'heron[columns]'")
        url = self._storage._normalised_prefix(str(destination), integration)
        place = PushPlace(self._storage.open(url, integration), url)
        with self._alone():
            before = self._ours(place)
            delta = delta or (before is not None and before.delta)
            if delta and find_spec("deltalake") is None:
                raise PluginError("tables of Delta Lake need deltalake", hint="pip install 'heron[delta]'")
            if before is None:  # so that the files of a push that is interrupted are known as ours
                user = self._rows.user()
                before = Manifest(self._rows.workspace(), user.email, user.uuid)
                place.publish(before)
            writer = _Writer(place)
            state, tables = self._rows.in_one_state(lambda: self._written(writer, progress))
            manifest = evolve(
                before,
                user=self._rows.user().email,
                shown_at=state,
                tables=tables,
                replaced=_replaced(before, tables),
                delta=delta,
            )
            self._finish(place, manifest)
            removed, problem = _swept(place, before, manifest, writer.there)
        return _report(url, manifest, writer, removed, problem)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Raise CatalogueBusy while another process pushes this catalogue."""
        with ExitStack() as stack:
            try:
                make_folder(self._directory / FOLDER)
                is_held = stack.enter_context(exclusive(self._directory / FOLDER / "push.lock"))
            except OSError:  # a workspace that may not be written
                is_held = True
            if not is_held:
                raise CatalogueBusy(
                    "another process pushes the columns of this workspace at this moment",
                    hint="wait for it to end",
                )
            yield

    def _ours(self, place: PushPlace) -> Manifest | None:
        """The manifest of the push before; raises AlreadyExists if the place shows what another workspace or user sees."""
        found = place.manifest()
        if found is not None and found.workspace != self._rows.workspace():
            raise AlreadyExists(
                f"{place.url} has the columns of another workspace, {found.workspace}",
                hint="name another place",
            )
        if found is not None and found.user_uuid != self._rows.user().uuid:
            raise AlreadyExists(
                f"{place.url} has the columns that {found.user} may see", hint="name another place"
            )
        return found

    def _written(
        self, writer: _Writer, progress: Callable[[int, int], None]
    ) -> tuple[str, dict[str, PushedTable]]:
        """Write the files of all tables; returns the time of the state that they show, and the tables."""
        from heron.export.pushed.parts import table_of, vectors_of

        state = now()
        sets = self._rows.vector_sets()
        items, frames = self._rows.counts()
        total = items + frames + sum(kept.row_count for kept in sets)
        done = 0

        def add(rows: int) -> None:
            nonlocal done
            done += rows
            progress(done, max(done, total))

        tables = [table_of(self._rows, "items", writer, add), table_of(self._rows, "frames", writer, add)]
        tables += [vectors_of(self._rows, kept, writer, add) for kept in sets]
        return state, {table.path: table for table in tables}

    def _finish(self, place: PushPlace, manifest: Manifest) -> None:
        """Make the new state the one that readers see, if all of its files are there and nobody else has pushed meanwhile."""
        there = place.files()
        missing = [
            path
            for path, file in manifest.files().items()
            if path not in there or there[path].size != file.bytes
        ]
        if missing or not place.is_unchanged():
            raise HeronError(
                f"another process has pushed to {place.url} meanwhile, or deleted files there",
                hint="push again: what is there already is not written again",
            )
        if manifest.delta:
            from heron.export.pushed.delta import commit

            for table in manifest.tables.values():
                commit(place, table)
        place.publish(manifest)


class _Writer:
    """Writes files that are not at the place yet; their names are made of their content."""

    def __init__(self, place: PushPlace) -> None:
        self._place = place
        self.there: dict[str, StoredObject] = place.files()
        self.written: dict[str, int] = {}

    def __call__(self, path: str, content: bytes) -> None:
        found = self.there.get(path)
        if path not in self.written and (found is None or found.size != len(content)):
            self._place.write(path, content)
            self.written[path] = len(content)


def _replaced(before: Manifest, tables: dict[str, PushedTable]) -> list[str]:
    """The files that only the state before has."""
    used = {file.path for table in tables.values() for file in table.files}
    return sorted(before.files().keys() - used)


def _swept(
    place: PushPlace, before: Manifest, manifest: Manifest, there: dict[str, StoredObject]
) -> tuple[int, str]:
    """Delete files that no reader of this state or the one before needs; returns their number, and why one could not be deleted."""
    needed = manifest.files().keys() | before.files().keys()
    oldest = datetime.now(UTC) - LEFTOVER
    gone = [path for path in before.replaced if path not in needed]
    gone += [
        path
        for path, stored in there.items()
        if path not in needed and path not in gone and stored.modified_at and stored.modified_at < oldest
    ]
    for count, path in enumerate(gone):
        try:
            place.delete(path)
        except HeronError as error:
            return count, f"old files could not be deleted: {error.message}"
    return len(gone), ""


def _report(url: str, manifest: Manifest, writer: _Writer, removed: int, problem: str) -> Pushed:
    files = manifest.files()
    left_out = {
        f"{name}.{column}": count
        for name, table in manifest.tables.items()
        for column, count in table.left_out.items()
    }
    return Pushed(
        destination=url,
        shown_at=manifest.shown_at or "",
        tables={name: table.rows for name, table in manifest.tables.items()},
        files=len(files),
        bytes=sum(file.bytes for file in files.values()),
        written=len(writer.written),
        written_bytes=sum(writer.written.values()),
        removed=removed,
        left_out=left_out,
        problem=problem,
    )
