"""The source of stored objects: a URL, or a prefix of many, becomes units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from heron.ingest.units import Unit

if TYPE_CHECKING:
    from heron.hooks import PluginManager, Storage


def is_remote(source: str | Path) -> bool:
    """Whether a source is a URL of a storage plugin, not a path of this machine."""
    scheme, mark, _ = str(source).partition("://")
    return bool(mark) and scheme.lower() != "file"


def stored_units(plugins: PluginManager, url: str) -> Iterator[Unit]:
    """The objects at or below a URL; raises PluginError at once when no usable plugin reads its scheme."""
    scheme = url.partition("://")[0].lower()
    storage: Storage = plugins.load(plugins.storage(scheme), {})
    prefix = storage.normalise(url)
    return (Unit(stored.url, stored.url, stored=stored) for stored in storage.list(prefix))
