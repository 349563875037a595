"""The ingest service: opens a job, runs the pipeline over a source, and closes the job whatever happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
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
from heron.errors import HeronError, ImportAborted
from heron.hooks import PluginManager
from heron.ingest.local import check_paths, local_units
from heron.ingest.metadata_files import MetadataFileReport, apply_file
from heron.ingest.pipeline import Options, Pipeline, Progress
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
        self._pipeline = Pipeline(database, imports, registration, thumbnails)

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
        options = Options(ignore_errors, skip_duplicates, skip_identical)
        prober = Prober(self._plugins, ProbeOptions(content_hash or skip_identical, thumbnails))
        source = ", ".join(map(str, sources))
        kept = {
            "ignore_errors": ignore_errors,
            "content_hash": content_hash,
            "skip_identical": skip_identical,
        }
        with self._database.write():
            target = self._folders.ensure(folder)
            job = self._imports.start(source[:2000], target, kept)
        many = MANY_DECODED if thumbnails or content_hash or skip_identical else MANY
        with self._executor(units, many, executor) as (stream, workers):
            return self._run(
                job, target, options, lambda: self._pipeline.run(
                    job, target, stream, prober, options=options, executor=workers, progress=progress
                )
            )  # fmt: skip

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

    def _run(
        self, job: ImportJob, folder: Folder, options: Options, batches: Callable[[], Iterator[list[str]]]
    ) -> ImportReport:
        """Run the batches and close the job; without `ignore_errors` all of them are one transaction."""
        whole: AbstractContextManager[object] = (
            nullcontext() if options.ignore_errors else self._database.write()
        )
        try:
            landed: list[list[str]] = []
            with whole:
                for urls in batches():
                    if options.ignore_errors:
                        self._announce(urls, folder)
                    else:
                        landed.append(urls)
            for urls in landed:
                self._announce(urls, folder)
        except ImportAborted as error:
            self._close(job, "failed", ImportProblem("", "", error.message))
            raise
        except KeyboardInterrupt:
            self._close(job, "interrupted", None)
            raise
        except HeronError as error:
            self._close(job, "failed", ImportProblem("", "", error.message))
            raise
        return self._imports.finish(job, "done")

    def _close(self, job: ImportJob, state: str, problem: ImportProblem | None) -> None:
        try:
            with self._database.write():
                self._imports.advance(job, units=0, problems=[problem] if problem else [])
                self._imports.finish(job, "interrupted" if state == "interrupted" else "failed")
        except HeronError:
            pass  # the disk is full, perhaps: the first error is the one to tell

    def _announce(self, urls: Sequence[str], folder: Folder) -> None:
        """Tell plugins of the new items."""
        if not urls or not self._plugins.hook.items_imported.get_hookimpls():
            return
        marks = ",".join("?" * len(urls))
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM items WHERE folder_id = ? AND url IN ({marks}) ORDER BY items.id",
            [folder.id, *urls],
        )
        self._plugins.notify("items_imported", items=[item_of(row) for row in rows])

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

        self._pool = ProcessPoolExecutor(max_workers=self._count)
        return self._stream, self._pool

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._pool.shutdown(wait=True, kill_workers=kind is not None)
