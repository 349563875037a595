"""Azure Blob Storage and Data Lake for Heron: the storage backend `azure`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron
from heron_storage_azure.stores import store_of, store_of_url
from heron_storage_azure.urls import HOST, SCHEMES, normalise

OPTIONS = [
    heron.Option("account", "name of the storage account"),
    heron.Option("account_key", "key of the account", secret=True),
    heron.Option("sas_token", "shared access signature (SAS)", secret=True),
    heron.Option("connection_string", "connection string, as the portal shows it", secret=True),
    heron.Option("tenant_id", "tenant (directory) of a service principal"),
    heron.Option("client_id", "application (client) id of a service principal"),
    heron.Option("client_secret", "secret of a service principal", secret=True),
    heron.Option("endpoint", "URL of the blob service, for other clouds, own domains and emulators"),
    heron.Option("anonymous", "read public containers without credentials", type="boolean"),
]


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Create the storage for an integration's options; raises InvalidInput if they contradict each other."""
    from heron_storage_azure.storage import AzureStorage

    return AzureStorage(options)


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Contribute the backend for az://, abfs://, abfss://, wasb:// and wasbs:// URLs, and those of Azure's hosts."""
    yield heron.StorageBackend(
        name="azure",
        summary="Azure Blob Storage and Data Lake (adlfs)",
        schemes=SCHEMES,
        hosts=[HOST],
        options=OPTIONS,
        normalise=normalise,
        store=store_of,
        store_of_url=store_of_url,
        requires=["adlfs"],
        extra="azure",
        load=load,
    )
