"""Sidecars: `clip.mp4.metadata.json` holds the metadata of `clip.mp4` and is no item itself."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from heron.convert import loads_given
from heron.errors import InvalidInput
from heron.models import MAX_METADATA, Json

SUFFIX = ".metadata.json"


def read_sidecar(path: Path) -> Mapping[str, Json]:
    """The metadata in a sidecar; raises InvalidInput when it is not JSON object of at most 10 MB."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
            raise InvalidInput(f"sidecar {path.name} is not a regular file")
        if status.st_size > MAX_METADATA:
            raise InvalidInput(f"sidecar {path.name} is larger than {MAX_METADATA:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"sidecar {path.name} cannot be read: {error.strerror or error}") from error
    return sidecar_metadata(content, path.name)


def sidecar_metadata(content: bytes, name: str) -> Mapping[str, Json]:
    """The metadata in the content of a sidecar; raises InvalidInput, which names it."""
    try:
        data = loads_given(content)
    except InvalidInput as error:
        raise InvalidInput(f"sidecar {name}: {error.message}", hint=error.hint) from error
    if not isinstance(data, dict):
        raise InvalidInput(f"sidecar {name} is not a JSON object")
    return data
