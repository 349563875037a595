"""The pipeline: units are probed in an executor, and land in order, batch by batch, with the job's position."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import TypeVar

from attrs import frozen

from heron.catalog.database import Database
from heron.catalog.imports import ImportService
from heron.catalog.items import bundles
from heron.catalog.registration import Registration
from heron.catalog.thumbnails import ThumbnailStore
from heron.errors import HeronError, ImportAborted, InvalidInput, MetadataError
from heron.ingest.units import Outcome, Unit
from heron.models import Folder, ImportJob, ImportProblem, NewItem

CHUNK = 64
"""Units that an executor is given at a time."""

BATCH = 512
"""Outcomes that one transaction writes."""

In = TypeVar("In")
Out = TypeVar("Out")
Progress = Callable[[int, int, int], None]
"""Called after each batch with the units done, added and failed so far."""


@frozen
class Options:
    """How an import treats what is there already, and failures."""

    ignore_errors: bool = False
    skip_duplicates: bool = True
    skip_identical: bool = False


def in_order(
    executor: Executor | None, work: Callable[[In], Out], inputs: Iterable[In], *, ahead: int = 8
) -> Iterator[Out]:
    """Map inputs to outputs in their order, at most `ahead` at a time; without an executor, right here."""
    if executor is None:
        yield from map(work, inputs)
        return
    pending: deque[Future[Out]] = deque()
    try:
        for value in inputs:
            pending.append(executor.submit(work, value))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


class Pipeline:
    """Takes the units of one job into one folder."""

    def __init__(
        self,
        database: Database,
        imports: ImportService,
        registration: Registration,
        thumbnails: ThumbnailStore,
    ) -> None:
        self._database = database
        self._imports = imports
        self._registration = registration
        self._thumbnails = thumbnails

    def run(
        self,
        job: ImportJob,
        folder: Folder,
        units: Iterable[Unit],
        probe: Callable[[Sequence[Unit]], list[Outcome]],
        *,
        options: Options,
        executor: Executor | None = None,
        progress: Progress = lambda done, added, failed: None,
    ) -> Iterator[list[str]]:
        """Import all units; yields the URLs of the new items after each batch is committed.

        Without `ignore_errors` everything is one transaction, and the first failure raises ImportAborted.
        """
        done = added = failed = 0
        new = self._new_units(job, folder, units, options)
        for outcomes in bundles(self._flat(in_order(executor, probe, new)), BATCH):
            with self._database.write():
                urls, problems, skipped = self._land(outcomes, folder, options)
                failures = [problem for problem in problems if problem.severity == "failure"]
                if failures and not options.ignore_errors:
                    raise ImportAborted(
                        failures[0].reason, hint="use --ignore-errors to import the rest and get a report"
                    )
                self._store_thumbnails(outcomes, folder)
                self._imports.advance(
                    job, units=len(outcomes), added=len(urls), skipped=skipped, problems=problems
                )
            done, added, failed = done + len(outcomes), added + len(urls), failed + len(failures)
            progress(done, added, failed)
            yield urls

    def _new_units(
        self, job: ImportJob, folder: Folder, units: Iterable[Unit], options: Options
    ) -> Iterator[list[Unit]]:
        """Chunks of the units that are not in the folder yet."""
        for chunk in bundles(units, CHUNK):
            if not options.skip_duplicates:
                yield chunk
                continue
            known = self._registration.known_urls([unit.url for unit in chunk], folder)
            if known:
                self._imports.advance(job, units=len(known), skipped=len(known))
            fresh = [unit for unit in chunk if unit.url not in known]
            if fresh:
                yield fresh

    def _flat(self, chunks: Iterable[list[Outcome]]) -> Iterator[Outcome]:
        for chunk in chunks:
            yield from chunk

    def _land(
        self, outcomes: Sequence[Outcome], folder: Folder, options: Options
    ) -> tuple[list[str], list[ImportProblem], int]:
        problems = [problem for outcome in outcomes for problem in outcome.problems]
        landing = [(outcome, outcome.item) for outcome in outcomes if outcome.item is not None]
        identical = self._identical([item for _, item in landing])
        if options.skip_identical:
            landing = [pair for pair in landing if pair[1].url not in identical]
        for outcome, item in landing:
            if identical.get(item.url, item.url) != item.url:
                text = f"{item.name} has the same content as {identical[item.url]}"
                problems.append(ImportProblem(outcome.unit.place, item.url, text, "warning"))
        skipped = len(identical) if options.skip_identical else 0
        items = [item for _, item in landing]
        try:
            self._registration.insert(items, folder)
            return [item.url for item in items], problems, skipped
        except (InvalidInput, MetadataError):
            pass  # one of them is faulty: find out which
        urls = []
        for outcome, item in landing:
            try:
                with self._database.write():
                    self._registration.insert([item], folder)
                urls.append(item.url)
            except HeronError as error:
                problems.append(ImportProblem(outcome.unit.place, item.url, str(error)))
        return urls, problems, skipped

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

    def _store_thumbnails(self, outcomes: Sequence[Outcome], folder: Folder) -> None:
        pictures = [
            (o.item.url, o.thumbnail) for o in outcomes if o.item is not None and o.thumbnail is not None
        ]
        if pictures:
            self._thumbnails.put_by_url(folder, pictures)
