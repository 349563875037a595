"""The metadata of items: replaced or merged in batches, from a mapping or for a selection, and verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from heron.answers import Verification
from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.frame_rows import Owned, insert_frames
from heron.catalog.holders import HOLDERS
from heron.catalog.items import BUNDLE, ItemService, bundles
from heron.catalog.referring import ITEM, ItemRef, ItemRefs
from heron.catalog.sampling import Times, chosen_frames
from heron.catalog.schema import SchemaService
from heron.catalog.vectors.store import VectorStore
from heron.convert import is_same, loads
from heron.errors import HeronError
from heron.metadata.forms import Faults, faults_of
from heron.metadata.keyframes import has_blocks, without_blocks
from heron.metadata.keys import RESERVED, printable
from heron.metadata.validation import Validator, Vectors
from heron.models import Json, now

Updates = Mapping[Any, Mapping[str, Json]] | Iterable[tuple[ItemRef, Mapping[str, Json]]]
"""Metadata by item (record, UUID or name), as a mapping or as a stream of pairs."""


Combine = Callable[[Mapping[str, Json], Mapping[str, Json]], Mapping[str, Json]]
"""Combines old and new metadata into the metadata that is stored."""


class MetadataService:
    """Writes and verifies metadata. Each batch of up to 1000 items is applied completely or not at all.

    Blocks of key frames (`keyframes`, `$heron`, `$encord`) become frames, and vectors go to the vector store. Existing
    frames and vectors are not deleted, except a vector whose key is given as None.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        items: ItemService,
        schema: SchemaService,
        vectors: VectorStore,
        times: Times = lambda item: None,
    ) -> None:
        self._database = database
        self._access = access
        self._items = items
        self._schema = schema
        self._vectors = vectors
        self._times = times

    def replace(self, updates: Updates) -> int:
        """Replace all metadata of items; returns the number of items.

        Raises MetadataError that names item, key, value and type, and NotFound. The batches before the faulty one
        stay applied, and the message says how many items these are.
        """
        return self._apply(updates, _replaced)

    def merge(self, updates: Updates) -> int:
        """Merge metadata into items: the given keys are set, other keys stay, and a key given as None is removed."""
        return self._apply(updates, _merged)

    def replace_all(self, items: ItemRefs, metadata: Mapping[str, Json]) -> int:
        """Replace all metadata of an item, or of each of many, by the same metadata."""
        return self.replace((item, metadata) for item in ITEM.many(items))

    def merge_all(self, items: ItemRefs, metadata: Mapping[str, Json]) -> int:
        """Merge the same metadata into an item, or into each of many."""
        return self.merge((item, metadata) for item in ITEM.many(items))

    def verify(self) -> Iterator[Verification]:
        """Every stored value that the present schema does not accept, as a stream.

        Items are first, named by UUID, then `folder PATH` and `UUID, frame NUMBER`. Heron's own blocks are
        left out. Of a type whose plugin is gone, values are only checked for how they are stored, and the first one is named with who brought it.
        """
        schema = self._schema.current()
        known = set(schema.keys())
        faults: dict[str, Callable[[Json], str | None]] = {}
        for holder, metadata in self._stored():
            for key, value in metadata.items():
                if key == RESERVED or key.startswith("$"):
                    continue
                if key not in known:
                    yield Verification(holder, key, value, "the schema does not know this key")
                    continue
                if key not in faults:
                    absent = schema.absent(schema.require(key))
                    if absent is not None:
                        origin, error = absent
                        faults[key] = origin.fault
                        text = f"it cannot be checked further: {error.message}"
                        yield Verification(
                            holder, key, value, text + (f" ({error.hint})" if error.hint else "")
                        )
                    else:
                        faults[key] = Faults(schema, schema.require(key))
                reason = faults[key](value)
                if reason is not None:
                    got = f"{reason}, got {printable(value)} (key type: {schema.require(key).type})"
                    yield Verification(holder, key, value, got)

    def _stored(self) -> Iterator[tuple[str, dict[str, Json]]]:
        """All metadata with its owner, with one page in memory at a time."""
        for holder in HOLDERS:
            table, after = holder.table, 0
            while rows := self._database.rows(
                f"SELECT {table}.id, {holder.name} AS holder, {table}.metadata FROM {holder.source} WHERE {table}.id > ? "
                f"AND {table}.metadata <> '{{}}' AND {self._access.scope(holder.noun, table)} ORDER BY {table}.id LIMIT ?",
                [after, BUNDLE],
            ):
                yield from ((row["holder"], loads(row["metadata"])) for row in rows)
                after = rows[-1]["id"]

    def _apply(self, updates: Updates, combine: Combine) -> int:
        done = 0
        pairs = updates.items() if isinstance(updates, Mapping) else updates
        for bundle in bundles(pairs, BUNDLE):
            try:
                done += self._apply_bundle(bundle, combine)
            except HeronError as error:
                if done:
                    error.hint = f"the {done:,} items before this batch of {len(bundle)} were updated, none of the batch"
                raise
        return done

    def _apply_bundle(self, pairs: Iterable[tuple[ItemRef, Mapping[str, Json]]], combine: Combine) -> int:
        """Apply some updates in one transaction; returns the number of items."""
        moment = now()
        frames: list[Owned] = []
        given_to = [(ref, self._without_blocks(ref, given, frames)) for ref, given in pairs]
        with self._database.doing(self, "replace" if combine is _replaced else "merge"):
            schema = self._schema.current()
            validator = Validator(schema)
            bundle = _by_id(self._items._ids([ref for ref, _ in given_to]), given_to, combine)
            rows, vectors = [], []
            faulty, fixed = faults_of(schema), Counter[str]()
            for id, name, before, combined, of_item in self._changes(bundle, validator, combine):
                vectors.append(((id, 0), of_item))
                for key, fault in faulty.items():
                    value = before.get(key)
                    if value is not None and fault(value) is not None and combined.get(key) is not value:
                        fixed[key] += 1
                rows.append((validator.write(_given(combined), name), moment, id))
            self._database.execute_many("UPDATE items SET metadata = ?, updated_at = ? WHERE id = ?", rows)
            insert_frames(self._database, validator, frames, self._vectors._keep_encoded)
            self._vectors._keep_encoded(vectors)
            if validator.unknown:
                self._schema._remember_unknown(validator.unknown)
            if fixed:
                self._schema._were_written(fixed)
        return len(bundle)

    def _would_change(self, updates: Updates, *, replace: bool) -> set[int]:
        """The inner ids of the items that `replace` or `merge` would change; raises as these do, and writes nothing.

        Items that get vectors or frames count as changed.
        """
        frames: list[Owned] = []
        pairs = updates.items() if isinstance(updates, Mapping) else updates
        given_to = [(ref, self._without_blocks(ref, given, frames)) for ref, given in pairs]
        validator = Validator(self._schema.current())
        combine = _replaced if replace else _merged
        bundle = _by_id(self._items._ids([ref for ref, _ in given_to]), given_to, combine)
        changed = {owner for owner, _, _ in frames}
        for id, name, before, combined, vectors in self._changes(bundle, validator, combine):
            validator.write(_given(combined), name)
            if vectors or not is_same(_given(combined), before):
                changed.add(id)
        return changed

    def _changes(
        self, bundle: Mapping[int, Mapping[str, Json]], validator: Validator, combine: Combine
    ) -> Iterator[tuple[int, str, dict[str, Json], Mapping[str, Json], Vectors]]:
        """The id and name of each item, its metadata before and after (None for what is removed), and its vectors."""
        ids = list(bundle)
        self._access.require_all("update", "item", ids)
        marks = ",".join("?" * len(ids))
        rows = self._database.rows(f"SELECT id, name, metadata FROM items WHERE id IN ({marks})", ids)
        old = {row["id"]: row for row in rows}
        for id, given in bundle.items():
            name = old[id]["name"]
            plain, of_item = validator.without_vectors(validator.encode(given, name))
            encoded: dict[str, Json] = dict.fromkeys(key for key, value in given.items() if value is None)
            encoded.update(plain)
            before = loads(old[id]["metadata"])
            yield id, name, before, combine(before, encoded), {**validator.removed(given), **of_item}

    def _without_blocks(
        self, ref: ItemRef, given: Mapping[str, Json], frames: list[Owned]
    ) -> Mapping[str, Json]:
        """The metadata of an item without its blocks of key frames; the frames that these name are added to `frames`."""
        if not has_blocks(given):
            return given
        item = self._items.get(ref)
        metadata, wish = without_blocks(given, item.name)
        if wish.sampling_rate is not None or wish.keys:
            chosen = chosen_frames(wish, item.facts, self._times(item), item.name)
            frames.append((item.id, item.name, chosen))
        return metadata


def _replaced(old: Mapping[str, Json], new: Mapping[str, Json]) -> Mapping[str, Json]:
    return new


def _merged(old: Mapping[str, Json], new: Mapping[str, Json]) -> Mapping[str, Json]:
    return {**old, **new}


def _given(metadata: Mapping[str, Json]) -> dict[str, Json]:
    """Metadata without the keys that are to be removed."""
    return {key: value for key, value in metadata.items() if value is not None}


def _by_id(
    ids: Iterable[int], pairs: Iterable[tuple[ItemRef, Mapping[str, Json]]], combine: Combine
) -> dict[int, Mapping[str, Json]]:
    """The updates by inner id; updates of an item that is named twice are combined in order."""
    updates: dict[int, Mapping[str, Json]] = {}
    for id, (_, metadata) in zip(ids, pairs, strict=True):
        updates[id] = combine(updates[id], metadata) if id in updates else metadata
    return updates
