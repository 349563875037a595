"""The routes of the hub that are needed (https://huggingface.co/docs/hub/api): the tree of a data set, and the bytes of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx

import heron


class HubStorage(heron.BucketStorage):
    """The owner stands in the place of the bucket; the key begins with the name of the data set."""

    def __init__(
        self, token: str | None = None, endpoint: str = "https://huggingface.co", revision: str = "main"
    ) -> None:
        headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._client = httpx.Client(
            base_url=endpoint.rstrip("/"), headers=headers, timeout=20, follow_redirects=True
        )
        self._revision = quote(revision, safe="")

    def normalise(self, url: str) -> str:
        """The one form of a URL."""
        scheme, _, rest = url.partition("://")
        if scheme.lower() != "hub":
            raise heron.InvalidInput(f"{url!a} is no URL of the hub", hint="write hub://OWNER/NAME/PATH")
        address = heron.address_of(f"hub://{rest}")
        return heron.object_url("hub", address.bucket, address.key)

    def explain(self, error: Exception, url: str) -> heron.HeronError:
        """The error for people, by the status of the answer."""
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            sort = {
                401: heron.BadCredentials, 403: heron.PermissionDenied, 404: heron.NotFound, 429: heron.Throttled,
            }.get(status, heron.Unreachable if status >= 500 else heron.HeronError)  # fmt: skip
            return sort(f"{url}: the hub answered with status {status}")
        if isinstance(error, httpx.TransportError):
            return heron.Unreachable(f"{url} cannot be reached: {type(error).__name__}")
        return super().explain(error, url)

    def _file(self, address: heron.ObjectAddress) -> tuple[str, str]:
        """The data set and the path of a file in it."""
        name, _, path = address.key.partition("/")
        if not name or not path or path.endswith("/"):
            raise FileNotFoundError(address.key)
        return f"{address.bucket}/{name}", path

    def _stored(self, address: heron.ObjectAddress, key: str, entry: dict[str, Any]) -> heron.StoredObject:
        oid = (entry.get("lfs") or entry)["oid"]
        return heron.StoredObject(heron.object_url("hub", address.bucket, key), entry["size"], oid)

    def _stat(self, address: heron.ObjectAddress) -> heron.StoredObject:
        name, path = self._file(address)
        place = f"/api/datasets/{name}/paths-info/{self._revision}"
        found = self._client.post(place, json={"paths": [path]}).raise_for_status().json()
        if not found or found[0]["type"] != "file":
            raise FileNotFoundError(address.key)
        return self._stored(address, address.key, found[0])

    def _get(
        self, address: heron.ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> tuple[heron.StoredObject, bytes]:
        stored = self._stat(address)
        if etag not in (None, stored.etag):
            raise heron.ObjectChanged(f"{stored.url} was replaced while it was being read")
        if start >= stored.size:
            return stored, b""
        name, path = self._file(address)
        last = stored.size - 1 if end is None else min(end, stored.size) - 1
        place = f"/datasets/{name}/resolve/{self._revision}/{quote(path)}"
        answer = self._client.get(place, headers={"Range": f"bytes={start}-{last}"}).raise_for_status()
        return stored, answer.content if answer.status_code == 206 else answer.content[start : last + 1]

    def _pages(self, address: heron.ObjectAddress, after: str | None) -> Iterator[list[heron.StoredObject]]:
        name, _, prefix = address.key.partition("/")
        if not name:
            raise heron.InvalidInput(
                f"hub://{address.bucket}/ names no data set", hint="write hub://OWNER/NAME/"
            )
        place: str | None = f"/api/datasets/{address.bucket}/{name}/tree/{self._revision}?recursive=true"
        found = []
        while place:
            answer = self._client.get(place).raise_for_status()
            found += [
                entry
                for entry in answer.json()
                if entry["type"] == "file" and entry["path"].startswith(prefix)
            ]
            place = answer.links.get("next", {}).get("url")
        for entry in sorted(found, key=lambda entry: entry["path"]):
            key = f"{name}/{entry['path']}"
            if after is None or key > after:
                yield [self._stored(address, key, entry)]

    def _sign(self, address: heron.ObjectAddress, expires: int) -> str:
        raise heron.InvalidInput("files of the hub cannot be signed")
