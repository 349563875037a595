"""Reads objects through obstore, whose client is in Rust: the same bytes as through botocore for a fifth of the processor time.

It reads where the options, the credentials and the key leave no doubt that the answer is the same. What it does not answer is
asked again through botocore. Listings are not read through it, for it drops the `/` at the end of a key.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from attrs import define, frozen
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.utils import get_environ_proxies

import heron
from heron_storage_s3.options import S3Options
from heron_storage_s3.session import PATIENCE

try:
    import obstore
    from obstore.store import S3Store

    IS_INSTALLED = True
except ImportError:  # an older installation of the extra: everything is read through botocore
    IS_INSTALLED = False

DOUBTS = 3
"""After so many reads of a bucket that only botocore could answer, nothing of it is asked through obstore any more."""

RENEWED = 60.0
"""The seconds after which the credentials are looked up again; they are renewed long before they expire."""

_PLAIN = re.compile(r"(?!\.{1,2}(?:/|$))[^/\\\x00-\x1f\x7f]+(?:/(?!\.{1,2}(?:/|$))[^/\\\x00-\x1f\x7f]+)*")
"""Keys that obstore sends as they are: no empty segments, no `.` and `..`, no control characters."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Buckets whose names can stand in a host and in a path alike."""

_AMAZON = re.compile(r"s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?")
_FOREIGN = ("AWS_SSE_CUSTOMER_KEY_BASE64", "AWS_SERVER_SIDE_ENCRYPTION", "AWS_CHECKSUM_ALGORITHM")
_TRUST = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that only one of the two clients follows: always, and for https."""

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@frozen
class Fetched:
    """An object's size, ETag without quotes, time of writing, and the bytes that were asked for."""

    size: int
    etag: str
    modified_at: Any
    content: bytes


@define
class _Bucket:
    """The client for one bucket, for some credentials; None if botocore reads it."""

    store: Any = None
    keys: tuple[str | None, ...] = ()
    checked_at: float = float("-inf")
    doubts: int = 0


class NativeReader:
    """Reads objects of a store through obstore; a client is made for each bucket when it is first read."""

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._buckets: dict[str, _Bucket] = {}
        self.is_allowed = IS_INSTALLED
        self.answered = 0
        """The number of reads that were answered."""

    async def fetch(
        self, client: Any, address: heron.ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> Fetched | None:
        """The object and its bytes from `start` to `end` (exclusive), or None if botocore has to be asked.

        Raises botocore's errors for answers that asking again would only repeat: what is missing, was replaced, or fails.
        """
        if not self.is_allowed or not _PLAIN.fullmatch(address.key) or (end is not None and end <= start):
            return None
        bucket = self._buckets.setdefault(address.bucket, _Bucket())
        if bucket.doubts >= DOUBTS:
            return None
        if time.monotonic() - bucket.checked_at > RENEWED:
            with suppress(Exception):  # botocore meets the same, and its error is explained
                await self._connect(client, address.bucket, bucket)
        if bucket.store is None:
            return None
        wish: Any = {"if_match": f'"{etag}"'} if etag else {}
        if end is not None:
            wish["range"] = (start, end)
        elif start:
            wish["range"] = {"offset": start}
        try:
            answer = await obstore.get_async(bucket.store, address.key, options=wish)
            content = bytes(await answer.bytes_async())
            found = _checked(answer, address.key, content, start, end)
        except Exception as error:  # noqa: BLE001 - it can be anything
            if (known := _known(error, client.meta.endpoint_url)) is not None:
                raise known from None  # the text of obstore's error is not for people
            found = None
        if found is None:
            bucket.doubts += 1
            return None
        bucket.doubts, self.answered = 0, self.answered + 1
        return found

    async def _connect(self, client: Any, name: str, bucket: _Bucket) -> None:
        """Make the client of a bucket from what botocore's one has found: endpoint, region, proxy and credentials."""
        bucket.checked_at = time.monotonic()
        before, bucket.store = bucket.store, None
        keys: tuple[str | None, ...] = ()
        if not self._options.anonymous:
            credentials = client._get_credentials()
            if credentials is None:
                return
            frozen_keys = await credentials.get_frozen_credentials()
            keys = (frozen_keys.access_key, frozen_keys.secret_key, frozen_keys.token)
        if before is not None and keys == bucket.keys:
            bucket.store = before
            return
        place = _place(self._options, client, name)
        bucket.keys = keys
        bucket.store = self._store(client, name, keys, place) if place is not None else None

    def _store(self, client: Any, name: str, keys: tuple[str | None, ...], place: Mapping[str, Any]) -> Any:
        given: dict[str, Any] = {}
        if keys:
            pair = {
                "access_key_id": keys[0],
                "secret_access_key": keys[1],
                "token": keys[2],
                "expires_at": None,
            }
            given["credential_provider"] = lambda: pair
        options: Any = {
            "allow_http": True,
            "connect_timeout": timedelta(seconds=PATIENCE["connect_timeout"]),
            "read_timeout": timedelta(seconds=PATIENCE["read_timeout"]),
            "timeout": timedelta(
                days=1
            ),  # of a whole object, which can be large; by default it is 30 seconds
            "user_agent": PATIENCE["user_agent"],
            **place["proxy"],
        }
        return S3Store(
            name,
            config={
                "endpoint": place["endpoint"],
                "aws_endpoint_url_s3": place["endpoint"],  # a variable of this name would take precedence
                "virtual_hosted_style_request": place["is_virtual"],
                "region": client.meta.region_name or "us-east-1",
                "request_payer": self._options.requester_pays,
                "skip_signature": self._options.anonymous,
                "s3_express": False,
            },
            client_options=options,
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=0)},  # Heron itself retries
            **given,
        )


