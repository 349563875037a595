"""Files as decoders see them: local files, and objects of a storage backend."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from attrs import define

from heron.errors import MediaError
from heron.hooks import Storage, StoredObject
from heron.media.ranged import ranged
from heron.media.sniff import HEAD
from heron.metadata.keys import file_name, unescaped

PREFETCH = 32 * 1024
"""Bytes of a stored object that the first request reads: the header of nearly every image ends within them.
"""


@define
class LocalFile:
    """A local file; implements the `MediaFile` protocol."""

    url: str
    name: str
    size: int
    head: bytes
    path: Path | None
    modified: float
    media_type: str = "application/octet-stream"
    etag: str | None = None

    @property
    def modified_at(self) -> datetime | None:
        """The modification time in UTC; None if it cannot be expressed as a date."""
        try:
            return datetime.fromtimestamp(self.modified, UTC)
        except (OverflowError, ValueError, OSError):
            return None

    def open(self) -> BinaryIO:
        """A new seekable binary file."""
        assert self.path is not None
        if self.size == len(self.head):
            return io.BytesIO(self.head)
        return self.path.open("rb")

    def sha256(self) -> str:
        """The SHA-256 of the content, in hexadecimal."""
        with self.open() as stream:
            return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()


@define
class RemoteFile:
    """An object of a storage backend; implements the `MediaFile` protocol. Only the requested ranges are
    read.
    """

    url: str
    name: str
    stored: StoredObject
    beginning: bytes
    storage: Storage
    path: Path | None = None
    media_type: str = "application/octet-stream"

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.stored.size

    @property
    def head(self) -> bytes:
        """The first 1,024 bytes."""
        return self.beginning[:HEAD]

    @property
    def etag(self) -> str | None:
        """The ETag of the content that is read."""
        return self.stored.etag

    @property
    def modified_at(self) -> datetime | None:
        """The modification time in UTC."""
        return self.stored.modified_at

    def open(self) -> BinaryIO:
        """A new seekable binary file; raises ObjectChanged if the object has been replaced since it was
        looked up.
        """
        if self.size == len(self.beginning):
            return io.BytesIO(self.beginning)
        return cast(BinaryIO, ranged(self._fetch, self.size, self.beginning))

    def _fetch(self, start: int, end: int) -> bytes:
        return self.storage.read(self.url, start, end, etag=self.stored.etag)

    def sha256(self) -> str:
        """The SHA-256 of the content, in hexadecimal."""
        with self.open() as stream:
            return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()


def remote_file(url: str, storage: Storage, stored: StoredObject, beginning: bytes) -> RemoteFile:
    """The file for a stored object with its first bytes; raises MediaError for an empty object."""
    if not stored.size:
        raise MediaError(f"{url} is empty")
    name = unescaped(url.rstrip("/").rpartition("/")[2])
    return RemoteFile(url, name, stored, beginning, storage)


def look_at(path: Path, url: str) -> LocalFile:
    """Stat a local file and read its first bytes; raises MediaError unless it is readable, regular and not
    empty.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe must not block
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise MediaError(f"{path} is not a regular file")
            head = os.read(descriptor, HEAD)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise MediaError(f"{path} is not there (a broken link, or deleted meanwhile)") from None
    except PermissionError:
        raise MediaError(f"{path} cannot be read: permission denied", hint="check its rights") from None
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error
    if not status.st_size:
        raise MediaError(f"{path} is empty")
    return LocalFile(url, file_name(path.name), status.st_size, head, path, status.st_mtime)
