"""The options of plugins, as a workspace stores them: references in place of secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.convert import dumps, loads
from heron.hooks import OptionValue, PluginManager
from heron.hooks.options import Stored
from heron.models import Json


class PluginOptionStore:
    """Stored values by plugin and option. `Options` of `heron.hooks` has checked them."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def read(self) -> dict[str, dict[str, Json]]:
        """All of them."""
        found: dict[str, dict[str, Json]] = {}
        for row in self._database.rows(
            "SELECT plugin, name, value FROM plugin_options ORDER BY plugin, name"
        ):
            found.setdefault(row["plugin"], {})[row["name"]] = loads(row["value"])
        return found

    def write(self, plugin: str, change: Callable[[Stored], Mapping[str, Json]]) -> Stored:
        """Replace those of a plugin by what `change` makes of all that are stored; returns all of them. Raises PermissionDenied."""
        self._access.require("update", WORKSPACE)
        with self._database.doing(self, "set"):
            stored = self.read()
            before, values = stored.get(plugin, {}), change(stored)
            changed = sorted(name for name in {**before, **values} if before.get(name) != values.get(name))
            self._access.note(WORKSPACE, plugin=plugin, options=changed)
            self._database.execute("DELETE FROM plugin_options WHERE plugin = ?", [plugin])
            for name, value in values.items():
                self._database.execute(
                    "INSERT INTO plugin_options VALUES (?, ?, ?)", [plugin, name, dumps(value)]
                )
            return {**stored, plugin: values}


class PluginOptionService:
    """The options of plugins, for whoever may change the workspace. `heron plugins` lists the plugins."""

    def __init__(self, database: Database, access: Access, plugins: Callable[[], PluginManager]) -> None:
        self._access = access
        self._plugins = plugins
        self._store = PluginOptionStore(database, access)

    def show(self, plugin: str) -> list[OptionValue]:
        """The options of a plugin, each with its value and where that comes from, and never a secret.

        Raises PluginError if there is no such plugin.
        """
        self._access.require("update", WORKSPACE)
        return self._plugins().options.show(plugin, store=self._store)

    def set(self, plugin: str, values: Mapping[str, Json]) -> list[OptionValue]:
        """Store values of a plugin's options, and show all of them; None removes one. A secret is given as a reference to it, such as `env:NAME`.

        What is loaded already keeps the values that it has. Raises InvalidInput for an unknown option, a value of another type, and a secret
        in place of a reference, and PluginError if there is no such plugin.
        """
        self._access.require("update", WORKSPACE)
        self._plugins().options.set(plugin, values, store=self._store)
        return self._plugins().options.show(plugin, store=self._store)
