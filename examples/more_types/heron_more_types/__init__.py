"""Metadata types `semver`, `ip` and `geohash`: each is stored in a form that sorts, and shown as people write it."""

from __future__ import annotations

from collections.abc import Iterable

import heron


def _load(name: str) -> heron.Codec:
    from heron_more_types import codecs

    codec: heron.Codec = getattr(codecs, name)()
    return codec


@heron.hookimpl
def register_metadata_types() -> Iterable[heron.MetadataType]:
    """Bring the types."""
    yield heron.MetadataType(
        name="semver", summary="a version such as 1.9.0-rc.1", affinity="text", load=lambda: _load("Semver")
    )
    yield heron.MetadataType(
        name="ip", summary="an address of IPv4 or IPv6", affinity="text", load=lambda: _load("Address")
    )
    yield heron.MetadataType(
        name="geohash", summary="a cell on the globe", affinity="text", load=lambda: _load("Geohash")
    )
