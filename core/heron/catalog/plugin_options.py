"""The options of plugins, as a workspace stores them: references in place of secrets."""

from __future__ import annotations

from collections.abc import Mapping

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database
from heron.convert import dumps, loads
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

    def write(self, plugin: str, values: Mapping[str, Json]) -> None:
        """Replace those of a plugin; raises PermissionDenied."""
        self._access.require("update", WORKSPACE)
        before = self.read().get(plugin, {})
        changed = sorted(name for name in {**before, **values} if before.get(name) != values.get(name))
        with self._database.doing(self, "configure"):
            self._access.note(WORKSPACE, plugin=plugin, options=changed)
            self._database.execute("DELETE FROM plugin_options WHERE plugin = ?", [plugin])
            for name, value in values.items():
                self._database.execute(
                    "INSERT INTO plugin_options VALUES (?, ?, ?)", [plugin, name, dumps(value)]
                )
