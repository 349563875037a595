"""The verbs of a workspace as they are declared: parameters and results with their types, read from the signatures."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any

from attrs import frozen

SERVICES: Mapping[str, str] = {
    "schema": "catalog.schema:SchemaService",
    "folders": "catalog.folders:FolderService",
    "items": "catalog.items:ItemService",
    "metadata": "catalog.metadata:MetadataService",
    "frames": "catalog.frames:FrameService",
    "vectors": "catalog.vectors.store:VectorStore",
    "thumbnails": "catalog.thumbnails:ThumbnailStore",
    "pictures": "pictures.service:PictureService",
    "registration": "catalog.registration:Registration",
    "imports": "catalog.imports:ImportService",
    "integrations": "catalog.integrations:IntegrationService",
    "storage": "storage.service:StorageService",
    "synced": "catalog.synced:SyncedFolderService",
    "columns": "catalog.columns.service:ColumnService",
    "presets": "catalog.presets:PresetService",
    "collections": "catalog.collections:CollectionService",
    "datasets": "catalog.datasets:DatasetService",
    "versions": "catalog.versions.service:VersionService",
    "projects": "catalog.projects:ProjectService",
    "tags": "catalog.organisation.tags:TagService",
    "users": "catalog.organisation.users:UserService",
    "groups": "catalog.organisation.groups:GroupService",
    "roles": "catalog.organisation.roles:RoleService",
    "log": "catalog.organisation.log:LogService",
    "ingest": "ingest.service:IngestService",
    "backup": "export.backups.service:BackupService",
    "portable": "ingest.portable.service:PortableService",
    "search": "search.service:SearchService",
    "facets": "search.facets:FacetService",
    "stats": "search.statistics:StatisticsService",
    "compare": "search.comparison:ComparisonService",
    "embed": "embedding.service:EmbeddingService",
    "derive": "deriving.service:DerivingService",
    "actions": "actions.service:ActionService",
    "plugin_options": "catalog.plugin_options:PluginOptionService",
    "vector_files": "ingest.vector_files.service:VectorFiles",
    "annotation": "export.annotation:AnnotationService",
    "curation": "curation.service:CurationService",
    "projections": "curation.projections:ProjectionService",
}
"""The module and the class of each service, by the name that a workspace has for it."""

LOCAL = ("progress", "executor", "unreadable")
"""Parameters that mean something in the caller's process alone, and are never sent."""


class Reference:
    """The type of a parameter that takes a record, a UUID or a name: on the wire a text."""


class Thing(Reference):
    """A reference to an item, or to one of its frames: on the wire a text; a frame is `UUID#NUMBER`."""


class Number(Reference):
    """A reference that can be a whole number too: that to an import."""


class Things:
    """One reference to an item, or many, or the items of a query."""


class Rows(Things):
    """Items or frames of which the verb wants the records."""


_ALIASES: Mapping[str, str] = {
    "FrameChoice": "models",
    "Ground": "media.ground",
    "Mode": "catalog.sampling",
    "Status": "catalog.projects",
    "UserRole": "catalog.organisation.users",
    "MemberType": "catalog.organisation.users",
    "Origin": "catalog.stores",
}
"""The modules of types that are imported for type checkers alone."""


_OTHERWISE: Mapping[str, Any] = {"frames.thumbnail.frame": Thing, "search.values.rows": Rows}
"""The types of parameters that take records, of which references are sent."""


@frozen
class Parameter:
    """A parameter of a verb; `default` is `inspect.Parameter.empty` where it has none."""

    name: str
    type: Any
    default: Any
    is_keyword: bool
    is_starred: bool = False

    @property
    def is_required(self) -> bool:
        """Whether a call has to give it."""
        return self.default is inspect.Parameter.empty


@frozen
class Verb:
    """One verb: what it takes and gives. `takes_parts` says that the fields of a query can be given one by one."""

    name: str
    parameters: Mapping[str, Parameter]
    result: Any
    about: str
    takes_parts: bool = False
    takes_others: bool = False

    @property
    def service(self) -> str:
        """The name of its service; empty for a verb of the workspace itself."""
        return self.name.rpartition(".")[0]


@cache
def service_class(name: str) -> type:
    """The class of a service."""
    module, _, kind = SERVICES[name].partition(":")
    found: type = getattr(import_module(f"heron.{module}"), kind)
    return found


def names_of(service: str) -> list[str]:
    """The names of all public verbs of a service, `items.get` for instance."""
    return [
        f"{service}.{name}"
        for name, value in inspect.getmembers(service_class(service), inspect.isfunction)
        if not name.startswith("_") or name == "__call__"
    ]


def all_names() -> Iterator[str]:
    """The names of all public verbs of a workspace."""
    for service in SERVICES:
        yield from names_of(service)
    yield from ("atomic", "export")


@cache
def verb_of(name: str) -> Verb:
    """A verb by its name: `items.get`, `search.__call__` or `export`."""
    service, _, method = name.rpartition(".")
    if service:
        function = getattr(service_class(service), method)
    else:
        from heron.workspace import Workspace

        function = getattr(Workspace, method)
    function = inspect.unwrap(function)
    names = Names(function.__globals__)
    signature = inspect.signature(function)
    parameters, others = {}, set()
    for each in list(signature.parameters.values())[1:]:
        if each.kind is each.VAR_KEYWORD:
            others.add(each.name)
        elif each.kind is each.VAR_POSITIONAL:
            kind = types.GenericAlias(list, (evaluated(each.annotation, names),))
            parameters[each.name] = Parameter(each.name, kind, (), False, is_starred=True)
        elif each.name not in LOCAL:
            kind = _OTHERWISE.get(f"{name}.{each.name}") or evaluated(each.annotation, names)
            parameters[each.name] = Parameter(each.name, kind, each.default, each.kind is each.KEYWORD_ONLY)
    result = evaluated(signature.return_annotation, names)
    about = inspect.cleandoc(function.__doc__ or "")
    return Verb(name, parameters, result, about, "parts" in others, "parameters" in others)


def evaluated(annotation: Any, names: Mapping[str, Any]) -> Any:
    """The type that an annotation means, with the types of this module for references."""
    return eval(annotation, {}, names) if isinstance(annotation, str) else annotation  # noqa: S307 - our own source


class Names(dict[str, Any]):
    """What names in annotations mean: also those that a module imports for type checkers alone."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        super().__init__(_SPECIAL)
        self._own = own

    def __missing__(self, name: str) -> Any:
        if name.endswith("Ref"):
            found = Reference
        elif name in self._own:
            found = self._own[name]
        elif name in _ALIASES:
            found = getattr(import_module(f"heron.{_ALIASES[name]}"), name)
        else:
            found = _public(name)
        return found


def _public(name: str) -> Any:
    for place in (import_module("heron"), collections.abc, typing):
        if hasattr(place, name):
            return getattr(place, name)
    raise KeyError(name)  # one of the built-in types, or a mistake


class Array:
    """An array of numbers."""


class Image:
    """A picture."""


_SPECIAL: Mapping[str, Any] = {
    "ItemRef": Thing,
    "ItemRefs": Things,
    "ImportRef": Number,
    "UUID": uuid.UUID,
    "datetime": datetime,
    "Array": Array,
    "Image": Image,
    "Updates": list[tuple[Thing, dict[str, Any]]] | dict[str, dict[str, Any]],
}


def takes_progress(name: str) -> bool:
    """Whether a verb tells of its progress."""
    function = getattr(service_class(name.rpartition(".")[0]), name.rpartition(".")[2])
    return "progress" in inspect.signature(inspect.unwrap(function)).parameters
