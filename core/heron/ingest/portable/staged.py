"""Takes a portable export into the temporary tables: every row and number is read and checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from heron.catalog.database import Database
from heron.catalog.limits import BUNDLE
from heron.catalog.portable import parts
from heron.catalog.portable.keys import MergedKeys, StoredMetadata, key_of
from heron.catalog.portable.located import StagedFiles
from heron.catalog.portable.matching import Clashes
from heron.catalog.portable.staging import Staging
from heron.catalog.spelling import absolute_path
from heron.convert import dumps, structure
from heron.errors import HeronError, InvalidInput
from heron.ingest.portable.media import place_of, url_of
from heron.ingest.portable.reading import Reader, once
from heron.media.kinds import Kinds
from heron.metadata.schema import Schema, SchemaKey
from heron.models import Query

Progress = Callable[[int], None]


class StagedExport:
    """An export whose rows stand in the temporary tables."""

    def __init__(self, database: Database, reader: Reader, here: Schema, kinds: Kinds) -> None:
        self.files = StagedFiles(database)
        self._reader = reader
        self._kinds = kinds
        self.keys = self._keys(here)
        """The keys of the export."""
        self._here = here
        self.metadata: StoredMetadata

    def _keys(self, here: Schema) -> list[SchemaKey]:
        found: dict[str, SchemaKey] = {}
        for name, type, parameters, state, indexed in self._reader.rows(parts.KEYS):
            if name in found:
                raise InvalidInput(f"schema.jsonl: the key {name!r} is there twice")
            found[name] = key_of(name, type, parameters or {}, state, indexed or 0, here)
        return list(found.values())

    def take(
        self, staging: Staging, clashes: Clashes, *, media: bool, lake: str | None, progress: Progress
    ) -> None:
        """Read and check everything. `clashes` says which schema the metadata will meet; `lake` where local files are now."""
        self.metadata = StoredMetadata(MergedKeys(self._here, self.keys, clashes).schema)
        put, rows = staging.put, self._reader.rows
        if media:
            put(parts.MEDIA, self._media())
        else:
            once(rows(parts.MEDIA))
        put(parts.FOLDERS, self._checked(parts.FOLDERS, "folder", "path"))
        put(parts.ITEMS, self._items(progress))
        put(parts.MEMBERS, rows(parts.MEMBERS))
        put(parts.FRAMES, self._checked(parts.FRAMES, "frame", "number"))
        for part in (
            parts.THUMBNAILS, parts.FRAME_THUMBNAILS, parts.COLLECTIONS, parts.COLLECTION_ITEMS, parts.DATASETS, parts.DATASET_ROWS,
        ):  # fmt: skip
            put(part, rows(part))
        put(parts.PRESETS, self._presets())
        for number, vectors in enumerate(self._reader.manifest.vectors):
            owners = staging.put_owners(number, vectors.owners, rows(parts.OWNERS, vectors.owners))  # type: ignore[arg-type]
            once(self._reader.blocks(vectors))
            count = next(part.rows for part in self._reader.manifest.parts if part.name == vectors.file)
            if owners != count:
                raise InvalidInput(
                    f"{vectors.owners} names {owners:,} owners, but {vectors.file} has {count:,} vectors"
                )
        staging.complete()
        self.files.locate(lake, lambda row: url_of(place_of(row)))

    def _checked(self, part: parts.Part, what: str, named: str) -> Iterator[Sequence[Any]]:
        """The rows of a part with metadata, which is checked."""
        names = list(part.fields)
        at, name = names.index("metadata"), names.index(named)
        for row in self._reader.rows(part):
            row[at] = self.metadata(row[at], f"{part.file}, {what} {row[name]}")
            yield row

    def _items(self, progress: Progress) -> Iterator[Sequence[Any]]:
        kind = list(parts.ITEMS.fields).index("kind")
        for number, row in enumerate(self._checked(parts.ITEMS, "item", "name"), start=1):
            if self._kinds.get(row[kind]) is None:
                raise InvalidInput(
                    f"items.jsonl, line {number}: {row[kind]!r} is not a kind of item",
                    hint=self._kinds.hint(row[kind]),
                )
            yield row
            if number % BUNDLE == 0:
                progress(number)

    def _presets(self) -> Iterator[Sequence[Any]]:
        at = list(parts.PRESETS.fields).index("query")
        for number, row in enumerate(self._reader.rows(parts.PRESETS), start=1):
            structure(row[at], Query, f"presets.jsonl, line {number}")
            row[at] = dumps(row[at])
            yield row

    def _media(self) -> Iterator[Sequence[Any]]:
        for row in self._reader.rows(parts.MEDIA):
            place_of(row)
            yield row

    def missing(self) -> tuple[int, str | None]:
        """The number of local files of items that are not where the items say, without those that come, and the first."""
        found, first = 0, None
        for url in self.files.local():
            try:
                is_there = absolute_path(url).exists()
            except (HeronError, OSError, ValueError):
                is_there = False
            if not is_there:
                found, first = found + 1, first or url
        return found, first
