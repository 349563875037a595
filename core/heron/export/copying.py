"""Copies the file of an item, and tells whether a copy that is there is whole."""

from __future__ import annotations

import hashlib
import os
import stat
from errno import EINVAL, EIO, ENOSYS, EOPNOTSUPP, EXDEV
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from heron.catalog.copied_files import CopiedFile
from heron.errors import HeronError

if TYPE_CHECKING:
    from heron.export.media import ItemFiles
    from heron.models import Item, Member

_BLOCK = 1 << 20
_CANNOT = (EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, EIO)
"""Errors of a system that does not copy between these two files by itself, or that does not say which of the two is damaged."""


def copied(target: Path, files: ItemFiles, item: Item, member: Member | None) -> CopiedFile:
    """Copy a file to a place where there is none; raises HeronError if it cannot be read, OSError if it cannot be written.

    The SHA-256 is computed of what comes from a store; of a local file it can be computed at any time.
    """
    url, etag = (item.url, item.etag) if member is None else (member.url, member.etag)
    local = files.local(item, member)
    if local is not None:
        return CopiedFile(url, etag, _copied_locally(target, local), None)
    digest = hashlib.sha256()
    with files.open(item, member) as (source, size), target.open("xb") as stream:
        while block := _read(source):
            digest.update(block)
            stream.write(block)
        if stream.tell() != size:
            raise HeronError(f"{stream.tell():,} bytes came, and not {size:,}")
    return CopiedFile(url, etag, size, digest.hexdigest())


def is_whole(copy: Path, known: CopiedFile, files: ItemFiles, item: Item, member: Member | None) -> bool:
    """Whether a copy that was noted is whole, by its size and its content, and its source is the same as then."""
    url, etag = (item.url, item.etag) if member is None else (member.url, member.etag)
    try:
        status = copy.lstat()
        if (
            (url, etag) != (known.url, known.etag)
            or not stat.S_ISREG(status.st_mode)
            or status.st_size != known.size
        ):
            return False
        digest = known.sha256
        if digest is None:
            local = files.local(item, member)
            if local is None or Path(local).stat().st_size != known.size:
                return False
            digest = _sha256(Path(local))
        return _sha256(copy) == digest
    except (OSError, HeronError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(source: IO[bytes]) -> bytes:
    try:
        return source.read(_BLOCK)
    except OSError as error:
        raise HeronError(f"it cannot be read: {error.strerror or error}") from error


def _copied_locally(target: Path, source: str) -> int:
    """Copy a local file by the system, which need not bring its bytes into this process; returns its size."""
    try:
        reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not block
    except OSError as error:
        raise HeronError(f"it cannot be opened: {error.strerror or error}") from error
    try:
        status = os.fstat(reading)
        if not stat.S_ISREG(status.st_mode):
            raise HeronError("it is not a regular file")
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            done = _poured(reading, writing, status.st_size)
        finally:
            os.close(writing)
        if done != status.st_size:
            raise HeronError(f"{done:,} bytes came, and not {status.st_size:,}")
        return done
    finally:
        os.close(reading)


def _poured(reading: int, writing: int, size: int) -> int:
    """Copy all bytes of a file, at most `size`; returns their number."""
    done = 0
    pour: Any = getattr(os, "copy_file_range", None)
    while pour is not None and done < size:
        try:
            count = pour(reading, writing, size - done)
        except OSError as error:
            if error.errno in _CANNOT:
                break
            raise
        if not count:
            return done
        done += count
    while done < size and (block := _block(reading, min(_BLOCK, size - done))):
        view = memoryview(block)
        while view:
            written = os.write(writing, view)
            view = view[written:]
            done += written
    return done


def _block(reading: int, size: int) -> bytes:
    try:
        return os.read(reading, size)
    except OSError as error:
        raise HeronError(f"it cannot be read: {error.strerror or error}") from error
