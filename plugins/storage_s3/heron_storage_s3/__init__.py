"""Amazon S3 for Heron: the storage backend `s3`. Reading comes in a later release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Make the storage for an integration's options; raises PluginError as long as it is not built."""
    raise heron.PluginError(
        "plugin storage_s3 knows s3:// URLs, but reading them is not built yet", hint="follow the changelog"
    )


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Bring the backend for s3:// and s3a:// URLs."""
    yield heron.StorageBackend(
        name="s3",
        summary="Amazon S3 and stores that speak its protocol (s3fs)",
        schemes=["s3", "s3a"],
        extra="s3",
        planned=True,
        load=load,
    )
