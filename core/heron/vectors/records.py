"""The small JSON files that say what a cache holds; a fault in one makes the cache unusable, no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from heron.convert import dumps, loads, structure, unstructure
from heron.errors import InvalidInput
from heron.vectors.files import write_whole

_MOST_BYTES = 4 * 1024 * 1024

T = TypeVar("T")


class Unusable(Exception):
    """A cache cannot be used; the text says why. It never leaves this package."""


def read_record(path: Path, kind: type[T]) -> T:
    """The record in a file; raises Unusable."""
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_BYTES)
    except FileNotFoundError:
        raise Unusable("there is none") from None
    except OSError as error:
        raise Unusable(f"{path.name} cannot be read: {error.strerror or error}") from None
    try:
        data = loads(text)
        if isinstance(data, dict):
            return structure(data, kind, path.name)
    except InvalidInput:
        pass
    raise Unusable("the record beside it is damaged")


def write_record(path: Path, record: Any) -> None:
    """Put a record in the place of the one that is there; raises OSError."""
    write_whole(path, dumps(unstructure(record)).encode())
