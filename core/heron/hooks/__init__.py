"""The extension system: the hooks, the records they yield, and the manager that holds the plugins."""

from heron.hooks.actions import ActionOption, ItemAction
from heron.hooks.backends import StorageBackend
from heron.hooks.choosing import ProjectionMethod, ProjectVectors, Sampler, SampleVectors
from heron.hooks.contributions import (
    CliCommand,
    Contribution,
    DatasetExporter,
    ExecutorBackend,
    MediaDecoder,
    MediaFormat,
    MediaKind,
    MetadataType,
    PluginOptions,
    QualityMetrics,
    Routes,
)
from heron.hooks.derivers import Derive, DerivedKey, DeriveFrame, MetadataDeriver
from heron.hooks.embedders import EmbedderModel
from heron.hooks.importers import DatasetImporter, ImportEntry, Importer, ImportSource
from heron.hooks.interfaces import (
    BoundedEmbedder,
    BulkStorage,
    Codec,
    CommandContext,
    Decoder,
    Embedder,
    Exporter,
    ExportFolder,
    FolderExporter,
    FrameDecoder,
    LimitedEmbedder,
    Measure,
    MediaFile,
    PageReader,
    Part,
    RangeCodec,
    Series,
    SeriesDecoder,
    ShownCodec,
    Storage,
    StoredObject,
    TextEmbedder,
    TextReader,
    TurningEmbedder,
    WritableStorage,
)
from heron.hooks.loading import PluginStatus
from heron.hooks.manager import PluginManager
from heron.hooks.option import Option
from heron.hooks.options import OptionValue
from heron.hooks.query_functions import QueryFunction
from heron.hooks.serving import JobProgress, Jobs, ServedJob, Signed, Site
from heron.hooks.specs import hookimpl
from heron.hooks.tables import PluginTables
from heron.hooks.values import Curve, ValueDecoder, Values, Window
from heron.hooks.versions import HOOK_API
from heron.hooks.viewers import Viewer

__all__ = [
    "HOOK_API",
    "ActionOption",
    "BoundedEmbedder",
    "BulkStorage",
    "CliCommand",
    "Codec",
    "CommandContext",
    "Contribution",
    "Curve",
    "DatasetExporter",
    "DatasetImporter",
    "Decoder",
    "Derive",
    "DeriveFrame",
    "DerivedKey",
    "Embedder",
    "EmbedderModel",
    "ExecutorBackend",
    "ExportFolder",
    "Exporter",
    "FolderExporter",
    "FrameDecoder",
    "ImportEntry",
    "ImportSource",
    "Importer",
    "ItemAction",
    "JobProgress",
    "Jobs",
    "LimitedEmbedder",
    "Measure",
    "MediaDecoder",
    "MediaFile",
    "MediaFormat",
    "MediaKind",
    "MetadataDeriver",
    "MetadataType",
    "Option",
    "OptionValue",
    "PageReader",
    "Part",
    "PluginManager",
    "PluginOptions",
    "PluginStatus",
    "PluginTables",
    "ProjectVectors",
    "ProjectionMethod",
    "QualityMetrics",
    "QueryFunction",
    "RangeCodec",
    "Routes",
    "SampleVectors",
    "Sampler",
    "Series",
    "SeriesDecoder",
    "ServedJob",
    "ShownCodec",
    "Signed",
    "Site",
    "Storage",
    "StorageBackend",
    "StoredObject",
    "TextEmbedder",
    "TextReader",
    "TurningEmbedder",
    "ValueDecoder",
    "Values",
    "Viewer",
    "Window",
    "WritableStorage",
    "hookimpl",
]


def __getattr__(name: str) -> object:
    from heron.deprecations import deprecated

    return deprecated("heron.hooks", name)
