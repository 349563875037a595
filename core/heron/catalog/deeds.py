"""What the verb that runs does, gathered until its transaction ends, and then written to the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from heron.convert import dumps
from heron.times import now

SERVICES: Mapping[str, str] = {
    "CarryingOver": "curation",
    "CollectionService": "collections",
    "DatasetService": "datasets",
    "FolderService": "folders",
    "FrameService": "frames",
    "GroupService": "groups",
    "IntegrationService": "integrations",
    "ItemService": "items",
    "PresetService": "presets",
    "ProjectService": "projects",
    "RoleService": "roles",
    "SyncedFolderService": "synced",
    "TagService": "tags",
    "UserService": "users",
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
    details: Mapping[str, Any]


class Deeds:
    """The deeds of the verb that runs, which is the outermost one that is marked as one transaction."""

    def __init__(self) -> None:
        self._depth = 0
        self._done: list[Deed] = []

    @contextmanager
    def of(self, service: object, verb: str, execute_many: Execute) -> Iterator[None]:
        """While a verb of a service runs within a transaction; at its end, what was noted is written to the log."""
        self._depth += 1
        try:
            yield
            if self._depth == 1 and self._done:
                name = f"{SERVICES.get(type(service).__name__, type(service).__name__)}.{verb.lstrip('_')}"
                at = now()
                execute_many(
                    "INSERT INTO log (at, user, verb, noun, resource, uuid, count, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (at, d.user, name, d.noun, d.resource, d.uuid, d.count, dumps(d.details))
                        for d in self._done
                    ],
                )
        finally:
            self._depth -= 1
            if not self._depth:
                self._done.clear()

    def note(
        self, user: str, noun: str, resource: str, uuid: str | None, count: int, details: Mapping[str, Any]
    ) -> None:
        """Add a deed of the verb that runs."""
        assert self._depth, "a deed is noted by a verb that is one transaction"
        self._done.append(Deed(user, noun, resource, uuid, count, details))
