"""Parts of series: they wait in the catalogue until an import has seen all its files, then each series is a unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from heron.catalog.database import Database
from heron.convert import dumps, loads
from heron.ingest.units import FoundPart, Outcome, Unit
from heron.media.archives import MARK
from heron.models import ImportJob

SERIES_MARK = "#series="
"""What stands between the folder of a series and what its files have in common."""


class SeriesParts:
    """The parts that the jobs of a catalogue have found. Everything happens in the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, job: ImportJob, outcomes: Iterable[Outcome]) -> None:
        """Keep the parts that outcomes bring; those that are there already are the same ones, found again."""
        rows = [
            (
                job.id, part.decoder, part.series, part.url, part.size, part.etag, dumps(part.header),
                dumps(part.metadata) if part.metadata else None,
            )
            for outcome in outcomes
            for part in outcome.parts
        ]  # fmt: skip
        if rows:
            self._database.execute_many(
                "INSERT OR REPLACE INTO series_parts (import_id, decoder, series, url, size, etag, header, metadata) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def units(self, job: ImportJob) -> Iterator[Unit]:
        """Each series as a unit, in the order in which their first parts were found; one in memory at a time."""
        after = 0
        while (
            first := self._database.row(
                "SELECT id, decoder, series FROM series_parts AS part WHERE import_id = ? AND id > ? AND NOT EXISTS "
                "(SELECT 1 FROM series_parts WHERE import_id = part.import_id AND decoder = part.decoder "
                "AND series = part.series AND id < part.id) ORDER BY id LIMIT 1",
                [job.id, after],
            )
        ) is not None:
            after = first["id"]
            rows = self._database.rows(
                "SELECT * FROM series_parts WHERE import_id = ? AND decoder = ? AND series = ? ORDER BY id",
                [job.id, first["decoder"], first["series"]],
            )
            yield _unit(
                [
                    FoundPart(
                        row["decoder"], row["series"], row["url"], row["size"], row["etag"], loads(row["header"]),
                        loads(row["metadata"]) if row["metadata"] else None,
                    )
                    for row in rows
                ]
            )  # fmt: skip

    def landed(self, job: ImportJob, outcomes: Iterable[Outcome]) -> None:
        """Forget the parts of series that have become items, or have failed for good."""
        self._database.execute_many(
            "DELETE FROM series_parts WHERE import_id = ? AND decoder = ? AND series = ?",
            [(job.id, o.unit.parts[0].decoder, o.unit.parts[0].series) for o in outcomes if o.unit.parts],
        )


def _unit(parts: list[FoundPart]) -> Unit:
    """A series as a unit; it is known by the folder, or archive, of its files and by what these have in common."""
    first = min(part.url for part in parts)
    folder = first.partition(MARK)[0] if MARK in first else first.rpartition("/")[0] + "/"
    url = f"{folder}{SERIES_MARK}{quote(parts[0].series)}"
    return Unit(first, url, size=sum(part.size for part in parts), parts=tuple(parts))
