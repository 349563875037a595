"""Copies the files of backups: with checksums, flushed to disk, and as hard links where an earlier backup has the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from heron.backups import BackupFile
from heron.errors import CatalogueError, HeronError
from heron.inside import open_file

_BLOCK = 4 * 1024 * 1024

Advance = Callable[[int], None]
"""Is called with the number of bytes that were read or written."""


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Errors of the system, such as a full disk, as one sentence that names the place."""
    try:
        yield
    except OSError as error:
        raise HeronError(
            f"{place} cannot be written: {error.strerror or error}", hint="nothing was kept there"
        ) from error


def hash_of(stream: IO[bytes], size: int, advance: Advance = lambda done: None) -> str:
    """The SHA-256 of the next bytes of a file; raises CatalogueError if there are fewer."""
    whole = sha256()
    for block in blocks(stream, size):
        whole.update(block)
        advance(len(block))
    return whole.hexdigest()


def blocks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """The next bytes of a file in blocks; raises CatalogueError if there are fewer."""
    left = size
    while left:
        block = stream.read(min(left, _BLOCK))
        if not block:
            raise CatalogueError(f"a file was cut short while it was read: {left:,} bytes are missing")
        left -= len(block)
        yield block


def flush(file: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def kept(
    stream: IO[bytes], size: int, target: Path, path: str, earlier: Mapping[str, Path], advance: Advance
) -> tuple[BackupFile, bool]:
    """Put the next bytes of a file into a backup, at `path` below `target`; the file of the manifest, and whether it is shared.

    `earlier` has files of the backup before by checksum. The bytes are read twice if they are new there, for the checksum
    and to be written, and once otherwise.
    """
    start = stream.tell()
    found = hash_of(stream, size, advance) if earlier else ""
    file = target / path
    if (same := earlier.get(found)) is not None and _linked(same, file, size):
        return BackupFile(path, size, found), True
    stream.seek(start)
    whole = sha256()
    with file.open("xb") as copy:
        for block in blocks(stream, size):
            copy.write(block)
            whole.update(block)
            if not earlier:
                advance(len(block))
        copy.flush()
        os.fsync(copy.fileno())
    return BackupFile(path, size, whole.hexdigest()), False


def _linked(same: Path, file: Path, size: int) -> bool:
    """Make a hard link to a regular file of that size; False where that is not possible."""
    try:
        with open_file(same, "rb") as stream:
            if os.fstat(stream.fileno()).st_size != size:
                return False
        os.link(same, file, follow_symlinks=False)
    except OSError:
        return False
    return True
