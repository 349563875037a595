"""The built-in plugins, and a plugin manager that contains them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from heron.hooks import PluginManager

BUILTIN = (
    "heron.storage.local",
    "heron.media.builtin",
    "heron.embedders.builtin",
    "heron.metadata.types",
    "heron.deriving.builtin",
    "heron.search.functions",
    "heron.export.builtin",
    "heron.executors.builtin",
    "heron.quickstart.builtin",
)


def plugin_manager(plugins: Sequence[object] = (), *, discover: bool = True) -> PluginManager:
    """A plugin manager with the built-in plugins, the installed ones, and those given.

    HERON_PLUGINS names the installed plugins to use, separated by commas; empty means none.
    """
    allowed = os.environ.get("HERON_PLUGINS")
    only = None if allowed is None else [name.strip() for name in allowed.split(",") if name.strip()]
    return PluginManager(builtin=BUILTIN, plugins=plugins, discover=discover, only=only)
