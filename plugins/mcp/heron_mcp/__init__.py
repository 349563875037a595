"""Heron for language models: `heron mcp`, a server of the Model Context Protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import heron


def load_mcp() -> Any:
    """The command `heron mcp`."""
    from heron_mcp.command import mcp

    return mcp


@heron.hookimpl
def register_commands() -> Iterable[heron.CliCommand]:
    """Contribute the command that answers a language model."""
    yield heron.CliCommand(
        name="mcp",
        summary="Answer a language model over standard input and output, by the Model Context Protocol.",
        requires=["mcp"],
        extra="mcp",
        load=load_mcp,
    )
