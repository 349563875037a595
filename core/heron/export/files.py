"""Writes files that get their name only when they are complete."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from pathlib import Path
from secrets import token_hex
from typing import Any

from heron.errors import HeronError


@contextmanager
def whole_file(path: Path) -> Iterator[Any]:
    """A binary file that gets its name only when it is complete; raises HeronError if it cannot be written.

    `-` is standard output. A symbolic link is kept, and its target is replaced; a path that is not a regular
    file is written directly.
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
            with _replacement(Path(os.path.realpath(path))) as stream:
                yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise HeronError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _replacement(target: Path) -> Iterator[Any]:
    """A temporary file that replaces another one and takes over its permissions if all goes well."""
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(EACCES, os.strerror(EACCES))
    part = target.with_name(f".heron-{token_hex(8)}.part")
    try:
        with part.open("xb") as stream:
            yield stream
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
