"""The service for files with vectors: it finds the owners, validates everything, and then stores the vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from heron.catalog.database import Database
from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService
from heron.catalog.schema import SchemaService
from heron.catalog.vectors.store import StoredVectors, VectorStore
from heron.errors import InvalidInput, NotFound
from heron.models import Query
from heron.records import Record
from heron.search.service import SearchService

if TYPE_CHECKING:
    import numpy

    from heron.ingest.vector_files.owners import Lookup, Strangers
    from heron.ingest.vector_files.sources import Source
    from heron.vectors.matrix import DType

    Array = numpy.ndarray[Any, Any]

By = Literal["uuid", "url", "path", "name"]


@frozen(repr=False)
class VectorImport(Record):
    """The result of importing a file with vectors.

    `kept` vectors were stored; `zeros` of them have no direction, so no search finds them. `unmatched` vectors matched
    no item or frame, and `ambiguous` ones have a name that several items have; neither were stored, and the first of
    them are named.
    """

    key: str
    kept: int
    zeros: int
    created: bool
    unmatched: int
    ambiguous: int
    first_unmatched: tuple[str, ...]
    first_ambiguous: Mapping[str, int] = field(hash=False)


@frozen(repr=False)
class VectorExport(Record):
    """How many vectors were written, and the files."""

    key: str
    vectors: int
    files: tuple[str, ...]


class VectorFiles:
    """Imports vectors from files, and exports them to files from which the import restores them bit by bit."""

    def __init__(
        self,
        database: Database,
        items: ItemService,
        frames: FrameService,
        schema: SchemaService,
        vectors: VectorStore,
        search: SearchService,
    ) -> None:
        self._database = database
        self._items = items
        self._frames = frames
        self._schema = schema
        self._vectors = vectors
        self._search = search

    def import_file(
        self,
        key: str,
        file: str | Path,
        *,
        by: By | None = None,
        ids: str | Path | None = None,
        create: bool = False,
        progress: Callable[[int], None] = lambda done: None,
    ) -> VectorImport:
        """Store the vectors of a `.npy`, Parquet or JSONL file; they replace vectors that the items or frames have.

        Each row names its owner by UUID, URL, path or name; without `by`, it is recognised which one. The names of a `.npy`
        file are in another file, `ids`. With `create`, the key is added to the schema if it is missing. `progress` is
        called with the number of vectors stored.

        All ids and numbers are validated before anything is stored. Raises InvalidInput that names the place of a wrong
        size, of a number that is not finite, or of an owner that is named twice; NotFound for a missing file or key.
        """
        self._vectors._rights.require("update", key)
        from heron.ingest.vector_files.opening import opened
        from heron.ingest.vector_files.owners import Lookup
        from heron.vectors.files import stamp

        before = stamp(Path(file))
        source = opened(Path(file), key, ids=Path(ids) if ids is not None else None, by=by)
        dtype, is_new = self._dtype(key, source, create)
        lookup = Lookup(self._items, self._frames)
        owners = self._examined(source, dtype, lookup)
        created = is_new and bool(owners[:, 0].any())
        if created:
            parameters = {} if dtype == "float32" else {"dtype": dtype}
            self._schema.add(key, "embedding", size=source.size, **parameters)

        def is_unchanged() -> bool:
            return stamp(source.file) == before

        kept, zeros = self._kept(key, source, dtype, owners, is_unchanged, progress)
        if kept:
            self._vectors.refresh(key)
        return _report(key, kept, zeros, created, lookup.strangers)

    def _dtype(self, key: str, source: Source, create: bool) -> tuple[DType, bool]:
        """The type of number in which the vectors of a key are stored, and whether the key must be added first."""
        schema = self._schema.current()
        known = schema.get(key)
        if known is None and create:
            schema.copy().add(key, "embedding", size=source.size)  # raises if the key is not valid
            return source.dtype, True
        if known is None:
            raise NotFound(
                f"the schema has no key {key!r}",
                hint=f"--create adds it, for vectors of {source.size:,} numbers",
            )
        if not schema.type_of(known).vector:
            raise InvalidInput(f"key {key!r} is of type {known.type}, vectors need a key of type embedding")
        size = known.parameters["size"]
        if size != source.size:
            raise InvalidInput(
                f"{source.file} has vectors of {source.size:,} numbers, key {key!r} takes {size:,}"
            )
        dtype: DType = known.parameters.get("dtype", "float32")
        return dtype, False

    def _examined(self, source: Source, dtype: DType, lookup: Lookup) -> Array:
        """Validate all rows, and return the inner ids of their owners."""
        import numpy as np

        from heron.ingest.vector_files.owners import first_repeated

        owners, places = [], []
        for bundle in source.bundles():
            _checked(bundle.vectors, bundle.places, source, dtype)
            owners.append(lookup(bundle.names))
            places.append(np.array(bundle.places, dtype=np.int64))
        found, numbers = np.concatenate(owners), np.concatenate(places)
        twice = first_repeated(found)
        if twice is not None:
            item, frame = found[twice[0]].tolist()
            earlier, later = (int(numbers[row]) for row in twice)
            raise InvalidInput(
                f"{source.file}, {source.unit}s {earlier} and {later} both belong to {self._name(item, frame)}, "
                "which can have one vector only"
            )
        return found

    def _name(self, item: int, frame: int) -> str:
        found = self._items._records([item]).get(item)
        shown = f"{found.name} ({found.uuid})" if found is not None else "an item"
        of_frame = self._frames._records([frame]).get(frame) if frame else None
        return shown if of_frame is None else f"{shown}, frame {of_frame.number}"

    def _kept(
        self,
        key: str,
        source: Source,
        dtype: DType,
        owners: Array,
        is_unchanged: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> tuple[int, int]:
        """Store the vectors that have an owner, bundle by bundle; returns their number, and the number of zero vectors."""
        from heron.ingest.vector_files.owners import as_owners

        start = kept = zeros = 0
        for bundle in source.bundles():
            rows = owners[start : start + len(bundle.vectors)]
            if not is_unchanged():
                raise InvalidInput(f"{source.file} was changed while it was being read")
            start += len(rows)
            good = rows[:, 0] > 0
            vectors = _checked(bundle.vectors, bundle.places, source, dtype)[good]
            with self._database.write():
                owned = as_owners(rows[good])
                there = self._vectors._rows.existing(owned)  # the others were deleted meanwhile
                places = [place for place, owner in enumerate(owned) if owner in there]
                if not places:
                    continue
                done = self._vectors._keep(key, [owned[place] for place in places], vectors[places])
            kept, zeros = kept + done.kept, zeros + done.zeros
            progress(kept)
        return kept, zeros

    def export_file(
        self,
        key: str,
        file: str | Path,
        *,
        query: Query | None = None,
        ids: str | Path | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> VectorExport:
        """Write the vectors of a key, or of the items that a query finds, to a `.npy`, Parquet or JSONL file.

        The ids of a `.npy` file are written to `ids`, by default `NAME.ids.txt`. `import_file` restores the vectors bit by
        bit. `progress` is called with the number of vectors written. Raises NotFound if there are no vectors, and
        HeronError for a file that cannot be written.
        """
        kept = next((kept for kept in self._vectors._embedding_keys() if kept.key == key), None)
        if kept is None:
            raise NotFound(
                f"no vectors are kept under {key!r}",
                hint="heron vectors status lists the keys that have vectors",
            )
        from heron.ingest.vector_files.targets import target

        wanted = None if query is None else {item.uuid for item in self._search.all(query)}
        done = 0
        with target(Path(file), kept.size, kept.dtype, Path(ids) if ids is not None else None) as (
            write,
            files,
        ):
            for batch in self._vectors.stored(key):
                chosen = batch if wanted is None else _only(batch, wanted)
                if len(chosen.items):
                    write(chosen)
                    done += len(chosen.items)
                    progress(done)
        return VectorExport(key, done, tuple(map(str, files)))


def _checked(vectors: Array, places: Any, source: Source, dtype: DType) -> Array:
    from heron.ingest.vector_files.sources import place_in
    from heron.vectors.checking import checked

    return checked(vectors, source.size, lambda row: place_in(source, places[row]), dtype=dtype)


def _only(batch: StoredVectors, wanted: set[str]) -> StoredVectors:
    """The vectors of a batch that belong to some items."""
    places = [place for place, item in enumerate(batch.items) if item in wanted]
    return StoredVectors(
        [batch.items[p] for p in places], [batch.frames[p] for p in places], batch.vectors[places]
    )


def _report(key: str, kept: int, zeros: int, created: bool, strangers: Strangers) -> VectorImport:
    return VectorImport(
        key, kept, zeros, created, strangers.unmatched, strangers.ambiguous,
        tuple(strangers.first_unmatched), strangers.first_ambiguous,
    )  # fmt: skip
