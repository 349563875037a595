"""The quickstart as a plugin: it contributes a command by a hook, and uses public names only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import heron


def _load() -> Any:
    from heron.quickstart.command import command

    return command


@heron.hookimpl
def register_commands() -> Iterator[heron.CliCommand]:
    """Contribute `heron quickstart`."""
    yield heron.CliCommand(
        name="quickstart", summary="Make a small lake and show what Heron can do.", load=_load
    )
