"""Amazon S3 and S3-compatible stores for Heron: the storage backend `s3`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import heron
from heron_storage_s3.stores import store_of, store_of_url
from heron_storage_s3.urls import ACCESS_POINT, HOST, normalise

OPTIONS = (
    heron.Option("profile", "a profile of ~/.aws/config to take credentials and region from"),
    heron.Option("access_key_id", "the access key of a key pair"),
    heron.Option("secret_access_key", "the secret of the key pair", secret=True),
    heron.Option("session_token", "the token that belongs to a temporary key pair", secret=True),
    heron.Option("role_arn", "a role to assume with the credentials, renewed before it expires"),
    heron.Option("external_id", "the external id that the role requires"),
    heron.Option("anonymous", "send no credentials, for public buckets", type="boolean"),
    heron.Option("region", "the region of the buckets, such as eu-central-1"),
    heron.Option("endpoint", "the address of an S3-compatible store, such as https://minio.example:9000"),
    heron.Option(
        "addressing", "where the bucket is written in a request", choices=["auto", "path", "virtual"]
    ),
    heron.Option("requester_pays", "agree to pay for requests to requester-pays buckets", type="boolean"),
)


def load(options: Mapping[str, Any]) -> heron.Storage:
    """Create the storage for an integration's options; raises InvalidInput if they contradict each other."""
    from heron_storage_s3.options import S3Options
    from heron_storage_s3.storage import S3Storage

    return S3Storage(S3Options.of(options))


@heron.hookimpl
def register_storage() -> Iterable[heron.StorageBackend]:
    """Contribute the backend for s3://, s3a:// and s3n:// URLs, and for the https:// forms of S3."""
    yield heron.StorageBackend(
        name="s3",
        summary="Amazon S3 and S3-compatible stores (s3fs)",
        schemes=["s3", "s3a", "s3n"],
        hosts=[ACCESS_POINT, HOST],
        requires=["s3fs"],
        extra="s3",
        options=OPTIONS,
        normalise=normalise,
        store=store_of,
        store_of_url=store_of_url,
        load=load,
    )
