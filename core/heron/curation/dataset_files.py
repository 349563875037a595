"""Reads the files of datasets in threads: hashes those that have no known hash, and verifies that files are what they were."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.datasets import DatasetService
from heron.catalog.findings import Findings
from heron.catalog.items import ItemService
from heron.catalog.versions.changes import changed_content
from heron.curation.hashing import hash_items
from heron.errors import HeronError, NotFound
from heron.jobs import Integration
from heron.metadata.keys import ARCHIVE_MARK
from heron.models import Dataset, DatasetRow, Item
from heron.storage.opening import media_file
from heron.storage.service import StorageService
from heron.storage.waiting import patiently
from heron.times import utc_iso
from heron.versions import VerifiedFile

T = TypeVar("T")
R = TypeVar("R")

Progress = Callable[[int], None]

_THREADS, _AHEAD = 16, 256
"""Threads that look files up, most of which wait for a disk or a network, and the files that may be ahead of the one that is told."""


@frozen(eq=False)
class _File:
    """A file of an item, with what is known of it: its hash, size, ETag and time."""

    item: Item
    place: int
    url: str
    known: Mapping[str, Any]
    integration: Integration | None


class DatasetFiles:
    """The files of the items of datasets; of groups and series, each of them."""

    def __init__(
        self,
        database: Database,
        access: Access,
        datasets: DatasetService,
        items: ItemService,
        storage: StorageService,
    ) -> None:
        self._findings = Findings(database, access)
        self._datasets = datasets
        self._items = items
        self._storage = storage

    @patiently()
    def hashes(self, dataset: Dataset, progress: Progress) -> dict[tuple[int, int], str]:
        """Store the SHA-256 of files of the dataset that have no known one; those of files of several are returned, by item and place.

        Files that cannot be read stay without.
        """
        single: dict[str, None] = {}
        found: dict[tuple[int, int], str] = {}
        for row in self._datasets.rows(dataset):
            if not row.members and row.item.content_hash is None and "#" not in row.item.url:
                single[row.item.uuid] = None
        hash_items(list(single), self._items, self._storage, self._findings, progress)
        self._storage._find_plugins()
        several = (file for file in self._files(self._datasets.rows(dataset)) if file.place >= 0)
        for done, (file, content) in enumerate(_in_threads(several, self._hash_or_none), start=1):
            if content is not None:
                found[file.item.id, file.place] = content
            progress(len(single) + done)
        return found

    def verify(
        self, rows: Iterator[DatasetRow], progress: Progress, *, hashes: bool
    ) -> Iterator[VerifiedFile]:
        """What became of each file of the rows, each item once, in order."""

        def state(file: _File) -> VerifiedFile:
            return self._verified(file, hashes=hashes)

        self._storage._find_plugins()
        for done, (_, found) in enumerate(_in_threads(self._files(rows), state), start=1):
            progress(done)
            yield found

    def _files(self, rows: Iterable[DatasetRow]) -> Iterator[_File]:
        """The files of rows, each item once. What the catalogue has to be asked for is asked here, in the caller's thread."""
        done: set[str] = set()
        for row in rows:
            item = row.item
            if item.uuid in done:
                continue
            done.add(item.uuid)
            try:
                by = self._storage.of(item)
            except HeronError:
                by = None  # opening the file says what is wrong
            modified = utc_iso(item.modified_at) if item.modified_at else None
            places = [
                _File(item, place, member.url, _known(member.content_hash, member.size, member.etag), by)
                for place, member in enumerate(row.members)
            ]
            yield from places or [
                _File(item, -1, item.url, _known(item.content_hash, item.size, item.etag, modified), by)
            ]

    def _verified(self, file: _File, *, hashes: bool) -> VerifiedFile:
        def told(state: Any, reason: str = "") -> VerifiedFile:
            return VerifiedFile(file.item.name, file.item.uuid, file.url, state, reason)

        known = file.known
        try:
            now = self._look(file)
            changed = changed_content({**known, "content_hash": None}, now)
            if "size" in changed:
                return told("changed", f"it has {now['size']:,} bytes, and had {known['size']:,}")
            is_sure = known["etag"] is not None and now["etag"] is not None
            is_sure = is_sure or (known["modified_at"] is not None and now["modified_at"] is not None)
            if known["content_hash"] is not None and (hashes or changed or not is_sure):
                is_equal = self._hash(file) == known["content_hash"]
                return told("unchanged") if is_equal else told("changed", "its content has another hash")
        except NotFound as error:
            return told("gone", error.message)
        except HeronError as error:
            return told("unreadable", error.message)
        except OSError as error:
            return told("unreadable", error.strerror or str(error))
        if "etag" in changed:
            return told("changed", "the storage has another version of it, by its ETag")
        if hashes:
            return told("unknown", "its hash is not known: heron datasets freeze --hash stores it")
        if changed:
            return told("unknown", "it was written since, with the same size, and its hash is not known")
        if not is_sure:
            return told("unknown", "neither its hash nor its ETag or time is known")
        return told("unchanged")

    def _look(self, file: _File) -> dict[str, Any]:
        """The size, ETag and time of a file as they are now."""
        if ARCHIVE_MARK in file.url:  # a file in an archive
            return _known(None, self._open(file).size, None)
        found = self._storage._opener.open(file.url, file.integration).stat(file.url)
        modified = utc_iso(found.modified_at) if found.modified_at else None
        return _known(None, found.size, found.etag, modified)

    def _open(self, file: _File) -> Any:
        return media_file(file.url, lambda url: self._storage.open(url, file.integration))

    def _hash(self, file: _File) -> str:
        with self._open(file).open() as stream:
            return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()

    def _hash_or_none(self, file: _File) -> str | None:
        try:
            return self._hash(file)
        except (HeronError, OSError):
            return None


def _known(
    content_hash: str | None, size: int | None, etag: str | None, modified_at: str | None = None
) -> dict[str, Any]:
    return {"content_hash": content_hash, "size": size, "etag": etag, "modified_at": modified_at}


def _in_threads(given: Iterable[T], work: Callable[[T], R]) -> Iterator[tuple[T, R]]:
    """What `work` gives for each, in order; some are worked on ahead."""
    ahead: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="heron-files") as pool:
        try:
            for one in given:
                ahead.append((one, pool.submit(work, one)))
                if len(ahead) >= _AHEAD:
                    first, future = ahead.popleft()
                    yield first, future.result()
            while ahead:
                first, future = ahead.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
