"""The extension system: the hooks, the records they yield, and the manager that holds the plugins."""

from heron.hooks.contributions import (
    CliCommand,
    Contribution,
    DatasetExporter,
    EmbedderModel,
    MediaDecoder,
    MediaFormat,
    MetadataType,
    StorageBackend,
    StorageOption,
)
from heron.hooks.interfaces import (
    BulkStorage,
    Codec,
    Decoder,
    Embedder,
    Exporter,
    MediaFile,
    Storage,
    StoredObject,
)
from heron.hooks.manager import PluginManager, PluginStatus
from heron.hooks.specs import hookimpl

__all__ = [
    "BulkStorage",
    "CliCommand",
    "Codec",
    "Contribution",
    "DatasetExporter",
    "Decoder",
    "Embedder",
    "EmbedderModel",
    "Exporter",
    "MediaDecoder",
    "MediaFile",
    "MediaFormat",
    "MetadataType",
    "PluginManager",
    "PluginStatus",
    "Storage",
    "StorageBackend",
    "StorageOption",
    "StoredObject",
    "hookimpl",
]
