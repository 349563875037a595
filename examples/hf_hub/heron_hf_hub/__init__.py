"""A storage of the files of data sets on the Hugging Face hub: `hub://OWNER/NAME/PATH`, at the branch `main` or another revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Make the storage."""
    from heron_hf_hub.hub import HubStorage

    return HubStorage(**options)


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Bring the storage."""
    yield heron.StorageBackend(
        name="hub",
        summary="data sets on the Hugging Face hub",
        schemes=["hub"],
        options=[
            heron.Option("token", "an access token, for private data sets", secret=True),
            heron.Option("endpoint", "another hub than https://huggingface.co"),
            heron.Option("revision", "branch, tag or commit (default: main)"),
        ],
        requires=["httpx"],
        load=load,
    )
