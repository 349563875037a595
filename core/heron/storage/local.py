"""Local files, the built-in storage backend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heron.hooks import StorageBackend, hookimpl


def _load(options: Mapping[str, Any]) -> Any:
    from heron.storage.local_files import LocalStorage

    return LocalStorage(**options)


@hookimpl
def register_storage() -> Iterable[StorageBackend]:
    """Files and folders of this machine."""
    yield StorageBackend(
        name="local", summary="files and folders of this machine", schemes=["file"], load=_load
    )
