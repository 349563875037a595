"""Google Cloud Storage for Heron: the storage backend `gcs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron
from heron_storage_gcs.stores import store_of, store_of_url
from heron_storage_gcs.urls import HOSTS, normalise

OPTIONS = (
    heron.Option(
        "credentials_file",
        "path of the JSON key of a service account (default: the credentials of this machine)",
    ),
    heron.Option("anonymous", "read public buckets without credentials", type="boolean"),
    heron.Option("project", "project that pays, if requester_pays is set"),
    heron.Option("requester_pays", "pay for reading buckets that ask for it", type="boolean"),
    heron.Option("endpoint", "address of the service, such as a private endpoint or an emulator"),
)


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Create the storage for an integration's options; raises InvalidInput or BadCredentials."""
    from heron_storage_gcs.storage import GcsStorage

    return GcsStorage(**options)


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Contribute the backend for gs:// and gcs:// URLs."""
    yield heron.StorageBackend(
        name="gcs",
        summary="Google Cloud Storage (gcsfs)",
        schemes=["gs", "gcs"],
        hosts=HOSTS,
        options=OPTIONS,
        requires=["gcsfs"],
        extra="gcs",
        normalise=normalise,
        store=store_of,
        store_of_url=store_of_url,
        load=load,
    )
