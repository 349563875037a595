"""Presets: saved queries."""

from __future__ import annotations

from heron.catalog.access import WORKSPACE, Access
from heron.catalog.database import Database, Row, one_transaction
from heron.catalog.limits import at_most
from heron.catalog.missing import missing
from heron.catalog.referring import PRESET, PresetRef
from heron.convert import dumps, loads, structure, unstructure
from heron.errors import AlreadyExists
from heron.metadata.keys import check_name
from heron.models import Preset, Query, now


class PresetService:
    """The saved queries of a workspace."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    @one_transaction
    def create(self, name: str, query: Query, *, description: str = "", replace: bool = False) -> Preset:
        """Save a query under a name; raises AlreadyExists unless `replace` is given."""
        check_name(name, "preset name")
        there = self._database.row("SELECT * FROM presets WHERE name = ?", [name])
        if there is not None and replace:
            self._access.require("update", _preset(there))
        else:
            self._access.require("create", WORKSPACE, "preset")
        if there is not None and not replace:
            raise AlreadyExists(
                f"there is a preset {name!r} already", hint="delete it first, or use --replace"
            )
        self._database.execute(
            "INSERT OR REPLACE INTO presets VALUES (?, ?, ?, ?, ?)",
            [name, description, dumps(unstructure(query)), now(), self._access.user.email],
        )
        saved = self.get(name)
        self._access.note(saved)
        return saved

    def get(self, ref: PresetRef) -> Preset:
        """The preset that is meant; raises NotFound with a suggestion."""
        preset = self.find(ref)
        if preset is None:
            raise missing("preset", PRESET.key(ref), (preset.name for preset in self.list()))
        return preset

    def find(self, ref: PresetRef) -> Preset | None:
        """The preset that is meant, or None."""
        row = self._database.row(
            f"SELECT * FROM presets WHERE name = ? AND {self._access.scope('preset', 'presets')}",
            [PRESET.key(ref)],
        )
        return _preset(row) if row is not None else None

    def list(self, *, limit: int | None = None) -> list[Preset]:
        """All, or the first `limit`, presets by name."""
        rows = self._database.rows(
            f"SELECT * FROM presets WHERE {self._access.scope('preset', 'presets')} ORDER BY name LIMIT ?",
            [at_most(limit)],
        )
        return [_preset(row) for row in rows]

    @one_transaction
    def delete(self, ref: PresetRef) -> None:
        """Delete a preset."""
        preset = self.get(ref)
        self._access.require("delete", preset)
        self._database.execute("DELETE FROM presets WHERE name = ?", [preset.name])


def _preset(row: Row) -> Preset:
    query = structure(loads(row["query"]), Query, f"preset {row['name']!r}")
    return Preset(row["name"], row["description"], query, row["created_at"])
