"""Metadata types `semver`, `ip` and `geohash`, each stored in a form that sorts, and shown as people write it; and operators of versions and addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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


def _load_operator(name: str) -> Callable[[str, str], bool]:
    from heron_more_types import operators

    operator: Callable[[str, str], bool] = getattr(operators, name)
    return operator


@heron.hookimpl
def register_query_functions() -> Iterable[heron.QueryFunction]:
    """Bring the operators `ver SATISFIES '>=1.2,<2'` and `address WITHIN '10.0.0.0/8'`, and the functions that they mean."""
    yield heron.QueryFunction(
        name="satisfies",
        summary="the version is within all of these bounds, such as >=1.2,<2",
        arguments=["semver", "text"],
        result="boolean",
        load=lambda: _load_operator("satisfies"),
        operator="SATISFIES",
    )
    yield heron.QueryFunction(
        name="ip_within",
        summary="the address is in this network, such as 10.0.0.0/8",
        arguments=["ip", "text"],
        result="boolean",
        load=lambda: _load_operator("within"),
        operator="WITHIN",
    )
