"""The site: what routes get from the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import heron
from heron_server.jobs import Jobs
from heron_server.settings import Settings
from heron_server.signing import Signer
from heron_server.statuses import status_of
from heron_server.workspaces import Workspaces

T = TypeVar("T")

USER = "heron.user"
"""The key of the user in the scope of a request."""


class ServedSite:
    """One served workspace, as routes see it: a `heron.Site`."""

    def __init__(self, settings: Settings, workspace: heron.Workspace, folder: Path) -> None:
        self.path = workspace.root
        self.read_only = settings.read_only
        self.signer = Signer(settings.key)
        self.jobs = Jobs(workspace, folder / "jobs", settings.jobs)
        self.is_stopping = False
        self._folder = folder
        self._workspace = workspace
        self._workspaces = Workspaces(workspace)
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="heron")

    async def call(self, request: Any, work: Callable[[heron.Workspace], T]) -> T:
        """What `work` returns, called in a thread with a workspace opened as the request's user."""
        scope = request.scope
        if USER not in scope:
            raise heron.PermissionDenied("it is not known who asks", hint="send a token")
        user: str | None = scope[USER]

        def within() -> T:
            with self._workspaces.lent(user) as workspace:
                return work(workspace)

        return await asyncio.shield(asyncio.wrap_future(self._threads.submit(within)))

    def user_of_key(self, public_key: bytes) -> str | None:
        """The e-mail address of the user who has a public key; None if nobody has it."""
        return None

    def user_of_token(self, token: str) -> str | None:
        """The e-mail address of the user of a token; None for one that is unknown, expired or revoked."""
        return None

    def sign(self, path: str, *, user: str | None, seconds: int, method: str = "GET") -> str:
        """A path, with a signature in its query."""
        return self.signer.path(path, user, seconds, method)

    def signed_user(self, request: Any) -> heron.Signed | None:
        """Who signed the path of a request; None if it is not signed."""
        return self.signer.signed(request.scope["method"], target_of(request.scope))

    def status_of(self, error: BaseException) -> int:
        """The status of the answer to a request that ended with an error."""
        return status_of(error)

    def check(self) -> None:
        """Read from the catalogue; raises CatalogueError if that is not possible."""
        self._workspace.users.list(limit=1)

    def claim(self, once: str) -> bool:
        """Use a token that is valid once; False if it is not, or was used."""
        try:
            once_file(self._folder, once).unlink()
        except FileNotFoundError:
            return False
        return True

    def stop(self) -> None:
        """Ask jobs and streams to end; requests are still answered."""
        self.is_stopping = True
        self.jobs.stop()

    def close(self) -> None:
        """Wait for the jobs and the work of all threads, and close the workspaces."""
        self.jobs.close()
        self._threads.shutdown()
        self._workspaces.close()
        self._workspace.close()


def once_file(folder: Path, once: str) -> Path:
    """The file whose existence makes a token valid; the worker that deletes it has used the token."""
    return folder / f"once-{sha256(once.encode()).hexdigest()}"


def target_of(scope: Any) -> str:
    """Path and query of a request as they were sent."""
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path
