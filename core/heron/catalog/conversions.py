"""Converts the stored values of keys that are new or changed, counts those that do not fit, and restores them as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from heron.answers import Conversion, Verification
from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.holders import HOLDERS, Holder, path_of
from heron.convert import dumps, loads
from heron.errors import MetadataError, NotFound, PluginError
from heron.metadata.forms import Converter, Faults
from heron.metadata.schema import Schema, SchemaKey
from heron.models import Json, now

Progress = Callable[[int], None]
"""Is called with the number of rows that were looked at so far."""

PAGE = 1000
"""The rows that are in memory at a time."""

EXAMPLES = 10
"""The values that a report names for each key."""

_NARROW = 4
"""With more keys than these, every row is read instead of asked for each key."""

_NATIVE = {"number": "'integer', 'real'", "boolean": "'true', 'false'"}

Step = Callable[[Json], tuple[Json, str | None]]
"""What to do with a value: its new value, or None with the reason why it does not fit, or None and None if it fits."""


class Work:
    """One key to go through, with what was found."""

    def __init__(self, name: str, step: Step, before: SchemaKey | None, *, same: bool, is_new: bool) -> None:
        self.name = name
        self.step = step
        self.before = before
        self.same = same
        self.is_new = is_new
        self.converted = 0
        self.left = 0
        self.not_fitting = 0
        self.examples: list[Verification] = []

    def report(self, *, written: bool) -> Conversion:
        """What was done, or would be done."""
        return Conversion(self.name, self.converted, self.left, tuple(self.examples), written)


class Conversions:
    """Goes through stored values in the caller's transaction. A row that the user may not update refuses the whole.

    Values of rows that the user does not see and that stay as they are, are in no report.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def works(
        self, before: Schema, after: Schema, remembered: Iterable[str], *, asked: Iterable[str] = ()
    ) -> list[Work]:
        """The keys whose values have to be looked at after a change; `asked` are those that the user wants converted."""
        known, wanted, found = {key.name: key for key in before.all()}, set(asked), []
        in_use = set(remembered)
        for name in after.keys():  # noqa: SIM118 - not a mapping
            key, old = after.require(name), known.get(name)
            is_active = old is not None and old.state == "active"
            same = old is not None and is_active and (old.type, old.parameters) == (key.type, key.parameters)
            is_counted = after.not_fitting(name) is not None
            if same and is_counted and name not in wanted:
                continue
            if (
                old is not None
                and is_active
                and is_counted
                and not after.not_fitting(name)
                and _only_more(old, key)
            ):
                continue
            try:
                step = self._step(after, key, old, name in wanted, convert=not same or name in wanted)
            except PluginError:
                continue
            found.append(Work(name, step, old, same=same, is_new=old is None and name not in in_use))
        return found

    def _step(
        self, schema: Schema, key: SchemaKey, before: SchemaKey | None, texts: bool, *, convert: bool
    ) -> Step:
        if schema.type_of(key).vector:
            return lambda value: (None, None)
        faults, converter = Faults(schema, key), Converter(schema, key, before)
        if convert and not texts:
            texts = not self._has_native(key.name, converter.affinity)

        def step(value: Json) -> tuple[Json, str | None]:
            fault = faults(value)
            if not convert or (fault is None and converter.shown(value) == value):
                return None, fault
            try:
                return converter(value, texts=texts), None
            except ValueError as error:
                return None, str(error)

        return step

    def _has_native(self, name: str, affinity: str) -> bool:
        """Whether some value of a key is a number, or a boolean, of JSON already."""
        types = _NATIVE.get(affinity)
        return types is not None and any(
            self._database.row(
                f"SELECT 1 FROM {holder.table} WHERE json_type(metadata, ?) IN ({types}) LIMIT 1",
                [path_of(name)],
            )
            for holder in HOLDERS
        )

    def renaming(self, schema: Schema, key: SchemaKey, before: SchemaKey, old: str, new: str) -> Work:
        """The work that renames an option."""
        faults = Faults(schema, key)
        return Work(
            key.name,
            lambda value: (new, None) if value == old else (None, faults(value)),
            before,
            same=False,
            is_new=False,
        )

    def run(self, works: Sequence[Work], *, write: bool, progress: Progress | None = None) -> None:
        """Go through all values of the keys, a page of rows at a time."""
        done = 0
        for holder in HOLDERS:
            here = [work for work in works if holder.noun == "folder" or not work.is_new]
            after = 0
            while here and (rows := self._page(holder, here, after)):
                self._convert(holder, here, rows, write=write)
                after = rows[-1]["id"]
                done += len(rows)
                if progress is not None:
                    progress(done)

    def _page(self, holder: Holder, works: Sequence[Work], after: int) -> list[Row]:
        table = holder.table
        paths = [path_of(work.name) for work in works] if len(works) <= _NARROW else []
        holds = " OR ".join([f"json_type({table}.metadata, ?) IS NOT NULL"] * len(paths)) or "1"
        return self._database.rows(
            f"SELECT {table}.id, {holder.name} AS holder, {table}.metadata, ({self._access.scope(holder.noun, table)}) AS seen "
            f"FROM {holder.source} WHERE {table}.id > ? AND {table}.metadata <> '{{}}' AND ({holds}) ORDER BY {table}.id LIMIT ?",
            [after, *paths, PAGE],
        )

    def _convert(self, holder: Holder, works: Sequence[Work], rows: Iterable[Row], *, write: bool) -> None:
        changes: dict[int, dict[str, Json]] = {}
        kept: dict[str, list[tuple[int, str, str]]] = {}
        for row in rows:
            metadata = loads(row["metadata"])
            for work in works:
                value = metadata.get(work.name)
                if value is None:
                    continue
                new, reason = work.step(value)
                if new is not None:
                    changes.setdefault(row["id"], {})[work.name] = new
                    kept.setdefault(work.name, []).append((row["id"], dumps(value), dumps(new)))
                elif reason is not None:
                    work.not_fitting += 1
                    if row["seen"]:
                        work.left += 1
                        if len(work.examples) < EXAMPLES:
                            work.examples.append(Verification(row["holder"], work.name, value, reason))
        self._access.require_all("update", holder.noun, changes)
        for work in works:
            values = kept.get(work.name, [])
            if write and values:
                self._keep(holder, work, values)
            work.converted += len(values)
        if write:
            self._set(holder, changes)

    def _set(self, holder: Holder, changes: Mapping[int, Mapping[str, Json]]) -> None:
        """Write values into metadata; all other text of it stays as it is."""
        alike: dict[tuple[str, ...], list[list[Any]]] = {}
        for id, values in changes.items():
            given = [part for key, value in values.items() for part in (path_of(key), dumps(value))]
            alike.setdefault(tuple(values), []).append([*given, id])
        moment = f", updated_at = '{now()}'" if holder.noun == "item" else ""
        for keys, parameters in alike.items():
            places = ", ?, json(?)" * len(keys)
            self._database.execute_many(
                f"UPDATE {holder.table} SET metadata = json_set(metadata{places}){moment} WHERE id = ?",
                parameters,
            )

    def _keep(self, holder: Holder, work: Work, values: Sequence[tuple[int, str, str]]) -> None:
        """Keep the values of before, in place of those of an earlier change of the key, or beside them if it is the same."""
        column = f"{holder.noun}_id"
        if not work.converted:
            if not work.same:
                self.forget(work.name)
            self._database.execute(
                "INSERT OR IGNORE INTO conversions (key, before, created_at) VALUES (?, ?, ?)",
                [work.name, _dumped(work.before), now()],
            )
        if work.same:  # a value that was converted and written since is restored to what was written
            self._database.execute_many(
                f"DELETE FROM converted_values WHERE {column} = ? AND key = ? AND new <> ?",
                ((id, work.name, old) for id, old, _ in values),
            )
            self._database.execute_many(
                f"UPDATE converted_values SET new = ? WHERE {column} = ? AND key = ?",
                ((new, id, work.name) for id, _, new in values),
            )
            known = self._database.rows(
                f"SELECT {column} FROM converted_values WHERE key = ? AND {column} IN (SELECT value FROM json_each(?))",
                [work.name, dumps([id for id, _, _ in values])],
            )
            there = {row[0] for row in known}
            values = [value for value in values if value[0] not in there]
        self._database.execute_many(
            f"INSERT INTO converted_values (key, {column}, old, new) VALUES (?, ?, ?, ?)",
            ((work.name, *value) for value in values),
        )

    def forget(self, name: str) -> None:
        """Drop the values of before the last conversion of a key."""
        self._database.execute("DELETE FROM conversions WHERE key = ?", [name])

    def undo(
        self, name: str, *, write: bool, progress: Progress | None = None
    ) -> tuple[Conversion, SchemaKey | None]:
        """Restore the values of before the last conversion of a key, except those that were written since; and the key of then."""
        kept = self._database.row("SELECT before FROM conversions WHERE key = ?", [name])
        if kept is None:
            raise NotFound(
                f"no conversion of values of the key {name!r} is kept",
                hint="heron schema dump and load change the keys alone",
            )
        work = Work(name, lambda value: (None, None), None, same=True, is_new=False)
        after = done = 0
        while rows := self._database.rows(
            "SELECT * FROM converted_values WHERE key = ? AND id > ? ORDER BY id LIMIT ?", [name, after, PAGE]
        ):
            for holder in HOLDERS:
                column = f"{holder.noun}_id"
                self._restore(
                    holder, work, {row[column]: row for row in rows if row[column] is not None}, write=write
                )
            after = rows[-1]["id"]
            done += len(rows)
            if progress is not None:
                progress(done)
        if write:
            self.forget(name)
        return work.report(written=write), _loaded(name, kept["before"])

    def _restore(self, holder: Holder, work: Work, kept: Mapping[int, Row], *, write: bool) -> None:
        table, changes = holder.table, {}
        rows = self._database.rows(
            f"SELECT {table}.id, {holder.name} AS holder, {table}.metadata, ({self._access.scope(holder.noun, table)}) AS seen "
            f"FROM {holder.source} WHERE {table}.id IN (SELECT value FROM json_each(?)) ORDER BY {table}.id",
            [dumps(list(kept))],
        )
        for row in rows:
            value = loads(row["metadata"]).get(work.name)
            if value is not None and dumps(value) == kept[row["id"]]["new"]:
                changes[row["id"]] = {work.name: loads(kept[row["id"]]["old"])}
                work.converted += 1
            elif row["seen"]:
                work.left += 1
                if len(work.examples) < EXAMPLES:
                    work.examples.append(Verification(row["holder"], work.name, value, "written since"))
        self._access.require_all("update", holder.noun, changes)
        if write:
            self._set(holder, changes)


def _only_more(old: SchemaKey, new: SchemaKey) -> bool:
    """Whether a key is an enum that got more options, so that each of its values fits as before."""
    return old.type == new.type == "enum" and set(old.parameters["options"]) <= set(new.parameters["options"])


def _dumped(key: SchemaKey | None) -> str | None:
    if key is None:
        return None
    return dumps({"type": key.type, "parameters": key.parameters, "state": key.state, "indexed": key.indexed})


def _loaded(name: str, text: str | None) -> SchemaKey | None:
    if text is None:
        return None
    kept = loads(text)
    try:
        return SchemaKey(name, kept["type"], kept["parameters"], kept["state"], bool(kept["indexed"]))
    except (KeyError, TypeError):
        raise MetadataError(f"what is kept of the key {name!r} is damaged") from None
