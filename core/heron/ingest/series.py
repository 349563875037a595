"""Parts of series: they are stored in the catalogue until an import has read all its files; then each series
becomes a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from heron.catalog.series import FoundPart, SeriesStore, series_mark
from heron.catalog.stores import HERE, OriginOf
from heron.ingest.units import Outcome, Unit
from heron.jobs import ImportJob
from heron.metadata.keys import ARCHIVE_MARK
from heron.models import Folder, Kind, Member

Standing = Mapping[tuple[Kind, str], tuple[int, str, Sequence[Member]]]
"""Series of a folder by their kind and identifier: inner id, URL and members."""


class SeriesParts:
    """The parts of series that import jobs have found. All methods work in the caller's transaction."""

    def __init__(self, store: SeriesStore, origin_of: OriginOf = lambda url: HERE) -> None:
        self._store = store
        self._origin_of = origin_of

    def keep(self, job: ImportJob | None, outcomes: Iterable[Outcome]) -> None:
        """Store the parts of outcomes; a part that is stored already is replaced."""
        self._store.keep(job, [part for outcome in outcomes for part in outcome.parts])

    def standing(
        self, job: ImportJob | None, folder: Folder | None, kind_of: Callable[[str], Kind]
    ) -> Standing:
        """Those of the series that are in the folder now, with their members: what their units are made from beside the parts."""
        wanted = {(kind_of(decoder), quote(series)) for decoder, series in self._store.names(job)}
        if not wanted or folder is None:
            return {}
        known = self._store.in_folder(folder, self._origin_of)
        return {mark: (*known[mark], self._store.members(known[mark][0])) for mark in wanted & known.keys()}

    def units(
        self, job: ImportJob | None, folder: Folder | None, kind_of: Callable[[str], Kind]
    ) -> Iterator[Unit]:
        """Each series as a unit, in the order in which their first parts were found; one in memory at a time.

        A series that is in the folder already keeps its URL; the `members` of its unit are those that are not
        among the parts. `kind_of` tells the kind of the series of a decoder.
        """
        known = self._store.in_folder(folder, self._origin_of) if folder is not None else {}
        for parts in self._store.of(job):
            kind = kind_of(parts[0].decoder)
            yield self._unit(parts, kind, known.get((kind, quote(parts[0].series))))

    def _unit(self, parts: tuple[FoundPart, ...], kind: Kind, known: tuple[int, str] | None) -> Unit:
        first = min(part.url for part in parts)
        size = sum(part.size for part in parts)
        if known is None:
            folder = (
                first.partition(ARCHIVE_MARK)[0] if ARCHIVE_MARK in first else first.rpartition("/")[0] + "/"
            )
            return Unit(first, f"{folder}{series_mark(kind)}{quote(parts[0].series)}", size=size, parts=parts)
        id, url = known
        found = {part.url for part in parts}
        others = tuple(member for member in self._store.members(id) if member.url not in found)
        size += sum(member.size or 0 for member in others)
        return Unit(first, url, size=size, members=others, parts=parts)

    def landed(self, job: ImportJob, outcomes: Iterable[Outcome]) -> None:
        """Delete the parts of series that were written as items, or have failed."""
        self._store.forget(job, [outcome.unit.parts[0] for outcome in outcomes if outcome.unit.parts])
