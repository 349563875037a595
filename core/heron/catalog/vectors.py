"""The vector service: keeps the vectors of items and frames, gives them back unchanged, and looks after their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.items import BUNDLE, ItemRef, ItemService, bundles, uuid_of
from heron.catalog.schema import SchemaService
from heron.catalog.vector_rows import DIRECTORY, Owner, VectorRows, VectorSet
from heron.errors import InvalidInput, NotFound
from heron.metadata.validation import Vectors
from heron.models import Frame

if TYPE_CHECKING:
    import numpy

    from heron.catalog.vector_adoption import Adopted
    from heron.catalog.vector_sets import OpenSet, OpenSets

    Array = numpy.ndarray[Any, Any]


@frozen
class VectorStatus:
    """What is kept under one key.

    `vectors` count, `gaps` are rows of deleted or replaced ones, `missing` are rows that the file has lost. `coded` and
    `indexed` are the rows that the two caches cover; rows beyond are searched by the numbers themselves. `recall` is
    what the index finds of the ten nearest. `bytes` are those of all files. `notes` say why a cache is not used.
    """

    key: str
    size: int
    dtype: str
    vectors: int
    gaps: int
    missing: int
    coded: int
    indexed: int
    recall: float | None
    bytes: int
    embedder: str | None
    model: str | None
    revision: str | None
    file: str
    notes: tuple[str, ...] = ()


@frozen
class VectorsKept:
    """What keeping vectors did. Zero vectors are kept, but have no direction: no search finds them."""

    kept: int
    zeros: int = 0


@frozen
class StoredVectors:
    """A batch of what is kept: UUIDs of items, numbers of frames or None, and the vectors, float32 of shape (n, size)."""

    items: Sequence[str]
    frames: Sequence[int | None]
    vectors: Array


class VectorStore:
    """The vectors of a workspace, by key of the schema. Vectors of items and of frames stand under the same key."""

    def __init__(
        self, database: Database, access: Access, items: ItemService, schema: SchemaService, directory: Path
    ) -> None:
        self._database = database
        self._access = access
        self._items = items
        self._schema = schema
        self.rows = VectorRows(database, directory / DIRECTORY)

    @cached_property
    def _sets(self) -> OpenSets:
        from heron.catalog.vector_sets import OpenSets

        return OpenSets(self.rows)

    # Keeping

    def add(self, key: str, things: Iterable[ItemRef], vectors: Any) -> VectorsKept:
        """Keep one vector for each item (or `Frame`), instead of the one that it has under that key.

        `vectors` are numbers of shape (number of things, size of the key). All are kept, or none. Raises InvalidInput
        for a wrong size, for NaN and infinity, and for a thing that is named twice; NotFound for an unknown one.
        """
        self._access.require("update", "vector", key)
        given = list(things)
        owners = self._owners(given)
        first: dict[Owner, int] = {}
        for place, owner in enumerate(owners):
            if first.setdefault(owner, place) != place:
                raise InvalidInput(f"{self._name(given[place])} is named twice, each takes one vector")
        return self.keep(
            key, owners, self._checked(key, vectors, len(owners), lambda row: self._name(given[row]))
        )

    def _checked(self, key: str, vectors: Any, count: int, name: Callable[[int], str]) -> Array:
        from heron.vectors.checking import checked

        size, dtype = self._shape(key)
        array = checked(
            vectors, size, lambda row: f"{key}, {name(row) if row < count else f'row {row}'}", dtype=dtype
        )
        if len(array) != count:
            raise InvalidInput(f"{key}: {len(array):,} vectors were given for {count:,} items or frames")
        return array

    def keep(
        self, key: str, owners: Sequence[Owner], vectors: Array, marks: Sequence[int] | None = None
    ) -> VectorsKept:
        """Keep checked vectors by inner ids, in the caller's transaction if there is one."""
        self._access.require("update", "vector", key)
        with self._database.write():
            self.rows.put(self.rows.ensure(key, *self._shape(key)), owners, vectors, marks)
        return VectorsKept(len(owners), int((~vectors.any(axis=1)).sum()) if len(owners) else 0)

    def prepared(self, key: str, embedder: str, model: str | None, revision: str) -> VectorSet:
        """The set of a key, noted as an embedder's; raises InvalidInput where it holds vectors of something else."""
        self._access.require("update", "vector", key)
        with self._database.write():
            kept = self.rows.ensure(key, *self._shape(key))
            if kept.embedder != embedder and self.rows.live_count(kept):
                whose = f"of the embedder {kept.embedder}" if kept.embedder else "that were given"
                raise InvalidInput(
                    f"key {key!r} holds vectors {whose}",
                    hint=f"give another key, such as --key '{embedder} 2'",
                )
            self.rows.made_by(kept, embedder, model, revision)
        return kept

    def marks(self, kept: VectorSet, items: Sequence[int]) -> dict[Owner, int | None]:
        """What the vectors of some items, and of their frames, were made of."""
        self._access.require("read", "vector", kept.key)
        return self.rows.marks(kept, items)

    def keep_made(self, key: str, owners: Sequence[Owner], vectors: Array, marks: Sequence[int]) -> int:
        """Keep vectors that an embedder made, but those of items and frames that were removed meanwhile.

        Raises InvalidInput for an embedder that made something else than finite numbers.
        """
        self._access.require("update", "vector", key)
        array = self._checked(
            key, vectors, len(owners), lambda row: f"what the embedder made of picture {row + 1}"
        )
        with self._database.write():
            there = self.rows.existing(owners)
            places = [place for place, owner in enumerate(owners) if owner in there]
            self.keep(key, [owners[p] for p in places], array[places], [marks[p] for p in places])
        return len(places)

    def keep_encoded(self, given: Iterable[tuple[Owner, Vectors]]) -> None:
        """Keep, in the caller's transaction, vectors that came as metadata; a key given as None loses its vector."""
        import numpy as np

        by_key: dict[str, dict[Owner, Any]] = {}
        for owner, vectors in given:
            for key, vector in vectors.items():
                by_key.setdefault(key, {})[owner] = vector
        for key, of in by_key.items():
            gone = [owner for owner, vector in of.items() if vector is None]
            kept = self.rows.find(key)
            if gone and kept is not None:
                self.rows.remove(kept, gone)
            there = {owner: vector for owner, vector in of.items() if vector is not None}
            if there:
                self.keep(key, list(there), np.array(list(there.values()), dtype=np.float32))

    def remove(self, key: str, things: Iterable[ItemRef]) -> int:
        """Forget the vectors of items or frames; returns how many there were."""
        self._access.require("update", "vector", key)
        kept = self._require(key)
        return self.rows.remove(kept, self._owners(list(things)))

    def adopt(self, key: str, *, replace: bool = False) -> Adopted:
        """Move values that stand as JSON in metadata, from before the key was in the schema, into the store.

        Those that are no vectors of the key's size stay where they are, and so do those of items and frames that have a
        vector already, unless `replace`.
        """
        self._access.require("update", "vector", key)
        from heron.catalog.vector_adoption import Adoption

        self._shape(key)
        return Adoption(self._database, self, self._schema.current(), key, replace)()

    def adoptable(self) -> list[str]:
        """The keys of vectors of which values stand as JSON in metadata, where no search finds them."""
        self._access.require("read", "vector")
        from heron.catalog.vector_adoption import has_values

        keys = self._schema.current().vector_keys()
        were_unknown = {row[0] for row in self._database.rows("SELECT name FROM unknown_keys")}
        return [key for key in sorted(keys & were_unknown) if has_values(self._database, key)]

    # Giving back

    def get(self, key: str, thing: ItemRef) -> Array | None:
        """The vector of an item or `Frame`, float32 of shape (size,); None where it has none."""
        self._access.require("read", "vector", key)
        (owner,) = self._owners([thing])
        kept = self.rows.find(key)
        row = self.rows.row_of(kept, owner) if kept is not None else None
        if kept is None or row is None:
            return None
        vector: Array = self.rows.matrix(kept).mapped(row + 1)[row].astype("float32")
        return vector

    def of(self, thing: ItemRef) -> dict[str, Array]:
        """All vectors of an item or `Frame`, by key."""
        found = {kept.key: self.get(kept.key, thing) for kept in self.rows.all()}
        return {key: vector for key, vector in found.items() if vector is not None}

    def sizes(self, thing: ItemRef) -> dict[str, int]:
        """The keys under which an item or `Frame` has a vector, and how many numbers each has."""
        self._access.require("read", "vector")
        (owner,) = self._owners([thing])
        return {kept.key: kept.size for kept in self.rows.all() if self.rows.row_of(kept, owner) is not None}

    def stored(self, key: str) -> Iterator[StoredVectors]:
        """Everything that is kept under a key, in batches of up to 1,000, in the order in which it came."""
        self._access.require("read", "vector", key)
        kept = self._require(key)
        mapped = self.rows.matrix(kept).mapped(kept.row_count)
        after = -1
        while rows := self._database.rows(
            "SELECT v.row, items.uuid, frames.number FROM vectors AS v JOIN items ON items.id = v.item_id "
            "LEFT JOIN frames ON frames.id = v.frame_id WHERE v.set_id = ? AND v.row > ? AND v.row < ? "
            f"AND {self._access.scope('item')} ORDER BY v.row LIMIT ?",
            [kept.id, after, kept.row_count, BUNDLE],
        ):
            places = [row[0] for row in rows]
            yield StoredVectors(
                [row[1] for row in rows], [row[2] for row in rows], mapped[places].astype("float32")
            )
            after = places[-1]

    def opened(self, key: str) -> OpenSet | None:
        """The vectors of a key opened for search; None where there are none."""
        self._access.require("read", "vector", key)
        return self._sets.get(key)

    # Looking after

    def status(self) -> list[VectorStatus]:
        """What is kept, key by key."""
        self._access.require("read", "vector")
        return [self._status(kept) for kept in self.rows.all()]

    def _status(self, kept: VectorSet) -> VectorStatus:
        from heron.vectors.space import Space

        matrix = self.rows.matrix(kept)
        there = min(matrix.rows_there(), kept.row_count)
        caches = Space(matrix, there, self.rows.folder, kept.file).status()
        live = self.rows.live_count(kept)
        files = self.rows.folder.glob(f"{kept.file}.*")
        return VectorStatus(
            kept.key, kept.size, kept.dtype, live, kept.row_count - live, kept.row_count - there,
            caches.codes.rows, caches.graph.rows, caches.recall, sum(path.stat().st_size for path in files),
            kept.embedder, kept.model, kept.revision, str(matrix.path),
            tuple(cache.problem for cache in (caches.codes, caches.graph) if cache.problem),
        )  # fmt: skip

    def rebuild(
        self, key: str, *, anew: bool = False, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        """Build, or extend, what makes searching fast: the int8 codes and the graph. It can be stopped and resumed.

        Building the graph takes minutes of processor time for each 100,000 vectors; searches go on meanwhile. `progress`
        is called with rows done and rows in all. Raises CatalogueBusy while another process builds.
        """
        self._access.require("update", "vector", key)
        self._require(key)
        opened = self._sets.get(key)
        if opened is not None:
            if anew:
                opened.space.drop_caches()
            opened.space.build_graph(progress)

    def refresh(self, key: str) -> None:
        """Bring the int8 codes, by which vectors are scanned, up to date."""
        self._access.require("update", "vector", key)
        opened = self._sets.get(key)
        if opened is not None:
            opened.space.refresh()

    def compact(self, key: str) -> int:
        """Write the file anew without the vectors that were deleted or replaced; returns how many those were."""
        self._access.require("update", "vector", key)
        left_out = self.rows.compact(self._require(key))
        self.rows.sweep()
        return left_out

    def verify(self, key: str, *, repair: bool = False, deep: bool = False) -> list[str]:
        """What is wrong with the files of a key, a sentence each. With `repair`, what can be healed is.

        Caches are made anew; rows that the file has lost are forgotten, so that they can be given again. `deep` looks
        at every number.
        """
        self._access.require("update" if repair else "read", "vector", key)
        kept = self._require(key)
        matrix = self.rows.matrix(kept)
        there = matrix.rows_there()
        problems: list[str] = []
        if there < kept.row_count:
            problems.append(
                f"{matrix.path} is cut short: it holds {there:,} of {kept.row_count:,} vectors"
                + (", the others were forgotten" if repair else "")
            )
            if repair:
                self.rows.drop_missing(kept, there)
        from heron.vectors.space import Space

        space = Space(matrix, min(there, kept.row_count), self.rows.folder, kept.file)
        found = space.verify(deep)
        problems += found
        if found and repair:
            space.drop_caches()
            space.refresh()
        return problems

    def delete(self, key: str) -> int:
        """Remove all vectors of a key; the key stays in the schema. Returns how many there were."""
        self._access.require("delete", "vector", key)
        kept = self._require(key)
        count = self.rows.live_count(kept)
        self.rows.delete(kept)
        self.rows.sweep()
        return count

    def embedding_keys(self) -> list[VectorSet]:
        """The sets that have vectors, those of an embedder first."""
        self._access.require("read", "vector")
        kept = [kept for kept in self.rows.all() if kept.row_count and self.rows.live_count(kept)]
        return sorted(kept, key=lambda kept: (kept.embedder is None, kept.key))

    def _require(self, key: str) -> VectorSet:
        kept = self.rows.find(key)
        if kept is None:
            known = ", ".join(kept.key for kept in self.rows.all())
            raise NotFound(
                f"no vectors are kept under {key!r}",
                hint=f"there are: {known}" if known else "heron embed makes some",
            )
        return kept

    def _shape(self, key: str) -> tuple[int, Literal["float32", "float16"]]:
        schema = self._schema.current()
        found = schema.require(key)
        if not schema.type_of(found).vector:
            raise InvalidInput(f"key {key!r} is of type {found.type}, vectors go to one of type embedding")
        return found.parameters["size"], found.parameters.get("dtype", "float32")

    def _owners(self, things: Sequence[ItemRef]) -> list[Owner]:
        """The inner ids of items and frames; raises NotFound."""
        bare = [thing for thing in things if not isinstance(thing, Frame)]
        ids = iter(self._items.ids(bare))
        of_frames = self._items_of([thing for thing in things if isinstance(thing, Frame)])
        return [(of_frames[t.id], t.id) if isinstance(t, Frame) else (next(ids), 0) for t in things]

    def _items_of(self, frames: Sequence[Frame]) -> dict[int, int]:
        """The inner id of the item of each frame, by that of the frame; raises NotFound."""
        found: dict[int, int] = {}
        for part in bundles(frames):
            places = ",".join("?" * len(part))
            rows = self._database.rows(
                f"SELECT id, item_id FROM frames WHERE id IN ({places})", [f.id for f in part]
            )
            found.update((row[0], row[1]) for row in rows)
        for frame in frames:
            if frame.id not in found:
                raise NotFound(f"{self._name(frame)} is not in the catalogue any more")
        return found

    def _name(self, thing: ItemRef) -> str:
        if isinstance(thing, Frame):
            return f"{thing.item}, frame {thing.number}"
        return thing if isinstance(thing, str) else f"{thing.name} ({uuid_of(thing)})"
