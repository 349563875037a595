"""The built-in plugins, and a plugin manager that contains them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from heron.installed import allowed, heard, installed_plugins

if TYPE_CHECKING:
    from heron.hooks import PluginManager

BUILTIN = (
    "heron.storage.local",
    "heron.media.builtin",
    "heron.embedders.builtin",
    "heron.metadata.types",
    "heron.deriving.builtin",
    "heron.actions.builtin",
    "heron.search.functions",
    "heron.export.builtin",
    "heron.ingest.datasets.builtin",
    "heron.executors.builtin",
    "heron.quickstart.builtin",
)


def plugin_manager(plugins: Sequence[object] = (), *, discover: bool = True) -> PluginManager:
    """A plugin manager with the built-in plugins, the installed ones, and those given.

    HERON_PLUGINS names the installed plugins to use, separated by commas; empty means none.
    """
    from heron.hooks import PluginManager

    return PluginManager(builtin=BUILTIN, plugins=plugins, discover=discover, only=allowed())


class PluginSource:
    """Makes a plugin manager once it is needed, and knows before that which events plugins hear, if that can be known."""

    def __init__(self, plugins: Sequence[object] = (), *, discover: bool = True) -> None:
        self._plugins = plugins
        self._discover = discover
        self._made: PluginManager | None = None

    def __call__(self) -> PluginManager:
        """The manager."""
        if self._made is None:
            self._made = plugin_manager(self._plugins, discover=self._discover)
        return self._made

    def heard(self) -> Collection[str]:
        """The events that some plugin hears; plugins are loaded only where one without a static record is installed."""
        if self._made is None and not self._plugins:
            known = heard(installed_plugins(allowed())) if self._discover else frozenset()
            if known is not None:
                return known
        return self().heard()
