"""Azure Blob Storage for Heron: the storage backend `azure`. Reading comes in a later release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Make the storage for an integration's options; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin storage_azure knows az:// URLs, but reading them is not built yet",
        hint="follow the changelog",
    )


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Bring the backend for az://, abfs://, abfss:// and adl:// URLs."""
    yield heron.StorageBackend(
        name="azure",
        summary="Azure Blob Storage and Data Lake (adlfs)",
        schemes=["az", "abfs", "abfss", "adl"],
        extra="azure",
        planned=True,
        load=load,
    )
