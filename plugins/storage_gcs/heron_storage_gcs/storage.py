"""Objects in Google Cloud Storage, read with the session and the credentials of gcsfs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from fsspec.asyn import sync
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

import heron
from heron_storage_gcs.answers import (
    LIST,
    READ,
    WRITE,
    Answer,
    content_of,
    error_of,
    json_of,
    no_answer,
    no_bucket,
    refusal_of,
    says_which_is_missing,
)
from heron_storage_gcs.credentials import SignIn, account_of, sign_in_failed, to_write
from heron_storage_gcs.urls import SCHEME, endpoint_of, normalise

# With support for zonal buckets, gcsfs imports gRPC and asks before each call for the type of the bucket,
# which takes up to a minute if that service is not available. The variable is read when gcsfs is imported.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")

from gcsfs.core import GCSFileSystem

PAGE = 1000
"""Objects of one page of a listing: the most that Google recommends."""

LONGEST_SIGNED = 7 * 24 * 60 * 60
"""The longest validity of a signed URL in seconds."""

_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=15, sock_connect=5, sock_read=30)
_BINARY = {"Content-Type": "application/octet-stream"}
_FIELDS = "name,size,generation,updated"


class GcsStorage(heron.BucketStorage):
    """The objects of Google Cloud Storage.

    The etag of an object is its generation, a number that grows whenever the object is replaced: listing,
    looking up and reading all return it, and a read can require it. Times are cut to whole seconds, since
    reads return no fractions.
    """

    def __init__(
        self,
        *,
        credentials_file: str | None = None,
        anonymous: bool = False,
        project: str | None = None,
        requester_pays: bool = False,
        endpoint: str | None = None,
    ) -> None:
        """Check the options of an integration without connecting; raises InvalidInput or BadCredentials."""
        address = endpoint_of(endpoint) if endpoint else None
        if anonymous and requester_pays:
            raise heron.InvalidInput(
                "the options anonymous and requester_pays exclude each other", hint="paying needs credentials"
            )
        account = account_of(credentials_file, anonymous)
        payer = project or account.project
        if requester_pays and not payer:
            raise heron.InvalidInput(
                "the option requester_pays needs a project that pays", hint="set the option project"
            )
        self.filesystem = GCSFileSystem(
            token=account.credentials or "anon",
            project=payer or "",
            access="read_only",
            endpoint_url=address,
            # Objects stored with the encoding gzip are read as they are stored: sizes and ranges count the
            # stored bytes.
            session_kwargs={"auto_decompress": False},
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        self._anonymous = anonymous
        self._payer = {"userProject": payer} if requester_pays and payer else {}
        self._credentials = account.credentials
        self._sign_in = SignIn(account.credentials)
        self._service: str = self.filesystem.base.removesuffix("/storage/v1/")
        self._proxy = _proxy_for(self._service)

    def normalise(self, url: str) -> str:
        """Write any accepted form of a URL as `gs://bucket/key`; raises InvalidInput."""
        return normalise(url)

    def explain(self, error: Exception, url: str) -> heron.HeronError:
        """Heron's error for an error of aiohttp, of signing in, or of Python."""
        if isinstance(error, GoogleAuthError):
            return sign_in_failed(error, url)
        if isinstance(error, TimeoutError):
            return heron.Unreachable(f"{url} cannot be reached: no answer in time")
        if isinstance(
            error, aiohttp.ClientResponseError
        ):  # its text contains addresses, perhaps that of a proxy
            return heron.Unreachable(f"{url} cannot be reached: the answer is not HTTP")
        if isinstance(error, aiohttp.ClientPayloadError):
            return heron.Unreachable(f"{url} cannot be reached: the connection broke off")
        if isinstance(error, aiohttp.ClientError):
            is_unknown = isinstance(getattr(error, "os_error", None), socket.gaierror)
            kind = heron.NoSuchHost if is_unknown else heron.Unreachable
            return kind(f"{url} cannot be reached: {' '.join(str(error).split())}")
        return super().explain(error, url)

    def _stat(self, address: heron.ObjectAddress) -> heron.StoredObject:
        url = _url_of(address)
        answer = self._ask(f"{_json_path(address.bucket)}/{quote(address.key, safe='')}", {"fields": _FIELDS})
        if answer.status != 200:
            raise self._refused(answer, address, READ)
        return _stored(address.bucket, json_of(answer, url), answer, url)

    def _get(
        self, address: heron.ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> tuple[heron.StoredObject, bytes]:
        url = _url_of(address)
        headers = {
            "Accept-Encoding": "gzip"
        }  # without it, objects stored as gzip are sent unpacked and whole
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        if etag is not None:
            headers["x-goog-if-generation-match"] = etag
        answer = self._ask(f"/{quote(address.bucket)}/{quote(address.key, safe='')}", {}, headers)
        if answer.status == 416:  # nothing to read; such an answer says little about the object
            return _unchanged(self._stat(address), etag), b""
        if answer.status not in (200, 206):
            raise self._refused(answer, address, READ)
        content = content_of(answer, url, start, end)
        stored = heron.StoredObject(url, content.size, content.generation, _whole_seconds(content.modified))
        return _unchanged(stored, etag), content.body

    def _pages(self, address: heron.ObjectAddress, after: str | None) -> Iterator[list[heron.StoredObject]]:
        url = _url_of(address)
        query = {
            "prefix": address.key,
            "maxResults": str(PAGE),
            "fields": f"items({_FIELDS}),nextPageToken",
        }
        if after is not None:
            query["startOffset"] = after  # which is listed again
        while True:
            answer = self._ask(_json_path(address.bucket), query)
            if answer.status != 200:
                raise self._refused(answer, address, LIST)
            page = json_of(answer, url)
            yield [
                _stored(address.bucket, item, answer, url)
                for item in page.get("items", ())
                if item.get("name") != after
            ]
            if not page.get("nextPageToken"):
                return
            query["pageToken"] = page["nextPageToken"]

    def _put(self, address: heron.ObjectAddress, content: bytes) -> None:
        path = f"/upload{_json_path(address.bucket)}"
        query = {"uploadType": "media", "name": address.key, "fields": "name"}
        answer = self._ask(path, query, _BINARY, method="POST", body=content)
        if answer.status != 200:
            raise self._refused(answer, address, WRITE)

    def _delete(self, address: heron.ObjectAddress) -> None:
        path = f"{_json_path(address.bucket)}/{quote(address.key, safe='')}"
        answer = self._ask(path, {}, method="DELETE")
        if answer.status not in (200, 204, 404):
            raise self._refused(answer, address, WRITE)

    def _sign(self, address: heron.ObjectAddress, expires: int) -> str:
        if not isinstance(self.filesystem.credentials.credentials, service_account.Credentials):
            raise heron.InvalidInput(
                "only the key of a service account can sign URLs of Google Cloud Storage",
                hint="set the option credentials_file",
            )
        if expires > LONGEST_SIGNED:
            raise heron.InvalidInput(
                f"a signed URL of Google Cloud Storage is valid for at most {LONGEST_SIGNED:,} seconds, not {expires:,}"
            )
        path = f"{address.bucket}/{address.key}"
        signed: str = self.filesystem.sign(path, expires, version="v4", query_parameters=self._payer)
        return signed

    @cached_property
    def _sign_in_to_write(self) -> SignIn:
        """Signs requests that write, for which the credentials ask for a wider scope."""
        return SignIn(to_write(self._credentials))

    def _ask(
        self,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        """One request; signing in happens here, in the caller's thread, because it would block the event loop."""
        sign_in = self._sign_in if method == "GET" else self._sign_in_to_write
        sent = {"Accept-Encoding": "identity", **(headers or {}), **sign_in.headers()}
        answer: Answer = sync(
            self.filesystem.loop, self._fetch, method, path, {**query, **self._payer}, sent, body
        )
        return answer

    async def _fetch(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        # Not through `GCSFileSystem._call`: it tries six times, logs errors that Heron expects, and drops the
        # reasons.
        session = await self.filesystem._set_session()
        async with session.request(
            method,
            self._service + path,
            data=body,
            params=query,
            headers=headers,
            timeout=_TIMEOUT,
            allow_redirects=False,
            proxy=self._proxy,
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    def _refused(self, answer: Answer, address: heron.ObjectAddress, permission: str) -> heron.HeronError:
        url = _url_of(address)
        if answer.status < 400:
            return no_answer(answer, url)
        refusal = refusal_of(answer)
        unsaid = answer.status == 404 and not says_which_is_missing(refusal)
        if unsaid and (permission == LIST or self._bucket_is_missing(address.bucket)):
            return no_bucket(address.bucket)
        return error_of(answer.status, refusal, url, address.bucket, permission, self._anonymous)

    def _bucket_is_missing(self, bucket: str) -> bool:
        return self._ask(_json_path(bucket), {"maxResults": "1", "fields": "kind"}).status == 404


def _json_path(bucket: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}/o"


def _url_of(address: heron.ObjectAddress) -> str:
    return heron.object_url(SCHEME, address.bucket, address.key)


def _stored(bucket: str, item: Any, answer: Answer, url: str) -> heron.StoredObject:
    """The object that an item of the JSON API describes."""
    try:
        return heron.StoredObject(
            heron.object_url(SCHEME, bucket, item["name"]),
            int(item["size"]),
            str(int(item["generation"])),
            _whole_seconds(item["updated"]),
        )
    except (KeyError, TypeError, ValueError):
        raise no_answer(answer, url) from None


def _whole_seconds(time: str | None) -> str | None:
    """An ISO time in Heron's form; a time without a zone counts as UTC."""
    if time is None:
        return None
    moment = datetime.fromisoformat(time)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def _unchanged(stored: heron.StoredObject, etag: str | None) -> heron.StoredObject:
    """The object, unless it was replaced: emulators ignore the condition in the request."""
    if etag is not None and stored.etag != etag:
        raise heron.ObjectChanged(f"{stored.url} was replaced while it was being read")
    return stored


def _proxy_for(service: str) -> str | None:
    """The proxy from the environment; aiohttp would look it up, and .netrc too, at each request."""
    parts = urlsplit(service)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
