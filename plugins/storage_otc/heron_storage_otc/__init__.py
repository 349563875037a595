"""Open Telekom Cloud OBS for Heron: the storage backend `otc`. Reading comes in a later release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Make the storage for an integration's options; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin storage_otc knows obs:// URLs, but reading them is not built yet", hint="follow the changelog"
    )


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Bring the backend for obs:// URLs."""
    yield heron.StorageBackend(
        name="otc",
        summary="Open Telekom Cloud OBS (s3fs)",
        schemes=["obs"],
        extra="otc",
        planned=True,
        load=load,
    )
