"""Landing: a batch of outcomes becomes items, skipped duplicates and a report, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from heron.catalog.database import Database
from heron.catalog.imports import ImportService
from heron.catalog.items import bundles
from heron.catalog.registration import Registration
from heron.catalog.thumbnails import ThumbnailStore
from heron.errors import HeronError, InvalidInput
from heron.ingest.units import Outcome, Unit
from heron.models import Folder, ImportJob, ImportProblem, NewItem


@frozen
class Options:
    """How an import treats what is there already."""

    skip_duplicates: bool = True
    skip_identical: bool = False


@frozen
class Landed:
    """What became of a batch: the ids of the new items, and why others failed."""

    ids: range
    reasons: tuple[str, ...]

    @property
    def failed(self) -> int:
        """Number of units that failed."""
        return len(self.reasons)


class Landing:
    """Writes the batches of one import."""

    def __init__(
        self,
        database: Database,
        imports: ImportService,
        registration: Registration,
        thumbnails: ThumbnailStore,
        options: Options,
    ) -> None:
        self._database = database
        self._imports = imports
        self._registration = registration
        self._thumbnails = thumbnails
        self._options = options

    def known_urls(self, units: Sequence[Unit], folder: Folder | None) -> set[str]:
        """The URLs of units that are in the folder already, if such are to be skipped."""
        if folder is None or not self._options.skip_duplicates:
            return set()
        return self._registration.known_urls([unit.url for unit in units], folder)

    def land(self, job: ImportJob, folder: Folder, outcomes: Sequence[Outcome]) -> Landed:
        """Insert the items of a batch and move the job on, in the caller's transaction."""
        problems = [problem for outcome in outcomes for problem in outcome.problems]
        landing = [outcome for outcome in outcomes if outcome.item is not None]
        fresh = self._without_duplicates(landing, folder)
        skipped = sum(outcome.is_known for outcome in outcomes) + len(landing) - len(fresh)
        fresh, left_out = self._without_identical(fresh, problems)
        ids = self._insert(fresh, folder, problems)
        pictures = [
            (o.item.url, o.thumbnail) for o in fresh if o.item is not None and o.thumbnail is not None
        ]
        if pictures:
            self._thumbnails.put_by_url(folder, pictures)
        self._imports.advance(
            job, units=len(outcomes), added=len(ids), skipped=skipped + left_out, problems=problems
        )
        return Landed(ids, tuple(problem.reason for problem in problems if problem.severity == "failure"))

    def _without_duplicates(self, landing: Sequence[Outcome], folder: Folder) -> list[Outcome]:
        """Those whose URL is new: another import may have brought it since it was asked for, or the source twice."""
        if not self._options.skip_duplicates:
            return list(landing)
        seen = self.known_urls([outcome.unit for outcome in landing], folder)
        fresh = []
        for outcome in landing:
            if outcome.unit.url not in seen:
                seen.add(outcome.unit.url)
                fresh.append(outcome)
        return fresh

    def _without_identical(
        self, landing: list[Outcome], problems: list[ImportProblem]
    ) -> tuple[list[Outcome], int]:
        """Warn of content that is there already, or leave it out."""
        same = self._identical([outcome.item for outcome in landing if outcome.item is not None])
        if self._options.skip_identical:
            kept = [outcome for outcome in landing if outcome.unit.url not in same]
            return kept, len(landing) - len(kept)
        for outcome in landing:
            other = same.get(outcome.unit.url)
            if outcome.item is not None and other is not None and other != outcome.unit.url:
                text = f"{outcome.item.name} has the same content as {other}"
                problems.append(ImportProblem(outcome.unit.place, outcome.unit.url, text, "warning"))
        return landing, 0

    def _identical(self, items: Sequence[NewItem]) -> dict[str, str]:
        """For each new item whose content is there already, or twice in the batch: the URL of the first one."""
        hashes = {item.content_hash for item in items if item.content_hash is not None}
        first: dict[str, str] = {}
        for bundle in bundles(sorted(hashes), 500):
            marks = ",".join("?" * len(bundle))
            rows = self._database.rows(
                f"SELECT content_hash, min(url) AS url FROM items WHERE content_hash IN ({marks}) "
                "AND deleted_at IS NULL GROUP BY content_hash",
                bundle,
            )
            first.update((row["content_hash"], row["url"]) for row in rows)
        same: dict[str, str] = {}
        for item in items:
            if item.content_hash in first:
                same[item.url] = first[item.content_hash]
            elif item.content_hash is not None:
                first[item.content_hash] = item.url
        return same

    def _insert(self, landing: Sequence[Outcome], folder: Folder, problems: list[ImportProblem]) -> range:
        """Insert all items; when one of them is faulty, the others, and the reason of the faulty one."""
        items = [outcome.item for outcome in landing if outcome.item is not None]
        try:
            return self._registration.insert(items, folder)
        except InvalidInput:
            pass  # one of them is faulty: find out which
        ids = range(0)
        for outcome, item in zip(landing, items, strict=True):
            try:
                with self._database.write():
                    new = self._registration.insert([item], folder)
                ids = range(ids.start or new.start, new.stop)
            except HeronError as error:
                problems.append(ImportProblem(outcome.unit.place, item.url, str(error)))
        return ids
