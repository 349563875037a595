"""A server for a workspace: `heron serve`, and `application(path)` for any ASGI host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import heron

if TYPE_CHECKING:
    from heron_server.asgi import Application

_NEEDS = ("starlette", "uvicorn", "httptools", "prometheus-client")


def application(path: str | Path = ".", *, plugins: Sequence[object] = (), **settings: Any) -> Application:
    """The ASGI application that serves a workspace with the routes of all installed plugins, and of further `plugins`.

    `settings` are fields of `heron_server.settings.Settings`, such as `hosts=["heron.example.org"]`.
    Raises NotFound if there is no workspace.
    """
    from heron_server.asgi import Application
    from heron_server.settings import Settings

    return Application(Settings(path=path, **settings), plugins)


def load_serve() -> Any:
    """The command `heron serve`."""
    from heron_server.command import serve

    return serve


@heron.hookimpl
def register_commands() -> Iterable[heron.CliCommand]:
    """Contribute the command that starts the server."""
    yield heron.CliCommand(
        name="serve",
        summary="Serve the workspace over HTTP, to several users at once.",
        requires=_NEEDS,
        extra="serve",
        load=load_serve,
    )
