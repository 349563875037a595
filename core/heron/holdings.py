"""What a workspace holds: one service for each noun of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from heron.inside import DIRECTORY
from heron.opened import OpenCatalogue

if TYPE_CHECKING:
    from heron.catalog.collections import CollectionService
    from heron.catalog.columns.service import ColumnService
    from heron.catalog.datasets import DatasetService, FrozenRowsOf
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
    from heron.catalog.plugin_options import PluginOptionService
    from heron.catalog.plugin_tables import PluginTableService
    from heron.catalog.presets import PresetService
    from heron.catalog.projects import ProjectService
    from heron.catalog.registration import Registration
    from heron.catalog.schema import SchemaService
    from heron.catalog.synced import SyncedFolderService
    from heron.catalog.thumbnails import ThumbnailStore
    from heron.catalog.vectors.store import VectorStore
    from heron.catalog.versions.service import VersionService
    from heron.curation.dataset_files import DatasetFiles
    from heron.export.pushed.service import PushService
    from heron.hooks import PluginManager
    from heron.models import Frame, Item
    from heron.pictures.service import PictureService
    from heron.storage.service import StorageService
    from heron.telling import Teller


class Holdings(OpenCatalogue):
    """An open catalogue with the services that keep and give its records. Each is created when it is first used."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        happenings = self._database.happenings
        happenings.listens = lambda: self._teller.listens()
        happenings.tell = lambda happened: self._teller(happened)
        happenings.complain = lambda complaint: self._teller.complain(complaint)

    @cached_property
    def _teller(self) -> Teller:
        from heron.telling import Teller

        return Teller(self)

    @cached_property
    def plugins(self) -> PluginManager:
        """The plugin manager: hooks, typed look-ups, the status of each plugin, and the options of plugins."""
        from heron.catalog.plugin_options import PluginOptionStore

        plugins = self._load_plugins()
        plugins.options.connect(PluginOptionStore(self._database, self.access))
        return plugins

    def open_as(self, user: str | None) -> Self:
        """The same workspace opened once more, for another thread or as another user, with the same plugins, and for reading if this one is; close it too.

        `user` is an e-mail address; None is the owner. Raises PermissionDenied for an unknown user.
        """
        self.plugins.options.share()  # loads them now, so that all threads have the same
        opened = type(self)(self.root, self._load_plugins, user=user, read_only=self._database.refuses_writes)
        opened.asks_often = self.asks_often
        return opened

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
    def columns(self) -> ColumnService:
        """The columns, from which queries over many items are answered."""
        from heron.catalog.columns.service import ColumnService

        return ColumnService(
            self._database,
            self.access,
            self.root / DIRECTORY,
            lambda: self._push,
            lambda: self.asks_often,
        )

    @cached_property
    def _push(self) -> PushService:
        from heron.catalog.columns.visible import VisibleRows
        from heron.export.pushed.service import PushService

        rows = VisibleRows(self._database, self.access, self.schema, self.vectors)
        return PushService(rows, self.storage, self.root / DIRECTORY)

    @cached_property
    def presets(self) -> PresetService:
        """Saved queries."""
        from heron.catalog.presets import PresetService

        return PresetService(self._database, self.access)

    @cached_property
    def collections(self) -> CollectionService:
        """The collections: sets of items with a title."""
        from heron.catalog.collections import CollectionService

        return CollectionService(
            self._database, self.access, self.items, lambda ref: self.projects._to_change(ref)
        )

    @cached_property
    def datasets(self) -> DatasetService:
        """The datasets: ordered lists of items to hand on."""
        from heron.catalog.datasets import DatasetService

        parts = (self.folders, self.items, self.metadata, self.collections)
        frozen_rows: FrozenRowsOf = lambda ref, frames: self.versions._rows_if(ref, frames)  # noqa: E731
        more = (frozen_rows, lambda: self.vectors)
        return DatasetService(self._database, self.access, *parts, *more)

    @cached_property
    def versions(self) -> VersionService:
        """The frozen versions of datasets."""
        from heron.catalog.versions.service import VersionService

        parts = (self.datasets, self.schema, lambda: self._dataset_files)
        return VersionService(self._database, self.access, *parts)

    @cached_property
    def _dataset_files(self) -> DatasetFiles:
        from heron.curation.dataset_files import DatasetFiles

        return DatasetFiles(self._database, self.access, self.datasets, self.items, self.storage)

    @cached_property
    def projects(self) -> ProjectService:
        """The projects: datasets that people work on together."""
        from heron.catalog.projects import ProjectService

        return ProjectService(self._database, self.access, self.datasets, self.tags, self.collections)

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
    def plugin_options(self) -> PluginOptionService:
        """The options of plugins: shown and set by whoever may change the workspace, also over HTTP."""
        from heron.catalog.plugin_options import PluginOptionService

        return PluginOptionService(self._database, self.access, lambda: self.plugins)

    @property
    def tables(self) -> PluginTableService:
        """The tables that plugins keep, each set in a file of its own. They are for plugins, and only where the workspace lies."""
        from heron.catalog.plugin_tables import PluginTableService

        return PluginTableService(self._database, self.access, lambda: self.plugins, self.root / DIRECTORY)

    @cached_property
    def log(self) -> LogService:
        """The log: who did what to which resource when."""
        from heron.catalog.organisation.log import LogService

        return LogService(self._database, self.access)

    def _stored_thumbnail(self, thing: Item | Frame) -> bytes | None:
        """The stored JPEG of an item or frame, for notebooks; None if there is none."""
        from heron.models import Item

        return self.thumbnails.find(thing) if isinstance(thing, Item) else self.frames.thumbnail(thing)
