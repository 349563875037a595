"""The built-in plugins, and a plugin manager that contains them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from heron.inside import DIRECTORY
from heron.installed import allowed, commands, heard, installed_plugins

if TYPE_CHECKING:
    from heron.hooks import PluginManager
    from heron.scripts import Script

BUILTIN = (
    "heron.storage.local",
    "heron.media.builtin",
    "heron.embedders.builtin",
    "heron.metadata.types",
    "heron.deriving.builtin",
    "heron.actions.builtin",
    "heron.projection.builtin",
    "heron.curation.samplers",
    "heron.search.functions",
    "heron.export.builtin",
    "heron.ingest.datasets.builtin",
    "heron.executors.builtin",
    "heron.quickstart.builtin",
)


def plugin_manager(
    plugins: Sequence[object] = (), *, discover: bool = True, scripts: Sequence[Script] = ()
) -> PluginManager:
    """A plugin manager with the built-in plugins, the installed ones, scripts, and those given.

    HERON_PLUGINS names the installed plugins and scripts to use, separated by commas; empty means none.
    """
    from heron.hooks import PluginManager

    return PluginManager(
        builtin=BUILTIN,
        plugins=plugins,
        discover=discover,
        only=allowed(),
        scripts=scripts if discover else (),
    )


class PluginSource:
    """Makes a plugin manager once it is needed, and knows before that which events plugins hear, if that can be known."""

    def __init__(
        self, plugins: Sequence[object] = (), *, discover: bool = True, root: Path | None = None
    ) -> None:
        """`root` is the folder of the workspace, whose scripts are used as far as the user allowed them."""
        self._plugins = plugins
        self._discover = discover
        self._root = root
        self._made: PluginManager | None = None

    def __call__(self) -> PluginManager:
        """The manager."""
        if self._made is None:
            self._made = plugin_manager(self._plugins, discover=self._discover, scripts=self.scripts())
        return self._made

    def heard(self) -> Collection[str]:
        """The events that some plugin hears; plugins are loaded only where one without a static record is installed."""
        if self._made is None and not self._plugins and not self._runs_scripts():
            known = heard(installed_plugins(allowed())) if self._discover else frozenset()
            if known is not None:
                return known
        return self().heard()

    def commands(self) -> Mapping[str, str]:
        """The commands that plugins of others bring, with their summaries; as for `heard`, plugins are seldom loaded."""
        if not self._discover:
            return {}
        known = None if self._runs_scripts() else commands(installed_plugins(allowed()))
        if known is None:
            from heron.hooks import CliCommand

            plugins = self()
            known = {name: command.summary for name, command in plugins.commands().items()}
            for conflict in plugins.conflicts(CliCommand):
                name = conflict.claim.removeprefix("command ")
                known.setdefault(name, f"(conflict between {' and '.join(conflict.plugins)})")
        return known

    def scripts(self) -> Sequence[Script]:
        """The scripts of the workspace, with those that are not allowed."""
        if self._root is None or not self._discover:
            return ()
        from heron.scripts import scripts_of

        return scripts_of(self._root)

    def _runs_scripts(self) -> bool:
        if self._root is None or not (self._root / DIRECTORY / "plugins").is_dir():
            return False  # without the import of what reads scripts
        return any(script.refusal is None for script in self.scripts())
