"""Parts of series: they are stored in the catalogue until an import has read all its files; then each series
becomes a unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from heron.catalog.database import Database, Row
from heron.convert import dumps, loads
from heron.ingest.units import FoundPart, Outcome, Unit
from heron.jobs import ImportJob
from heron.media.archives import MARK
from heron.models import Folder, Member

SERIES_MARK = "#series="
"""Separates, in the URL of a series, its folder and the identifier that its files share."""


class SeriesParts:
    """The parts of series that import jobs have found. All methods work in the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, job: ImportJob, outcomes: Iterable[Outcome]) -> None:
        """Store the parts of outcomes; a part that is stored already is replaced."""
        rows = [
            (
                job.id, part.decoder, part.series, part.url, part.size, part.etag, part.header,
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

    def units(self, job: ImportJob, folder: Folder | None) -> Iterator[Unit]:
        """Each series as a unit, in the order in which their first parts were found; one in memory at a time.

        A series that is in the folder already keeps its URL; the `members` of its unit are those that are not
        among the parts.
        """
        known = self._known(folder) if folder is not None else {}
        firsts = self._database.rows(
            "SELECT min(id), decoder, series FROM series_parts WHERE +import_id = ? GROUP BY decoder, series ORDER BY 1",
            [job.id],
        )
        for _, decoder, series in firsts:
            rows = self._database.rows(
                "SELECT * FROM series_parts WHERE import_id = ? AND decoder = ? AND series = ? ORDER BY id",
                [job.id, decoder, series],
            )
            parts = tuple(_part(row) for row in rows)
            yield self._unit(parts, known.get(quote(series)))

    def _known(self, folder: Folder) -> dict[str, tuple[int, str]]:
        """The series of a folder by the identifier that their files share: inner id and URL."""
        rows = self._database.rows(
            "SELECT id, url FROM items WHERE folder_id = ? AND instr(url, ?) > 0", [folder.id, SERIES_MARK]
        )
        return {url.rpartition(SERIES_MARK)[2]: (id, url) for id, url in rows}

    def _unit(self, parts: tuple[FoundPart, ...], known: tuple[int, str] | None) -> Unit:
        first = min(part.url for part in parts)
        size = sum(part.size for part in parts)
        if known is None:
            folder = first.partition(MARK)[0] if MARK in first else first.rpartition("/")[0] + "/"
            return Unit(first, f"{folder}{SERIES_MARK}{quote(parts[0].series)}", size=size, parts=parts)
        id, url = known
        found = {part.url for part in parts}
        rows = self._database.rows(
            "SELECT url, size, etag, frame_count FROM members WHERE item_id = ? ORDER BY position", [id]
        )
        others = tuple(member for row in rows if (member := Member(*row)).url not in found)
        size += sum(member.size or 0 for member in others)
        return Unit(first, url, size=size, members=others, parts=parts)

    def landed(self, job: ImportJob, outcomes: Iterable[Outcome]) -> None:
        """Delete the parts of series that were written as items, or have failed."""
        self._database.execute_many(
            "DELETE FROM series_parts WHERE import_id = ? AND decoder = ? AND series = ?",
            [(job.id, o.unit.parts[0].decoder, o.unit.parts[0].series) for o in outcomes if o.unit.parts],
        )


def _part(row: Row) -> FoundPart:
    metadata = loads(row["metadata"]) if row["metadata"] else None
    return FoundPart(
        row["decoder"], row["series"], row["url"], row["size"], row["etag"], row["header"], metadata
    )
