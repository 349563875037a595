"""The Explorer: a web page on the server's own API, and `heron explore`, which starts the server and opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import heron

_NEEDS = ("starlette", "uvicorn")


def load_explore() -> Any:
    """The command `heron explore`."""
    from heron_explorer.command import explore

    return explore


def load_page() -> Callable[[heron.Site], Sequence[Any]]:
    """The function that makes the routes of the page."""
    from heron_explorer.routes import page

    return page


def load_files() -> Callable[[heron.Site], Sequence[Any]]:
    """The function that makes the routes of the page's files."""
    from heron_explorer.routes import files

    return files


@heron.hookimpl
def register_commands() -> Iterable[heron.CliCommand]:
    """Contribute the command that opens the Explorer."""
    yield heron.CliCommand(
        name="explore",
        summary="Open the Explorer in the browser: see, search, select and curate.",
        requires=_NEEDS,
        extra="explore",
        load=load_explore,
    )


@heron.hookimpl
def register_routes() -> Iterable[heron.Routes]:
    """Contribute the page, and its files, which are the same for all: the frame of the plot asks for them without a user."""
    page, files = "The Explorer, a web page at /explore/.", "The scripts and styles of the Explorer."
    yield heron.Routes(name="explorer", summary=page, requires=_NEEDS, extra="explore", load=load_page)
    yield heron.Routes(
        name="explorer-files",
        summary=files,
        requires=_NEEDS,
        extra="explore",
        load=load_files,
        authenticates=True,
    )
