"""Heron: an open, local-first index over a lake of media. Names are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from heron._version import __version__

if TYPE_CHECKING:
    from heron.errors import (
        AlreadyExists,
        BadCredentials,
        CatalogueBusy,
        CatalogueError,
        HeronError,
        ImportAborted,
        ImportCancelled,
        ImportInterrupted,
        InvalidInput,
        MediaError,
        MetadataError,
        NoSuchBucket,
        NotFound,
        ObjectChanged,
        PermissionDenied,
        PluginError,
        QueryError,
        Throttled,
        Unreachable,
    )
    from heron.hooks import (
        CliCommand,
        Codec,
        CommandContext,
        DatasetExporter,
        Decoder,
        Embedder,
        EmbedderModel,
        Exporter,
        FrameDecoder,
        Measure,
        MediaDecoder,
        MediaFile,
        MediaFormat,
        MetadataType,
        Part,
        QualityMetrics,
        Series,
        SeriesDecoder,
        Storage,
        StorageBackend,
        StorageOption,
        StoredObject,
        TextReader,
        hookimpl,
    )
    from heron.jobs import ImportJob, ImportProblem, ImportReport
    from heron.models import (
        Added,
        Collection,
        Dataset,
        DatasetRow,
        Explanation,
        Folder,
        FolderContents,
        Frame,
        Item,
        Match,
        MediaFacts,
        Member,
        NameMatches,
        NewFrame,
        NewItem,
        Preset,
        Query,
        Verification,
    )
    from heron.pages import Page
    from heron.storage.buckets import BucketStorage, ObjectAddress, address_of, is_canonical, object_url
    from heron.storage.filesystem import FilesystemStorage
    from heron.workspace import Workspace, init, open

_HOME = {
    "errors": (
        "AlreadyExists BadCredentials CatalogueBusy CatalogueError HeronError ImportAborted ImportCancelled "
        "ImportInterrupted InvalidInput MediaError "
        "MetadataError NoSuchBucket NotFound ObjectChanged PermissionDenied PluginError QueryError Throttled "
        "Unreachable"
    ),
    "hooks": (
        "CliCommand Codec CommandContext DatasetExporter Decoder Embedder EmbedderModel Exporter FrameDecoder Measure MediaDecoder "
        "MediaFile MediaFormat MetadataType Part QualityMetrics Series SeriesDecoder Storage StorageBackend "
        "StorageOption StoredObject TextReader hookimpl"
    ),
    "jobs": "ImportJob ImportProblem ImportReport",
    "models": (
        "Added Collection Dataset DatasetRow Explanation Folder FolderContents Frame "
        "Item Match MediaFacts Member NameMatches NewFrame NewItem Preset Query Verification"
    ),
    "pages": "Page",
    "storage.buckets": "BucketStorage ObjectAddress address_of is_canonical object_url",
    "storage.filesystem": "FilesystemStorage",
    "workspace": "Workspace init open",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = [
    "Added",
    "AlreadyExists",
    "BadCredentials",
    "BucketStorage",
    "CatalogueBusy",
    "CatalogueError",
    "CliCommand",
    "Codec",
    "Collection",
    "CommandContext",
    "Dataset",
    "DatasetExporter",
    "DatasetRow",
    "Decoder",
    "Embedder",
    "EmbedderModel",
    "Explanation",
    "Exporter",
    "FilesystemStorage",
    "Folder",
    "FolderContents",
    "Frame",
    "FrameDecoder",
    "HeronError",
    "ImportAborted",
    "ImportCancelled",
    "ImportInterrupted",
    "ImportJob",
    "ImportProblem",
    "ImportReport",
    "InvalidInput",
    "Item",
    "Match",
    "Measure",
    "MediaDecoder",
    "MediaError",
    "MediaFacts",
    "MediaFile",
    "MediaFormat",
    "Member",
    "MetadataError",
    "MetadataType",
    "NameMatches",
    "NewFrame",
    "NewItem",
    "NoSuchBucket",
    "NotFound",
    "ObjectAddress",
    "ObjectChanged",
    "Page",
    "Part",
    "PermissionDenied",
    "PluginError",
    "Preset",
    "QualityMetrics",
    "Query",
    "QueryError",
    "Series",
    "SeriesDecoder",
    "Storage",
    "StorageBackend",
    "StorageOption",
    "StoredObject",
    "TextReader",
    "Throttled",
    "Unreachable",
    "Verification",
    "Workspace",
    "__version__",
    "address_of",
    "hookimpl",
    "init",
    "is_canonical",
    "object_url",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'heron' has no attribute {name!r}")
    value = getattr(import_module(f"heron.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
