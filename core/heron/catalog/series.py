"""Series: the parts that imports have found, stored until all files are read, and the series of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from heron.catalog.access import Access, Verb
from heron.catalog.database import Database, Row
from heron.catalog.folders import subtree
from heron.catalog.places import located
from heron.catalog.scratch import drop, fresh, scratching
from heron.catalog.stores import HERE, Matching, OriginOf, StoreTable
from heron.convert import dumps, loads
from heron.jobs import ImportJob
from heron.models import Folder, Json, Kind, Member

SERIES_MARK = "#series="
"""Separates, in the URL of a DICOM series, its folder and the identifier that its files share."""

_SERIES = re.compile(r"#(?:([a-z0-9_]+)-)?series=([^#]*)\Z")


def series_mark(kind: Kind) -> str:
    """What separates folder and identifier in the URL of a series; that of other kinds than `dicom` names its kind."""
    return SERIES_MARK if kind == "dicom" else f"#{kind}-series="


@frozen
class FoundPart:
    """A file that is part of a series, as its decoder has described it; see `heron.Part`."""

    decoder: str
    series: str
    url: str
    size: int
    etag: str | None
    header: str
    """The decoder's description of the file, as JSON."""

    metadata: Mapping[str, Json] | None = None


class SeriesStore:
    """The parts of series that the imports of a workspace have found, in the order in which they were found."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access
        self._stores = StoreTable(database)
        self._table = "series_parts"

    def keep(self, job: ImportJob | None, parts: Sequence[FoundPart]) -> None:
        """Store parts; a part that is stored already is replaced."""
        if parts:
            id = self._id("update", job)
            self._insert(
                f"INSERT OR REPLACE INTO {self._table} (import_id, decoder, series, url, size, etag, header, metadata) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        id, part.decoder, part.series, part.url, part.size, part.etag, part.header,
                        dumps(part.metadata) if part.metadata else None,
                    )
                    for part in parts
                ],
            )  # fmt: skip

    def of(self, job: ImportJob | None) -> Iterator[tuple[FoundPart, ...]]:
        """The parts of each series, ordered by the first part that was found; one series in memory at a time."""
        id = self._id("read", job)
        for decoder, series in self.names(job):
            rows = self._database.rows(
                f"SELECT * FROM {self._table} WHERE import_id = ? AND decoder = ? AND series = ? ORDER BY id",
                [id, decoder, series],
            )
            yield tuple(_part(row) for row in rows)

    def names(self, job: ImportJob | None) -> Sequence[tuple[str, str]]:
        """The decoder and the identifier of each series, in the same order."""
        rows = self._database.rows(
            f"SELECT min(id), decoder, series FROM {self._table} WHERE +import_id = ? GROUP BY decoder, series ORDER BY 1",
            [self._id("read", job)],
        )
        return [(row[1], row[2]) for row in rows]

    def forget(self, job: ImportJob | None, series: Iterable[FoundPart]) -> None:
        """Delete all parts of the series to which these parts belong."""
        found = list(series)
        if found:
            id = self._id("update", job)
            self._database.execute_many(
                f"DELETE FROM {self._table} WHERE import_id = ? AND decoder = ? AND series = ?",
                [(id, part.decoder, part.series) for part in found],
            )

    def _insert(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._database.execute_many(statement, rows)

    def _id(self, verb: Verb, job: ImportJob | None) -> int:
        """The inner id of a job, after asking for the right to read or update it."""
        assert job is not None
        self._access.require(verb, job)
        return job.id

    def in_folder(
        self, folder: Folder, origin_of: OriginOf = lambda url: HERE
    ) -> dict[tuple[Kind, str], tuple[int, str]]:
        """The series in a folder and below it by kind and by the identifier that their files share, as URLs have it:
        inner id and URL. Series of other stores than those of an import are left out.
        """
        is_meant = Matching(self._stores, origin_of)
        inside, parameters = subtree("folder_id", folder, recursive=True)
        rows = self._database.rows(
            f"SELECT id, {located('items.url')}, store_id FROM items WHERE {inside} AND instr(url, ?) > 0 "
            f"AND {self._access.scope('item', 'items')} ORDER BY id",
            [*parameters, "series="],
        )
        found = ((id, url, _SERIES.search(url)) for id, url, store in rows if is_meant(url, store))
        return {(mark[1] or "dicom", mark[2]): (id, url) for id, url, mark in found if mark}

    def members(self, item: int) -> Sequence[Member]:
        """The files of a series, by its inner id, in order."""
        rows = self._database.rows(
            f"SELECT {located('members.url')}, size, etag, frame_count FROM members WHERE item_id = ? AND EXISTS "
            f"(SELECT 1 FROM items WHERE items.id = item_id AND {self._access.scope('item', 'items')}) ORDER BY position",
            [item],
        )
        return [Member(*row) for row in rows]


class StagedParts(SeriesStore):
    """The parts that one import has found, in a temporary table, without a job. Use it in a `with` statement."""

    def __init__(self, database: Database, access: Access) -> None:
        super().__init__(database, access)
        self._table = fresh("parts")

    def __enter__(self) -> StagedParts:
        with scratching(self._database) as connection:
            connection.execute(
                f"CREATE TABLE {self._table} (id INTEGER PRIMARY KEY, import_id, decoder, series, url, size, etag, header, "
                "metadata, UNIQUE (import_id, url))"
            )
            connection.execute(
                f"CREATE INDEX {self._table}_series ON {self._table.removeprefix('temp.')}(import_id, decoder, series)"
            )
        return self

    def __exit__(self, *error: object) -> None:
        drop(self._database, self._table)

    def _insert(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with scratching(self._database) as connection:
            connection.executemany(statement, rows)

    def _id(self, verb: Verb, job: ImportJob | None) -> int:
        return 0


def _part(row: Row) -> FoundPart:
    metadata = loads(row["metadata"]) if row["metadata"] else None
    return FoundPart(
        row["decoder"], row["series"], row["url"], row["size"], row["etag"], row["header"], metadata
    )
