"""Runs the server: one process, or a parent with worker processes, until it is told to stop."""

from __future__ import annotations

import ipaddress
import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import click
import uvicorn

import heron
from heron.remote import inside
from heron_server.settings import Settings
from heron_server.site import once_file
from heron_server.workers import shared

_GRACE_SECONDS = 20

_APPLICATION = "heron_server.asgi:from_environment"


def run(
    settings: Settings, listener: socket.socket, tls: tuple[Path, Path] | None, access_log: str, as_json: bool,
    then: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Say where the server listens, and serve until SIGINT or SIGTERM; `then` gets the address for a browser once it listens."""
    with shared(settings) as within:
        config = config_of(
            _APPLICATION,
            factory=True,
            workers=settings.workers,
            log_config=_log_config(access_log),
            ssl_certfile=tls[0] if tls else None,
            ssl_keyfile=tls[1] if tls else None,
        )
        scheme = "https" if tls else "http"
        address = _say_where(within, listener, scheme, as_json)
        if then is not None:
            then(address)
        with inside.noted(settings.path, _url_of(listener, scheme), settings.frame_in):
            if settings.workers == 1:
                _Server(config).run([listener])
            else:
                from uvicorn.supervisors import Multiprocess

                Multiprocess(config, [listener]).run()
    if not as_json:
        click.echo("The server has stopped.")


def _url_of(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def config_of(application: Any, **more: Any) -> uvicorn.Config:
    """The configuration of uvicorn for the application of a server."""
    return uvicorn.Config(
        application,
        http="heron_server.protocol:LimitedProtocol",
        ws="none",
        lifespan="on",
        loop="asyncio",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        **more,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, which ends without raising the signal again that has stopped it."""

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)  # type: ignore[arg-type]
        self._captured_signals.clear()


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; raises InvalidInput for an address that cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        raise heron.InvalidInput(
            f"the server cannot listen at {host}:{port}: {error.strerror or error}",
            hint="--port 0 takes a free port",
        ) from error
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only programs of this machine reach a socket."""
    host: str = listener.getsockname()[0]
    return ipaddress.ip_address(host).is_loopback


def _say_where(settings: Settings, listener: socket.socket, scheme: str, as_json: bool) -> str:
    """Print the address, and how the owner enters; returns what a browser is to open."""
    assert settings.folder is not None
    url = _url_of(listener, scheme)
    enter = None
    if settings.owner_token is not None:
        once = token_urlsafe(24)
        once_file(settings.folder, once).touch(mode=0o600)
        enter = f"{url}/login?token={once}"
    if as_json:
        click.echo(
            json.dumps(
                {"url": url, "browser": enter, "token": settings.owner_token, "workspace": str(settings.path)}
            )
        )
    else:
        click.echo(f"Heron serves {settings.path} at {url}")
        if enter is not None:
            click.echo(f"  in a browser, once:  {enter}")
            click.echo(f"  programs send:       Authorization: Bearer {settings.owner_token}")
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()
    return enter or url


def _log_config(access_log: str) -> dict[str, object]:
    """Errors go to standard error, and the access log where it was asked to go."""
    handlers: dict[str, object] = {"error": {"class": "logging.StreamHandler", "formatter": "error"}}
    loggers: dict[str, object] = {
        "uvicorn": {"handlers": ["error"], "level": "WARNING", "propagate": False},
        "heron.server": {"handlers": ["error"], "level": "INFO", "propagate": False},
    }
    if access_log != "none":
        handlers["access"] = (
            {"class": "logging.StreamHandler", "formatter": "plain"}
            if access_log == "-"
            else {"class": "logging.FileHandler", "filename": access_log, "formatter": "plain", "delay": True}
        )
        loggers["heron.access"] = {"handlers": ["access"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "error": {"format": "%(asctime)s %(levelname)s %(message)s"},
            "plain": {"format": "%(message)s"},
        },
        "handlers": handlers,
        "loggers": loggers,
    }
