"""The runner: runs one import from its plan to its report, and closes its job in any case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from itertools import islice

from attrs import frozen

from heron.catalog.database import Database
from heron.catalog.folders import FolderService
from heron.catalog.imports import ImportService
from heron.catalog.items import ItemService
from heron.catalog.metadata import MetadataService
from heron.catalog.registration import Registration
from heron.catalog.series import SeriesStore, StagedParts
from heron.catalog.stores import HERE, OriginOf
from heron.catalog.synced import SyncedFolderService
from heron.catalog.thumbnails import ThumbnailStore
from heron.catalog.trees import FolderTrees
from heron.catalog.waiting import WaitingUnits
from heron.errors import HeronError, ImportAborted, ImportCancelled
from heron.executors.opening import ExecutorRef
from heron.executors.workers import Workers
from heron.hooks import PluginManager
from heron.ingest import choosing
from heron.ingest.landing import Landing, Options
from heron.ingest.pipeline import STOPS, Pipeline, Report
from heron.ingest.plan import ImportPlan
from heron.ingest.probe import Prober
from heron.ingest.rules import Rule
from heron.ingest.series import SeriesParts, Standing
from heron.ingest.staging import Staging
from heron.ingest.units import Outcome, Unit
from heron.ingest.waiting import SetAside
from heron.interrupts import held_back
from heron.jobs import ImportJob, ImportProblem, ImportReport, Integration
from heron.models import Folder
from heron.storage.retries import PatientStorage
from heron.storage.waiting import ALONE, OBJECT, Patience, patiently


@frozen
class Source:
    """The source of an import: its stream of units, the share that was read, their number, and what opens its storages.

    With `opener` None, all units are local files; it opens the storages of `integration` and of the defaults.
    """

    units: Callable[[], Iterator[Unit]]
    share: Callable[[], float | None] = lambda: None
    opener: Callable[[str], PatientStorage] | None = None
    origin_of: OriginOf = lambda url: HERE
    total: Callable[[], int | None] = lambda: None
    integration: Integration | None = None


@frozen
class Working:
    """Where the files of an import are read: on the executor that the caller names, or as suits.

    `died` is how often in a row its process ended without a word. After the first time no decoder runs in this process, after the
    second nothing that reads files does.
    """

    executor: ExecutorRef | None = None
    died: int = 0


class Runner:
    """Runs imports."""

    def __init__(
        self,
        database: Database,
        plugins: PluginManager,
        folders: FolderService,
        items: ItemService,
        imports: ImportService,
        registration: Registration,
        thumbnails: ThumbnailStore,
        metadata: MetadataService,
        synced: SyncedFolderService,
        series: SeriesStore,
        trees: FolderTrees,
        waiting: WaitingUnits,
        complaining: Callable[[], AbstractContextManager[list[str]]],
    ) -> None:
        self._database = database
        self._plugins = plugins
        self._folders = folders
        self._items = items
        self._imports = imports
        self._registration = registration
        self._thumbnails = thumbnails
        self._metadata = metadata
        self._synced = synced
        self._series_store = series
        self._trees = trees
        self._waiting = SetAside(waiting)
        self._complaining = complaining
        self._made: dict[int, Sequence[str]] = {}
        """The paths of the folders that each job has made before it read anything."""

    def start(self, plan: ImportPlan) -> ImportJob:
        """Open the job of a plan. The folder of a strict import is created only when everything is written."""
        missing = self._folders._missing(plan.folder) if plan.ignore_errors else []
        target = self._folders.ensure(plan.folder) if plan.ignore_errors else self._folders.find(plan.folder)
        job = self._imports._start(plan.name, target, plan.options())
        self._made[job.id] = missing
        return job

    @contextmanager
    def opened(self, start: Callable[[], ImportJob]) -> Iterator[ImportJob]:
        """Open a job in a transaction, and close it however it ends: a job that Ctrl-C meets when it is opened, too."""
        self._database.require_no_transaction("an import")
        with ExitStack() as closing:
            with ExitStack() as opening:
                with self._database.write():
                    opening.enter_context(held_back())  # no longer waits for other writers
                    job = start()
                closing.enter_context(self._closing(job))
            yield job

    def run(
        self,
        job: ImportJob,
        plan: ImportPlan,
        source: Source,
        report: Report,
        how: Working,
        *,
        rule: Rule | None = None,
        then: Callable[[ImportJob, Folder], None] = lambda job, folder: None,
    ) -> ImportReport:
        """Run a job that is `opened` to its end; `then` is called when the source was read to its end.

        Units whose store did not answer are asked again then. Those that still do not land make the job incomplete.
        """
        with (
            patiently(Patience(OBJECT if plan.ignore_errors else ALONE)) as patience,
            self._complaining() as said,
        ):
            position = job.position if plan.keeps_position else 0
            pipeline = self._pipeline(plan, source, report, rule, position)
            target = self._folder_of(job) or self._folders.find(plan.folder)
            prober = Prober(
                self._plugins, plan.probe, source.opener, source.integration, isolates_all=how.died > 0
            )
            units = iter(()) if job.is_read else islice(source.units(), position, None)
            stream = _UntilBroken(units, waits=plan.ignore_errors)
            with self._workers(stream, plan, source, how) as (coming, who):
                outcomes = pipeline.outcomes(coming, prober, target, who)
                series = _Series(pipeline, prober, who)
                if plan.ignore_errors:
                    target = target or self._folder(job, plan)
                    for _ in pipeline.in_batches(job, target, outcomes):
                        self._pass_on(job, said)
                    if not job.is_read and not stream.is_broken:
                        then(job, target)
                        self._imports._set_read(job)
                    if not stream.is_broken:
                        for _ in self._asked_again(job, target, pipeline, prober, who, patience):
                            self._pass_on(job, said)
                    parts = SeriesParts(self._series_store, source.origin_of)
                    for _ in pipeline.in_batches(job, target, series.outcomes(parts, job, target)):
                        self._pass_on(job, said)
                    stream.complain()
                else:
                    folder = partial(self._folder, job, plan)
                    pipeline.all_or_nothing(job, target, folder, outcomes, series)
            self._pass_on(job, said)
            with self._database.write():
                self._imports._require_running(job)
                return self._imports._finish(job, "done")

    def _asked_again(
        self,
        job: ImportJob,
        target: Folder,
        pipeline: Pipeline,
        prober: Prober,
        who: Workers,
        patience: Patience,
    ) -> Iterator[range]:
        """Ask again for the units that wait; yields the new items of each batch."""
        for _ in patience.rounds(lambda: self._imports.get(job).waiting, "unit"):
            units = self._waiting.units(job)
            yield from pipeline.in_batches(job, target, pipeline.outcomes(units, prober, target, who))

    @patiently()
    def rehearse(
        self, plan: ImportPlan, source: Source, report: Report, executor: ExecutorRef | None = None
    ) -> ImportReport:
        """The report of a dry run, with every problem; the catalogue is not changed."""
        self._database.require_no_transaction("an import")
        pipeline = self._pipeline(plan, source, report)
        prober = Prober(self._plugins, plan.probe, source.opener, source.integration)

        def start() -> tuple[ImportJob, Folder]:
            folder = self._folders.ensure(plan.folder)
            return self._imports._start(plan.name, folder, plan.options()), folder

        def finish(job: ImportJob) -> ImportReport:
            done = self._imports._finish(job, "done").job
            return ImportReport(done, tuple(self._imports.problems(done)), is_kept=False)

        with self._workers(source.units(), plan, source, Working(executor)) as (units, who):
            target = self._folders.find(plan.folder)
            outcomes = pipeline.outcomes(units, prober, target, who)
            series = _Series(pipeline, prober, who)
            return pipeline.rehearse(target, start, finish, outcomes, series)

    def _pipeline(
        self, plan: ImportPlan, source: Source, report: Report, rule: Rule | None = None, position: int = 0
    ) -> Pipeline:
        options = Options(rule or plan.rule, plan.skip_identical, source.origin_of, plan.folders)
        landing = Landing(
            self._database, self._folders, self._imports, self._registration, self._thumbnails, self._metadata,
            self._synced, self._series_store, self._trees, self._waiting, options,
        )  # fmt: skip

        def staging() -> Staging:
            parts = StagedParts(self._database, self._registration._access)
            return Staging(landing, self._registration, parts, self._trees, self._imports, options)

        def total() -> int | None:
            units = source.total()
            return None if units is None else units - position

        return Pipeline(
            self._database, self._imports, landing, staging, report, source.share, position, total
        )

    def _workers(
        self, units: Iterable[Unit], plan: ImportPlan, source: Source, how: Working
    ) -> AbstractContextManager[tuple[Iterable[Unit], Workers]]:
        """The executor of the caller; without one, threads for storages, and processes for many local files."""
        reads_stores = source.opener is not None
        if how.executor is not None:
            return choosing.given(units, self._plugins, how.executor, reads_stores=reads_stores)
        if how.died and not self._plugins.has_objects:
            needs_workers = how.died > 1 or not all(map(self._plugins.home_of, self._plugins.decoders()))
            if needs_workers:
                return choosing.isolated(units)
            return choosing.threads(units) if reads_stores else nullcontext((units, Workers()))
        if reads_stores:
            return choosing.threads(units)
        decodes = plan.thumbnails or plan.probe.content_hash
        return choosing.processes(units, decodes=decodes, allowed=not self._plugins.has_objects)

    def _folder_of(self, job: ImportJob) -> Folder | None:
        """The folder that a job was opened with, which may have been moved since."""
        return self._folders._by_id(job.folder_id) if job.folder_id is not None else None

    def _folder(self, job: ImportJob, plan: ImportPlan) -> Folder:
        """The folder of a job, created now, within the transaction that writes everything."""
        target = self._folders.ensure(plan.folder)
        self._imports._set_folder(job, target)
        return target

    @contextmanager
    def _closing(self, job: ImportJob) -> Iterator[None]:
        """Close the job however it ends, and store the reason."""
        try:
            yield
        except ImportCancelled:
            raise
        except BaseException as error:
            reason = error.message if isinstance(error, HeronError) else f"{type(error).__name__}: {error}"
            stopped = isinstance(error, (KeyboardInterrupt, *STOPS))
            if isinstance(error, STOPS) and "resume" not in (error.hint or ""):
                again = f"heron imports resume {job.id} goes on from there"
                error.hint = f"{error.hint}; {again}" if error.hint else again
            if isinstance(error, KeyboardInterrupt):
                error.add_note(f"heron imports resume {job.id} goes on from there")
            try:
                with self._database.write():
                    self._imports._require_running(job)
                    if not isinstance(error, KeyboardInterrupt):
                        where = (error.place, error.url) if isinstance(error, ImportAborted) else ("", "")
                        problem = ImportProblem(*where, reason, "warning" if stopped else "failure")
                        self._imports._advance(job, problems=[problem])
                    self._imports._finish(job, "interrupted" if stopped else "failed")
                    if not stopped:
                        self._folders._prune(self._made.get(job.id, ()))
            except HeronError:
                pass  # cancelled meanwhile, or the disk is full: report the first error
            raise
        finally:
            self._made.pop(job.id, None)

    def _pass_on(self, job: ImportJob, complaints: list[str]) -> None:
        """Make warnings of the import of what plugins complained of when they were told of its items."""
        if complaints:
            problems = [ImportProblem("", "", complaint, "warning") for complaint in complaints]
            complaints.clear()
            self._imports._advance(job, problems=problems)


@frozen
class _Series:
    """The series of an import, as they are probed; a few at a time, since each can have many parts."""

    pipeline: Pipeline
    prober: Prober
    who: Workers

    def standing(self, parts: SeriesParts, folder: Folder | None) -> Standing:
        return parts.standing(None, folder, self.prober.kind_of_series)

    def outcomes(self, parts: SeriesParts, job: ImportJob | None, folder: Folder | None) -> Iterator[Outcome]:
        units = parts.units(job, folder, self.prober.kind_of_series)
        return self.pipeline.outcomes(units, self.prober, folder, self.who, grain=1)


class _UntilBroken:
    """The units of a source up to its first error; with `waits`, the error is kept and raised after they are written."""

    def __init__(self, units: Iterator[Unit], *, waits: bool) -> None:
        self._units = units
        self._waits = waits
        self._error: HeronError | None = None

    @property
    def is_broken(self) -> bool:
        """Whether the source has ended with an error."""
        return self._error is not None

    def __iter__(self) -> Iterator[Unit]:
        try:
            yield from self._units
        except HeronError as error:
            if not self._waits:
                raise
            self._error = error

    def complain(self) -> None:
        """Raise the error of the source, if there was one."""
        if self._error is not None:
            raise self._error
