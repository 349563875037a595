"""Files that stay intact when a process or the machine stops at any moment, and locks between processes."""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heron.inside import descriptor, open_file

_CHUNK = 4 * 1024 * 1024


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Flush the bytes of a file to disk."""
    with open_file(path, "rb") as stream:
        os.fsync(stream.fileno())


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file atomically: whatever happens, either the old one or the new one is there."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with open_file(part, "xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    replace(part, path)


def replace(part: Path, path: Path) -> None:
    """Rename `part`, whose bytes are on disk, to `path` in the same folder, and flush the new name to disk."""
    part.replace(path)
    sync_folder(path.parent)


def checksum(path: Path, end: int, *, start: int = 0, before: int = 0) -> int:
    """CRC-32 of the bytes of a file from `start` to `end`, continuing the checksum `before`."""
    with open_file(path, "rb") as stream:
        stream.seek(start)
        left = end - start
        while left and (data := stream.read(min(left, _CHUNK))):
            before = zlib.crc32(data, before)
            left -= len(data)
    return before


def stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written to: inode, bytes, and time in ns; None without a file."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # a NUL character
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def exclusive(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold a lock that only one thread of one process can hold at a time; yields whether it was acquired.

    The lock is released when its process ends. Raises OSError if its file cannot be made.
    """
    handle = descriptor(path, "lock")
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
