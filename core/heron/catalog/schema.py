"""The schema service: loads the schema, saves it in one transaction, and keeps its indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from heron.answers import Conversion
from heron.catalog.access import SCHEMA, Access
from heron.catalog.conversions import Conversions, Progress
from heron.catalog.database import Database
from heron.catalog.foreign import json_path
from heron.catalog.full_text import dropping, full_text_statements
from heron.catalog.holders import HOLDERS, path_of
from heron.catalog.shown import PLAIN_TYPES, ShownMetadata
from heron.convert import dumps, loads
from heron.errors import AlreadyExists, NotFound, PluginError
from heron.metadata.absent import TypeOrigin
from heron.metadata.keys import printable
from heron.metadata.schema import Schema, SchemaKey, suggestion
from heron.models import Json

if TYPE_CHECKING:
    from heron.hooks import PluginManager

_BLOCK = 10_000
"""The rows whose keys are read by one statement."""


_ORIGIN = "type, plugin, distribution, version, affinity, ordered"


class SchemaService:
    """The metadata schema of a workspace. Every verb is one transaction; `edit` joins several verbs in one."""

    def __init__(self, database: Database, access: Access, plugins: Callable[[], PluginManager]) -> None:
        self._database = database
        self._access = access
        self._plugins = plugins
        self._shown = ShownMetadata(database, self.current)
        self._conversions = Conversions(database, access)

    def current(self) -> Schema:
        """The present schema, as an object to read."""
        self._access.require("read", SCHEMA)
        rows = self._database.rows("SELECT * FROM schema_keys ORDER BY position, id")
        return Schema(
            self._plugins,
            (
                SchemaKey(
                    row["name"], row["type"], loads(row["parameters"]), row["state"], bool(row["indexed"])
                )
                for row in rows
            ),
            {row["name"]: row["not_fitting"] for row in rows if "not_fitting" in row.keys()},  # noqa: SIM118 - no mapping
            self._origins,
        )

    def _origins(self) -> dict[str, TypeOrigin]:
        """Who brought the types of keys that are not built in."""
        found = (TypeOrigin(*row) for row in self._database.rows(f"SELECT {_ORIGIN} FROM type_origins"))
        return {origin.type: origin for origin in found}

    def _note_origins(self, schema: Schema) -> None:
        """Remember who brings the types of the keys, for the day on which a plugin is gone."""
        for type in {schema.require(name).type for name in schema.keys()} - set(PLAIN_TYPES):  # noqa: SIM118 - no mapping
            with suppress(PluginError):
                kind = self._plugins().metadata_type(type)
                source = self._plugins().source_of(kind)
                self._database.execute(
                    f"INSERT OR REPLACE INTO type_origins ({_ORIGIN}) VALUES (?, ?, ?, ?, ?, ?)",
                    [type, *source, kind.affinity, kind.ordered],
                )

    @contextmanager
    def edit(self, *, dry_run: bool = False, progress: Progress | None = None) -> Iterator[Schema]:
        """Change the schema by several verbs and save it once; after an error nothing is changed.

        Stored values of keys that are new or changed are converted, if nothing is lost; afterwards `conversions` of the yielded
        schema says what was done. With `dry_run` it says what would be done, and nothing is changed. `progress` is called with
        the number of rows that were looked at so far.
        """
        self._access.require("update", SCHEMA)
        with nullcontext() if dry_run else self._database.doing(self, "edit"):
            before = self.current()
            draft = before.copy()
            yield draft
            self._change(before, draft, write=not dry_run, progress=progress)

    def convert(
        self, *names: str, dry_run: bool = False, progress: Progress | None = None
    ) -> list[Conversion]:
        """Convert stored values of these keys, or of all, into the form of their type if nothing is lost; the reports are by key.

        Values are converted when a key is added or changed. This is for values of before, and for texts that were left because
        they stand beside numbers or booleans. Raises NotFound.
        """
        self._access.require("update", SCHEMA)
        with nullcontext() if dry_run else self._database.doing(self, "convert"):
            schema = self.current()
            asked = [schema.require(name).name for name in names] or schema.keys()
            return self._change(schema, schema.copy(), asked, write=not dry_run, progress=progress)

    def undo(self, name: str, *, dry_run: bool = False, progress: Progress | None = None) -> Conversion:
        """Undo the last change of a key that converted values: they and the key are as before.

        Values that were written since stay, and are in the report. Raises NotFound if no conversion is kept, and AlreadyExists
        for a key that was deleted for good.
        """
        self._access.require("update", SCHEMA)
        with nullcontext() if dry_run else self._database.doing(self, "undo"):
            before = self.current()
            if any(key.name == name and key.state == "spent" for key in before.all()):
                raise AlreadyExists(f"key {name!r} was deleted for good, its values stay as they are")
            report, key = self._conversions.undo(name, write=not dry_run, progress=progress)
            if not dry_run:
                draft = before.copy()
                draft.put(name, key)
                draft.count_again(name)
                self._save(before, draft)
                self._recount([name])
            return report

    def rename_option(
        self,
        name: str,
        old: str,
        new: str,
        *,
        merge: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Conversion:
        """Rename an option of an enum, also in the values of items, folders and frames; `undo` restores them.

        An option that exists already is taken only with `merge`, which joins the two. Raises NotFound for an option that the key
        does not have and that no value has either, AlreadyExists, MetadataError.
        """
        self._access.require("update", SCHEMA)
        with nullcontext() if dry_run else self._database.doing(self, "rename_option"):
            before = self.current()
            draft = before.copy()
            key = draft.rename_option(name, old, new, merge=merge)
            if old not in before.require(name).parameters["options"] and not self._holds(name, old):
                close = suggestion(old, key.parameters["options"])
                raise NotFound(f"key {name!r} has no option {printable(old)}", hint=close)
            work = self._conversions.renaming(draft, key, before.require(name), old, new)
            self._conversions.run([work], write=not dry_run, progress=progress)
            if not dry_run:
                draft.counted(name, work.not_fitting)
                self._save(before, draft)
            return Conversion(name, work.converted, 0, (), written=not dry_run)

    def not_fitting(self) -> dict[str, int]:
        """The keys with stored values that do not fit their type, and how many these were when they were last counted.

        It is empty for a user who does not see everything. `heron metadata verify` lists the values.
        """
        schema = self.current()
        if not self._sees_all():
            return {}
        return {name: count for name in schema.keys() if (count := schema.not_fitting(name))}  # noqa: SIM118 - no mapping

    def _change(
        self,
        before: Schema,
        draft: Schema,
        asked: Iterable[str] = (),
        *,
        write: bool,
        progress: Progress | None,
    ) -> list[Conversion]:
        """Convert values and save the schema."""
        remembered = {row["name"] for row in self._database.rows("SELECT name FROM unknown_keys")}
        works = self._conversions.works(before, draft, remembered, asked=asked)
        self._conversions.run(works, write=write, progress=progress)
        for work in works:
            draft.counted(work.name, work.not_fitting)
        reports = [work.report(written=write) for work in works]
        draft.conversions = tuple(report for report in reports if report.converted or report.left)
        if write:
            self._save(before, draft)
            self._forget_unused(remembered)
        return reports

    def _recount(self, names: Iterable[str]) -> None:
        """Count again the values of keys that do not fit; nothing is converted."""
        schema = self.current()
        for name in names:
            if schema.get(name) is None:
                continue
            schema.count_again(name)
            for work in self._conversions.works(schema, schema, (), asked=()):
                if work.name == name:
                    self._conversions.run([work], write=False)
                    self._database.execute(
                        "UPDATE schema_keys SET not_fitting = ? WHERE name = ?", [work.not_fitting, name]
                    )

    def _were_written(self, fixed: Mapping[str, int]) -> None:
        """Reduce the counts of values that do not fit, after some were replaced; a key is counted again at zero."""
        schema = self.current()
        for name, number in fixed.items():
            left = (schema.not_fitting(name) or 0) - number
            if left > 0:
                self._database.execute("UPDATE schema_keys SET not_fitting = ? WHERE name = ?", [left, name])
            else:
                self._recount([name])

    def _holds(self, name: str, value: str) -> bool:
        """Whether an item, folder or frame that the user sees has this text under a key."""
        return any(
            self._database.row(
                f"SELECT 1 FROM {holder.table} WHERE json_extract(metadata, ?) = ? "
                f"AND {self._access.scope(holder.noun, holder.table)} LIMIT 1",
                [path_of(name), value],
            )
            for holder in HOLDERS
        )

    def _sees_all(self) -> bool:
        return all(self._access.sees_all(holder.noun) for holder in HOLDERS)

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
        names = self._remembered_keys()
        return names if not self._sees_all() else sorted(self._in_use(names))

    def _in_use(self, names: Iterable[str], *, scoped: bool = True) -> set[str]:
        """Those of some keys that are in use now, in what the user sees if `scoped`; reading ends when all are found."""
        missing, found = set(names), set[str]()
        for holder in HOLDERS:
            scope = self._access.scope(holder.noun, holder.table) if scoped else "1"
            last = self._database.value(f"SELECT max(id) FROM {holder.table}") or 0
            for start in range(0, last, _BLOCK):
                if not missing:
                    return found
                rows = self._database.rows(
                    f"SELECT DISTINCT keys.key FROM {holder.table}, json_each({holder.table}.metadata) AS keys "
                    f"WHERE {holder.table}.id > ? AND {holder.table}.id <= ? AND {scope}",
                    [start, start + _BLOCK],
                )
                here = missing.intersection(row[0] for row in rows)
                found |= here
                missing -= here
        return found

    def _remembered_keys(self) -> list[str]:
        """Keys that the schema does not know and that were in use at some time.

        A user who does not see everything gets only keys that are in use now in what the user sees.
        """
        known = set(self.keys())
        rows = self._database.rows("SELECT name FROM unknown_keys ORDER BY name")
        names = [row["name"] for row in rows if row["name"] not in known and "\0" not in row["name"]]
        return names if self._sees_all() else sorted(self._in_use(names))

    def _forget_unused(self, names: Iterable[str]) -> None:
        """Forget the keys of these that nothing has any more."""
        unused = set(names) - self._in_use(names, scoped=False)
        self._database.execute_many("DELETE FROM unknown_keys WHERE name = ?", ((name,) for name in unused))

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
        new = {key.name: key for key in after.all()}
        changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        self._note_origins(after)
        self._access.note(SCHEMA, keys=changed)
        for name in old.keys() - {key.name for key in after.all()}:
            self._drop(name, after)
        for position, key in enumerate(after.all()):
            self._database.execute(
                "INSERT INTO schema_keys (name, type, parameters, state, indexed, position, not_fitting) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET type = excluded.type, parameters = excluded.parameters, state = excluded.state, "
                "indexed = excluded.indexed, position = excluded.position, not_fitting = excluded.not_fitting",
                [
                    key.name,
                    key.type,
                    dumps(key.parameters),
                    key.state,
                    key.indexed,
                    position,
                    after.not_fitting(key.name),
                ],
            )
            if key.state == "spent":
                self._conversions.forget(key.name)
            if key.state != "active" and (known := old.get(key.name)) and known.state == "active":
                self._remember_unknown({key.name})  # values stay, and can be used in conditions as text
            if key != old.get(key.name):
                self._set_index(key)
                self._set_full_text(key, after)

    def _take_back(self, name: str) -> None:
        """Drop a key that was added a moment ago, and that nothing has a value of."""
        self._drop(name, self.current())
        self._forget_unused([name])

    def _drop(self, name: str, schema: Schema) -> None:
        """Drop a key that an undo takes out of the schema; its values can be used in conditions as text."""
        row = self._database.row("SELECT type, parameters FROM schema_keys WHERE name = ?", [name])
        if row is None:
            return
        gone = SchemaKey(name, row["type"], loads(row["parameters"]), state="deleted")
        self._set_index(gone)
        self._set_full_text(gone, schema)
        self._database.execute("DELETE FROM schema_keys WHERE name = ?", [name])
        self._remember_unknown({name})

    def _set_index(self, key: SchemaKey) -> None:
        row_id = self._database.value("SELECT id FROM schema_keys WHERE name = ?", [key.name])
        self._database.execute(f"DROP INDEX IF EXISTS items_metadata_{row_id}")
        if key.indexed and key.state == "active":
            expression = json_path(key.name).replace("items.", "")
            self._database.execute(f"CREATE INDEX items_metadata_{row_id} ON items({expression})")

    def _set_full_text(self, key: SchemaKey, schema: Schema) -> None:
        """Create or drop the FTS5 index over a text key."""
        table = self._full_text_table(key.name)
        is_kept = key.state == "active" and schema.type_of(key).full_text
        for statement in (
            *dropping(table),
            *(full_text_statements(table, json_path(key.name)) if is_kept else ()),
        ):
            self._database.execute(statement)
