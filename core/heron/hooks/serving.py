"""The protocols of what the server gives to routes: the site, and its jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from attrs import field, frozen

from heron.models import Json
from heron.times import moment, moment_or_none

T = TypeVar("T")

JOB_STATES = ("running", "done", "failed", "cancelled", "interrupted")
"""The states of a job of the server; only the first one changes."""


@frozen
class ServedJob:
    """Work that the server does in the background.

    `state` is one of JOB_STATES; `interrupted` means that the server stopped first. `progress` is what the work told of
    itself last, `result` what it returned, and `error` the sentence with which it failed. `user` is the e-mail address of who
    started it, or None for the owner.
    """

    id: str
    kind: str
    user: str | None
    state: str
    started_at: datetime = field(converter=moment)
    ended_at: datetime | None = field(default=None, converter=moment_or_none)
    progress: Mapping[str, Json] = field(factory=dict, hash=False)
    result: Json = field(default=None, hash=False)
    error: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.state == "running"


class JobProgress(Protocol):
    """What the work of a job tells of itself, and asks."""

    def __call__(self, **values: Json) -> None:
        """Tell how far the work is; replaces what was told before. Raises ImportInterrupted once the job is to stop."""

    @property
    def is_stopping(self) -> bool:
        """Whether the job was cancelled, or the server stops: the work ends at its next batch."""


class Jobs(Protocol):
    """The jobs of a server. Users see their own; the owner sees all."""

    def start(self, kind: str, user: str | None, work: Callable[[Any, JobProgress], Json]) -> ServedJob:
        """Start work in a thread of its own, with a workspace opened as the user; raises Throttled if too many run."""

    def get(self, id: str, user: str | None) -> ServedJob:
        """One job; raises NotFound, also for the job of somebody else."""

    def list(self, user: str | None) -> Sequence[ServedJob]:
        """The jobs, the newest first."""

    def cancel(self, id: str, user: str | None) -> ServedJob:
        """Ask a job to stop at its next batch; raises NotFound."""

    def events(self, id: str, user: str | None) -> AsyncIterator[ServedJob]:
        """The job now and after each change, until it has ended."""


@frozen
class Signed:
    """The user for whom a path was signed: an e-mail address, or None for the owner."""

    user: str | None


class Site(Protocol):
    """What the server gives to the routes of plugins: workspaces to work in, who asks, signed paths, and jobs."""

    @property
    def path(self) -> Path:
        """The folder of the workspace."""

    @property
    def read_only(self) -> bool:
        """Whether every write is refused."""

    @property
    def jobs(self) -> Jobs:
        """Work in the background."""

    def call(self, request: Any, work: Callable[[Any], T], *, brief: bool = False) -> Awaitable[T]:
        """What `work` returns, called in a thread with a `heron.Workspace` that is opened as the request's user.

        Work that is `brief`, such as reading one record by its UUID, may be called at once, in the event loop: going to a thread and
        back takes several times as long. It must not write, search, or read from a store. No two threads have the same workspace at the same time; it must not be kept. A client that goes away does not stop the
        work. Raises PermissionDenied if `request.scope` has no `heron.user`. Where a route reads a long body, it first sets
        `request.scope["heron.body_limit"]` to the most bytes that it takes.
        """

    def user_of_key(self, public_key: bytes) -> str | None:
        """The e-mail address of the user who has a public key (ed25519, 32 bytes); None if nobody has it."""

    def user_of_token(self, token: str) -> str | None:
        """The e-mail address of the user of a token; None for one that is unknown, expired or revoked."""

    def sign(self, path: str, *, user: str | None, seconds: int, method: str = "GET") -> str:
        """A path, with a signature in its query: until `seconds` from now a request of this method acts as the user.

        The path is encoded and may have a query, such as `/files/a%20b?size=3`. One that is signed for GET answers HEAD too.
        """

    def signed_user(self, request: Any) -> Signed | None:
        """Who signed the path of a request; None if it is not signed. Raises PermissionDenied for a wrong or stale signature.

        Only routes that authenticate by themselves need it.
        """

    def status_of(self, error: BaseException) -> int:
        """The status of the answer to a request that ended with an error; 500 for one that is not a HeronError."""


PROTOCOLS = ("Site", "Jobs", "JobProgress")
"""The protocols in the order in which the documentation explains them."""
