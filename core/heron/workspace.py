"""The workspace: one catalogue on disk, opened with its plugins and its acting user, and one service for each noun."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from heron.builtin import plugin_manager
from heron.catalog.access import OWNER, Access
from heron.catalog.collections import CollectionService
from heron.catalog.database import FILE_NAME, Database
from heron.catalog.datasets import DatasetRef, DatasetService
from heron.catalog.folders import FolderService
from heron.catalog.frames import FrameService
from heron.catalog.imports import ImportService
from heron.catalog.items import ItemService
from heron.catalog.metadata import MetadataService
from heron.catalog.presets import PresetService
from heron.catalog.registration import Registration
from heron.catalog.schema import SchemaService
from heron.catalog.thumbnails import ThumbnailStore
from heron.errors import AlreadyExists, CatalogueError, HeronError, NotFound
from heron.hooks import PluginManager

if TYPE_CHECKING:
    from heron.ingest.service import IngestService
    from heron.search.service import SearchService

DIRECTORY = ".heron"


class Workspace:
    """An open catalogue. Close it, or use it in a `with` statement.

    `root` is the folder that holds `.heron/`; the services are `schema`, `folders`, `items`, `metadata`,
    `frames`, `ingest`, `imports`, `search`, `presets`, `collections`, `datasets` and `thumbnails`;
    `plugins` is the plugin manager, `registration` takes items whose facts are known.
    """

    def __init__(self, root: Path, plugins: PluginManager) -> None:
        self.root = root
        self.plugins = plugins
        self.access = Access(OWNER)
        self.database = Database(root / DIRECTORY)
        database, access = self.database, self.access
        self.schema = SchemaService(database, access, plugins)
        self.folders = FolderService(database, access, self.schema)
        self.items = ItemService(database, access, self.folders)
        self.metadata = MetadataService(database, access, self.items, self.schema)
        self.frames = FrameService(database, access, self.items, self.schema)
        self.thumbnails = ThumbnailStore(database, access, self.items)
        self.registration = Registration(database, access, self.folders, self.schema)
        self.imports = ImportService(database, access)
        self.presets = PresetService(database, access)
        self.collections = CollectionService(database, access, self.items)
        self.datasets = DatasetService(
            database, access, plugins, self.folders, self.items, self.metadata, self.collections
        )

    @property
    def ingest(self) -> IngestService:
        """Imports from every source."""
        from heron.ingest.service import IngestService

        return IngestService(
            self.database,
            self.plugins,
            self.folders,
            self.imports,
            self.registration,
            self.thumbnails,
            self.metadata,
            self.schema,
        )

    @property
    def search(self) -> SearchService:
        """Answers queries: `search(where="city = 'Algiers'", sort="-captured_at")`."""
        from heron.search.service import SearchService

        return SearchService(self.database, self.access, self.folders, self.schema, self.collections)

    def export(self, dataset: DatasetRef, file: str | Path, *, format: str = "json") -> int:
        """Write a dataset to a file in the format of an exporter; returns the number of rows.

        The file appears whole or not at all. Raises PluginError for an unknown format.
        """
        exporter: Any = self.plugins.load(self.plugins.exporter(format))
        with whole_file(Path(file)) as stream:
            count: int = exporter.write(self.datasets.rows(dataset), stream)
        return count

    def close(self) -> None:
        """Close the catalogue."""
        self.database.close()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Workspace {self.root}>"


def open(path: str | Path = ".", *, plugins: Sequence[object] = (), discover: bool = True, create: bool = True) -> Workspace:  # noqa: A001
    """Open the workspace in a folder, and make one there when there is none and `create` is set.

    `plugins` are plugin objects to use beside the installed ones; `discover` False leaves those out.
    Raises NotFound and CatalogueError.
    """
    root = Path(path).absolute()
    if not (root / DIRECTORY / FILE_NAME).is_file():
        if not create:
            raise NotFound(f"{root} is no workspace", hint="run heron init there")
        _make(root)
    return Workspace(root, plugin_manager(plugins, discover=discover))


def init(path: str | Path = ".", *, plugins: Sequence[object] = (), discover: bool = True) -> Workspace:
    """Make a workspace in a folder; raises AlreadyExists when it is one already."""
    root = Path(path).absolute()
    if (root / DIRECTORY / FILE_NAME).exists():
        raise AlreadyExists(f"{root} is a workspace already", hint="use it: heron import PATH --folder NAME")
    return open(root, plugins=plugins, discover=discover)


def find(start: str | Path = ".") -> Path:
    """The root of the workspace to use: HERON_WORKSPACE, or the nearest folder with `.heron/` going upwards."""
    chosen = os.environ.get("HERON_WORKSPACE")
    if chosen:
        return Path(chosen).absolute()
    here = Path(start).absolute()
    for folder in (here, *here.parents):
        if (folder / DIRECTORY / FILE_NAME).is_file():
            return folder
    raise NotFound(f"there is no workspace in {here} or above", hint="run heron init, or heron quickstart for a tour")


def _make(root: Path) -> None:
    try:
        directory = root / DIRECTORY
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ".gitignore").write_text("*\n")
    except OSError as error:
        raise CatalogueError(f"no workspace can be made in {root}: {error.strerror or error}") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Any]:
    """A binary file that appears under its name only once it is complete; raises HeronError when it cannot."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        raise HeronError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
