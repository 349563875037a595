"""Connects to the workspace of a server."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from heron.models import FrameChoice
from heron.remote import wire
from heron.remote.connection import Connection, filled
from heron.remote.table import ABSENT
from heron.remote.verbs import SERVICES

if TYPE_CHECKING:
    from heron.catalog.referring import DatasetRef
    from heron.organisation import User


def connect(url: str, *, token: str | None = None, timeout: float = 60.0) -> RemoteWorkspace:
    """Connect to the workspace that `heron serve` serves at a URL.

    The result has the services, records and errors of `heron.open`. Files that a verb reads are sent, and those that it writes
    come to this machine. `token` is that of a user; `timeout` are the
    seconds for which an answer is waited for, except of long work. Raises Unreachable, PermissionDenied for a wrong token, and
    PluginError if httpx is not installed.
    """
    workspace = RemoteWorkspace(Connection(url, token, timeout))
    try:
        _ = workspace.user
    except BaseException:
        workspace.close()
        raise
    return workspace


def _why(name: str) -> str:
    return f": {ABSENT[name]}" if name in ABSENT else ""


class RemoteWorkspace:
    """The workspace of a server. Close it, or use it in a `with` statement."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._services: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._connection.url

    @cached_property
    def user(self) -> User:
        """The acting user, who is that of the token."""
        from heron.organisation import User

        found: User = wire.received_row(self._connection.json("GET", "/workspace")["user"], User)
        return found

    def export(
        self,
        dataset: DatasetRef,
        file: str | Path,
        *,
        format: str | None = None,
        frames: FrameChoice = "marked",
    ) -> int:
        """Write a dataset into a file, or a folder, of this machine; as `Workspace.export`."""
        from heron.remote.transfers import downloaded

        path = filled("/datasets/{dataset}/export", {"dataset": wire.sent(dataset)})
        query = {"format": format, "frames": frames}
        count: int = downloaded(self._connection, "GET", path, query, None, file)["count"]
        return count

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        if name not in SERVICES:
            raise AttributeError(f"a remote workspace has no {name!r}{_why(name)}")
        if name not in self._services:
            from heron.remote.services import remote_class

            self._services[name] = remote_class(name)(self, self._connection)
        return self._services[name]

    def __dir__(self) -> list[str]:
        return sorted([*SERVICES, "close", "export", "url", "user"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RemoteWorkspace {self.url}>"
