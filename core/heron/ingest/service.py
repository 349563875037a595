"""The ingest service: opens a job, runs the pipeline over a source, and closes the job whatever happens."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import chain, islice
from pathlib import Path

from heron.catalog.database import Database
from heron.catalog.folders import FolderRef, FolderService
from heron.catalog.imports import ImportService
from heron.catalog.items import COLUMNS, item_of
from heron.catalog.metadata import MetadataService
from heron.catalog.registration import Registration
from heron.catalog.schema import SchemaService
from heron.catalog.thumbnails import ThumbnailStore
from heron.errors import HeronError
from heron.hooks import PluginManager
from heron.ingest.landing import Landing, Options
from heron.ingest.local import check_paths, local_units
from heron.ingest.metadata_files import MetadataFileReport, apply_file
from heron.ingest.pipeline import Pipeline, Progress
from heron.ingest.probe import Prober
from heron.ingest.stored import is_remote, stored_units
from heron.ingest.units import ProbeOptions, Unit
from heron.metadata.sidecars import SUFFIX
from heron.models import Folder, ImportJob, ImportProblem, ImportReport

MANY, MANY_DECODED = 10_000, 200
"""From this number of files on, probing is worth starting worker processes for: facts alone, and decoding too."""


def _silent(done: int, added: int, failed: int) -> None:
    """Show no progress."""


class IngestService:
    """Imports from every source."""

    def __init__(
        self,
        database: Database,
        plugins: PluginManager,
        folders: FolderService,
        imports: ImportService,
        registration: Registration,
        thumbnails: ThumbnailStore,
        metadata: MetadataService,
        schema: SchemaService,
    ) -> None:
        self._database = database
        self._metadata = metadata
        self._schema = schema
        self._plugins = plugins
        self._folders = folders
        self._imports = imports
        self._registration = registration
        self._thumbnails = thumbnails

    def files(
        self,
        sources: Sequence[str | Path],
        *,
        folder: FolderRef,
        ignore_errors: bool = False,
        skip_duplicates: bool = True,
        content_hash: bool = False,
        skip_identical: bool = False,
        thumbnails: bool = False,
        sidecar_suffix: str | None = SUFFIX,
        executor: Executor | None = None,
        progress: Progress = _silent,
    ) -> ImportReport:
        """Import files and folders into a folder, which is created when it is missing.

        A source is a path of this machine, or the URL of an object or a prefix that a storage plugin reads.

        A file whose URL is in the folder already is skipped. `content_hash` keeps the SHA-256 of each file and
        warns of equal content, `skip_identical` leaves such files out. `executor` is any
        `concurrent.futures.Executor`; without one, worker processes are used for many files.

        Raises NotFound for a path that is not there, and ImportAborted for the first file that fails unless
        `ignore_errors` is set; the catalogue is then as it was before.
        """
        units = self._units(sources, sidecar_suffix)
        options = Options(skip_duplicates, skip_identical)
        prober = Prober(self._plugins, ProbeOptions(content_hash or skip_identical, thumbnails))
        kept = {
            "ignore_errors": ignore_errors,
            "content_hash": content_hash,
            "skip_identical": skip_identical,
        }
        with self._database.write():
            target = self._folders.ensure(folder) if ignore_errors else self._folders.find(folder)
            job = self._imports.start(", ".join(map(str, sources))[:2000], target, kept)
        many = MANY_DECODED if thumbnails or content_hash or skip_identical else MANY
        landing = Landing(self._database, self._imports, self._registration, self._thumbnails, options)
        pipeline = Pipeline(self._database, self._imports, landing)
        with self._closing(job), self._executor(units, many, executor) as (stream, workers):
            outcomes = pipeline.outcomes(stream, prober, target, workers)
            if target is not None and ignore_errors:
                for ids in pipeline.in_batches(job, target, outcomes, progress):
                    self._announce(job, ids)
            else:
                for ids in pipeline.all_or_nothing(
                    job, partial(self._folder, job, folder), outcomes, progress
                ):
                    self._announce(job, ids)
        return self._imports.finish(job, "done")

    def _folder(self, job: ImportJob, folder: FolderRef) -> Folder:
        """The folder of a job, made now, within the transaction in which everything lands."""
        target = self._folders.ensure(folder)
        self._imports.set_folder(job, target)
        return target

    def _units(self, sources: Sequence[str | Path], sidecar_suffix: str | None) -> Iterator[Unit]:
        """The units of all sources, paths first; raises NotFound for a path that is not there."""
        remote = [str(source) for source in sources if is_remote(source)]
        roots = check_paths([source for source in sources if not is_remote(source)])
        listings = [stored_units(self._plugins, url) for url in remote]
        return chain(local_units(roots, sidecar_suffix=sidecar_suffix), *listings)

    def metadata_file(
        self, file: str | Path, *, by: str | None = None, replace: bool = False
    ) -> MetadataFileReport:
        """Merge metadata from a JSON, JSONL, CSV or Parquet file into items, or replace theirs by it.

        Each row names its item by a column `uuid`, `url` or `name`; `by` says which one when there are several.
        """
        schema = self._schema.current()
        return apply_file(Path(file), self._database, self._metadata, schema, by=by, replace=replace)

    @contextmanager
    def _closing(self, job: ImportJob) -> Iterator[None]:
        """Close the job whatever ends it, and keep the reason."""
        try:
            yield
        except BaseException as error:
            reason = error.message if isinstance(error, HeronError) else f"{type(error).__name__}: {error}"
            stopped = isinstance(error, KeyboardInterrupt)
            try:
                with self._database.write():
                    if not stopped:
                        self._imports.advance(job, units=0, problems=[ImportProblem("", "", reason)])
                    self._imports.finish(job, "interrupted" if stopped else "failed")
            except HeronError:
                pass  # the disk is full, perhaps: the first error is the one to tell
            raise

    def _announce(self, job: ImportJob, ids: range) -> None:
        """Tell plugins of the new items; what they complain of becomes a warning of the import."""
        if not ids or not self._plugins.hook.items_imported.get_hookimpls():
            return
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM items WHERE items.id BETWEEN ? AND ? ORDER BY items.id", [ids[0], ids[-1]]
        )
        complaints = self._plugins.notify("items_imported", items=[item_of(row) for row in rows])
        problems = [ImportProblem("", "", complaint, "warning") for complaint in complaints]
        if problems:
            self._imports.advance(job, units=0, problems=problems)

    def _executor(
        self, units: Iterator[Unit], many: int, given: Executor | None
    ) -> AbstractContextManager[tuple[Iterable[Unit], Executor | None]]:
        """The executor to use: the one given, none for few files, else worker processes."""
        if given is not None:
            return nullcontext((units, given))
        first = list(islice(units, many))
        stream = chain(first, units)
        workers = _cores()
        if len(first) < many or workers == 1 or self._plugins.has_objects:
            return nullcontext((stream, None))
        return _Workers(stream, workers)


def _cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Workers(AbstractContextManager[tuple[Iterable[Unit], Executor | None]]):
    """Worker processes for the time of one import."""

    def __init__(self, stream: Iterable[Unit], count: int) -> None:
        self._stream = stream
        self._count = count

    def __enter__(self) -> tuple[Iterable[Unit], Executor | None]:
        from loky import ProcessPoolExecutor

        self._pool = ProcessPoolExecutor(
            max_workers=self._count, initializer=end_with_parent, initargs=(os.getpid(),)
        )
        return self._stream, self._pool

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._pool.shutdown(wait=True, kill_workers=kind is not None)


def end_with_parent(parent: int) -> None:
    """Let a worker process end when the import that started it was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
