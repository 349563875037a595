"""The vector service: stores the vectors of items and frames, returns them unchanged, and maintains their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database, one_transaction
from heron.catalog.items import ItemService, bundles
from heron.catalog.referring import ITEM, ItemRef, ItemRefs, item_name
from heron.catalog.schema import SchemaService
from heron.catalog.vectors.owners import Owners
from heron.catalog.vectors.rights import VectorRights
from heron.catalog.vectors.rows import DIRECTORY, MadeBy, Owner, VectorRows, VectorSet
from heron.catalog.vectors.status import VectorStatus, status_of
from heron.errors import InvalidInput, NotFound, QueryError
from heron.metadata.keys import printable
from heron.metadata.validation import Vectors
from heron.records import Record

if TYPE_CHECKING:
    import numpy

    from heron.catalog.vectors.adoption import Adopted
    from heron.catalog.vectors.renewal import Renewal
    from heron.catalog.vectors.sets import OpenSet, OpenSets

    Array = numpy.ndarray[Any, Any]

Progress = Callable[[int, int], None]


@frozen(repr=False)
class VectorsKept(Record):
    """The result of storing vectors. Vectors of zeros are stored, but have no direction: no search finds
    them.
    """

    kept: int
    zeros: int = 0


@frozen(eq=False, repr=False)
class StoredVectors(Record):
    """A batch of stored vectors: UUIDs of items, numbers of frames or None, and the vectors, float32 of shape
    (n, size).
    """

    items: Sequence[str]
    frames: Sequence[int | None]
    vectors: Array


class VectorStore:
    """The vectors of a workspace, by key of the schema. One key has the vectors of items and of frames."""

    def __init__(
        self, database: Database, access: Access, items: ItemService, schema: SchemaService, directory: Path
    ) -> None:
        self._database = database
        self._access = access
        self._owners = Owners(database, access, items)
        self._schema = schema
        self._rows = VectorRows(database, directory / DIRECTORY)
        self._rights = VectorRights(database, access, self._rows)

    @cached_property
    def _sets(self) -> OpenSets:
        from heron.catalog.vectors.sets import OpenSets

        return OpenSets(self._rows)

    @cached_property
    def _renewal(self) -> Renewal:
        from heron.catalog.vectors.renewal import Renewal

        return Renewal(self._database, self._rows)

    # Storing

    def add(self, key: str, things: ItemRefs, vectors: Any) -> VectorsKept:
        """Store one vector for each item (or `Frame`), in place of the one that it has under that key.

        `vectors` are numbers of shape (number of things, size of the key). All are stored, or none. Raises
        InvalidInput for a wrong size, for NaN and infinity, and for a thing that is named twice; NotFound for
        an unknown one.
        """
        self._rights.require("update", key)
        given = list(ITEM.many(things))
        array = self._checked(key, vectors, len(given), lambda row: item_name(given[row]))
        with self._database.doing(self, "add"):  # so that no item is deleted meanwhile
            owners = self._owners.of(given)
            first: dict[Owner, int] = {}
            for place, owner in enumerate(owners):
                if first.setdefault(owner, place) != place:
                    raise InvalidInput(f"{item_name(given[place])} is named twice, each takes one vector")
            return self._keep(key, owners, array)

    def _checked(self, key: str, vectors: Any, count: int, name: Callable[[int], str]) -> Array:
        from heron.vectors.checking import checked

        size, dtype = self._shape(key)
        array = checked(
            vectors, size, lambda row: f"{key}, {name(row) if row < count else f'row {row}'}", dtype=dtype
        )
        if len(array) != count:
            raise InvalidInput(f"{key}: {len(array):,} vectors were given for {count:,} items or frames")
        return array

    def _keep(
        self, key: str, owners: Sequence[Owner], vectors: Array, fingerprints: Sequence[int] | None = None
    ) -> VectorsKept:
        """Store checked vectors by inner ids, in the caller's transaction if there is one."""
        self._rights.require("update", key)
        with self._database.doing(self, "add"):
            self._rights.require_owners(owners)
            self._rows.put(self._rows.ensure(key, *self._shape(key)), owners, vectors, fingerprints)
        return VectorsKept(len(owners), int((~vectors.any(axis=1)).sum()) if len(owners) else 0)

    def _prepared(self, key: str, made_by: MadeBy, *, again: bool = False) -> VectorSet:
        """The set of a key, recorded as made by an embedder; with `again`, without vectors of another
        revision of it.

        Raises InvalidInput if it holds vectors of another embedder or model, because all vectors of a set
        must be comparable. Rows that the file has lost, or that were changed outside of Heron, are deleted, so that they are computed again.
        """
        self._rights.require("update", key)
        with self._database.write():
            kept = self._rows.ensure(key, *self._shape(key))
            self._renewal.drop_untrusted(key)
            if kept.embedder != made_by.embedder and self._rows.live_count(kept):
                whose = f"of the embedder {kept.embedder}" if kept.embedder else "that were given"
                raise InvalidInput(
                    f"key {key!r} contains vectors {whose}",
                    hint=f"give another key, such as --key '{made_by.embedder} 2'",
                )
            if kept.revision not in (None, made_by.revision) and self._rows.made_count(kept):
                if not again:
                    raise InvalidInput(
                        f"the vectors of {key!r} were made by another model or revision of {made_by.embedder}",
                        hint="--again deletes them and computes all again; or give another key with --key",
                    )
                self._rights.require_all_of(kept, " AND mark IS NOT NULL")
                self._rows.remove_made(kept)
            self._rows.made_by(kept, made_by)
            found = self._rows.find(key)
            assert found is not None
        return found

    def _model_of(self, key: str, embedder: str) -> str | None:
        """The model with which an embedder made the vectors of a key, if it takes models."""
        self._rights.require("read", key)
        kept = self._rows.find(key)
        return kept.model if kept is not None and kept.embedder == embedder else None

    def _fingerprints(self, kept: VectorSet, items: Sequence[int]) -> dict[Owner, int | None]:
        """The fingerprints of the vectors of some items and of their frames."""
        self._access.require("read", kept)
        return self._rows.fingerprints(kept, self._rights.seen(items))

    def _keep_made(
        self,
        key: str,
        owners: Sequence[Owner],
        uuids: Sequence[str],
        vectors: Array,
        fingerprints: Sequence[int],
    ) -> int:
        """Store vectors that an embedder made, except those of items and frames that were deleted meanwhile.

        `uuids` are those of the items, since a new item may have the inner id of a deleted one. Raises
        InvalidInput for vectors with numbers that are not finite.
        """
        self._rights.require("update", key)
        array = self._checked(
            key, vectors, len(owners), lambda row: f"what the embedder made of picture {row + 1}"
        )
        with self._database.write():
            names = self._owners.names(owners)
            places = [
                place
                for place, (owner, uuid) in enumerate(zip(owners, uuids, strict=True))
                if owner in names and names[owner][0] == uuid
            ]
            self._keep(key, [owners[p] for p in places], array[places], [fingerprints[p] for p in places])
        return len(places)

    def _keep_encoded(self, given: Iterable[tuple[Owner, Vectors]]) -> None:
        """Store, in the caller's transaction, vectors given as metadata; None deletes the vector of a key."""
        import numpy as np

        by_key: dict[str, dict[Owner, Any]] = {}
        for owner, vectors in given:
            for key, vector in vectors.items():
                by_key.setdefault(key, {})[owner] = vector
        for key, of in by_key.items():
            gone = [owner for owner, vector in of.items() if vector is None]
            kept = self._rows.find(key)
            if gone and kept is not None:
                self._access.require("update", kept)
                self._rights.require_owners(gone)
                self._rows.remove(kept, gone)
            there = {owner: vector for owner, vector in of.items() if vector is not None}
            if there:
                self._keep(key, list(there), np.array(list(there.values()), dtype=np.float32))

    @one_transaction
    def remove(self, key: str, things: ItemRefs) -> int:
        """Delete the vectors of an item or frame, or of many; returns how many there were."""
        self._rights.require("update", key)
        kept = self._rights.get(key)
        owners = self._owners.of(list(ITEM.many(things)))
        self._rights.require_owners(owners)
        return self._rows.remove(kept, owners)

    def adopt(self, key: str, *, replace: bool = False) -> Adopted:
        """Move values into the store that were written as JSON metadata before the key was in the schema.

        Values that are not vectors of the key's size stay in the metadata; so do values of items and frames
        that have a vector already, unless `replace`.
        """
        self._rights.require("update", key)
        from heron.catalog.vectors.adoption import Adoption, require_values

        self._shape(key)
        require_values(self._access, key)
        return Adoption(self._database, self._rows, self._keep, self._schema.current(), key, replace)()

    def adoptable(self) -> list[str]:
        """The embedding keys that have values in JSON metadata, where no search finds them."""
        from heron.catalog.vectors.adoption import has_values

        keys = self._schema.current().vector_keys()
        were_unknown = {row[0] for row in self._database.rows("SELECT name FROM unknown_keys")}
        return [key for key in sorted(keys & were_unknown) if has_values(self._database, self._access, key)]

    # Reading

    def get(self, key: str, thing: ItemRef) -> Array:
        """The vector of an item or `Frame`, float32 of shape (size,); raises NotFound if it has none."""
        found = self.find(key, thing)
        if found is None:
            raise NotFound(f"{item_name(thing)} has no vector under {key!r}", hint="heron embed makes some")
        return found

    def find(self, key: str, thing: ItemRef) -> Array | None:
        """The vector of an item or `Frame`, float32 of shape (size,); None if it has none."""
        self._rights.require("read", key)
        (owner,) = self._owners.of([thing])
        return self._rows.steady(key, lambda kept: self._vector(kept, owner))

    def _vector(self, kept: VectorSet, owner: Owner) -> Array | None:
        row = self._rows.row_of(kept, owner)
        return None if row is None else self._rows.matrix(kept).mapped(row + 1)[row].astype("float32")

    def of(self, thing: ItemRef) -> dict[str, Array]:
        """All vectors of an item or `Frame`, by key."""
        found = {kept.key: self.find(kept.key, thing) for kept in self._rights.all()}
        return {key: vector for key, vector in found.items() if vector is not None}

    def sizes(self, thing: ItemRef) -> dict[str, int]:
        """The keys under which an item or `Frame` has a vector, and how many numbers each has."""
        (owner,) = self._owners.of([thing])
        return {
            kept.key: kept.size for kept in self._rights.all() if self._rows.row_of(kept, owner) is not None
        }

    def stored(self, key: str) -> Iterator[StoredVectors]:
        """All vectors of a key, in batches of up to 1,000, in the order in which they were stored.

        They are a consistent snapshot, without items and frames that are deleted meanwhile. Raises
        CatalogueError if the file is cut short.
        """
        self._rights.get(key)
        opened = self._opened(key)
        if opened is None:
            return
        if opened.missing:
            # raises an error that says what is missing, and what to do
            opened.space.matrix.mapped(opened.kept.row_count)
        for places in bundles(opened.live.nonzero()[0]):
            owners = list(zip(opened.items[places].tolist(), opened.frames[places].tolist(), strict=True))
            names = self._owners.names(owners)
            there = [
                (place, *names[owner]) for place, owner in zip(places, owners, strict=True) if owner in names
            ]
            if there:
                rows, uuids, numbers = zip(*there, strict=True)
                yield StoredVectors(uuids, numbers, opened.space.vectors(rows))

    def _opened(self, key: str) -> OpenSet | None:
        """The vectors of a key opened for search; None if there are none."""
        if self._rights.find(key) is None:
            return None
        opened = self._sets.get(key)
        return self._rights.narrowed(opened) if opened is not None else None

    # Maintenance

    def status(self) -> list[VectorStatus]:
        """The status of the vectors of each key."""
        one = partial(status_of, self._rows, self._rights.rows)
        found = [self._rows.steady(kept.key, one) for kept in self._rights.all()]
        return [status for status in found if status is not None]

    def rebuild(
        self,
        key: str,
        *,
        anew: bool = False,
        graph: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> None:
        """Build or extend what makes search fast: codes, partitions, and with `graph`, or if there is one, a graph.

        `progress` is called with rows done and rows in total. Raises CatalogueBusy while another process builds.
        """
        self._rights.require("update", key)
        self._rights.get(key)
        opened = self._sets.get(key)
        if opened is not None:
            opened.space.build(progress, graph=graph, anew=anew)

    def refresh(self, key: str) -> None:
        """Extend the int8 codes, which scans read, to all vectors, and partitions that lack many."""
        self._rights.require("update", key)
        opened = self._sets.get(key)
        if opened is not None:
            opened.space.refresh()

    def compact(self, key: str) -> int:
        """Write a new file without deleted and replaced vectors; returns how many there were."""
        self._rights.require("update", key)
        left_out = self._renewal.compact(self._rights.get(key))
        self._rows.sweep()
        return left_out

    def verify(self, key: str, *, repair: bool = False, deep: bool = False) -> list[str]:
        """Problems of the files of a key, one sentence each. With `repair`, they are repaired if possible.

        Caches are made again; rows that the file has lost or that were changed outside of Heron are deleted, so that they can
        be added again. The checksums of all vectors are compared; with `deep`, each vector is compared with its codes too.
        """
        self._rights.require("update" if repair else "read", key)
        self._rights.get(key)
        untrusted = self._rows.steady(key, self._renewal.untrusted) or []
        if untrusted and repair:
            self._renewal.drop_untrusted(key)
            self._rows.sweep()
        faults = self._rows.steady(key, lambda kept: self._rows.space(kept).verify(deep)) or []
        if faults and repair:
            self._rows.steady(key, lambda kept: self._rows.space(kept).drop_caches())
            self.refresh(key)
        return [*(fault + ("; they were deleted" if repair else "") for fault in untrusted), *faults]

    def delete(self, key: str) -> int:
        """Delete all vectors of a key; the key stays in the schema. Returns how many there were."""
        with self._database.doing(self, "delete"):
            kept = self._rights.get(key)
            self._access.require("delete", kept)
            self._rights.require_all_of(kept)
            count = self._rows.live_count(kept)
            self._rows.delete(kept)
        self._rows.sweep()
        return count

    def _embedding_keys(self) -> list[VectorSet]:
        """The sets that have vectors and whose key is in the schema, in the default order.

        Sets of embedders for pictures alone, which find similar pictures, come before those that take texts,
        and these before vectors that were given; within each of the three, older sets come first.
        """
        keys = self._schema.current().vector_keys()
        kept = [kept for kept in self._rights.all() if kept.key in keys and self._rights.has_some(kept)]
        return sorted(kept, key=lambda kept: (kept.embedder is None, kept.takes_text, kept.id))

    def _named(self, key: str) -> VectorSet:
        """The set of a key; raises QueryError if it has no vectors, or is not in the schema."""
        there = self._embedding_keys()
        for kept in there:
            if kept.key == key:
                return kept
        known = ", ".join(kept.key for kept in there)
        raise QueryError(
            f"there are no vectors under {printable(key)}",
            hint=f"there are some under: {known}" if known else "heron embed makes some",
        )

    def _shape(self, key: str) -> tuple[int, Literal["float32", "float16"]]:
        schema = self._schema.current()
        found = schema.require(key)
        if not schema.type_of(found).vector:
            raise InvalidInput(f"key {key!r} is of type {found.type}, vectors need a key of type embedding")
        return found.parameters["size"], found.parameters.get("dtype", "float32")
