"""A storage of files on web servers that list their folders as JSON, as nginx does with `autoindex_format json`: `web://HOST/FOLDER/FILE`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Make the storage."""
    from heron_http_storage.web import WebStorage

    return WebStorage(**options)


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Bring the storage."""
    yield heron.StorageBackend(
        name="web",
        summary="files of web servers that list their folders",
        schemes=["web"],
        options=[
            heron.Option("plain", "http in place of https, for tests", type="boolean"),
            heron.Option("token", "what is sent as Authorization: Bearer", secret=True),
        ],
        requires=["httpx"],
        load=load,
    )
