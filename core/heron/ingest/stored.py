"""The source of stored objects: what lies at or below a URL becomes units, sidecars among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from heron.errors import InvalidInput
from heron.hooks import StoredObject
from heron.ingest.units import Unit


def is_remote(source: str | Path) -> bool:
    """Whether a source is a URL of a storage plugin, not a path of this machine."""
    scheme, mark, _ = str(source).partition("://")
    return bool(mark) and scheme.lower() != "file"


def stored_units(objects: Iterable[StoredObject], sidecar_suffix: str | None) -> Iterator[Unit]:
    """Objects as units. Those that end with the suffix of sidecars hold the metadata of the object without it."""
    if sidecar_suffix == "":
        raise InvalidInput("the ending of sidecars cannot be empty", hint="--no-sidecars reads none")
    ending = quote(sidecar_suffix, safe="") if sidecar_suffix else None
    for stored in objects:
        url = stored.url
        owner = url.removesuffix(ending) if ending is not None and url.endswith(ending) else None
        yield Unit(url, url, stored=stored, sidecar_of=owner)
