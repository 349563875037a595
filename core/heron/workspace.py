"""The workspace: one catalogue on disk, opened with its plugins and its acting user, and the work that is done over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heron.holdings import Holdings
from heron.inside import DIRECTORY
from heron.notebooks import MOST

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron.actions.service import ActionService
    from heron.catalog.referring import DatasetRef, ItemRef
    from heron.curation.lookup import Lookup
    from heron.curation.projections import ProjectionService
    from heron.curation.service import CurationService
    from heron.deriving.service import DerivingService
    from heron.embedders.passages import Passage
    from heron.embedding.service import EmbeddingService
    from heron.export.annotation import AnnotationService
    from heron.export.backups.service import BackupService
    from heron.hooks import EmbedderModel
    from heron.ingest.portable.service import PortableService
    from heron.ingest.service import IngestService
    from heron.ingest.vector_files.service import VectorFiles
    from heron.media.sizing import Sight
    from heron.models import FrameChoice, Query
    from heron.search.comparison import ComparisonService
    from heron.search.engines import Engines
    from heron.search.facets import FacetService
    from heron.search.planning import Planner
    from heron.search.service import SearchService
    from heron.search.similar import Embedders, Similar
    from heron.search.statistics import StatisticsService
    from heron.showing import Shown


class Workspace(Holdings):
    """An open catalogue. Close it, or use it in a `with` statement.

    `root` is the folder that contains `.heron/`. Each service is created when it is first used.
    """

    @cached_property
    def ingest(self) -> IngestService:
        """Imports from every source."""
        from heron.catalog.series import SeriesStore
        from heron.catalog.trees import FolderTrees
        from heron.catalog.waiting import WaitingUnits
        from heron.ingest.runner import Runner
        from heron.ingest.service import IngestService
        from heron.ingest.sources import Sources

        runner = Runner(
            self._database, self.plugins, self.folders, self.items, self.imports, self.registration, self.thumbnails,
            self.metadata, self.synced, SeriesStore(self._database, self.access), FolderTrees(self._database, self.access, self.folders),
            WaitingUnits(self._database, self.access), self._teller.complaining,
        )  # fmt: skip
        return IngestService(
            self._database, self.access, self.items, self.plugins, self.imports, self.metadata, self.schema, self.storage,
            self.integrations, self.synced, runner, Sources(self.plugins, self.schema, self.storage, self.integrations),
        )  # fmt: skip

    @cached_property
    def portable(self) -> PortableService:
        """Exports that other workspaces can merge: `portable.export("lake.heron")`, `portable.merge("lake.heron")`."""
        from heron.export.portable.service import PortableWriter
        from heron.ingest.portable.service import PortableService

        def writer() -> PortableWriter:
            services = (self.folders, self.items, self.collections, self.datasets)
            return PortableWriter(
                self._database, self.access, services, self.vectors, self.storage, lambda: self.search
            )

        services = (self.schema, self.items, self.vectors, self.integrations)
        return PortableService(
            self._database,
            self.access,
            self.root,
            services,
            lambda: self.plugins,
            writer,
            lambda: self.columns._landed(),
        )

    @cached_property
    def annotation(self) -> AnnotationService:
        """Sends collections to annotation, and remembers what was sent."""
        from heron.catalog.organisation.sent import SentStore
        from heron.export.annotation import AnnotationService

        store = SentStore(self._database, self.access, self.items)
        parts = (self.projects, self.collections, store)
        return AnnotationService(self._database, self.access, lambda: self.plugins, *parts)

    @cached_property
    def search(self) -> SearchService:
        """Answers queries: `search("a red bus", where="city = 'Algiers'", sort="-captured_at")`."""
        from heron.search.service import SearchService

        return SearchService(
            self._database,
            self._planner,
            self._engines,
            self.items,
            lambda: self.frames,
            lambda: self.vectors,
            lambda: self._similar,
        )

    @cached_property
    def facets(self) -> FacetService:
        """Counts items by the values of fields: `facets("weather,captured_at", where="width > 1000")`."""
        from heron.search.facets import FacetService
        from heron.search.sqlite_groups import Groups

        groups = Groups(self._database, self.access, self.schema)
        return FacetService(self._database, self._planner, self._engines, self.search, groups)

    @cached_property
    def stats(self) -> StatisticsService:
        """Describes the values of fields over the items of a query: `stats("width,score", where="kind = 'image'")`."""
        from heron.search.statistics import StatisticsService

        return StatisticsService(self._database, self._planner, self._engines, self.search, self.schema)

    @cached_property
    def compare(self) -> ComparisonService:
        """Compares the values of fields in two selections: `compare("split = 'train'", "split = 'test'", "weather")`."""
        from heron.search.comparison import ComparisonService

        return ComparisonService(self._database, self._planner, self._engines, self.search, self.stats)

    @cached_property
    def _planner(self) -> Planner:
        """Makes the plans of queries."""
        from heron.search.planning import Planner

        return Planner(self.folders, self.schema, lambda: self.plugins, self._database.places)

    @cached_property
    def _engines(self) -> Engines:
        """Answers plans."""
        from heron.search.engines import Engines
        from heron.search.sqlite_engine import SqliteEngine

        parts = (self._database, self.access, self.folders, self.schema, self.collections)
        sqlite = SqliteEngine(*parts, lambda: self.datasets, lambda: self.projects, lambda: self.plugins)
        return Engines(self._database, self.access, sqlite, self.columns, self.folders)

    @cached_property
    def _similar(self) -> Similar:
        """Makes the query vectors of similarity searches."""
        from heron.search.similar import Similar

        return Similar(self.vectors, self.items, self.frames, self._embedders, self._contents_of)

    @cached_property
    def _embedders(self) -> Embedders:
        from heron.search.similar import Embedders

        return Embedders(lambda: self.plugins)

    def _contents_of(
        self, thing: ItemRef | Path, record: EmbedderModel, sight: Sight
    ) -> Iterator[Image | Passage]:
        """What of an item, a frame or a file is embedded for comparison."""
        from heron.embedding.contents import contents_of

        return contents_of(self.pictures, self.items, lambda: self.plugins, thing, record, sight)

    @cached_property
    def embed(self) -> EmbeddingService:
        """Makes vectors of pictures and texts: `embed("visual")`."""
        from heron.embedding.service import EmbeddingService

        return EmbeddingService(
            self.items, self.frames, self.schema, self.vectors, self.search, self.pictures, self._embedders,
            lambda: self.plugins,
        )  # fmt: skip

    @cached_property
    def derive(self) -> DerivingService:
        """Computes derived metadata: `derive("orientation")`."""
        from heron.catalog.derived import DerivedStore
        from heron.deriving.service import DerivingService

        store = DerivedStore(self._database, self.access, self.metadata, self.frames)
        parts = (self.items, self.frames, self.schema, self.search, self.pictures)
        return DerivingService(store, *parts, lambda: self.plugins)

    @cached_property
    def actions(self) -> ActionService:
        """What plugins let users do with items: `actions.run("check-files", items)`."""
        from heron.actions.service import ActionService

        return ActionService(self, self.access, lambda: self.plugins)

    @cached_property
    def vector_files(self) -> VectorFiles:
        """Imports and exports files with vectors."""
        from heron.ingest.vector_files.service import VectorFiles

        return VectorFiles(self._database, self.items, self.frames, self.schema, self.vectors, self.search)

    @cached_property
    def curation(self) -> CurationService:
        """Duplicates, uniqueness, diverse subsets, and leakage between datasets."""
        from heron.curation.service import CurationService

        return CurationService(
            self._database,
            self.access,
            self.items,
            self.vectors,
            self.storage,
            self.pictures,
            self._lookup,
            lambda: self.plugins,
            self._embedders,
        )

    @cached_property
    def projections(self) -> ProjectionService:
        """Projections of vectors to two dimensions."""
        from heron.curation.projections import ProjectionService

        parts = (self.frames, self.vectors, self.pictures, self._lookup, lambda: self.plugins)
        return ProjectionService(self._database, self.access, *parts)

    @cached_property
    def _lookup(self) -> Lookup:
        from heron.curation.lookup import Lookup

        return Lookup(self._planner, self._engines, self.search, self.items, self.datasets)

    @cached_property
    def backup(self) -> BackupService:
        """Makes backups while others write: `backup("/backups/lake")`; `heron.restore` brings one back."""
        from heron.export.backups.service import BackupService

        return BackupService(self._database, self.access, self.root / DIRECTORY)

    def export(
        self, dataset: DatasetRef, file: str | Path, *, format: str | None = None, frames: FrameChoice = "marked",
        vectors: Sequence[str] = (), template: str | None = None, unreadable: list[str] | None = None,
    ) -> int:  # fmt: skip
        """Write a dataset with the chosen frames in the format of the file's suffix (none: JSON); returns the number of rows.

        It appears whole or not at all. `template` names the files of formats that copy them: "{folder}/{name}". Items and frames have their vectors of the embedding keys `vectors`. Files that cannot be read
        are named in the list `unreadable`; without one the first is raised. Raises PluginError, AlreadyExists for a full folder, NotFound
        for a key without vectors, InvalidInput for `.heron`, the suffix of another format, and vectors that the format has no place for.
        """
        from heron.export.writing import export_rows, format_of, require_vectors

        if format == "heron":
            return self.portable.export(file, dataset=dataset).rows["dataset_rows"]
        path = Path(file)
        chosen = format_of(self.plugins, path, format if format or path.suffix else "json")
        require_vectors(self.plugins, chosen, vectors)
        rows = self.datasets._exported(dataset, frames, vectors)
        files = (self.storage, unreadable)
        count = export_rows(self.plugins, chosen, rows, path, files, template=template)
        self._exported(dataset, path, chosen, count)
        return count

    def _exported(self, dataset: DatasetRef, path: Path, format: str, rows: int) -> None:
        """Tell plugins of an export."""
        title = dataset if isinstance(dataset, str) else self.datasets.get(dataset).title
        self._teller.exported(title, path, format, rows)

    def show(self, query: Query | str | None = None, *, height: int = 640, **parts: Any) -> Shown:
        """The items of a query for a notebook, which shows them as the last value of a cell; `parts` are the fields of `Query`.

        Where `heron explore --frame-in ORIGIN` or `heron serve --frame-in ORIGIN` runs, with the notebook's origin, it is the
        Explorer in a frame of this height, in pixels; otherwise pictures of the first 48 items, with a link to the Explorer where
        a server runs. Raises QueryError.
        """
        from heron.search.asked import asked_query
        from heron.showing import Shown, address_of, server_of

        asked = asked_query(query, parts)
        server = server_of(self.root)
        address = address_of(server[0], asked) if server else None
        return Shown(
            asked, self.search(asked, limit=asked.limit or MOST), address, bool(server and server[1]), height
        )
