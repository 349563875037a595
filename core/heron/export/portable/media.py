"""Copies the files of items into a portable export, each once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import unquote

from heron.catalog.database import Database
from heron.catalog.items import ItemService
from heron.catalog.limits import bundles
from heron.catalog.paths import HERE
from heron.catalog.spelling import absolute_path
from heron.errors import HeronError, InvalidInput
from heron.export.portable.sink import Hashing, Sink
from heron.metadata.keys import ARCHIVE_MARK, file_name
from heron.models import Item, Json
from heron.storage.opening import media_file
from heron.storage.service import StorageService
from heron.times import utc_iso

_BLOCK = 1 << 20

Progress = Callable[[int], None]


class MediaCopies:
    """Copies the files of items, and says what it has copied as rows of the part `media`."""

    def __init__(
        self,
        database: Database,
        items: ItemService,
        storage: StorageService,
        sink: Sink,
        unreadable: list[str] | None,
    ) -> None:
        self._database = database
        self._items = items
        self._storage = storage
        self._sink = sink
        self._unreadable = unreadable

    def copy(self, ids: Iterable[int]) -> Iterator[dict[str, Json]]:
        """Copy the files of items, by inner ids. A file that cannot be read is told, or raised if there is no list for that."""
        for bundle in bundles(ids):
            for item in sorted(self._items._records(bundle).values(), key=lambda item: item.id):
                for url in self._urls(item):
                    yield from self._one(item, url)

    def _urls(self, item: Item) -> Iterator[str]:
        """The URLs of the files of an item: of the archive, for a member of one."""
        members = [member.url for member in self._items._contents.members(item)]
        for url in members or [item.url]:
            yield url.partition(ARCHIVE_MARK)[0]

    def _one(self, item: Item, url: str) -> Iterator[dict[str, Json]]:
        kept = self._database.places.kept(url) or url
        name = name_in_export(kept)
        if self._sink.has(name):
            return
        try:
            integration = self._storage.of(item)
            file = media_file(url, lambda place: self._storage.open(place, integration))
            try:
                stream = file.open()
            except OSError as error:
                raise HeronError(f"it cannot be opened: {error.strerror or error}") from error
        except HeronError as error:
            self._failed(item, error)
            return
        row: dict[str, Json] = {"url": kept, "file": name}
        try:
            with stream as source, self._sink.create(name) as target:
                hashing = Hashing(target)
                while block := source.read(_BLOCK):
                    hashing.write(block)
            if hashing.size != file.size:
                raise HeronError(f"{hashing.size:,} bytes came, and not {file.size:,}")
        except HeronError as error:
            if not self._sink.remove(name):
                raise
            self._failed(item, error)
            return
        row |= {"bytes": hashing.size, "sha256": hashing.digest.hexdigest()}
        if url.startswith("file:"):
            with suppress(OSError):
                changed = absolute_path(url).stat().st_mtime
                row["modified_at"] = utc_iso(datetime.fromtimestamp(changed, UTC))
        yield row

    def _failed(self, item: Item, error: HeronError) -> None:
        if self._unreadable is None:
            raise error
        self._unreadable.append(f"{item.path}: {error.message}")


def name_in_export(kept: str) -> str:
    """The name of a file in an export, by its URL in stored form: its place below the workspace, or one by its hash."""
    if kept.startswith(HERE):
        with suppress(UnicodeDecodeError, InvalidInput):
            path = unquote(kept[len(HERE) :].partition("#")[0], errors="strict")
            if _is_plain(path):
                return f"media/here/{path}"
    last = kept.rstrip("/").rpartition("/")[2].partition("?")[0].partition("#")[0]
    with suppress(UnicodeDecodeError, InvalidInput):
        last = file_name(unquote(last, errors="strict"))
    end = last if _is_plain(last) and len(last.encode()) <= 200 else f"file{PurePosixPath(last).suffix[:16]}"
    return f"media/elsewhere/{hashlib.sha256(kept.encode()).hexdigest()[:16]}/{end if _is_plain(end) else 'file'}"


def _is_plain(path: str) -> bool:
    """Whether a path has only names that all systems can have."""
    return all(
        part not in ("", ".", "..") and "\\" not in part and part.isprintable() for part in path.split("/")
    )
