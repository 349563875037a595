"""`heron serve`: starts the server, prints where it is, and stops it gracefully."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

import heron

F = TypeVar("F", bound=Callable[..., Any])


def serving(log: str) -> Callable[[F], F]:
    """The options of a command that starts the server; its access log goes to `log` by default."""
    of_file = click.Path(exists=True, dir_okay=False, path_type=Path)
    options = [
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at."),
        click.option(
            "--port",
            default=8421,
            show_default=True,
            type=click.IntRange(0, 65535),
            help="Port; 0 takes a free one.",
        ),
        click.option(
            "--workers",
            default=1,
            show_default=True,
            type=click.IntRange(1, 64),
            help="Processes that answer.",
        ),
        click.option("--tls-cert", type=of_file, help="Certificate chain, PEM."),
        click.option("--tls-key", type=of_file, help="Private key, PEM."),
        click.option("--read-only", is_flag=True, help="Refuse every change."),
        click.option(
            "--allow-host",
            multiple=True,
            metavar="NAME",
            help="A further name of this server, as behind a proxy.",
        ),
        click.option(
            "--frame-in",
            multiple=True,
            metavar="ORIGIN",
            help="Where pages may show this server in a frame: http://localhost:8888, a notebook.",
        ),
        click.option(
            "--access-log",
            metavar="FILE",
            default=log,
            show_default=True,
            help="Where the access log goes; - is standard error, none is nowhere.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    ]

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


@click.command("serve")
@serving(log="-")
@click.pass_obj
def serve(context: heron.CommandContext, /, **given: Any) -> None:
    """Serve the workspace over HTTP, to several users at once.
    Prints an address that opens it in a browser as its owner, once, and the owner's token for programs. Other users send
    their tokens. Ctrl-C stops the server once the requests are answered; jobs stop at their next batch.

    \b
    Example:
      heron serve
      heron serve --port 0 --read-only
      heron serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem --workers 4
    """
    start(context, **given)


def start(
    context: heron.CommandContext, *, host: str, port: int, workers: int, tls_cert: Path | None, tls_key: Path | None,
    read_only: bool, allow_host: tuple[str, ...], frame_in: tuple[str, ...], access_log: str, as_json: bool, then: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Start the server with what the options of `serving` say; `then` gets the address for a browser once the server listens."""
    from heron_server.running import is_loopback, listening, run
    from heron_server.settings import Settings

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together.")
    for origin in frame_in:
        if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", origin):
            raise click.UsageError(
                f"--frame-in {origin}: an origin is http:// or https:// and a host, such as http://localhost:8888"
            )
    workspace = context.workspace()
    with listening(host, port) as listener:
        loopback = is_loopback(listener)
        if not loopback:
            require_safe(workspace, host, is_encrypted=tls_cert is not None)
        settings = Settings(
            path=workspace.root,
            owner_token=secrets.token_urlsafe(32) if loopback else None,
            read_only=read_only,
            loopback=loopback,
            hosts=[*allow_host, host],
            frame_in=frame_in,
            workers=workers,
        )
        run(
            settings,
            listener,
            (tls_cert, tls_key) if tls_cert and tls_key else None,
            access_log,
            as_json,
            then,
        )


def require_safe(workspace: heron.Workspace, host: str, *, is_encrypted: bool) -> None:
    """Raise InvalidInput for a server that others reach and that is not encrypted, or that nobody could enter."""
    if not is_encrypted:
        raise heron.InvalidInput(
            f"{host} can be reached by others, and requests to it would not be encrypted",
            hint="give --tls-cert and --tls-key, or listen at 127.0.0.1 behind a proxy that encrypts",
        )
    if not workspace.users.keys(limit=1) and not workspace.users.tokens(limit=1):
        raise heron.InvalidInput(
            f"{host} can be reached by others, but no user has a key or a token, so nobody could enter",
            hint="heron org users add EMAIL, then heron org users tokens create EMAIL",
        )
