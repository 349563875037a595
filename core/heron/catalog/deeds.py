"""What the verb that runs does, gathered until its transaction ends, and then written to the log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from attrs import field, frozen

from heron.convert import dumps
from heron.times import now

SERVICES: Mapping[str, str] = {
    "AnnotationService": "annotation",
    "BackupService": "backup",
    "Carrying": "curation",
    "CollectionService": "collections",
    "DatasetService": "datasets",
    "DerivedStore": "derive",
    "FolderService": "folders",
    "FrameService": "frames",
    "GroupService": "groups",
    "ImportService": "imports",
    "IntegrationService": "integrations",
    "ItemService": "items",
    "MetadataService": "metadata",
    "PluginOptionStore": "plugin_options",
    "PluginTableService": "tables",
    "PortableService": "portable",
    "PresetService": "presets",
    "ProjectService": "projects",
    "Registration": "registration",
    "Relocation": "storage",
    "RoleService": "roles",
    "SchemaService": "schema",
    "SyncedFolderService": "synced",
    "TagService": "tags",
    "UserService": "users",
    "VectorStore": "vectors",
    "VersionService": "versions",
}
"""The name that a workspace has for a service, by its class."""

Execute = Callable[[str, Iterable[Sequence[Any]]], int]


@frozen
class Deed:
    """One thing that was done: by whom, and to which resource."""

    user: str
    noun: str
    resource: str
    uuid: str | None
    count: int
    details: Mapping[str, Any] = field(hash=False)


class Deeds:
    """The deeds of the verb that runs, which is the outermost one that is marked as one transaction.

    A verb notes what it did. Of one that notes nothing, the log has what it asked the right to change. What a verb within
    the verb did is forgotten if it fails, since it is undone.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._thread = 0
        self._done: list[Deed] = []
        self._asked: dict[Deed, None] = {}

    @contextmanager
    def of(self, service: object, verb: str, execute_many: Execute) -> Iterator[None]:
        """While a verb of a service runs within a transaction; at its end, the log is written."""
        self._depth += 1
        self._thread = threading.get_ident()
        done, asked = len(self._done), len(self._asked)
        try:
            yield
            if self._depth == 1:
                name = f"{SERVICES.get(type(service).__name__, type(service).__name__)}.{verb.lstrip('_')}"
                at = now()
                execute_many(
                    "INSERT INTO log (at, user, verb, noun, resource, uuid, count, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (at, d.user, name, d.noun, d.resource, d.uuid, d.count, dumps(d.details))
                        for d in self._done or self._asked
                    ],
                )
        except BaseException:
            del self._done[done:]
            self._asked = dict(islice(self._asked.items(), asked))
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._done.clear()
                self._asked.clear()

    @property
    def is_open(self) -> bool:
        """Whether a verb that is logged runs in this thread; others only read meanwhile."""
        return self._depth > 0 and self._thread == threading.get_ident()

    def note(
        self, user: str, noun: str, resource: str, uuid: str | None, count: int, details: Mapping[str, Any]
    ) -> None:
        """Add what the verb that runs has done; nothing is kept of a verb that is not logged."""
        if self.is_open:
            self._done.append(Deed(user, noun, resource, uuid, count, details))

    def ask(self, user: str, noun: str, resource: str, uuid: str | None, count: int = 1) -> None:
        """Keep what the verb that runs asks the right to change."""
        if self.is_open and count:
            self._asked[Deed(user, noun, resource, uuid, count, {})] = None
