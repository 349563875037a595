"""The pipeline: chooses the action for each unit, probes units, and writes them in order and in batches, each
with the job's position.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol

from attrs import evolve, frozen

from heron.catalog.database import Database
from heron.catalog.imports import ImportService
from heron.catalog.items import bundles
from heron.catalog.registration import Known
from heron.errors import ExecutorError, ImportAborted, ImportInterrupted
from heron.executors.workers import Task, Workers
from heron.ingest.landing import Landed, Landing
from heron.ingest.probe import Prober
from heron.ingest.probe_items import warned
from heron.ingest.series import SeriesParts, Standing
from heron.ingest.staging import Staging
from heron.ingest.units import Action, Outcome, Unit
from heron.jobs import ImportJob, ImportProblem, ImportReport
from heron.models import Folder
from heron.storage.waiting import OUTAGES

BUNDLES = 8
"""The most chunks that can wait for the oldest of them, so that memory stays bounded, unless there are many workers."""

MOST, SECONDS = 4096, 0.5
"""The most outcomes of one transaction, and the seconds after which a smaller batch is written."""

STOPS = (ImportInterrupted, *OUTAGES, ExecutorError)
"""Errors of the storage or the workers, not of the objects: an import that they stop can be resumed later."""


@frozen
class Progress:
    """The progress of an import: units done, added and failed, and the share of all units, if known.

    `files` are the units done without sidecars, and `total` is the number of all of them, if it is known. Only this run
    counts: a resumed import begins with 0 again.
    """

    done: int = 0
    added: int = 0
    failed: int = 0
    share: float | None = None
    files: int = 0
    total: int | None = None


class Series(Protocol):
    """The series of an import."""

    def standing(self, parts: SeriesParts, folder: Folder | None) -> Standing:
        """What the folder has of the series whose parts were found."""

    def outcomes(self, parts: SeriesParts, job: ImportJob | None, folder: Folder | None) -> Iterable[Outcome]:
        """The outcomes of the series whose parts were found."""


Report = Callable[[Progress], None]
"""A function that is called with the progress."""


class Pipeline:
    """Imports the units of one job, and yields the ids of the new items of each batch."""

    def __init__(
        self,
        database: Database,
        imports: ImportService,
        landing: Landing,
        staging: Callable[[], Staging],
        report: Report,
        share_read: Callable[[], float | None] = lambda: None,
        position: int = 0,
        total: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Import the units after `position`; `share_read` returns the share of the source that was read, and `total` the
        number of its units, both None if they are not known.
        """
        self._database = database
        self._imports = imports
        self._landing = landing
        self._staging = staging
        self._report = report
        self._share_read = share_read
        self._position = position
        self._total = total
        self._read = 0
        self._is_read = False
        self._progress = Progress()

    def in_batches(self, job: ImportJob, folder: Folder, outcomes: Iterable[Outcome]) -> Iterator[range]:
        """Write each batch in a transaction of its own, with its failures and the units that wait."""
        for batch in _batches(outcomes):
            with self._database.write():
                landed = self._landing.land(job, folder, batch)
            self._landing.landed()
            self._advance(batch, added=len(landed.ids), failed=len(landed.failures))
            yield landed.ids

    def all_or_nothing(
        self,
        job: ImportJob,
        target: Folder | None,
        folder: Callable[[], Folder],
        outcomes: Iterable[Outcome],
        series: Series,
    ) -> None:
        """Write everything in one transaction, or raise ImportAborted at the first failure.

        Outcomes are staged until all units are probed, so that other processes can write meanwhile. Series come last.
        """
        with self._staging() as staging:
            for failures in chain(
                self._keep(_flawless(outcomes, job), staging),
                self._keep_series(series, staging, target, lambda found: _flawless(found, job)),
            ):
                _abort_on_failure(failures)
                self._imports._require_running(job)
            with self._database.write():
                target = folder()
                for done in self._land_kept(job, target, staging, series):
                    _abort_on_failure(done.failures)
        self._landing.landed()

    def rehearse(
        self,
        target: Folder | None,
        start: Callable[[], tuple[ImportJob, Folder]],
        finish: Callable[[ImportJob], ImportReport],
        outcomes: Iterable[Outcome],
        series: Series,
    ) -> ImportReport:
        """The report of a dry run: everything except failures is written in a transaction, which is then rolled
        back.
        """
        with self._staging() as staging:
            for _ in chain(
                self._keep(outcomes, staging), self._keep_series(series, staging, target, lambda found: found)
            ):
                pass
            try:
                with self._database.write():
                    job, folder = start()
                    for _ in self._land_kept(job, folder, staging, series):
                        pass
                    raise _TakeBack(finish(job))
            except _TakeBack as taken:
                return taken.report

    def outcomes(
        self,
        units: Iterable[Unit],
        prober: Prober,
        folder: Folder | None,
        workers: Workers,
        grain: int | None = None,
    ) -> Iterator[Outcome]:
        """The outcomes of the units, in their order. Only units that need it are probed, `grain` of them in a task."""
        bundle, grain = (grain * 4, grain) if grain else (workers.bundle, workers.grain)
        running: deque[_Chunk] = deque()
        for some in bundles(units, bundle):
            self._read += len(some)
            running.append(_Chunk(some, self._landing.decide(some, folder), prober, workers, grain))
            while running and _may_wait(running, workers, bundle // grain):
                yield from running[0].outcomes()
                running.popleft()
        self._is_read = True
        while running:
            yield from running[0].outcomes()
            running.popleft()

    def _keep(self, outcomes: Iterable[Outcome], staging: Staging) -> Iterator[Sequence[ImportProblem]]:
        """Stage outcomes; yields the failures of each batch."""
        for batch in _batches(outcomes):
            failures = staging.keep(batch)
            self._advance(batch)
            yield failures

    def _keep_series(
        self,
        series: Series,
        staging: Staging,
        folder: Folder | None,
        checked: Callable[[Iterable[Outcome]], Iterable[Outcome]],
    ) -> Iterator[Sequence[ImportProblem]]:
        """Stage series, once all their parts are known, and what the folder had of them before they are probed."""
        staging.standing = series.standing(staging.parts, folder)
        for batch in _batches(checked(series.outcomes(staging.parts, None, folder))):
            yield staging.keep(batch, are_series=True)

    def _land_kept(
        self, job: ImportJob, folder: Folder, staging: Staging, series: Series
    ) -> Iterator[Landed]:
        """Write what is staged. Series are probed again, though the catalogue is locked, if the folder has others of them by now."""
        for done, landed in chain(staging.land(job, folder), self._later(job, folder, staging, series)):
            self._database.working(f"import {job.id}, {done:,} of {staging.count:,} files")
            self._advance(added=len(landed.ids), failed=len(landed.failures))
            yield landed

    def _later(
        self, job: ImportJob, folder: Folder, staging: Staging, series: Series
    ) -> Iterator[tuple[int, Landed]]:
        if series.standing(staging.parts, folder) == staging.standing:
            yield from staging.land_series(job, folder)
            return
        for batch in _batches(series.outcomes(staging.parts, None, folder)):
            yield staging.count, self._landing.land(job, folder, batch)

    def _advance(self, batch: Sequence[Outcome] = (), added: int = 0, failed: int = 0) -> None:
        before = self._progress
        done = before.done + len(batch)
        files = before.files + sum(outcome.unit.sidecar_of is None for outcome in batch)
        total = self._total()
        self._progress = Progress(
            done, before.added + added, before.failed + failed, self._share(done), files, total
        )
        self._report(self._progress)

    def _share(self, done: int) -> float | None:
        """The share of this run's work that is done, estimated from how much of the source was read for it."""
        read = 1.0 if self._is_read else self._share_read()
        if read is None or not self._read or (read == 1 and not self._is_read):
            return None  # a small file is read at once, so this says nothing about how many units are left
        share = min(1.0, read * done / (self._read + self._position * (1 - read)))
        return max(share, self._progress.share or 0.0)  # an estimate that must not decrease


class _Chunk:
    """Some units with their actions, and the tasks that probe those units that need probing."""

    def __init__(
        self,
        units: list[Unit],
        decided: list[tuple[Action, Known | None]],
        prober: Prober,
        workers: Workers,
        grain: int,
    ) -> None:
        self._decided = list(zip(units, decided, strict=True))
        probing = [unit for unit, (action, _) in self._decided if action in _PROBED]
        self._outcomes: list[Outcome] = []
        self.tasks: list[Task[Unit, Outcome]] = []
        if workers.executor is None or all(unit.facts is not None for unit in probing):
            self._outcomes = prober(probing)
        else:
            self.tasks = [workers.submit(prober, part) for part in bundles(probing, grain)]

    @property
    def is_done(self) -> bool:
        """Whether all its tasks are done."""
        return all(task.is_done for task in self.tasks)

    def outcomes(self) -> Iterator[Outcome]:
        """The outcomes of the units in their order, as the tasks are done."""
        results = (outcome for task in self.tasks for outcome in task.results())
        probed = chain(self._outcomes, results)
        for unit, (action, known) in self._decided:
            if action not in _PROBED:
                outcome = Outcome(unit, None, action=action, known=known)
            elif action == "refresh":
                outcome = evolve(next(probed), action=action, known=known)
            else:
                outcome = next(probed)
            if unit.notes:
                outcome = evolve(outcome, problems=(*outcome.problems, *warned(unit, unit.notes)))
            yield outcome


_PROBED: frozenset[Action] = frozenset({"add", "refresh", "sidecar"})


class _TakeBack(Exception):
    """Rolls back the transaction of a dry run."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__()
        self.report = report


def _may_wait(running: Sequence[_Chunk], workers: Workers, tasks: int) -> bool:
    """Whether to wait for the oldest chunk now: it is done, the others keep the workers busy, or too many wait.

    A chunk has at most this number of `tasks`.
    """
    ahead = workers.ahead
    return (
        running[0].is_done
        or len(running) > max(BUNDLES, -(-ahead // tasks))
        or sum(len(chunk.tasks) for chunk in running) - len(running[0].tasks) >= ahead
    )


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Outcomes in batches. Fast outcomes make large batches, which are efficient; slow ones are written soon.

    When an outage stops a strict import, the outcomes before it are the last batch.
    """
    batch: list[Outcome] = []
    end = time.monotonic() + SECONDS
    try:
        for outcome in outcomes:
            batch.append(outcome)
            if len(batch) >= MOST or time.monotonic() > end:
                yield batch
                batch = []
                end = time.monotonic() + SECONDS
    except STOPS:
        yield batch
        raise
    if batch:
        yield batch


def _flawless(outcomes: Iterable[Outcome], job: ImportJob) -> Iterator[Outcome]:
    """The outcomes up to the first failure, which raises ImportAborted, or ImportInterrupted if the storage failed."""
    for outcome in outcomes:
        if outcome.is_outage:
            raise ImportInterrupted(
                outcome.failures()[0].reason,
                hint=f"nothing was added: heron imports resume {job.id} begins anew",
            )
        _abort_on_failure(outcome.failures())
        yield outcome


def _abort_on_failure(failures: Iterable[ImportProblem]) -> None:
    failure = next(iter(failures), None)
    if failure is not None:
        place = f"{failure.place}: " if failure.place and failure.place not in failure.reason else ""
        aborted = ImportAborted(
            place + failure.reason, hint="use --ignore-errors to import the rest and get a report"
        )
        aborted.place, aborted.url = failure.place, failure.url
        raise aborted
