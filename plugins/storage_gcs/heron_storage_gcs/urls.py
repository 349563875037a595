"""The forms of URLs of Google Cloud Storage, and the canonical one."""

from __future__ import annotations

import re

import heron

SCHEME = "gs"
"""The scheme of canonical URLs."""

HOSTS = (
    r"storage\.googleapis\.com",
    r"storage\.cloud\.google\.com",
    r"[a-z0-9._-]+\.storage\.googleapis\.com",
)
"""The host names of https:// URLs of the service, as regular expressions."""

_SERVICE = "storage.googleapis.com"
_BROWSER = "storage.cloud.google.com"
_ACCOUNT = re.compile(r"(?<=[^?#])\?authuser=[0-9]+$")
"""What the console appends to links: with which of their logins people open them, which is nothing about the object."""

_BUCKET = re.compile(r"[A-Za-z0-9._~-]+")
_JSON_API = re.compile(r"(?:(?:download|upload|batch)/)?storage/v1(?:/|$)")
_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::\d+)?", re.IGNORECASE)
_HINT = "write gs://bucket/key"


def normalise(url: str) -> str:
    """Write a gs://, gcs:// or https:// URL as `gs://bucket/key`; raises InvalidInput."""
    scheme, mark, rest = url.partition("://")
    if mark and scheme.lower() in (SCHEME, "gcs"):
        bucket, _, path = rest.partition("/")
    elif mark and scheme.lower() in ("https", "http"):
        bucket, path = _of_web(_ACCOUNT.sub("", rest), ":443" if scheme.lower() == "https" else ":80")
    else:
        raise heron.InvalidInput(f"{scheme[:40]!a} is not a scheme of Google Cloud Storage", hint=_HINT)
    if not _BUCKET.fullmatch(bucket):
        # The name is not shown: it may be a user name with a password.
        raise heron.InvalidInput(
            "a URL of Google Cloud Storage names no bucket, or an impossible one", hint=_HINT
        )
    address = heron.address_of(f"{SCHEME}://{bucket}/{path}")
    return heron.object_url(SCHEME, address.bucket, address.key)


def endpoint_of(text: str) -> str:
    """Check the address of a service: scheme, host and port, without a final `/`; raises InvalidInput."""
    address = text.removesuffix("/")
    if not _ENDPOINT.fullmatch(address):
        raise heron.InvalidInput(
            "the option endpoint is not the address of a service",
            hint="write scheme, host and port only, such as https://storage.googleapis.com",
        )
    return address


def _of_web(rest: str, port: str) -> tuple[str, str]:
    """Bucket and path, still escaped, of the part of a URL after https://; `port` is that of the scheme."""
    netloc, _, path = rest.partition("/")
    host = netloc.lower().removesuffix(port)
    if "?" in rest or "#" in rest:
        raise heron.InvalidInput(
            "an https:// URL of Google Cloud Storage cannot have a query or a fragment",
            hint="leave out what begins with ? or #, and write these two as %3F and %23 where they belong to the key",
        )
    if host == _SERVICE and _JSON_API.match(path):
        raise heron.InvalidInput("a URL of the JSON API is not the URL of an object", hint=_HINT)
    if host in (_SERVICE, _BROWSER):
        bucket, _, key = path.partition("/")
        return bucket, key
    if host.endswith(f".{_SERVICE}"):
        return host.removesuffix(f".{_SERVICE}"), path
    raise heron.InvalidInput(
        "the host of this https:// URL does not belong to Google Cloud Storage", hint=_HINT
    )
