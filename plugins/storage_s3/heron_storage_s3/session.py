"""The connection to a store: an s3fs filesystem with credentials and timeouts, and without retries."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError
from botocore.utils import parse_timestamp
from s3fs import S3FileSystem

import heron
from heron_storage_s3.options import S3Options

PATIENCE: dict[str, Any] = {
    # Without one, botocore builds it again for every request, which takes a sixth of its time.
    "user_agent": f"heron/{heron.__version__}",
    "connect_timeout": 5,
    "read_timeout": 30,
    # Heron itself retries, so the driver does not; `max_attempts` would count only retries.
    "retries": {"total_max_attempts": 1, "mode": "standard"},
}
"""How long, and how often, each request waits for its answer."""


def connect(options: S3Options) -> S3FileSystem:
    """A filesystem for these options. It sends nothing and looks for no credentials before its first use."""
    own_keys = not options.role_arn
    filesystem = S3FileSystem(
        anon=options.anonymous,
        key=options.access_key_id if own_keys else None,
        secret=options.secret_access_key if own_keys else None,
        token=options.session_token if own_keys else None,
        endpoint_url=options.endpoint,
        client_kwargs={"region_name": options.region} if options.region else {},
        config_kwargs={
            **PATIENCE,
            "max_pool_connections": 256,
            "signature_version": "s3v4",
            "s3": {"addressing_style": options.addressing},
            # Other stores than Amazon's support these checksums badly; the length of what is read is checked
            # instead.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
        requester_pays=options.requester_pays,
        session=_session(options),
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    filesystem.retries = 1
    return filesystem


def _session(options: S3Options) -> AioSession:
    from heron_storage_s3.pages import take_entries

    session = AioSession(profile=options.profile)
    emitter = session.get_component("event_emitter")
    emitter.register_last("before-parameter-build.s3", _ask_once)
    emitter.register_last("before-call.s3", _send_at_once)
    emitter.register_last("before-parse.s3.ListObjectsV2", take_entries)
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=parse_moment)
    if options.role_arn:
        session.register_component("credential_provider", RoleCredentials(options))
    if options.requester_pays:
        session.register("before-sign.s3.GetObject", _payer_in_query)
    return session


def parse_moment(text: Any) -> datetime:
    """Parse a time as stores write it; botocore's own parser takes most of the time of listing a bucket."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime, parse_timestamp):
        try:
            moment: datetime = parse(text)
        except (TypeError, ValueError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    raise ValueError(f"{text!r:.60} is not a time")


class RoleCredentials:
    """A credential provider of a session for a role; credentials are renewed shortly before they expire."""

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._base = AioSession(profile=options.profile)

    async def load_credentials(self) -> AioRefreshableCredentials:
        """Assume the role now, so that a refusal is reported at once."""
        return AioRefreshableCredentials.create_from_metadata(
            await self._assume(), refresh_using=self._assume, method="assume-role"
        )

    async def _assume(self) -> dict[str, str]:
        options = self._options
        request = {"RoleArn": options.role_arn, "RoleSessionName": "heron", "ExternalId": options.external_id}
        async with self._base.create_client(
            "sts",
            region_name=options.region,
            endpoint_url=_sts_endpoint(options.endpoint),
            aws_access_key_id=options.access_key_id,
            aws_secret_access_key=options.secret_access_key,
            aws_session_token=options.session_token,
            config=AioConfig(**PATIENCE),
        ) as sts:
            answer = await sts.assume_role(**{key: value for key, value in request.items() if value})
        given = answer["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }


def _sts_endpoint(endpoint: str | None) -> str | None:
    """The endpoint of STS: the store itself, unless it is Amazon's or the environment names another endpoint."""
    host = urlsplit(endpoint or "").hostname or ""
    if "AWS_ENDPOINT_URL_STS" in os.environ or host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return None
    return endpoint


async def region_of(client: Any, bucket: str) -> str | None:
    """The region of a bucket, which Amazon gives for each existing bucket; None if the store has no regions."""
    try:
        answer = await client.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    region = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
    return str(region) if region else None


def _ask_once(model: Any, context: dict[str, Any], **_: Any) -> None:
    """Disable redirects of HEAD Bucket: if a redirect names no region, botocore sends HEAD Bucket again, endlessly."""
    if model.name == "HeadBucket":
        context["s3_redirect"]["redirected"] = True


def _send_at_once(params: dict[str, Any], **_: Any) -> None:
    """Do not ask whether the store wants the content: the driver would wait without an end for a proxy that does not answer."""
    params["headers"].pop("Expect", None)


def _payer_in_query(request: Any, signature_version: str, **_: Any) -> None:
    """Add the payer to a signed URL itself, because those who open it do not send the header."""
    if signature_version.endswith("-query"):
        request.params["x-amz-request-payer"] = request.headers["x-amz-request-payer"]
        del request.headers["x-amz-request-payer"]
