"""Reads objects of Azure by the service client of adlfs, with one request for each object."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from adlfs import AzureBlobFileSystem
from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, BlobSasPermissions, generate_blob_sas
from azure.storage.blob.aio import BlobClient, BlobServiceClient
from fsspec.asyn import sync

import heron
from heron_storage_azure.errors import explain
from heron_storage_azure.options import Access, access_of
from heron_storage_azure.urls import account_of, normalise

T = TypeVar("T")

PAGE = 5000
"""Objects listed by one request: the most that the service allows."""

_SECONDS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 30}

_ONE_REQUEST = 2**40
"""The SDK splits larger reads, in bytes, into several requests; no caller reads more at once."""

_LONGEST_DELEGATION = timedelta(days=7)
"""The longest validity of a signature made without an account key."""

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clock of this machine may be ahead of Azure's clock."""

for _name in ("azure", "adlfs"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class AzureStorage(heron.BucketStorage):
    """Containers of one storage account."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._access = access_of(options)
        self.filesystem = _filesystem(self._access)
        self._service: BlobServiceClient = self.filesystem.service_client

    def __repr__(self) -> str:
        return f"<AzureStorage {self._access.endpoint}>"

    def normalise(self, url: str) -> str:
        """Write any accepted form of a URL as az://container/key; raises InvalidInput for another account's."""
        named = account_of(url, self._access.endpoint)
        if named is not None and named != self._access.account:
            raise heron.InvalidInput(
                f"the URL names the account {named}, but this integration has "
                f"{self._access.account or self._access.endpoint}",
                hint=f"use an integration for {named}",
            )
        return normalise(url, self._access.endpoint)

    def explain(self, error: Exception, url: str) -> heron.HeronError:
        """Heron's error for an error of the SDK."""
        return explain(error, url, self._access) or super().explain(error, url)

    def _stat(self, address: heron.ObjectAddress) -> heron.StoredObject:
        properties = self._ask(self._blob(address).get_blob_properties)
        return _stored(address, properties, properties.size)

    def _get(
        self, address: heron.ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> tuple[heron.StoredObject, bytes]:
        blob = self._blob(address)
        unchanged = {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified} if etag else {}
        try:
            stored, body = self._ask(_download, blob, address, start, end, unchanged)
        except HttpResponseError as error:
            if error.status_code != 416:
                raise
            stored, body = self._at_the_end(blob, address, unchanged), b""
        if len(body) != max(0, min(stored.size, stored.size if end is None else end) - start):
            raise heron.Unreachable(f"the connection broke off while {stored.url} was being read")
        return stored, body

    def _at_the_end(
        self, blob: BlobClient, address: heron.ObjectAddress, unchanged: Mapping[str, Any]
    ) -> heron.StoredObject:
        """The facts of an object whose end is before the range; the refusal of the range does not contain them."""
        properties = self._ask(blob.get_blob_properties, **unchanged)
        return _stored(address, properties, properties.size)

    def _pages(self, address: heron.ObjectAddress, after: str | None) -> Iterator[list[heron.StoredObject]]:
        container = self._service.get_container_client(address.bucket)
        listing = container.list_blobs(
            name_starts_with=address.key or None, include=["metadata"], results_per_page=PAGE
        )
        pages = listing.by_page()
        while (page := self._ask(_next_page, pages)) is not None:
            yield [
                _stored(heron.ObjectAddress(address.bucket, found.name), found, found.size)
                for found in page
                if not _is_folder(found)
            ]

    def _put(self, address: heron.ObjectAddress, content: bytes) -> None:
        self._ask(self._blob(address).upload_blob, content, overwrite=True)

    def _delete(self, address: heron.ObjectAddress) -> None:
        with suppress(ResourceNotFoundError):
            self._ask(self._blob(address).delete_blob)

    def list(self, prefix: str, after: str | None = None) -> Iterator[heron.StoredObject]:
        """All objects at or below a prefix, in the order of the service.
        With a hierarchical namespace this is not the order of the keys: `a/b` comes before `a-b`. So a listing
        continues after the object `after`, and by the order of keys only if that object no longer exists.
        """
        met = after is None
        for stored in super().list(prefix):
            if met:
                yield stored
            met = met or stored.url == after
        if after is not None and not met:
            behind = heron.address_of(after).key
            yield from (s for s in super().list(prefix) if heron.address_of(s.url).key > behind)

    def _sign(self, address: heron.ObjectAddress, expires: int) -> str:
        blob, ends = self._blob(address), datetime.now(UTC) + timedelta(seconds=expires)
        token = generate_blob_sas(
            self._access.account or "",
            address.bucket,
            address.key,
            permission=BlobSasPermissions(read=True),
            expiry=ends,
            **self._signing_key(ends),
        )
        return f"{blob.url}?{token}"

    def _signing_key(self, ends: datetime) -> dict[str, Any]:
        if self._access.key is not None:
            return {"account_key": self._access.key}
        if not self._access.by_token:
            raise heron.InvalidInput(
                "a URL can only be signed with an account key or a login of Microsoft Entra ID",
                hint="use an integration that has one",
            )
        now = datetime.now(UTC)
        if ends > now + _LONGEST_DELEGATION:
            raise heron.InvalidInput("without an account key, a signed URL is valid for 7 days at most")
        begins = max(now - _CLOCKS_DIFFER, ends - _LONGEST_DELEGATION)
        return {"user_delegation_key": self._ask(self._service.get_user_delegation_key, begins, ends)}

    def _blob(self, address: heron.ObjectAddress) -> BlobClient:
        if not {".", ".."}.isdisjoint(address.key.split("/")):
            raise heron.InvalidInput(
                f"{heron.object_url('az', address.bucket, address.key)} has . or .. between its slashes",
                hint="Azure would read another object; give it another name",
            )
        return self._service.get_blob_client(address.bucket, address.key)

    def _ask(self, request: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        """Make a request in the event loop of the filesystem; an answer that the SDK cannot parse is not from Azure."""
        try:
            answer: T = sync(self.filesystem.loop, request, *arguments, **named)
        except (heron.HeronError, AzureError):
            raise
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise heron.Unreachable(
                f"{self._access.endpoint} does not answer as Azure does",
                hint="check the endpoint, and whether a proxy stands between",
            ) from error
        return answer


def _filesystem(access: Access) -> Any:
    """The filesystem of adlfs with our own client, because the client of adlfs retries for minutes.
    The connection string keeps adlfs from looking for credentials in the environment.
    """
    credential = _credential(access)
    token = credential if access.by_token else None
    filesystem = AzureBlobFileSystem(
        connection_string=f"BlobEndpoint={access.endpoint}",
        credential=token,
        anon=True,
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    filesystem.service_client = BlobServiceClient(
        access.endpoint, credential, retry_total=0, max_single_get_size=_ONE_REQUEST, **_SECONDS
    )
    return filesystem


def _credential(access: Access) -> AzureNamedKeyCredential | AzureSasCredential | AsyncTokenCredential | None:
    if access.anonymous:
        return None
    if access.key is not None:
        return AzureNamedKeyCredential(access.account or "", access.key)
    if access.sas is not None:
        return AzureSasCredential(access.sas)
    from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential  # half a second

    if access.principal is not None:
        return ClientSecretCredential(*access.principal, retry_total=0, **_SECONDS)
    return DefaultAzureCredential()


async def _download(
    blob: BlobClient, address: heron.ObjectAddress, start: int, end: int | None, unchanged: Mapping[str, Any]
) -> tuple[heron.StoredObject, bytes]:
    """Bytes and facts from one answer; `decompress` is off, because ranges count the stored bytes."""
    length = None if end is None else end - start
    stream = await blob.download_blob(start, length, decompress=False, **unchanged)
    body = await stream.readall()
    size = int(str(stream.properties.content_range).rpartition("/")[2])
    return _stored(address, stream.properties, size), body


async def _next_page(pages: AsyncIterator[AsyncIterator[BlobProperties]]) -> list[BlobProperties] | None:
    async for page in pages:
        return [found async for found in page]
    return None


def _stored(address: heron.ObjectAddress, found: BlobProperties, size: int) -> heron.StoredObject:
    """The facts of an object; raises Unreachable for an answer without them, and NotFound for a folder."""
    url = heron.object_url("az", address.bucket, address.key)
    if None in (found.etag, found.last_modified, found.blob_type, size):
        raise heron.Unreachable(
            f"{url} was not answered as Azure answers",
            hint="check the endpoint, and whether a proxy stands between",
        )
    if _is_folder(found):
        raise heron.NotFound(f"{url} is a folder, not an object")
    moment = found.last_modified.astimezone(UTC)
    return heron.StoredObject(url, size, found.etag.strip('"'), moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def _is_folder(found: BlobProperties) -> bool:
    """Whether an object stands for a folder: Data Lake and older tools write empty objects with this metadata."""
    marks = {name.lower(): text for name, text in (found.metadata or {}).items()}
    return "true" in (marks.get("hdi_isfolder"), marks.get("is_directory"))
