"""Google Cloud Storage for Heron: the storage backend `gcs`. Reading comes in a later release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Make the storage for an integration's options; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin storage_gcs knows gs:// URLs, but reading them is not built yet", hint="follow the changelog"
    )


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Bring the backend for gs:// and gcs:// URLs."""
    yield heron.StorageBackend(
        name="gcs",
        summary="Google Cloud Storage (gcsfs)",
        schemes=["gs", "gcs"],
        extra="gcs",
        planned=True,
        load=load,
    )
