"""The ingest service: imports from files, URLs and manifests, syncs folders, and resumes interrupted imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from attrs import evolve

from heron.catalog.access import SCHEMA, WORKSPACE, Access
from heron.catalog.database import Database
from heron.catalog.imports import ImportService
from heron.catalog.integrations import IntegrationService
from heron.catalog.items import ItemService
from heron.catalog.metadata import MetadataService
from heron.catalog.referring import FOLDER, FolderRef, ImportRef, IntegrationRef
from heron.catalog.schema import SchemaService
from heron.catalog.spelling import absolute_path
from heron.catalog.synced import SyncedFolderService
from heron.errors import InvalidInput, NotFound
from heron.executors.opening import ExecutorRef
from heron.hooks import PluginManager
from heron.ingest.datasets.imported import ImportedDataset
from heron.ingest.local import check_paths
from heron.ingest.manifest.reading import Manifest
from heron.ingest.manifest.report import ManifestReport, checked
from heron.ingest.manifest.writing import write
from heron.ingest.metadata_files import MetadataFileReport, apply_file
from heron.ingest.pipeline import Progress, Report
from heron.ingest.plan import ImportPlan, checked_rate, keeps_personal, plan_of
from heron.ingest.runner import Runner, Working
from heron.ingest.sources import Sources, tree_of
from heron.ingest.stored import is_remote
from heron.ingest.syncing import Seen, SyncedRule, mark_vanished, still_follows
from heron.jobs import ImportJob, ImportReport, SyncedFolder
from heron.media.kinds import Kinds
from heron.media.sniff import Sniffer
from heron.metadata.sidecars import SUFFIX
from heron.models import Folder
from heron.storage.service import StorageService
from heron.storage.waiting import patiently


def _silent(progress: Progress) -> None:
    """Report no progress."""


class IngestService:
    """Imports from every source."""

    def __init__(
        self,
        database: Database,
        access: Access,
        items: ItemService,
        plugins: PluginManager,
        imports: ImportService,
        metadata: MetadataService,
        schema: SchemaService,
        storage: StorageService,
        integrations: IntegrationService,
        synced: SyncedFolderService,
        runner: Runner,
        sources: Sources,
    ) -> None:
        self._database = database
        self._access = access
        self._items = items
        self._plugins = plugins
        self._imports = imports
        self._metadata = metadata
        self._schema = schema
        self._storage = storage
        self._integrations = integrations
        self._synced = synced
        self._runner = runner
        self._sources = sources

    def files(
        self,
        sources: Sequence[str | Path] | str | Path,
        *,
        folder: FolderRef,
        integration: IntegrationRef | None = None,
        ignore_errors: bool = False,
        skip_duplicates: bool = True,
        content_hash: bool = False,
        skip_identical: bool = False,
        thumbnails: bool = False,
        sampling_rate: float | None = None,
        personal: bool | None = None,
        batch_as: Literal["group", "sequence"] | None = None,
        sidecar_suffix: str | None = SUFFIX,
        flat: bool = False,
        dry_run: bool = False,
        executor: ExecutorRef | None = None,
        progress: Report = _silent,
    ) -> ImportReport:
        """Import files and folders into a folder, which is created when it is missing.

        Subfolders of a source become folders below it; with `flat`, everything lands in the folder itself. Of several
        folders, each becomes a folder of its name; files that are named one by one land in the folder itself.

        A source is a local path, or the URL of an object or a prefix that a storage plugin reads, with the
        credentials of `integration` if given.

        A file whose URL is in the folder already, or anywhere below it, is skipped. `content_hash` stores the SHA-256 of each file
        and warns of equal content, `skip_identical` leaves such files out. `thumbnails` makes a small picture
        of each item, and measures images. Videos are sampled at `sampling_rate` frames per second (1 unless
        it is given). `personal` False leaves out personal facts, as does HERON_PATIENT_TAGS=0 for all
        imports. `batch_as` makes a group or a sequence of the images of each folder, and of those named
        one by one. `dry_run` reports what would happen, and changes nothing. `executor` is any
        `concurrent.futures.Executor`, which the caller closes, or the name of one: `threads:8`, `processes:4`,
        `dask://host:8786`; without one, worker processes are used for many local files, and threads for storages.

        Raises NotFound for a path that does not exist, and ImportAborted for the first file that fails unless
        `ignore_errors` is set; the catalogue is then unchanged. Both wait for a storage that does not answer. If it stays
        away, the former raises ImportInterrupted; with `ignore_errors` the units wait in the catalogue, the state of the
        job is `incomplete`, and `resume` asks for just these units.
        """
        by = self._integrations.get(integration) if integration is not None else None
        given = [sources] if isinstance(sources, str | Path) else list(sources)
        plan = ImportPlan(
            folder=_path_of(folder),
            sources=[  # canonical before they are stored: a URL as somebody wrote it may contain a signature
                self._storage.normalise(str(source), by)
                if is_remote(source)
                else str(absolute_path(str(source)))
                for source in given
            ],
            integration=self._uuid(integration),
            ignore_errors=ignore_errors,
            skip_duplicates=skip_duplicates,
            content_hash=content_hash,
            skip_identical=skip_identical,
            thumbnails=thumbnails,
            sampling_rate=checked_rate(sampling_rate),
            personal=keeps_personal() if personal is None else personal,
            batch_as=batch_as,
            sidecar_suffix=sidecar_suffix,
        )
        plan = evolve(plan, tree={} if flat else tree_of(plan.sources))
        if batch_as is not None and any(is_remote(source) for source in given):
            raise InvalidInput(
                f"only files of this machine can be imported as a {batch_as}",
                hint="to group objects, list them in a manifest",
            )
        check_paths([source for source in given if not is_remote(source)])
        return self._begin(plan, dry_run, executor, progress)

    def manifest(
        self,
        file: str | Path,
        *,
        folder: FolderRef,
        integration: IntegrationRef | None = None,
        ignore_errors: bool = False,
        skip_duplicates: bool | None = None,
        upsert_metadata: bool | None = None,
        content_hash: bool = False,
        thumbnails: bool = False,
        sampling_rate: float | None = None,
        personal: bool | None = None,
        tree: str | Path | None = None,
        format: str | None = None,
        root: str | Path | None = None,
        keys: Mapping[str, str] | None = None,
        dry_run: bool = False,
        executor: ExecutorRef | None = None,
        progress: Report = _silent,
    ) -> ImportReport:
        """Import the entries of a JSON, JSONL or CSV manifest, in its order, or those of a dataset in the `format` of an importer.

        A dataset is a file or a folder; `root` is the folder of its files, if that is another one. Of its annotations, those are kept that
        have a key of the schema: that of their name, or the one that `keys` gives for it. A second run skips its files that are there.

        All land in the folder itself; with `tree`, a URL or path, the folders that lie below it become folders.
        Facts that it gives are trusted, and the object is not read; other entries are probed. `skip_duplicates` skips URLs that are in the folder already, `upsert_metadata` merges metadata into
        their items; None uses the setting in the manifest. Videos whose facts are given are sampled only where the manifest, or
        `sampling_rate`, asks for that. The rest is as for `files`.
        """
        path = Path(file).absolute()
        manifest = self._sources.manifest(path, None, format, root, keys)
        flags = manifest.flags()
        plan = ImportPlan(
            folder=_path_of(folder),
            manifest=str(path),
            digest=_digest(manifest),
            integration=self._uuid(integration),
            ignore_errors=ignore_errors,
            skip_duplicates=bool(flags.skip_duplicates if skip_duplicates is None else skip_duplicates),
            upsert_metadata=bool(flags.upsert_metadata if upsert_metadata is None else upsert_metadata),
            content_hash=content_hash,
            thumbnails=thumbnails,
            sampling_rate=checked_rate(sampling_rate),
            personal=keeps_personal() if personal is None else personal,
            tree={} if tree is None else {self._storage._normalised_prefix(str(tree), integration): []},
            format=format,
            root=None if root is None else str(Path(root).absolute()),
            keys=dict(keys or {}),
        )
        return self._begin(plan, dry_run, executor, progress)

    def follow(
        self,
        folder: FolderRef,
        url: str,
        *,
        integration: IntegrationRef | None = None,
        sidecar_suffix: str | None = SUFFIX,
        flat: bool = False,
    ) -> SyncedFolder:
        """Make a folder, which is created if it is missing, a synced folder of a URL or path; `sync` fills
        it.

        What lies deeper becomes folders below it; with `flat`, every sync puts all into the folder itself.

        Raises AlreadyExists for a folder that is synced already.
        """
        if "://" not in url and not absolute_path(url).is_dir():
            raise NotFound(f"{url} is not a folder of this machine", hint="check the spelling")
        prefix = self._storage._normalised_prefix(url, integration)
        by = self._integrations.get(integration) if integration is not None else None
        origin = self._storage._origins(by)(prefix)
        return self._synced.bind(
            folder, prefix, integration=by, sidecar_suffix=sidecar_suffix, flat=flat, origin=origin
        )

    def sync(
        self,
        folder: FolderRef,
        *,
        allow_empty: bool = False,
        executor: ExecutorRef | None = None,
        progress: Report = _silent,
    ) -> ImportReport:
        """Make a synced folder equal to what lies below its URL.

        New objects are added, changed ones are read again, items whose object is back are restored, and items
        whose object has vanished are marked as deleted, which keeps them in datasets and collections. An
        object that fails is in the report, and tried again by the next sync. Raises InvalidInput if there is
        no object at all though the folder has items, unless `allow_empty` is set; NotFound for a folder that
        is not synced. `executor` is as for `files`.
        """
        synced = self._synced.get(folder)
        plan = ImportPlan(
            folder=synced.folder,
            synced=synced.prefix,
            integration=self._uuid(synced.integration),
            ignore_errors=True,
            sidecar_suffix=synced.sidecar_suffix,
            sidecars_paused=synced.sidecars_paused,
            allow_empty=allow_empty,
            personal=keeps_personal(),
            tree={} if synced.flat else {synced.prefix: []},
        )
        return self._run(lambda: self._runner.start(plan), plan, executor, progress)

    def resume(
        self, job: ImportRef, *, executor: ExecutorRef | None = None, progress: Report = _silent
    ) -> ImportReport:
        """Continue an interrupted import, or ask for the units of an incomplete one that wait; without loss and without
        duplicates. If its process was killed, or crashed, decoders run in processes of their own: a crash costs its file.

        Raises InvalidInput for one that is in another state, or whose manifest has changed since.
        """
        found = self._imports.get(job)
        self._access.require("update", found)
        if (folder := self._runner._folder_of(found)) is not None:
            self._access.require("create", folder, "item")
        plan = plan_of(found)
        if plan.manifest is not None and _digest(self._sources.of_plan(plan)) != plan.digest:
            raise InvalidInput(
                f"{plan.manifest} was changed since import {found.id} began",
                hint="import it again with --skip-duplicates",
            )
        if plan.synced is not None and not still_follows(self._synced.list(), found, plan, self._uuid):
            raise InvalidInput(
                f"the folder of import {found.id} is not synced with {plan.synced} any more, or its settings have changed",
                hint="heron sync brings it up to date",
            )
        died = self._imports._died(found)
        return self._run(
            lambda: self._imports._reopen(found, plan.keeps_position), plan, executor, progress, died
        )

    def check_manifest(
        self,
        file: str | Path,
        integration: IntegrationRef | None = None,
        *,
        format: str | None = None,
        root: str | Path | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> ManifestReport:
        """Read a manifest, or a dataset in a `format`, to its end and report its problems; nothing is fetched or changed."""
        self._access.require("read", SCHEMA)
        by = self._integrations.get(integration) if integration is not None else None
        return checked(self._sources.manifest(Path(file), by, format, root, keys))

    @patiently()
    def write_manifest(
        self,
        prefix: str,
        file: str | Path,
        *,
        integration: IntegrationRef | None = None,
        with_facts: bool = False,
    ) -> ManifestReport:
        """Write a manifest of the files at or below a URL or path, with kinds guessed by name.

        `with_facts` gives size and media type by name, so that an import trusts them and fetches nothing.
        """
        self._access.require("read", WORKSPACE)
        root = self._storage._normalised_prefix(prefix, integration) if "://" not in prefix else prefix
        kind_of = Sniffer(self._plugins.decoders(), settle=self._plugins.settle).kind_of
        return write(
            self._storage.stream(root, integration),
            Path(file),
            kind_of,
            Kinds(lambda: self._plugins),
            with_facts=with_facts,
        )

    def metadata_file(
        self,
        file: str | Path,
        *,
        by: str | None = None,
        replace: bool = False,
        as_is: bool = False,
        dry_run: bool = False,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> MetadataFileReport:
        """Merge metadata from a JSON, JSONL, CSV or Parquet file into items, or replace theirs by it.

        Each row names its item by a column `uuid`, `url`, `path` or `name`; `by` says which one when there are several.
        Keys that differ from keys of the schema only by case are refused, unless `as_is`. With `dry_run` nothing is written.
        `progress` is called with the numbers of rows done and of all rows.
        """
        schema = self._schema.current()
        return apply_file(
            Path(file),
            self._items,
            self._metadata,
            schema,
            by=by,
            replace=replace,
            as_is=as_is,
            dry_run=dry_run,
            progress=progress,
        )

    def _begin(
        self, plan: ImportPlan, dry_run: bool, executor: ExecutorRef | None, progress: Report
    ) -> ImportReport:
        source = self._sources.of(plan, with_count=progress is not _silent)
        if dry_run:
            return self._runner.rehearse(plan, source, progress, executor)
        return self._run(lambda: self._runner.start(plan), plan, executor, progress)

    def _run(
        self,
        start: Callable[[], ImportJob],
        plan: ImportPlan,
        executor: ExecutorRef | None,
        progress: Report,
        died: int = 0,
    ) -> ImportReport:
        with self._runner.opened(start) as job:
            source = self._sources.of(plan, with_count=progress is not _silent)
            how = Working(executor, died)
            if plan.synced is None:
                return self._runner.run(job, plan, source, progress, how)
            seen = Seen()
            newest = self._synced._newest_id()

            def then(job: ImportJob, folder: Folder) -> None:
                origin = source.origin_of(plan.synced or "")
                mark_vanished(
                    self._database, self._imports, self._synced, job, folder, plan, seen, newest, origin
                )

            rule = SyncedRule(seen)
            return self._runner.run(job, plan, source, progress, how, rule=rule, then=then)

    def _uuid(self, integration: IntegrationRef | None) -> str | None:
        return self._integrations.get(integration).uuid if integration is not None else None


def _path_of(folder: FolderRef) -> str:
    return folder.path if isinstance(folder, Folder) else FOLDER.key(folder)


def _digest(manifest: Manifest | ImportedDataset) -> str:
    try:
        return manifest.digest()
    except OSError as error:
        raise NotFound(f"{manifest.path} cannot be read: {error.strerror or error}") from None
