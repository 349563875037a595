"""Writes files that get their name only when they are complete."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from functools import partial
from pathlib import Path
from typing import Any

from heron.errors import HeronError, InvalidInput
from heron.export.parts import part_of


@contextmanager
def whole_file(path: Path) -> Iterator[Any]:
    """A binary file that gets its name only when it is complete; raises HeronError if it cannot be written.

    `-` is standard output. A symbolic link is kept, and its target is replaced; a path that is not a regular
    file is written directly. Raises InvalidInput for a place within `.heron`.
    """
    try:
        if str(path) == "-":
            sys.stdout.flush()
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():
            with path.open("wb") as stream:
                yield stream
        else:
            with _replacement(outside_of_workspaces(path)) as stream:
                yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise HeronError(f"{path} cannot be written: {error.strerror or error}") from error


def outside_of_workspaces(path: Path) -> Path:
    """The path with all links resolved; raises InvalidInput if it is `.heron` or lies within, where catalogues are."""
    target = Path(os.path.realpath(path))
    if ".heron" in (part.casefold() for part in target.parts):
        raise InvalidInput(
            f"{path} is part of a workspace: .heron contains the catalogue", hint="name another file"
        )
    return target


class Scratch:
    """A temporary file for what is written later. A full temporary folder is named as such, by HeronError."""

    def __init__(self) -> None:
        with _of_scratch():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._is_read = False

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # what could not be flushed
            self._file.close()

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        with _of_scratch():
            self._file.write(data)

    def lines(self) -> Iterator[bytes]:
        """All that was written, line by line."""
        with _of_scratch():
            self._file.seek(0)
        return iter(self._file)

    def part(self, size: int) -> Iterator[bytes]:
        """The next bytes of all that was written, block by block; the first call begins at the start."""
        with _of_scratch():
            if not self._is_read:
                self._file.seek(0)
                self._is_read = True
        while size and (block := self._file.read(min(size, 1 << 20))):
            size -= len(block)
            yield block

    def blocks(self, size: int = 1 << 20) -> Iterator[bytes]:
        """All that was written, block by block."""
        with _of_scratch():
            self._file.seek(0)
        return iter(partial(self._file.read, size), b"")


@contextmanager
def _of_scratch() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HeronError(
            f"the temporary folder {tempfile.gettempdir()} cannot be written: {error.strerror or error}",
            hint="free some space there, or let TMPDIR name another folder",
        ) from error


@contextmanager
def _replacement(target: Path) -> Iterator[Any]:
    """A temporary file that replaces another one and takes over its permissions if all goes well."""
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(EACCES, os.strerror(EACCES))
    part = part_of(target)
    try:
        with part.open("xb") as stream:
            yield stream
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
