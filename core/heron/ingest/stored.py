"""The source of stored objects: objects and sidecars at or below a URL become units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from heron.errors import InvalidInput
from heron.hooks import StoredObject
from heron.ingest.units import Unit
from heron.storage.local_files import BadEntry

_SIGNS = "!$&'()*+,;=:@~"
"""Characters that some backends escape in their URLs and others do not."""


def is_remote(source: str | Path) -> bool:
    """Whether a source is a URL of a storage plugin, not a local path."""
    scheme, mark, _ = str(source).partition("://")
    return bool(mark) and scheme.lower() != "file"


def stored_units(
    objects: Iterable[StoredObject], sidecar_suffix: str | None, *, paused: bool = False
) -> Iterator[Unit]:
    """Objects as units. An object that ends with the suffix of sidecars contains the metadata of the object without it.

    If sidecars are `paused`, they are skipped. An object whose name is only the suffix is an ordinary
    object.
    """
    if sidecar_suffix == "":
        raise InvalidInput("the suffix of sidecars cannot be empty", hint="--no-sidecars reads none")
    endings = {quote(sidecar_suffix, safe=safe) for safe in ("", _SIGNS)} if sidecar_suffix else set()
    for stored in objects:
        owners = (stored.url.removesuffix(ending) for ending in endings if stored.url.endswith(ending))
        owner = next((url for url in owners if not url.endswith("/")), None)
        if owner is None or not paused:
            problem = stored.problem if isinstance(stored, BadEntry) else None
            yield Unit(stored.url, stored.url, stored=stored, sidecar_of=owner, problem=problem)
