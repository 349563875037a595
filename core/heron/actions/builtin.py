"""The built-in action: whether the files of items are where they were, and as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any

from heron.hooks import ActionOption, ItemAction, hookimpl
from heron.models import Item

_BLOCK = 1 << 20


def _load() -> Callable[..., str | None]:
    return check_files


def check_files(workspace: Any, item: Item, options: Mapping[str, Any]) -> None:
    """Raise HeronError unless the files of an item are there with the size, ETag and hash that the catalogue has of them, if it has."""
    from heron.errors import MediaError

    by = workspace.storage.of(item)
    files = workspace.items.members(item) or [item]
    for file in files:
        storage = workspace.storage.open(file.url, by)
        found = storage.stat(file.url)
        if file.size is not None and found.size != file.size:
            raise MediaError(
                f"{file.url} has {found.size:,} bytes, and had {file.size:,}", hint="sync or import it again"
            )
        if file.etag and found.etag and found.etag != file.etag:
            raise MediaError(f"{file.url} was changed since it was imported", hint="sync or import it again")
        if options["hash"] and file.content_hash and file.content_hash != _hash(storage, file.url):
            raise MediaError(f"{file.url} has another content", hint="sync or import it again")


def _hash(storage: Any, url: str) -> str:
    found = sha256()
    with storage.open(url) as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


@hookimpl
def register_actions() -> Iterable[ItemAction]:
    """What is useful with every lake."""
    yield ItemAction(
        name="check-files",
        summary="Whether the files of items are there, and as they were when they were imported",
        options=[
            ActionOption(
                "hash", "read files whose SHA-256 is known, and compare it", "boolean", default=False
            )
        ],
        changes=False,
        load=_load,
    )
