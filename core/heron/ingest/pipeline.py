"""The pipeline: units are probed in an executor, and land in order, batch by batch, with the job's position."""

from __future__ import annotations

import pickle
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import TypeVar

from attrs import evolve, frozen

from heron.catalog.database import Database
from heron.catalog.imports import ImportService
from heron.catalog.items import bundles
from heron.errors import ImportAborted
from heron.ingest.landing import Landing
from heron.ingest.units import Outcome, Unit
from heron.models import Folder, ImportJob

CHUNK = 64
"""Units that an executor is given at a time."""

BATCH = 512
"""Outcomes that one transaction writes."""

In = TypeVar("In")
Out = TypeVar("Out")
Probe = Callable[[Sequence[Unit]], list[Outcome]]
Progress = Callable[[int, int, int], None]
"""Called with the units looked at, those that are new, and those that failed, so far."""


@frozen
class Counts:
    """How far an import has come, for its progress."""

    done: int = 0
    added: int = 0
    failed: int = 0

    def after(self, outcomes: Sequence[Outcome], added: int, failed: int) -> Counts:
        """The counts after one more batch."""
        return evolve(
            self, done=self.done + len(outcomes), added=self.added + added, failed=self.failed + failed
        )


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
    """Takes the units of one job to the catalogue. Both ways yield the ids of the new items of each batch."""

    def __init__(self, database: Database, imports: ImportService, landing: Landing) -> None:
        self._database = database
        self._imports = imports
        self._landing = landing

    def in_batches(
        self, job: ImportJob, folder: Folder, outcomes: Iterable[Outcome], progress: Progress
    ) -> Iterator[range]:
        """Land each batch in a transaction of its own, failures and all."""
        counts = Counts()
        for batch in bundles(outcomes, BATCH):
            with self._database.write():
                landed = self._landing.land(job, folder, batch)
            counts = counts.after(batch, len(landed.ids), landed.failed)
            progress(counts.done, counts.added, counts.failed)
            yield landed.ids

    def all_or_nothing(
        self, job: ImportJob, folder: Callable[[], Folder], outcomes: Iterable[Outcome], progress: Progress
    ) -> list[range]:
        """Land everything in one transaction, or raise ImportAborted at the first failure.

        Outcomes wait in a temporary file until all are there, so that nobody is kept from writing meanwhile.
        """
        counts, batches = Counts(), 0
        with tempfile.TemporaryFile() as spool:
            for batch in bundles(outcomes, BATCH):
                _abort_on_failure(problem.reason for outcome in batch for problem in outcome.failures())
                pickle.dump(batch, spool, pickle.HIGHEST_PROTOCOL)
                batches += 1
                counts = counts.after(batch, 0, 0)
                progress(counts.done, 0, 0)
            spool.seek(0)
            landed: list[range] = []
            with self._database.write():
                target = folder()
                for _ in range(batches):
                    done = self._landing.land(job, target, pickle.load(spool))  # noqa: S301 - written above
                    _abort_on_failure(done.reasons)
                    landed.append(done.ids)
                    counts = counts.after((), len(done.ids), 0)
                    progress(counts.done, counts.added, 0)
        return landed

    def outcomes(
        self, units: Iterable[Unit], probe: Probe, folder: Folder | None, executor: Executor | None
    ) -> Iterator[Outcome]:
        """Probe the units, in their order; those whose URL is in `folder` already are passed on unprobed."""
        waiting: deque[tuple[list[Unit], set[str]]] = deque()

        def fresh() -> Iterator[list[Unit]]:
            for chunk in bundles(units, CHUNK):
                known = self._landing.known_urls(chunk, folder)
                waiting.append((chunk, known))
                yield [unit for unit in chunk if unit.url not in known]

        for done in in_order(executor, probe, fresh()):
            chunk, known = waiting.popleft()
            probed = iter(done)
            yield from (
                Outcome(unit, None, is_known=True) if unit.url in known else next(probed) for unit in chunk
            )


def _abort_on_failure(reasons: Iterable[str]) -> None:
    reason = next(iter(reasons), None)
    if reason is not None:
        raise ImportAborted(reason, hint="use --ignore-errors to import the rest and get a report")
