"""The small JSON files that say what a cache holds; an error in one only makes the cache unusable."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from heron.convert import dumps, loads, structure, unstructure
from heron.errors import InvalidInput
from heron.inside import open_file
from heron.vectors.files import write_whole

_MOST_BYTES = 4 * 1024 * 1024

T = TypeVar("T")


class Unusable(Exception):
    """A cache cannot be used; the text says why. It never leaves this package."""


def read_record(path: Path, kind: type[T], version: int) -> T:
    """The record in a file; raises Unusable, also for a record of another `version`."""
    try:
        with open_file(path, "rb") as stream:
            text = stream.read(_MOST_BYTES)
    except FileNotFoundError:
        raise Unusable("there is none") from None
    except OSError as error:
        raise Unusable(f"{path.name} cannot be read: {error.strerror or error}") from None
    try:
        data = loads(text)
        if isinstance(data, dict) and data.get("version", version) != version:
            raise Unusable("it was made by another version of Heron")
        if isinstance(data, dict):
            return structure(data, kind, path.name)
    except InvalidInput:
        pass
    raise Unusable("the record beside it is damaged")


def write_record(path: Path, record: Any) -> None:
    """Write a record in place of the one before, atomically; raises OSError."""
    write_whole(path, dumps(unstructure(record)).encode())
