"""Opens the URL of an item, a member, or a file in an archive as a media file that a decoder can read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from heron.catalog.spelling import absolute_path
from heron.errors import HeronError
from heron.hooks import StoredObject
from heron.media.archives import ZipMember, member_of
from heron.media.files import PREFETCH, LocalFile, RemoteFile, look_at, remote_file
from heron.metadata.keys import ARCHIVE_MARK
from heron.storage.retries import PatientStorage

OpenedFile = LocalFile | RemoteFile | ZipMember
Peeked = tuple[StoredObject, bytes] | HeronError
"""An object and its first bytes, or the error that prevented reading it."""

StorageOf = Callable[[str], PatientStorage]
"""Returns the storage of a URL."""


def media_file(url: str, storage_of: StorageOf | None) -> OpenedFile:
    """The file at a URL with its first bytes; raises MediaError, NotFound and the errors of storages.

    Without `storage_of`, only local files can be opened.
    """
    if ARCHIVE_MARK in url:
        return member_of(media_file(url.partition(ARCHIVE_MARK)[0], storage_of), url)
    if url.startswith("file:"):
        return look_at(absolute_path(url), url)
    assert storage_of is not None, "no storage at hand"
    return stored_file(url, storage_of)


def local_or_stored(
    path: Path | None, url: str, storage_of: StorageOf | None, peeked: Peeked | None = None
) -> LocalFile | RemoteFile:
    """The file at a local path, or else at a URL, with its first bytes, which may have been fetched already."""
    if path is not None:
        return look_at(path, url)
    assert storage_of is not None, "no storage at hand"
    return stored_file(url, storage_of, peeked)


def stored_file(url: str, storage_of: StorageOf, peeked: Peeked | None = None) -> RemoteFile:
    """An object with its first bytes, which may have been fetched already."""
    if isinstance(peeked, HeronError):
        raise peeked
    storage = storage_of(url)
    return remote_file(url, storage, *(peeked or storage.peek(url, PREFETCH)))
