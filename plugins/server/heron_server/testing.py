"""A real server in a thread of the test process, for tests of plugins that bring routes."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from attrs import frozen

from heron_server import application
from heron_server.asgi import Application
from heron_server.running import config_of


@frozen
class Served:
    """A running server: its address, the owner's token, and the application."""

    url: str
    token: str
    application: Application


@contextmanager
def served(
    path: str | Path, *, plugins: Sequence[object] = (), port: int = 0, **settings: Any
) -> Iterator[Served]:
    """Serve a workspace at a port of 127.0.0.1, a free one unless `port` names it, until the block ends."""
    token = secrets.token_urlsafe(32)
    app = application(path, plugins=plugins, owner_token=token, **settings)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        server = uvicorn.Server(config_of(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", token, app)
        finally:
            server.should_exit = True
            thread.join()
