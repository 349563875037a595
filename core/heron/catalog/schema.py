"""The schema service: loads the schema, saves it in one transaction, and keeps its indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from heron.catalog.access import SCHEMA, Access, Noun
from heron.catalog.database import Database
from heron.catalog.foreign import full_text_statements, json_path
from heron.catalog.shown import ShownMetadata
from heron.convert import dumps, loads
from heron.metadata.schema import Schema, SchemaKey
from heron.models import Json

if TYPE_CHECKING:
    from heron.hooks import PluginManager

_TABLES: tuple[tuple[Noun, str], ...] = (("item", "items"), ("folder", "folders"), ("frame", "frames"))
"""The tables of the nouns that have metadata."""


class SchemaService:
    """The metadata schema of a workspace. Every verb is one transaction; `edit` joins several verbs in one."""

    def __init__(self, database: Database, access: Access, plugins: Callable[[], PluginManager]) -> None:
        self._database = database
        self._access = access
        self._plugins = plugins
        self._shown = ShownMetadata(database, self.current)

    def current(self) -> Schema:
        """The present schema, as an object to read."""
        self._access.require("read", SCHEMA)
        rows = self._database.rows("SELECT * FROM schema_keys ORDER BY position, id")
        return Schema(
            self._plugins(),
            (
                SchemaKey(
                    row["name"], row["type"], loads(row["parameters"]), row["state"], bool(row["indexed"])
                )
                for row in rows
            ),
        )

    @contextmanager
    def edit(self) -> Iterator[Schema]:
        """Change the schema by several verbs and save it once; after an error nothing is changed."""
        self._access.require("update", SCHEMA)
        with self._database.write():
            before = self.current()
            draft = before.copy()
            yield draft
            self._save(before, draft)

    def keys(self) -> list[str]:
        """The names of the active keys."""
        return self.current().keys()

    def show(self) -> list[SchemaKey]:
        """Every key, including deleted keys and keys deleted for good."""
        return self.current().all()

    def to_dict(self) -> dict[str, Json]:
        """The active keys, as data for JSON or TOML; `set_from_dict` reads it back."""
        return self.current().to_dict()

    def add_scalar(self, name: str, type: str) -> SchemaKey:
        """Add a key of a type without parameters; raises MetadataError, AlreadyExists."""
        with self.edit() as schema:
            return schema.add_scalar(name, type)

    def add_enum(self, name: str, options: Iterable[str]) -> SchemaKey:
        """Add a key whose value is one of 1 to 256 options."""
        with self.edit() as schema:
            return schema.add_enum(name, options)

    def add_enum_options(self, name: str, options: Iterable[str]) -> SchemaKey:
        """Add options to an enum key."""
        with self.edit() as schema:
            return schema.add_enum_options(name, options)

    def add_embedding(self, name: str, size: int) -> SchemaKey:
        """Add a key whose value is a vector of 1 to 4096 numbers."""
        with self.edit() as schema:
            return schema.add_embedding(name, size)

    def add(self, name: str, type: str, **parameters: Json) -> SchemaKey:
        """Add a key of any type, including types of plugins."""
        with self.edit() as schema:
            return schema.add(name, type, **parameters)

    def delete_key(self, name: str, *, hard: bool = False) -> None:
        """Delete a key, for good when `hard`; stored values stay."""
        with self.edit() as schema:
            schema.delete_key(name, hard=hard)

    def restore_key(self, name: str) -> SchemaKey:
        """Restore a deleted key; a key deleted for good cannot be restored."""
        with self.edit() as schema:
            return schema.restore_key(name)

    def set_from_dict(self, data: Mapping[str, Json]) -> None:
        """Replace the whole schema."""
        with self.edit() as schema:
            schema.set_from_dict(data)

    def set_indexed(self, name: str, indexed: bool = True) -> SchemaKey:
        """Make, or drop, a database index over a key's values."""
        with self.edit() as schema:
            return schema.set_indexed(name, indexed)

    def unknown_keys(self) -> list[str]:
        """Keys that are in use now and that the schema does not know; the metadata is read to be sure."""
        return [name for name in self._remembered_keys() if self._is_in_use(name)]

    def _is_in_use(self, name: str) -> bool:
        path = '$."' + name + '"'
        return any(
            self._database.row(
                f"SELECT 1 FROM {table} WHERE json_type(metadata, ?) IS NOT NULL AND {self._access.scope(noun, table)} LIMIT 1",
                [path],
            )
            for noun, table in _TABLES
        )

    def _remembered_keys(self) -> list[str]:
        """Keys that the schema does not know and that were in use at some time.

        A user who does not see everything gets only keys that are in use now in what the user sees.
        """
        known = set(self.keys())
        rows = self._database.rows("SELECT name FROM unknown_keys ORDER BY name")
        names = [row["name"] for row in rows if row["name"] not in known and "\0" not in row["name"]]
        sees_all = all(self._access.sees_all(noun) for noun, _ in _TABLES)
        return names if sees_all else [name for name in names if self._is_in_use(name)]

    def _remember_unknown(self, names: set[str]) -> None:
        """Store keys that are in use without being in the schema, so that they can be used in conditions and listed.

        A key with a null character is left out: SQLite's JSON paths cannot name it.

        This is a part of writing metadata, whose right was checked before; it needs only the right to read the schema.
        """
        self._access.require("read", SCHEMA)
        self._database.execute_many(
            "INSERT OR IGNORE INTO unknown_keys VALUES (?)", ((name,) for name in names if "\0" not in name)
        )

    def _full_text_table(self, name: str) -> str:
        """The FTS5 table of a text key; its rowid is the item's id."""
        self._access.require("read", SCHEMA)
        return f"text_{self._database.value('SELECT id FROM schema_keys WHERE name = ?', [name])}"

    def _save(self, before: Schema, after: Schema) -> None:
        old = {key.name: key for key in before.all()}
        for position, key in enumerate(after.all()):
            self._database.execute(
                "INSERT INTO schema_keys (name, type, parameters, state, indexed, position) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET type = excluded.type, parameters = excluded.parameters, "
                "state = excluded.state, indexed = excluded.indexed, position = excluded.position",
                [key.name, key.type, dumps(key.parameters), key.state, key.indexed, position],
            )
            if key.state != "active" and (known := old.get(key.name)) and known.state == "active":
                self._remember_unknown({key.name})  # values stay, and can be used in conditions as text
            if key != old.get(key.name):
                self._set_index(key)
                self._set_full_text(key, after)

    def _set_index(self, key: SchemaKey) -> None:
        row_id = self._database.value("SELECT id FROM schema_keys WHERE name = ?", [key.name])
        self._database.execute(f"DROP INDEX IF EXISTS items_metadata_{row_id}")
        if key.indexed and key.state == "active":
            expression = json_path(key.name).replace("items.", "")
            self._database.execute(f"CREATE INDEX items_metadata_{row_id} ON items({expression})")

    def _set_full_text(self, key: SchemaKey, schema: Schema) -> None:
        """Create or drop the FTS5 index over a text key."""
        table = self._full_text_table(key.name)
        for suffix in ("insert", "update", "delete"):
            self._database.execute(f"DROP TRIGGER IF EXISTS {table}_{suffix}")
        self._database.execute(f"DROP TABLE IF EXISTS {table}")
        self._database.execute(f"DROP VIEW IF EXISTS {table}_source")
        if key.state != "active" or not schema.type_of(key).full_text:
            return
        for statement in full_text_statements(table, json_path(key.name)):
            self._database.execute(statement)
