"""Files as decoders see them: those of this machine, and objects of a storage backend."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote

from attrs import define

from heron.errors import MediaError
from heron.hooks import Storage, StoredObject
from heron.media.sniff import HEAD


@define
class LocalFile:
    """A file of this machine; implements the `MediaFile` protocol."""

    url: str
    name: str
    size: int
    head: bytes
    path: Path | None
    modified: float
    media_type: str = "application/octet-stream"

    def open(self) -> BinaryIO:
        """A fresh seekable binary file."""
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
    """An object of a storage backend; implements the `MediaFile` protocol. Only the ranges asked for are read."""

    url: str
    name: str
    size: int
    head: bytes
    storage: Storage
    path: Path | None = None
    media_type: str = "application/octet-stream"

    def open(self) -> BinaryIO:
        """A fresh seekable binary file."""
        return io.BytesIO(self.head) if self.size == len(self.head) else self.storage.open(self.url)

    def sha256(self) -> str:
        """The SHA-256 of the content, in hexadecimal."""
        with self.open() as stream:
            return hashlib.file_digest(cast(Any, stream), "sha256").hexdigest()


def look_at_object(stored: StoredObject, storage: Storage) -> RemoteFile:
    """Read the head of a stored object; raises MediaError for an empty one, and what the storage raises."""
    if not stored.size:
        raise MediaError(f"{stored.url} is empty")
    head = storage.read(stored.url, 0, min(HEAD, stored.size))
    name = unquote(stored.url.rstrip("/").rpartition("/")[2])
    return RemoteFile(stored.url, name, stored.size, head, storage)


def look_at(path: Path, url: str) -> LocalFile:
    """Stat a file and read its head; raises MediaError for what is no readable, non-empty, regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe must not block
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise MediaError(f"{path} is no regular file")
            head = os.read(descriptor, HEAD)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise MediaError(f"{path} is not there (a broken link, or deleted meanwhile)") from None
    except PermissionError:
        raise MediaError(f"{path} may not be read", hint="check its rights") from None
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error
    if not status.st_size:
        raise MediaError(f"{path} is empty")
    return LocalFile(url, path.name, status.st_size, head, path, status.st_mtime)
