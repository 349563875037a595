"""Requests of HTTP: HEAD for one file, ranges for its bytes, and listings of folders."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import httpx

import heron


class WebStorage(heron.BucketStorage):
    """The host stands in the place of the bucket, and the path in that of the key."""

    def __init__(self, plain: bool = False, token: str | None = None) -> None:
        headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._scheme = "http" if plain else "https"
        self._client = httpx.Client(headers=headers, timeout=20)

    def normalise(self, url: str) -> str:
        """The one form of a URL."""
        scheme, _, rest = url.partition("://")
        if scheme.lower() != "web":
            raise heron.InvalidInput(
                f"{url!a} is no URL of a web server", hint="write web://HOST/FOLDER/FILE"
            )
        address = heron.address_of(f"web://{rest}")
        return heron.object_url("web", address.bucket.lower(), address.key)

    def explain(self, error: Exception, url: str) -> heron.HeronError:
        """The error for people, by the status of the answer."""
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            sort = {
                401: heron.BadCredentials,
                403: heron.PermissionDenied,
                404: heron.NotFound,
                429: heron.Throttled,
            }.get(status, heron.Unreachable if status >= 500 else heron.HeronError)
            return sort(f"{url}: the server answered with status {status}")
        if isinstance(error, httpx.TransportError):
            return heron.Unreachable(f"{url} cannot be reached: {type(error).__name__}")
        return super().explain(error, url)

    def _place(self, address: heron.ObjectAddress) -> str:
        return f"{self._scheme}://{address.bucket}/{quote(address.key, safe='/')}"

    def _stored(self, address: heron.ObjectAddress, answer: httpx.Response, size: int) -> heron.StoredObject:
        told = answer.headers.get("last-modified")
        return heron.StoredObject(
            heron.object_url("web", address.bucket, address.key),
            size,
            answer.headers.get("etag", told),
            parsedate_to_datetime(told) if told else None,
        )

    def _stat(self, address: heron.ObjectAddress) -> heron.StoredObject:
        if not address.key or address.key.endswith("/"):
            raise FileNotFoundError(address.key)
        answer = self._client.head(self._place(address)).raise_for_status()
        return self._stored(address, answer, int(answer.headers["content-length"]))

    def _get(
        self, address: heron.ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> tuple[heron.StoredObject, bytes]:
        if not address.key or address.key.endswith("/"):
            raise FileNotFoundError(address.key)
        wanted = f"bytes={start}-{'' if end is None else end - 1}"
        answer = self._client.get(self._place(address), headers={"Range": wanted})
        if answer.status_code == 416:  # nothing is there
            stored, content = self._stat(address), b""
        else:
            answer.raise_for_status()
            whole = answer.headers.get("content-range", "").rpartition("/")[2] or len(answer.content)
            content = answer.content if answer.status_code == 206 else answer.content[start:end]
            stored = self._stored(address, answer, int(whole))
        if etag not in (None, stored.etag):
            raise heron.ObjectChanged(f"{stored.url} was replaced while it was being read")
        return stored, content

    def _pages(self, address: heron.ObjectAddress, after: str | None) -> Iterator[list[heron.StoredObject]]:
        folder = address.key.rpartition("/")[0]
        keys = sorted(self._keys(address.bucket, f"{folder}/" if folder else ""))
        for key in keys:
            if key.startswith(address.key) and (after is None or key > after):
                yield [self._stat(heron.ObjectAddress(address.bucket, key))]

    def _keys(self, host: str, folder: str) -> Iterator[str]:
        answer = self._client.get(self._place(heron.ObjectAddress(host, folder)))
        if answer.status_code == 404:
            return
        for entry in answer.raise_for_status().json():
            key = f"{folder}{entry['name']}"
            if entry["type"] == "directory":
                yield from self._keys(host, f"{key}/")
            else:
                yield key

    def _sign(self, address: heron.ObjectAddress, expires: int) -> str:
        raise heron.InvalidInput("files of web servers cannot be signed")
