"""Heron: an open, local-first index over a lake of media. Names are imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from heron._version import __version__

if TYPE_CHECKING:
    from heron.actions.service import ActionInfo, ActionReport
    from heron.answers import (
        Added,
        CarriedOver,
        Conflict,
        Conversion,
        Explanation,
        FolderContents,
        NameMatches,
        Pushed,
        QueryName,
        Use,
        Verification,
    )
    from heron.backups import Backup, Restored
    from heron.catalog.columns.service import ColumnStatus
    from heron.catalog.plugin_tables import TablesInfo
    from heron.catalog.relocation import Relocated
    from heron.catalog.vectors.adoption import Adopted
    from heron.catalog.vectors.status import VectorStatus
    from heron.catalog.vectors.store import StoredVectors, VectorsKept
    from heron.consent import trust
    from heron.curation.points import Points
    from heron.curation.projections import Projection
    from heron.curation.records import (
        Candidate,
        DuplicateGroup,
        Duplicates,
        Hashed,
        Leak,
        Leakage,
        Pair,
        Ranked,
        Ranking,
        Subset,
    )  # fmt: skip
    from heron.curation.sheet import GroupSheet
    from heron.deriving.service import Derived, DeriverInfo
    from heron.embedding.service import Embedded
    from heron.errors import (
        AlreadyExists,
        BadCredentials,
        CatalogueBusy,
        CatalogueError,
        Changed,
        ExecutorError,
        HeronError,
        ImportAborted,
        ImportCancelled,
        ImportInterrupted,
        InvalidInput,
        MediaError,
        MetadataError,
        NoSuchBucket,
        NoSuchHost,
        NotFound,
        ObjectChanged,
        PermissionDenied,
        PluginError,
        PluginWarning,
        QueryError,
        Throttled,
        Unreachable,
        WorkerLost,
    )
    from heron.hooks import (
        ActionOption,
        BoundedEmbedder,
        CliCommand,
        Codec,
        CommandContext,
        DatasetExporter,
        DatasetImporter,
        Decoder,
        Derive,
        DerivedKey,
        DeriveFrame,
        Embedder,
        EmbedderModel,
        ExecutorBackend,
        Exporter,
        ExportFolder,
        FolderExporter,
        FrameDecoder,
        ImportEntry,
        Importer,
        ImportSource,
        ItemAction,
        JobProgress,
        Jobs,
        LimitedEmbedder,
        Measure,
        MediaDecoder,
        MediaFile,
        MediaFormat,
        MediaKind,
        MetadataDeriver,
        MetadataType,
        Option,
        OptionValue,
        PageReader,
        Part,
        PluginOptions,
        PluginTables,
        ProjectionMethod,
        ProjectVectors,
        QualityMetrics,
        QueryFunction,
        RangeCodec,
        Routes,
        Sampler,
        SampleVectors,
        Series,
        SeriesDecoder,
        ServedJob,
        ShownCodec,
        Signed,
        Site,
        Storage,
        StorageBackend,
        StoredObject,
        TextEmbedder,
        TextReader,
        TurningEmbedder,
        ValueDecoder,
        Values,
        Viewer,
        Window,
        WritableStorage,
        hookimpl,
    )
    from heron.hooks.events import DeletedItem
    from heron.ingest.manifest.report import ManifestReport
    from heron.ingest.metadata_files import MetadataFileReport
    from heron.ingest.vector_files.service import VectorExport, VectorImport
    from heron.jobs import CheckResult, ImportJob, ImportProblem, ImportReport, Integration, SyncedFolder
    from heron.limits import check_memory, check_pixels, max_memory, max_pixels
    from heron.metadata.schema import Schema, SchemaKey
    from heron.models import (
        Collection,
        Dataset,
        DatasetRow,
        Folder,
        Frame,
        Item,
        Match,
        MediaFacts,
        Member,
        NewFrame,
        NewItem,
        Preset,
        Query,
    )
    from heron.opening import init, open, restore
    from heron.organisation import (
        Grant,
        Group,
        LogEntry,
        NewToken,
        Project,
        ProjectTag,
        User,
        UserKey,
        UserToken,
    )
    from heron.pages import Page
    from heron.pictures.service import Made
    from heron.pictures.viewing import Viewing
    from heron.portable import (
        Clash,
        Merged,
        NeededIntegration,
        PortableExport,
        PortableManifest,
        PortablePart,
        PortableVectors,
    )
    from heron.remote.connecting import RemoteWorkspace, connect
    from heron.search.comparison import ComparedBucket, Comparison
    from heron.search.facets import Bucket, Facet
    from heron.search.statistics import Statistics
    from heron.sendings import Sending, SentItem, SentTasks
    from heron.showing import Shown
    from heron.storage.buckets import (
        BucketStorage,
        ObjectAddress,
        address_of,
        is_canonical,
        object_url,
        store_at,
    )
    from heron.storage.filesystem import FilesystemStorage
    from heron.storage.retries import PatientStorage
    from heron.versions import ChangedItem, DatasetDiff, DatasetVersion, PlacedItem, VerifiedFile
    from heron.workspace import Workspace

_HOME = {
    "actions.service": "ActionInfo ActionReport",
    "answers": "Added CarriedOver Conflict Conversion Explanation FolderContents NameMatches Pushed QueryName Use Verification",
    "catalog.plugin_tables": "TablesInfo",
    "catalog.relocation": "Relocated",
    "catalog.vectors.adoption": "Adopted",
    "catalog.columns.service": "ColumnStatus",
    "search.comparison": "ComparedBucket Comparison",
    "search.facets": "Bucket Facet",
    "search.statistics": "Statistics",
    "catalog.vectors.status": "VectorStatus",
    "catalog.vectors.store": "StoredVectors VectorsKept",
    "consent": "trust",
    "curation.points": "Points",
    "curation.projections": "Projection",
    "curation.records": (
        "Candidate DuplicateGroup Duplicates Hashed Leak Leakage Pair Ranked Ranking Subset"
    ),
    "curation.sheet": "GroupSheet",
    "deriving.service": "Derived DeriverInfo",
    "embedding.service": "Embedded",
    "errors": (
        "AlreadyExists BadCredentials CatalogueBusy CatalogueError Changed ExecutorError HeronError ImportAborted ImportCancelled "
        "ImportInterrupted InvalidInput MediaError MetadataError NoSuchBucket NoSuchHost NotFound ObjectChanged "
        "PermissionDenied PluginError PluginWarning QueryError Throttled Unreachable WorkerLost"
    ),
    "hooks": (
        "ActionOption BoundedEmbedder CliCommand Codec CommandContext DatasetExporter DatasetImporter Decoder Derive DeriveFrame DerivedKey Embedder EmbedderModel ExecutorBackend ExportFolder Exporter "
        "FolderExporter FrameDecoder ImportEntry ImportSource Importer ItemAction JobProgress Jobs LimitedEmbedder Measure "
        "MediaDecoder MediaFile MediaFormat MediaKind MetadataDeriver MetadataType Option OptionValue PageReader Part PluginOptions PluginTables ProjectVectors ProjectionMethod SampleVectors Sampler QualityMetrics QueryFunction RangeCodec Routes "
        "Series SeriesDecoder ServedJob ShownCodec Signed Site Storage StorageBackend StoredObject TextEmbedder TextReader TurningEmbedder ValueDecoder Values Viewer Window "
        "WritableStorage hookimpl"
    ),
    "ingest.manifest.report": "ManifestReport",
    "ingest.metadata_files": "MetadataFileReport",
    "ingest.vector_files.service": "VectorExport VectorImport",
    "jobs": "CheckResult ImportJob ImportProblem ImportReport Integration SyncedFolder",
    "limits": "check_memory check_pixels max_memory max_pixels",
    "metadata.schema": "Schema SchemaKey",
    "models": (
        "Collection Dataset DatasetRow Folder Frame Item Match MediaFacts "
        "Member NewFrame NewItem Preset Query"
    ),
    "organisation": "Grant Group LogEntry NewToken Project ProjectTag User UserKey UserToken",
    "sendings": "Sending SentItem SentTasks",
    "hooks.events": "DeletedItem",
    "versions": "ChangedItem DatasetDiff DatasetVersion PlacedItem VerifiedFile",
    "pages": "Page",
    "showing": "Shown",
    "pictures.service": "Made",
    "pictures.viewing": "Viewing",
    "portable": (
        "Clash Merged NeededIntegration PortableExport PortableManifest PortablePart PortableVectors"
    ),
    "storage.buckets": "BucketStorage ObjectAddress address_of is_canonical object_url store_at",
    "storage.filesystem": "FilesystemStorage",
    "storage.retries": "PatientStorage",
    "backups": "Backup Restored",
    "opening": "init open restore",
    "remote.connecting": "RemoteWorkspace connect",
    "workspace": "Workspace",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = [
    "ActionInfo",
    "ActionOption",
    "ActionReport",
    "Added",
    "Adopted",
    "AlreadyExists",
    "Backup",
    "BadCredentials",
    "BoundedEmbedder",
    "Bucket",
    "BucketStorage",
    "Candidate",
    "CarriedOver",
    "CatalogueBusy",
    "CatalogueError",
    "Changed",
    "ChangedItem",
    "CheckResult",
    "Clash",
    "CliCommand",
    "Codec",
    "Collection",
    "ColumnStatus",
    "CommandContext",
    "ComparedBucket",
    "Comparison",
    "Conflict",
    "Conversion",
    "Dataset",
    "DatasetDiff",
    "DatasetExporter",
    "DatasetImporter",
    "DatasetRow",
    "DatasetVersion",
    "Decoder",
    "DeletedItem",
    "Derive",
    "DeriveFrame",
    "Derived",
    "DerivedKey",
    "DeriverInfo",
    "DuplicateGroup",
    "Duplicates",
    "Embedded",
    "Embedder",
    "EmbedderModel",
    "ExecutorBackend",
    "ExecutorError",
    "Explanation",
    "ExportFolder",
    "Exporter",
    "Facet",
    "FilesystemStorage",
    "Folder",
    "FolderContents",
    "FolderExporter",
    "Frame",
    "FrameDecoder",
    "Grant",
    "Group",
    "GroupSheet",
    "Hashed",
    "HeronError",
    "ImportAborted",
    "ImportCancelled",
    "ImportEntry",
    "ImportInterrupted",
    "ImportJob",
    "ImportProblem",
    "ImportReport",
    "ImportSource",
    "Importer",
    "Integration",
    "InvalidInput",
    "Item",
    "ItemAction",
    "JobProgress",
    "Jobs",
    "Leak",
    "Leakage",
    "LimitedEmbedder",
    "LogEntry",
    "Made",
    "ManifestReport",
    "Match",
    "Measure",
    "MediaDecoder",
    "MediaError",
    "MediaFacts",
    "MediaFile",
    "MediaFormat",
    "MediaKind",
    "Member",
    "Merged",
    "MetadataDeriver",
    "MetadataError",
    "MetadataFileReport",
    "MetadataType",
    "NameMatches",
    "NeededIntegration",
    "NewFrame",
    "NewItem",
    "NewToken",
    "NoSuchBucket",
    "NoSuchHost",
    "NotFound",
    "ObjectAddress",
    "ObjectChanged",
    "Option",
    "OptionValue",
    "Page",
    "PageReader",
    "Pair",
    "Part",
    "PatientStorage",
    "PermissionDenied",
    "PlacedItem",
    "PluginError",
    "PluginOptions",
    "PluginTables",
    "PluginWarning",
    "Points",
    "PortableExport",
    "PortableManifest",
    "PortablePart",
    "PortableVectors",
    "Preset",
    "Project",
    "ProjectTag",
    "ProjectVectors",
    "Projection",
    "ProjectionMethod",
    "Pushed",
    "QualityMetrics",
    "Query",
    "QueryError",
    "QueryFunction",
    "QueryName",
    "RangeCodec",
    "Ranked",
    "Ranking",
    "Relocated",
    "RemoteWorkspace",
    "Restored",
    "Routes",
    "SampleVectors",
    "Sampler",
    "Schema",
    "SchemaKey",
    "Sending",
    "SentItem",
    "SentTasks",
    "Series",
    "SeriesDecoder",
    "ServedJob",
    "Shown",
    "ShownCodec",
    "Signed",
    "Site",
    "Statistics",
    "Storage",
    "StorageBackend",
    "StoredObject",
    "StoredVectors",
    "Subset",
    "SyncedFolder",
    "TablesInfo",
    "TextEmbedder",
    "TextReader",
    "Throttled",
    "TurningEmbedder",
    "Unreachable",
    "Use",
    "User",
    "UserKey",
    "UserToken",
    "ValueDecoder",
    "Values",
    "VectorExport",
    "VectorImport",
    "VectorStatus",
    "VectorsKept",
    "Verification",
    "VerifiedFile",
    "Viewer",
    "Viewing",
    "Window",
    "WorkerLost",
    "Workspace",
    "WritableStorage",
    "__version__",
    "address_of",
    "check_memory",
    "check_pixels",
    "connect",
    "hookimpl",
    "init",
    "is_canonical",
    "max_memory",
    "max_pixels",
    "object_url",
    "open",
    "restore",
    "store_at",
    "trust",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        from heron.deprecations import deprecated

        return deprecated("heron", name)
    value = getattr(import_module(f"heron.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
