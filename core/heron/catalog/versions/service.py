"""Versions of datasets: freezes, lists, reads, compares, verifies and deletes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.datasets import DatasetService
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.referring import DatasetRef, VersionRef, parted_version
from heron.catalog.schema import SchemaService
from heron.catalog.shown import ShownMetadata
from heron.catalog.versions.blocks import Block
from heron.catalog.versions.frozen_rows import FrozenRows
from heron.catalog.versions.image import Imager, MemberHashes, scratch
from heron.catalog.versions.seen import Sight
from heron.catalog.versions.tables import VersionTables
from heron.convert import dumps, loads
from heron.errors import NotFound
from heron.models import Dataset, DatasetRow, FrameChoice, now
from heron.uuids import is_uuid
from heron.versions import DatasetDiff, DatasetVersion, VerifiedFile

if TYPE_CHECKING:
    from heron.catalog.versions.differ import Side

Progress = Callable[[int], None]


def _silent(done: int) -> None:
    """Report no progress."""


class Files(Protocol):
    """Reads the files of rows."""

    def hashes(self, dataset: Dataset, progress: Progress) -> MemberHashes:
        """Hash the files of a dataset that have no known hash; the hashes of files of several are returned."""

    def verify(
        self, rows: Iterator[DatasetRow], progress: Progress, *, hashes: bool
    ) -> Iterator[VerifiedFile]:
        """What became of each file."""


@frozen
class Image:
    """The rows of a dataset at one moment, with its schema and the time, and how many of its files have no known hash."""

    blocks: Sequence[Block]
    schema: str
    unhashed: int
    at: str


class VersionService:
    """The frozen versions of datasets. A version is named by its dataset and number, as `rain-1@2`."""

    def __init__(
        self,
        database: Database,
        access: Access,
        datasets: DatasetService,
        schema: SchemaService,
        files: Callable[[], Files],
    ) -> None:
        self._database = database
        self._access = access
        self._datasets = datasets
        self._schema = schema
        self._files = files
        self._tables = VersionTables(database)
        self._rows = FrozenRows(database, access)

    def freeze(
        self, dataset: DatasetRef, *, note: str = "", hashes: bool = False, progress: Progress = _silent
    ) -> DatasetVersion:
        """Make the next version of a dataset: its rows in order, with all that is known of their items, members and frames.

        All rows are of one state of the catalogue. The version has the rows that the acting user may not see, too. `hashes` reads
        the files that have no known hash first, which takes the right to update their items. `progress` is called with the number of rows done.
        """
        found = self._datasets.get(dataset)
        self._access.require("update", found)
        known = self._files().hashes(found, progress) if hashes else {}
        with self._image(found, known, progress) as image, self._database.doing(self, "freeze"):
            found = self._datasets.get(found.uuid)
            self._access.require("update", found)
            uuid = self._tables.add(
                found.id,
                image.blocks,
                image.unhashed,
                note=note,
                schema=image.schema,
                created_at=image.at,
                created_by=self._access.user.email,
            )
            made = self.get(uuid)
            self._access.note(found, version=made.number)
        return made

    @contextmanager
    def _image(self, dataset: Dataset, hashes: MemberHashes, progress: Progress) -> Iterator[Image]:
        """The rows of a dataset as they are now. Neither other processes nor other threads wait meanwhile."""
        with scratch() as keep, self._reading() as database:
            imager = Imager(database, ShownMetadata(database, self._schema.current))

            def read() -> Image:
                blocks, unhashed = imager.blocks(dataset.id, keep, hashes, progress)
                return Image(blocks, dumps(self._schema.to_dict()), unhashed, now())

            yield database.in_one_state(read)

    @contextmanager
    def _reading(self) -> Iterator[Database]:
        """The catalogue, opened once more; within a transaction, whose changes only it sees, the one that is open."""
        if self._database.is_writing:
            yield self._database
            return
        again = Database(self._database.path.parent, create=False)
        try:
            yield again
        finally:
            again.close()

    def get(self, ref: VersionRef) -> DatasetVersion:
        """The version that is meant; raises NotFound."""
        version = self.find(ref)
        if version is not None:
            return version
        title, number = parted_version(ref) if isinstance(ref, str) else (None, None)
        if title is None or self._datasets.find(title) is None:
            raise missing("dataset", title or ref, (dataset.title for dataset in self._datasets.list()))
        there = ", ".join(f"{title}@{version.number}" for version in self.list(title)) or "none"
        raise NotFound(
            f"dataset {title!r} has no version {number}",
            hint=f"heron datasets versions lists them: {there}",
        )

    def find(self, ref: VersionRef) -> DatasetVersion | None:
        """The version that is meant, or None."""
        if isinstance(ref, DatasetVersion):
            return self._one("v.uuid = ?", [ref.uuid])
        if is_uuid(str(ref)):
            return self._one("v.uuid = ?", [str(ref).lower()])
        title, number = parted_version(ref)
        dataset = self._datasets.find(title) if title is not None else None
        if dataset is None:
            return None
        return self._one("v.dataset_id = ? AND v.number = ?", [dataset.id, number])

    def list(self, dataset: DatasetRef | None = None, *, limit: int | None = None) -> list[DatasetVersion]:
        """The versions of a dataset, or of all, or the first `limit`, by title and number."""
        meant, parameters = "1", []
        if dataset is not None:
            meant, parameters = "v.dataset_id = ?", [self._datasets.get(dataset).id]
        rows = self._database.rows(
            f"{self._select(meant)} ORDER BY datasets.title, v.number LIMIT ?", [*parameters, at_most(limit)]
        )
        return [self._version(row) for row in rows]

    def rows(self, ref: VersionRef, *, frames: FrameChoice = "none") -> Iterator[DatasetRow]:
        """The rows of a version in order, as a stream: the items as they were, whatever became of them. Each row's `since` says that.

        Positions count from 0. Rows whose items the acting user may not see are left out.
        """
        return self._rows.rows(self._tables.blocks(self.get(ref).id), frames)

    def _rows_if(self, ref: object, frames: FrameChoice) -> Iterator[DatasetRow] | None:
        """The rows of a version; None if no version is meant."""
        if not isinstance(ref, DatasetVersion | str):
            return None
        version = self.find(ref)
        return self.rows(version, frames=frames) if version is not None else None

    def diff(self, old: VersionRef | DatasetRef, new: VersionRef | DatasetRef) -> DatasetDiff:
        """What is different between two versions; a dataset in place of a version is that dataset as it is now."""
        from heron.catalog.versions.differ import diff

        with self._side(old) as first, self._side(new) as second:
            return diff(first, second)

    @contextmanager
    def _side(self, ref: VersionRef | DatasetRef) -> Iterator[Side]:
        from heron.catalog.versions.differ import Side

        mask = Sight(self._database, self._access).mask
        version = self.find(ref) if isinstance(ref, DatasetVersion | str) else None
        if version is not None:
            yield Side.of(version.name, self._tables.blocks(version.id), mask)
            return
        dataset = self._present(ref)
        with self._image(dataset, {}, _silent) as image:
            yield Side.of(dataset.title, image.blocks, mask)

    def _present(self, ref: VersionRef | DatasetRef) -> Dataset:
        """The dataset that is meant, where no version is; raises NotFound that tells of versions for `TITLE@NUMBER`."""
        if isinstance(ref, str) and self._datasets.find(ref) is None and parted_version(ref)[0] is not None:
            self.get(ref)
        assert not isinstance(ref, DatasetVersion)
        return self._datasets.get(ref)

    def verify(
        self, ref: VersionRef | DatasetRef, *, hashes: bool = False, progress: Progress = _silent
    ) -> Iterator[VerifiedFile]:
        """Whether each file of a version, or of a dataset as it is now, is what it was; the files of groups and series too.

        A file is looked up, and its size and its ETag or time are compared. If they leave a doubt, and its hash is known, it is
        read; with `hashes` each file whose hash is known is read. `progress` is called with the number of files done.
        """
        version = self.find(ref) if isinstance(ref, DatasetVersion | str) else None
        rows = self.rows(version) if version is not None else self._datasets.rows(self._present(ref))
        return self._files().verify(rows, progress, hashes=hashes)

    @one_transaction
    def delete(self, ref: VersionRef) -> None:
        """Delete a version; its number is not used again."""
        version = self.get(ref)
        dataset = self._datasets.get(version.dataset)
        self._access.require("delete", dataset)
        self._tables.delete(version.id)
        self._access.note(dataset, version=version.number)

    def _one(self, meant: str, parameters: Sequence[object]) -> DatasetVersion | None:
        row = self._database.row(self._select(meant), parameters)
        return self._version(row) if row is not None else None

    def _select(self, meant: str) -> str:
        return (
            "SELECT v.*, datasets.title AS title FROM dataset_versions AS v JOIN datasets ON datasets.id = v.dataset_id "
            f"WHERE {meant} AND {self._access.scope('dataset', 'datasets')}"
        )

    def _version(self, row: Row) -> DatasetVersion:
        """The record of a version; for a user who does not see all items, of the rows that this user sees."""
        sees_all = self._access.sees_all("item")
        counts = (row["row_count"], row["unhashed"])
        if not sees_all:
            counts = self._rows.count(self._tables.blocks(row["id"]))
        return DatasetVersion(
            row["id"],
            row["uuid"],
            row["title"],
            row["number"],
            row["note"],
            *counts,
            tuple(loads(row["sources"])) if sees_all else (),
            loads(row["schema"]),
            row["digest"] if sees_all else None,
            row["created_at"],
            row["created_by"],
        )
