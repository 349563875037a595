"""The workspace: one catalogue on disk, opened with its plugins and its acting user, and one service for each noun."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from heron.inside import DIRECTORY
from heron.opened import OpenCatalogue

if TYPE_CHECKING:
    from PIL.Image import Image

    from heron.catalog.collections import CollectionService
    from heron.catalog.columns.service import ColumnService
    from heron.catalog.datasets import DatasetService
    from heron.catalog.folders import FolderService
    from heron.catalog.frames import FrameService
    from heron.catalog.imports import ImportService
    from heron.catalog.integrations import IntegrationService
    from heron.catalog.items import ItemService
    from heron.catalog.metadata import MetadataService
    from heron.catalog.organisation.groups import GroupService
    from heron.catalog.organisation.log import LogService
    from heron.catalog.organisation.roles import RoleService
    from heron.catalog.organisation.tags import TagService
    from heron.catalog.organisation.users import UserService
    from heron.catalog.presets import PresetService
    from heron.catalog.projects import ProjectService
    from heron.catalog.referring import DatasetRef, ItemRef
    from heron.catalog.registration import Registration
    from heron.catalog.schema import SchemaService
    from heron.catalog.synced import SyncedFolderService
    from heron.catalog.thumbnails import ThumbnailStore
    from heron.catalog.vectors.store import VectorStore
    from heron.curation.lookup import Lookup
    from heron.curation.projections import ProjectionService
    from heron.curation.service import CurationService
    from heron.embedding.service import EmbeddingService
    from heron.export.pushed.service import PushService
    from heron.hooks import PluginManager
    from heron.ingest.service import IngestService
    from heron.ingest.vector_files.service import VectorFiles
    from heron.models import Frame, FrameChoice, Item
    from heron.pictures.service import PictureService
    from heron.search.comparison import ComparisonService
    from heron.search.engines import Engines
    from heron.search.facets import FacetService
    from heron.search.planning import Planner
    from heron.search.service import SearchService
    from heron.search.similar import Embedders, Similar
    from heron.search.statistics import StatisticsService
    from heron.storage.service import StorageService


class Workspace(OpenCatalogue):
    """An open catalogue. Close it, or use it in a `with` statement.

    `root` is the folder that contains `.heron/`. Each service is created when it is first used.
    """

    @cached_property
    def plugins(self) -> PluginManager:
        """The plugin manager: hooks, typed look-ups, and the status of each plugin."""
        return self._load_plugins()

    @cached_property
    def schema(self) -> SchemaService:
        """The metadata keys, with their types."""
        from heron.catalog.schema import SchemaService

        return SchemaService(self._database, self.access, lambda: self.plugins)

    @cached_property
    def folders(self) -> FolderService:
        """The tree of folders."""
        from heron.catalog.folders import FolderService

        return FolderService(self._database, self.access, self.schema)

    @cached_property
    def items(self) -> ItemService:
        """The items of all folders."""
        from heron.catalog.items import ItemService

        return ItemService(self._database, self.access, self.folders, self.schema._shown, lambda url: self.storage.normalise(url, looks_up=True))  # fmt: skip

    @cached_property
    def metadata(self) -> MetadataService:
        """Replace, merge and verify the metadata of items."""
        from heron.catalog.metadata import MetadataService

        return MetadataService(
            self._database, self.access, self.items, self.schema, self.vectors, self._times_unless_given
        )

    @cached_property
    def frames(self) -> FrameService:
        """The frames of items."""
        from heron.catalog.frames import FrameService

        return FrameService(self._database, self.access, self.items, self.schema, self.vectors, self._times)

    def _times(self, item: Item) -> Sequence[float] | None:
        """The presentation times of an item's frames, for choosing frames."""
        return self.pictures.times(item)

    def _times_unless_given(self, item: Item) -> Sequence[float] | None:
        """The presentation times of an item's frames; None for an item whose facts were given, since its file is not read."""
        return self._times(item) if item.etag or item.modified_at else None

    @cached_property
    def vectors(self) -> VectorStore:
        """The vectors of items and frames."""
        from heron.catalog.vectors.store import VectorStore

        return VectorStore(self._database, self.access, self.items, self.schema, self.root / DIRECTORY)

    @cached_property
    def thumbnails(self) -> ThumbnailStore:
        """The small pictures of items."""
        from heron.catalog.thumbnails import ThumbnailStore

        return ThumbnailStore(self._database, self.access, self.items)

    @cached_property
    def pictures(self) -> PictureService:
        """The pictures and text of items and frames."""
        from heron.pictures.service import PictureService

        parts = (self.items, self.frames, self.thumbnails, self.storage)
        return PictureService(self.access, lambda: self.plugins, *parts)

    @cached_property
    def registration(self) -> Registration:
        """Adds items whose facts are known."""
        from heron.catalog.registration import Registration

        later = (lambda: self.plugins, lambda: self.storage._origins(None), lambda: self.columns._landed())
        return Registration(self._database, self.access, self.folders, self.schema, self.vectors, *later)

    @cached_property
    def imports(self) -> ImportService:
        """The import jobs and their reports."""
        from heron.catalog.imports import ImportService

        return ImportService(self._database, self.access)

    @cached_property
    def integrations(self) -> IntegrationService:
        """The integrations: named ways to reach storage backends."""
        from heron.catalog.integrations import IntegrationService

        return IntegrationService(self._database, self.access, lambda: self.plugins)

    @cached_property
    def storage(self) -> StorageService:
        """Lists, signs and checks the objects of storage backends."""
        from heron.storage.service import StorageService

        return StorageService(
            self._database, self.access, lambda: self.plugins, self.items, self.integrations
        )

    @cached_property
    def synced(self) -> SyncedFolderService:
        """Folders that are kept equal to what lies below a URL."""
        from heron.catalog.synced import SyncedFolderService

        return SyncedFolderService(self._database, self.access, self.folders, self.integrations)

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
            WaitingUnits(self._database, self.access),
        )  # fmt: skip
        return IngestService(
            self._database, self.access, self.items, self.plugins, self.imports, self.metadata, self.schema, self.storage,
            self.integrations, self.synced, runner, Sources(self.plugins, self.schema, self.storage, self.integrations),
        )  # fmt: skip

    @cached_property
    def search(self) -> SearchService:
        """Answers queries: `search("a red bus", where="city = 'Algiers'", sort="-captured_at")`."""
        from heron.search.service import SearchService

        return SearchService(
            self._planner, self._engines, self.items, lambda: self.frames, self.vectors, lambda: self._similar
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
        sqlite = SqliteEngine(*parts, lambda: self.datasets, lambda: self.plugins)
        return Engines(self._database, self.access, sqlite, self.columns, self.folders)

    @cached_property
    def columns(self) -> ColumnService:
        """The columns, from which queries over many items are answered."""
        from heron.catalog.columns.service import ColumnService

        return ColumnService(self._database, self.access, self.root / DIRECTORY, lambda: self._push)

    @cached_property
    def _push(self) -> PushService:
        from heron.catalog.columns.visible import VisibleRows
        from heron.export.pushed.service import PushService

        rows = VisibleRows(self._database, self.access, self.schema, self.vectors)
        return PushService(rows, self.storage, self.root / DIRECTORY)

    @cached_property
    def _similar(self) -> Similar:
        """Makes the query vectors of similarity searches."""
        from heron.search.similar import Similar

        return Similar(self.vectors, self.items, self.frames, self._embedders, self._picture_of)

    @cached_property
    def _embedders(self) -> Embedders:
        from heron.search.similar import Embedders

        return Embedders(lambda: self.plugins)

    def _picture_of(self, thing: ItemRef | Path, size: int) -> Image:
        """The picture of an item, a frame or a file that is embedded for comparison."""
        if isinstance(thing, Path):
            return self.pictures.picture_of(thing, size=size)
        return self.pictures.portrait(thing, size=size)

    @cached_property
    def embed(self) -> EmbeddingService:
        """Makes vectors of pictures: `embed("visual")`."""
        from heron.embedding.service import EmbeddingService

        return EmbeddingService(
            self.items, self.frames, self.schema, self.vectors, self.search, self.pictures, self._embedders,
            lambda: self.plugins,
        )  # fmt: skip

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
            self._database, self.access, self.items, self.vectors, self.storage, self.pictures, self._lookup
        )

    @cached_property
    def projections(self) -> ProjectionService:
        """Projections of vectors to two dimensions."""
        from heron.curation.projections import ProjectionService

        parts = (self.frames, self.vectors, self.pictures, self._lookup)
        return ProjectionService(self._database, self.access, *parts)

    @cached_property
    def _lookup(self) -> Lookup:
        from heron.curation.lookup import Lookup

        return Lookup(self._planner, self._engines, self.search, self.items, self.datasets)

    @cached_property
    def presets(self) -> PresetService:
        """Saved queries."""
        from heron.catalog.presets import PresetService

        return PresetService(self._database, self.access)

    @cached_property
    def collections(self) -> CollectionService:
        """The collections: sets of items with a title."""
        from heron.catalog.collections import CollectionService

        return CollectionService(self._database, self.access, self.items)

    @cached_property
    def datasets(self) -> DatasetService:
        """The datasets: ordered lists of items to hand on."""
        from heron.catalog.datasets import DatasetService

        parts = (self.folders, self.items, self.metadata, self.collections)
        return DatasetService(self._database, self.access, lambda: self.plugins, *parts)

    @cached_property
    def projects(self) -> ProjectService:
        """The projects: datasets that people work on together."""
        from heron.catalog.projects import ProjectService

        return ProjectService(self._database, self.access, self.datasets, self.tags)

    @cached_property
    def tags(self) -> TagService:
        """The tags that projects can have."""
        from heron.catalog.organisation.tags import TagService

        return TagService(self._database, self.access)

    @cached_property
    def users(self) -> UserService:
        """The users of the workspace."""
        from heron.catalog.organisation.users import UserService

        return UserService(self._database, self.access)

    @cached_property
    def groups(self) -> GroupService:
        """The groups of users."""
        from heron.catalog.organisation.groups import GroupService

        return GroupService(self._database, self.access, self.users)

    @cached_property
    def roles(self) -> RoleService:
        """The roles that users and groups were given on folders, datasets, integrations and projects."""
        from heron.catalog.organisation.roles import RoleService

        parts = (self.users, self.groups, self.folders, self.datasets, self.integrations, self.projects)
        return RoleService(self._database, self.access, *parts)

    @cached_property
    def log(self) -> LogService:
        """The log: who did what to which resource when."""
        from heron.catalog.organisation.log import LogService

        return LogService(self._database, self.access)

    def _stored_thumbnail(self, thing: Item | Frame) -> bytes | None:
        """The stored JPEG of an item or frame, for notebooks; None if there is none."""
        from heron.models import Item

        return self.thumbnails.find(thing) if isinstance(thing, Item) else self.frames.thumbnail(thing)

    def export(
        self, dataset: DatasetRef, file: str | Path, *, format: str | None = None, frames: FrameChoice = "marked",
        unreadable: list[str] | None = None,
    ) -> int:  # fmt: skip
        """Write a dataset with the chosen frames in the format of the file's suffix (none: JSON); returns the number of rows.

        It appears whole or not at all. Files that cannot be read are named in the list `unreadable`; without one the first is
        raised. Raises PluginError, AlreadyExists for a full folder, InvalidInput for `.heron` and the suffix of another format.
        """
        from heron.export.writing import export_rows

        rows, files = self.datasets.rows(dataset, frames=frames), (self.storage, unreadable)
        return export_rows(self.plugins, format, rows, Path(file), files)
