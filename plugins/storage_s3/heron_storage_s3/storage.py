"""Objects in S3 as a storage: each method makes one request by the driver's client in its event loop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from botocore.exceptions import ClientError
from fsspec.asyn import sync
from s3fs import S3FileSystem

import heron
from heron_storage_s3.errors import Request, explain, is_bare, not_s3, status_of
from heron_storage_s3.native import NativeReader
from heron_storage_s3.options import S3Options
from heron_storage_s3.pages import ENTRIES, whole_seconds
from heron_storage_s3.session import connect, region_of
from heron_storage_s3.urls import S3_URLS, UrlForms

T = TypeVar("T")

LONGEST_SIGNATURE = 7 * 24 * 3600
"""The longest validity of a signed URL in seconds."""


class S3Storage(heron.BucketStorage):
    """A store with the S3 protocol, reached through `filesystem`."""

    forms: ClassVar[UrlForms] = S3_URLS

    def __init__(self, options: S3Options) -> None:
        self.options = options
        self.filesystem = connect(options)
        self._forms = self.forms.at(options.endpoint) if options.endpoint else self.forms
        self._payer = {"RequestPayer": "requester"} if options.requester_pays else {}
        self._homes: dict[str, S3FileSystem] = {}
        self.native = NativeReader(options)

    def normalise(self, url: str) -> str:
        """The canonical form of a URL; URLs with the host of the endpoint are accepted too."""
        return self._forms.normalise(url)

    def explain(self, error: Exception, url: str) -> heron.HeronError:
        """Heron's error for an error of s3fs, aiobotocore or aiohttp."""
        return explain(error, self._request(url)) or super().explain(error, url)

    def _request(self, url: str) -> Request:
        """The request, as error messages describe it."""
        to_read, to_list = self.rights_needed()
        if self.options.anonymous:
            to_read = to_list = "the bucket is not public: give credentials instead of anonymous"
        elif not self.options.requester_pays and self.options.endpoint is None:
            # Amazon refuses who does not agree to pay just as who has no right.
            more = "; if the requester pays for the bucket, set the option requester_pays=true"
            to_read, to_list = to_read + more, to_list + more
        options, bucket = self.options, heron.address_of(url).bucket
        return Request(
            url, bucket, options.role_arn, options.addressing, options.requester_pays, to_read, to_list
        )

    def rights_needed(self) -> tuple[str, str]:
        """The hints for a missing right to read, and for a missing right to list."""
        return "the credentials need s3:GetObject on it", "the credentials need s3:ListBucket on the bucket"

    def _stat(self, address: heron.ObjectAddress) -> heron.StoredObject:
        return self._run(lambda client: self._head_or_reason(client, address))

    def _get(
        self, address: heron.ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> tuple[heron.StoredObject, bytes]:
        return self._run(lambda client: self._fetch(client, address, start, end, etag))

    def _pages(self, address: heron.ObjectAddress, after: str | None) -> Iterator[list[heron.StoredObject]]:
        where: dict[str, Any] = {"StartAfter": after} if after is not None else {}
        while True:
            page = self._page(Bucket=address.bucket, Prefix=address.key, **self._payer, **where)
            more, token = page.get("IsTruncated"), page.get("NextContinuationToken")
            if more is None or (more and not token):
                raise not_s3(self._url(address))
            yield [
                *(self._listed(address.bucket, *found) for found in page.get(ENTRIES, ())),
                *(
                    self._stored(heron.ObjectAddress(address.bucket, found["Key"]), found, found["Size"])
                    for found in page.get("Contents", ())
                ),
            ]
            if not more:
                return
            where = {"ContinuationToken": token}

    def _listed(self, bucket: str, key: str, size: int, etag: str, moment: datetime) -> heron.StoredObject:
        return heron.StoredObject(heron.object_url(self.forms.schemes[0], bucket, key), size, etag, moment)

    def _page(self, **ask: Any) -> Mapping[str, Any]:
        page: Mapping[str, Any] = self._run(lambda client: client.list_objects_v2(**ask))
        return page

    def _put(self, address: heron.ObjectAddress, content: bytes) -> None:
        self._run(lambda client: client.put_object(**self._named(address), Body=content))

    def _delete(self, address: heron.ObjectAddress) -> None:
        self._run(lambda client: client.delete_object(**self._named(address)))

    def _sign(self, address: heron.ObjectAddress, expires: int) -> str:
        if self.options.anonymous:
            raise heron.InvalidInput(
                f"{self._url(address)} cannot be signed without credentials",
                hint="set a key pair or a profile in the integration",
            )
        if expires > LONGEST_SIGNATURE:
            raise heron.InvalidInput(
                f"a signed URL is valid for at most {LONGEST_SIGNATURE:,} seconds, not {expires:,}"
            )
        return self._run(lambda client: self._presign(client, address, expires))

    def peek_all(
        self, urls: Sequence[str], count: int
    ) -> list[tuple[heron.StoredObject, bytes] | heron.HeronError]:
        """The result of `peek` for each URL, requested concurrently; an error takes the place of its result."""

        async def peek(client: Any, url: str) -> tuple[heron.StoredObject, bytes]:
            return await self._fetch(client, self.object_address(url), 0, count, None)

        async def ask(client: Any) -> list[Any]:
            asked = (peek(client, url) for url in urls)
            return await asyncio.gather(*asked, return_exceptions=True)

        try:
            answers = self._run(ask)
        except Exception as error:  # noqa: BLE001 - no client could be made: the answer to all of them
            answers = [error] * len(urls)
        return [
            self.explain(found, url) if isinstance(found, Exception) else found
            for url, found in zip(urls, answers, strict=True)
        ]

    async def _presign(self, client: Any, address: heron.ObjectAddress, expires: int) -> str:
        bucket = address.bucket
        if bucket not in self._homes:
            # Requests are redirected to another region, but a signature is valid for one region only.
            region = await region_of(client, bucket)
            here = region in (None, client.meta.region_name)
            self._homes[bucket] = self.filesystem if here else connect(replace(self.options, region=region))
        signer = await self._homes[bucket].set_session()
        params = {"Bucket": bucket, "Key": address.key, **self._payer}
        url: str = await signer.generate_presigned_url("get_object", Params=params, ExpiresIn=expires)
        return url

    async def _head_or_reason(self, client: Any, address: heron.ObjectAddress) -> heron.StoredObject:
        try:
            return await self._head(client, address)
        except ClientError as error:
            if not is_bare(error):
                raise
        stored, _ = await self._fetch(client, address, 0, 1, None)
        return stored

    async def _head(
        self, client: Any, address: heron.ObjectAddress, etag: str | None = None
    ) -> heron.StoredObject:
        answer = await client.head_object(**self._ask(address, etag))
        return self._stored(address, answer, answer.get("ContentLength", 0))

    async def _fetch(
        self, client: Any, address: heron.ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> tuple[heron.StoredObject, bytes]:
        ask = self._ask(address, etag)
        if start or end is not None:
            ask["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        try:
            native = await self.native.fetch(client, address, start, end, etag)
            if native is not None:
                moment = whole_seconds(native.modified_at)
                return heron.StoredObject(
                    self._url(address), native.size, native.etag, moment
                ), native.content
            answer = await client.get_object(**ask)
        except ClientError as error:
            if status_of(error) != 416:
                raise
            return await self._head(client, address, etag), b""
        async with answer["Body"] as body:
            content: bytes = await body.read()
        first, announced, size = _extent(answer, len(content))
        if first > start:
            raise not_s3(self._url(address))
        if len(content) != announced:
            raise heron.Unreachable(
                f"{self._url(address)}: {len(content):,} of {announced:,} bytes were received, then the connection was cut"
            )
        stored = self._stored(address, answer, size)
        # A store may send the whole object although a part was requested.
        return stored, content[start - first : None if end is None else end - first]

    def _ask(self, address: heron.ObjectAddress, etag: str | None) -> dict[str, str]:
        match = {"IfMatch": f'"{etag}"'} if etag else {}
        return {**self._named(address), **match}

    def _named(self, address: heron.ObjectAddress) -> dict[str, str]:
        return {"Bucket": address.bucket, "Key": address.key, **self._payer}

    def _stored(
        self, address: heron.ObjectAddress, answer: Mapping[str, Any], size: int
    ) -> heron.StoredObject:
        if "ETag" not in answer or "LastModified" not in answer:
            raise not_s3(self._url(address))
        return heron.StoredObject(
            self._url(address), size, answer["ETag"].strip('"'), whole_seconds(answer["LastModified"])
        )

    def _url(self, address: heron.ObjectAddress) -> str:
        return heron.object_url(self.forms.schemes[0], address.bucket, address.key)

    def _run(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        """Run a request of the driver's client in its event loop, and wait."""

        async def answer() -> T:
            return await ask(await self.filesystem.set_session())

        result: T = sync(self.filesystem.loop, answer)
        return result


def _extent(answer: Mapping[str, Any], received: int) -> tuple[int, int, int]:
    """First byte, number of bytes, and size of the whole object, from the headers of an answer."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.get("ContentRange", ""))
    if found is None:
        announced = answer.get("ContentLength", received)
        return 0, announced, announced
    first, last, size = map(int, found.groups())
    return first, last - first + 1, size
