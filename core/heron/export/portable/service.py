"""Writes portable exports: a workspace, or a part of one, that other workspaces can merge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from attrs import evolve

from heron._version import __version__
from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.items import ItemService
from heron.catalog.portable.reading import PortableReader
from heron.catalog.referring import ITEM, CollectionRef, DatasetRef, FolderRef, ItemRefs
from heron.catalog.vectors.store import VectorStore
from heron.convert import dumps, unstructure
from heron.errors import CatalogueError, InvalidInput
from heron.export.files import Scratch
from heron.export.media import ItemFiles
from heron.export.portable.media import MediaCopies
from heron.export.portable.sink import Parts, Sink, new_sink
from heron.models import Collection, Dataset, Folder, Query
from heron.portable import FORMAT, VERSION, PortableExport, PortableManifest, PortableVectors
from heron.storage.service import StorageService
from heron.times import now

if TYPE_CHECKING:
    from heron.catalog.collections import CollectionService
    from heron.catalog.datasets import DatasetService
    from heron.catalog.folders import FolderService
    from heron.search.service import SearchService

Progress = Callable[[int], None]


class PortableWriter:
    """Writes exports of a workspace."""

    def __init__(
        self,
        database: Database,
        access: Access,
        services: tuple[FolderService, ItemService, CollectionService, DatasetService],
        vectors: VectorStore,
        storage: StorageService,
        search: Callable[[], SearchService],
    ) -> None:
        self._database = database
        self._folders, self._items, self._collections, self._datasets = services
        self._storage = storage
        self._search = search
        self._reader = PortableReader(database, access, vectors)

    def write(
        self,
        path: Path,
        *,
        items: ItemRefs | Query | None = None,
        folder: FolderRef | None = None,
        collection: CollectionRef | None = None,
        dataset: DatasetRef | None = None,
        media: bool = False,
        thumbnails: bool = False,
        unreadable: list[str] | None = None,
        progress: Progress = lambda done: None,
    ) -> PortableExport:
        """Write the workspace, or the part that one of the arguments names, to a new folder or a `.zip` file."""
        given = [part for part in (items, folder, collection, dataset) if part is not None]
        if len(given) > 1:
            raise InvalidInput(
                "a part of a workspace is chosen by one of items, folder, collection and dataset"
            )
        part = _Part(
            self._folders.get(folder) if folder is not None else None,
            self._collections.get(collection) if collection is not None else None,
            self._datasets.get(dataset) if dataset is not None else None,
            whole=not given,
        )

        def chosen() -> Folder | Iterable[str] | None:
            if isinstance(items, Query):
                return (item.uuid for item in self._search().all(items))
            if items is not None:
                return (self._items.get(ref).uuid for ref in ITEM.many(items))
            if part.collection is not None:
                return (item.uuid for item in self._collections.items(part.collection))
            if part.dataset is not None:
                return (row.item.uuid for row in self._datasets.rows(part.dataset))
            return part.folder

        files = ItemFiles(self._storage, unreadable)
        with new_sink(path, files) as sink, Scratch() as ids:
            parts = Parts(sink)
            manifest = self._database.in_one_state(
                lambda: self._state(parts, chosen(), part, ids if media else None, thumbnails, progress)
            )
            copied = self._copied(parts, sink, ids, unreadable) if media else 0
            manifest = evolve(
                manifest, parts=tuple(parts.written), has_media=media, has_thumbnails=thumbnails
            )
            parts.manifest(orjson.dumps(unstructure(manifest), option=orjson.OPT_INDENT_2).decode() + "\n")
        size = sum(each.bytes for each in manifest.parts)
        return PortableExport(str(path), manifest.rows, size, copied, manifest.left_out)

    def _state(
        self,
        parts: Parts,
        chosen: Folder | Iterable[str] | None,
        part: _Part,
        ids: Scratch | None,
        thumbnails: bool,
        progress: Progress,
    ) -> PortableManifest:
        """Write all that is in the catalogue; the manifest lacks the parts."""
        reader, whole = self._reader, part.whole
        if parts.written:  # a catalogue that the user may not write is read again if it changes meanwhile
            raise CatalogueError("the catalogue was changed while it was exported", hint="export again")
        reader.choose(chosen)
        try:
            parts.rows("schema.jsonl", reader.keys())
            parts.rows("folders.jsonl", reader.folders())
            parts.rows("items.jsonl", _told(reader.items(), progress))
            parts.rows("members.jsonl", reader.members())
            parts.rows("frames.jsonl", reader.frames())
            parts.rows("collections.jsonl", reader.collections(part.collection, whole=whole))
            parts.rows("collection_items.jsonl", reader.collection_items())
            parts.rows("datasets.jsonl", reader.datasets(part.dataset, whole=whole))
            parts.rows("dataset_rows.jsonl", reader.dataset_rows(part.dataset, whole=whole))
            parts.rows("presets.jsonl", reader.presets() if whole else ())
            if thumbnails:
                parts.rows("thumbnails.jsonl", reader.thumbnails())
                parts.rows("frame_thumbnails.jsonl", reader.frame_thumbnails())
            vectors = tuple(self._vectors(parts))
            if ids is not None:
                for id in reader.item_ids():
                    ids.write(b"%d\n" % id)
            left_out = reader.datasets_left_out(whole=whole)
            return PortableManifest(
                FORMAT, VERSION, f"heron {__version__}", now(), reader.workspace(), self._lake(), whole, False, False,
                reader.integrations(), {"datasets": left_out} if left_out else {}, vectors, (),
            )  # fmt: skip
        finally:
            reader.done()

    def _vectors(self, parts: Parts) -> Iterator[PortableVectors]:
        for number, (kept, count) in enumerate(self._reader.vector_sets(), start=1):
            file, owners = f"vectors/{number}.npy", f"vectors/{number}.jsonl"
            parts.rows(owners, self._reader.owners(kept))
            parts.blocks(file, self._matrix(kept, count))
            yield PortableVectors(
                kept.key,
                kept.size,
                kept.dtype,
                kept.embedder,
                kept.model,
                kept.revision,
                bool(kept.takes_text),
                file,
                owners,
            )

    def _matrix(self, kept: Any, count: int) -> Iterator[tuple[bytes, int]]:
        """The bytes of a .npy file (NEP 1, version 1.0), little-endian in C order."""
        from heron.vectors.npy import header

        yield header(kept.dtype, (count, kept.size)), 0
        for block in self._reader.blocks(kept):
            yield block.tobytes(), len(block)

    def _copied(self, parts: Parts, sink: Sink, ids: Scratch, unreadable: list[str] | None) -> int:
        """Copy the files of items; their rows wait in a temporary file, since a zip archive takes one file at a time."""
        copies = MediaCopies(self._database, self._items, self._storage, sink, unreadable)
        with Scratch() as rows:
            for row in copies.copy(int(line) for line in ids.lines()):
                rows.write(dumps(row).encode() + b"\n")
            return parts.blocks("media.jsonl", ((line, 1) for line in rows.lines()))

    def _lake(self) -> str:
        return self._database.places.located("file:./") or ""


class _Part:
    """The part of a workspace that was asked for."""

    def __init__(
        self, folder: Folder | None, collection: Collection | None, dataset: Dataset | None, *, whole: bool
    ) -> None:
        self.folder, self.collection, self.dataset, self.whole = folder, collection, dataset, whole


def _told(rows: Iterable[dict[str, Any]], progress: Progress) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, start=1):
        yield row
        if number % 1000 == 0:
            progress(number)
