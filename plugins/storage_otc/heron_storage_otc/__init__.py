"""Open Telekom Cloud OBS for Heron: the storage backend `otc`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron
from heron_storage_otc.urls import HOST, normalise, store_of, store_of_url

OPTIONS = (
    heron.Option("access_key_id", "the access key (AK) of a key pair"),
    heron.Option("secret_access_key", "the secret (SK) of the key pair", secret=True),
    heron.Option("session_token", "the token that belongs to a temporary key pair", secret=True),
    heron.Option(
        "project", "the project in which rights are granted; only named in messages, OBS does not need it"
    ),
    heron.Option("region", "the region of the buckets: eu-de (default), eu-nl or eu-ch2"),
    heron.Option("endpoint", "the address of OBS, if it is not that of the region"),
    heron.Option("anonymous", "send no credentials, for public buckets", type="boolean"),
)


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Create the storage for an integration's options; raises InvalidInput if they contradict each other."""
    from heron_storage_otc.storage import OTCStorage

    return OTCStorage.of(options)


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Contribute the backend for obs:// URLs, and for the https:// forms of OBS."""
    yield heron.StorageBackend(
        name="otc",
        summary="Open Telekom Cloud OBS (s3fs)",
        schemes=["obs"],
        hosts=[HOST],
        requires=["s3fs"],
        extra="otc",
        options=OPTIONS,
        normalise=normalise,
        store=store_of,
        store_of_url=store_of_url,
        load=load,
    )
