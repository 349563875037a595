"""Sends collections to annotation: tasks in a file that an annotation tool imports, and the memory of what was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heron.catalog.access import Access
from heron.catalog.contents import choice_sql
from heron.catalog.database import Database
from heron.catalog.organisation.sent import Offer, SentStore
from heron.errors import InvalidInput
from heron.export.files import whole_file
from heron.models import DatasetRow, FrameChoice
from heron.sendings import Sending, SentItem, SentTasks

if TYPE_CHECKING:
    from heron.catalog.collections import CollectionService
    from heron.catalog.projects import ProjectService
    from heron.catalog.referring import CollectionRef, ProjectRef
    from heron.hooks import Exporter, PluginManager


class AnnotationService:
    """What is sent to annotation, with the exporters of plugins that write one file."""

    def __init__(
        self,
        database: Database,
        access: Access,
        plugins: Callable[[], PluginManager],
        projects: ProjectService,
        collections: CollectionService,
        store: SentStore,
    ) -> None:
        self._database = database
        self._access = access
        self._plugins = plugins
        self._projects = projects
        self._collections = collections
        self._store = store

    def send(
        self,
        project: ProjectRef,
        collection: CollectionRef,
        file: str | Path,
        *,
        format: str,
        frames: FrameChoice = "marked",
        again: bool = False,
        dry_run: bool = False,
        remembered_as: str | None = None,
    ) -> Sending:
        """Write the items of a collection as tasks of an annotation tool, and remember that they were sent for a project.

        Items that are in no dataset of the project are not sent, nor, without `again`, those that were sent for it before in this
        format, nor those that the format does not take; the answer counts them. If no item is left, nothing is written. The file
        appears whole or not at all; `remembered_as` is its name in the list of what was sent, by default its path. Raises InvalidInput for an archived project and a format of several files, PluginError for
        an unknown format.
        """
        with self._database.doing(self, "send"):
            found = self._projects._to_change(project)
            exporter, has_frames = self._exporter(format)
            chosen = frames if has_frames else "none"
            choice_sql(frames)
            offer = Offer(
                found,
                self._projects._dataset_ids(found),
                self._collections.get(collection),
                format,
                again,
            )
            outside, before = self._store.counts(offer)
            taken = _Taken(exporter)
            rows = taken.of(self._store.rows(offer, chosen))
            sent = None
            if dry_run:
                exporter.write(rows, _Nothing())
            elif (first := next(rows, None)) is not None:
                with whole_file(Path(file)) as stream:
                    exporter.write(_all(first, rows), stream)
                    sent = self._store.keep(offer, remembered_as or str(file), taken.items)
                self._access.note(found, collection=sent.collection, format=format, items=len(taken.items))
            numbers = sum(len(numbers) for _, numbers in taken.items)
            return Sending(sent, len(taken.items), numbers, 0 if again else before, outside, taken.refused)

    def sent(self, project: ProjectRef | None = None, *, limit: int | None = None) -> list[SentTasks]:
        """All, or the last `limit`, that was sent, for a project or for all that the user sees, the newest first."""
        return [*self._store.list(None if project is None else self._projects.get(project), limit)]

    def items(self, sent: SentTasks | str) -> Iterator[SentItem]:
        """The items that were sent at one time, with the numbers of their frames, as a stream; `sent` is the record or its UUID.

        Items that are gone since are left out. Raises NotFound.
        """
        return self._store.items(self._store.get(sent if isinstance(sent, str) else sent.uuid))

    def _exporter(self, format: str) -> tuple[Exporter, bool]:
        """The exporter of a format of one file, and whether it writes frames."""
        known = self._plugins().exporter(format)
        if known.writes_folder:
            raise InvalidInput(
                f"{format} is a folder of files, and tasks are one file",
                hint=f"heron datasets export --format {format} writes it",
            )
        loaded: Any = self._plugins().load(known)
        return loaded, "frames" in known.contains


class _Taken:
    """Passes on the rows that an exporter takes, and notes them."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self.items: list[tuple[int, Sequence[int]]] = []
        """The inner id of each item, and the numbers of its frames."""
        self.refused = 0

    def of(self, rows: Iterable[DatasetRow]) -> Iterator[DatasetRow]:
        """The rows that the exporter writes: it is asked to write each one alone, since a format only says how many it wrote."""
        for row in rows:
            if self._exporter.write(iter([row]), BytesIO()):
                self.items.append((row.item.id, [frame.number for frame in row.frames]))
                yield row
            else:
                self.refused += 1


class _Nothing(BytesIO):
    """A file that keeps nothing."""

    def write(self, data: Any, /) -> int:
        return len(data)


def _all(first: DatasetRow, rest: Iterator[DatasetRow]) -> Iterator[DatasetRow]:
    yield first
    yield from rest
