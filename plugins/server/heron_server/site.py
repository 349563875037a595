"""The site: what routes get from the server."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import heron
from heron_server.jobs import Jobs
from heron_server.rates import Rates
from heron_server.settings import Settings
from heron_server.signing import Signer
from heron_server.statuses import status_of
from heron_server.threads import Threads
from heron_server.workspaces import Workspaces

T = TypeVar("T")

_COUNTED = "heron.counted"
"""The key in the scope of a request that was counted for the rate of its user."""

NOTE_SECONDS = 60.0
"""The least seconds between two notes of the use of a key or token."""

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
        self._rates = Rates(settings.rate / settings.workers)
        self._next_note: dict[str, float] = {}
        self._workspace = workspace
        self._workspaces = Workspaces(workspace)
        self._threads = Threads(settings.threads)

    async def call(self, request: Any, work: Callable[[heron.Workspace], T], *, brief: bool = False) -> T:
        """What `work` returns, called with a workspace opened as the request's user: in a thread, or at once if it is `brief`."""
        scope = request.scope
        if USER not in scope:
            raise heron.PermissionDenied("it is not known who asks", hint="send a token")
        user: str | None = scope[USER]
        if not scope.get(_COUNTED):
            scope[_COUNTED] = True
            self._rates.count(user)

        if brief and (workspace := self._workspaces.free(user)) is not None:
            try:
                return work(workspace)
            finally:
                self._workspaces.give_back(workspace, user)

        def within() -> T:
            with self._workspaces.lent(user) as workspace:
                return work(workspace)

        return await self._threads.call(within)

    def user_of_key(self, public_key: bytes) -> str | None:
        """The e-mail address of the user who has a public key; None if nobody has it."""
        found = self._workspace.users.of_key(public_key)
        return None if found is None else self._used(found)

    def user_of_token(self, token: str) -> str | None:
        """The e-mail address of the user of a token; None for one that is unknown, expired or revoked."""
        found = self.token(token)
        return None if found is None else found.user

    def token(self, token: str) -> heron.UserToken | None:
        """A valid token, or None."""
        found = self._workspace.users.of_token(token)
        if found is not None:
            self._used(found)
        return found

    def is_valid(self, user: str, uuid: str) -> bool:
        """Whether a token of a user, from which a cookie was made, is still valid."""
        found = self._workspace.users.find(user)
        tokens = self._workspace.users.tokens(found) if found is not None else []
        now = datetime.now(UTC)
        return any(token.uuid == uuid and (token.expires_at or now) >= now for token in tokens)

    def _used(self, credential: heron.UserKey | heron.UserToken) -> str:
        """Note that a key or token was used, once a minute; returns its user."""
        now = time.monotonic()
        if now >= self._next_note.get(credential.uuid, 0.0) and not self.read_only and not self.is_stopping:
            self._next_note[credential.uuid] = now + NOTE_SECONDS
            self._threads.submit(partial(self._note_use, credential))
        return credential.user

    def _note_use(self, credential: heron.UserKey | heron.UserToken) -> None:
        with suppress(heron.HeronError), self._workspaces.lent(None) as workspace:
            workspace.users.note_use([credential])

    def sign(self, path: str, *, user: str | None, seconds: int, method: str = "GET") -> str:
        """A path, with a signature in its query."""
        return self.signer.path(path, user, seconds, method)

    def signed_user(self, request: Any) -> heron.Signed | None:
        """Who signed the path of a request; None if it is not signed."""
        return self.signed_in(request.scope)

    def signed_in(self, scope: Any) -> heron.Signed | None:
        """The same for the scope of a request; raises PermissionDenied for somebody who is not a user any more, too."""
        signed = self.signer.signed(scope["method"], target_of(scope))
        if signed is not None and signed.user is not None and self._workspace.users.find(signed.user) is None:
            raise heron.PermissionDenied(f"{signed.user} is not a user of this workspace any more")
        return signed

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
        self._threads.close()
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