def _place(options: S3Options, client: Any, bucket: str) -> dict[str, Any] | None:
    """Where and how a bucket is reached, or None where it is not certain that obstore would ask the same host as botocore."""
    config, endpoint = client.meta.config, str(client.meta.endpoint_url)
    more = config.s3 or {}
    is_odd = getattr(config, "use_fips_endpoint", None) or getattr(config, "use_dualstack_endpoint", None)
    if is_odd or more.get("use_accelerate_endpoint") or any(map(os.environ.get, _FOREIGN)):
        return None
    parts = urlsplit(endpoint)
    if parts.scheme == "https" and (any(map(os.environ.get, _TRUST))):
        return None
    if not _BUCKET.fullmatch(bucket) or parts.path not in ("", "/") or parts.scheme not in ("http", "https"):
        return None
    is_amazon = _AMAZON.fullmatch(parts.hostname or "") is not None
    if not is_amazon and (parts.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return None
    is_virtual = options.addressing == "virtual" or (options.addressing == "auto" and is_amazon)
    proxies = get_environ_proxies(endpoint)
    proxy = proxies.get(parts.scheme)
    if not proxy and any(value and name.lower() in _PROXIES for name, value in os.environ.items()):
        return None  # a variable excludes this host, which each client reads in its own way
    host = f"{bucket}.{parts.netloc}" if is_virtual else parts.netloc
    return {
        "endpoint": f"{parts.scheme}://{host}",
        "is_virtual": is_virtual,
        "proxy": {"proxy_url": proxy} if proxy else {},
    }


def _checked(answer: Any, key: str, content: bytes, start: int, end: int | None) -> Fetched | None:
    """What was fetched, or None if the answer is not exactly that which was asked for."""
    meta = answer.meta
    first, last = answer.range
    size, etag = meta["size"], meta["e_tag"]
    expected = size if end is None else min(end, size)
    if not etag or meta["path"] != key or (first, last) != (start, expected) or len(content) != last - first:
        return None
    return Fetched(size, etag.strip('"'), meta["last_modified"], content)


def _known(error: Exception, endpoint: str) -> Exception | None:
    """The error of botocore for an answer that it would get too; None if it may know more of it, such as the region of the bucket."""
    text = str(error)
    if "TimedOut" in text and "kind: Connect" not in text:
        return cast(Exception, ReadTimeoutError(endpoint_url=endpoint))
    status = re.search(r"status code: (\d{3})", text)
    code = re.search(r"<Code>(\w+)</Code>", text)
    if status is None or status[1] not in ("404", "412", "416", "429", "500", "502", "503", "504"):
        return None
    if status[1] == "404" and code is None:
        return None
    answer = {
        "Error": {"Code": code[1] if code else status[1]},
        "ResponseMetadata": {"HTTPStatusCode": int(status[1])},
    }
    return cast(Exception, ClientError(answer, "GetObject"))
