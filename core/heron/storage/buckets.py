"""What the object stores S3, Google, Azure and OBS have in common, so that a plugin for one is a few short
methods.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import BinaryIO, cast
from urllib.parse import quote, unquote

from attrs import frozen

from heron.convert import without_secrets
from heron.errors import HeronError, InvalidInput, NotFound, PermissionDenied, Unreachable
from heron.hooks import StoredObject
from heron.media.ranged import ranged
from heron.metadata.keys import is_unicode, printable

_SAFE = "/!$&'()*+,;=:@~"
"""Characters that need no escape in the path of a URL (RFC 3986, 3.3), besides letters, digits and -._"""


_ADDRESS = re.compile(r"[^:/]+://([^/@?#\s]+)(?:/(.*))?", re.DOTALL)


_SIGNED = re.compile(
    r"\?(?:[^?]*&)?(?:sig|signature|x-(?:amz|goog|obs)-[a-z-]+|awsaccesskeyid|googleaccessid|accesskeyid|access_token|token|"
    r"password|secret)=",
    re.IGNORECASE,
)
"""A query by which somebody is let in, in a URL whose ? would otherwise belong to the key."""


@frozen
class ObjectAddress:
    """A bucket (or container) and the key of an object, or of a prefix, in it."""

    bucket: str
    key: str


_PORTS = {"http": ":80", "https": ":443"}
_PLAIN_KEY = re.compile(r"[A-Za-z0-9/!$&'()*+,;=:@~._-]*")
_PLAIN = re.compile(r"://[^/@?#\s]+/[A-Za-z0-9/!$&'()*+,;=:@~._-]*")


def is_canonical(url: str, scheme: str) -> bool:
    """Whether a URL of this scheme is certainly canonical; a quick check, since most URLs are."""
    return url.startswith(scheme) and _PLAIN.fullmatch(url, len(scheme)) is not None


def object_url(scheme: str, bucket: str, key: str) -> str:
    """The canonical URL of an object: `s3://bucket/a%20key.jpg`, with everything but plain characters escaped."""
    path = key if _PLAIN_KEY.fullmatch(key) else quote(key, safe=_SAFE)
    return f"{scheme}://{bucket}/{path}"


def store_at(endpoint: str) -> str:
    """The name of the store at an endpoint such as `https://minio.example:9000/`: `minio.example:9000`.

    It is the host in lower case, and the port unless it is that of the scheme.
    """
    scheme, _, rest = endpoint.strip().partition("://")
    host = re.split("[/?#]", rest or scheme, maxsplit=1)[0].rpartition("@")[2].lower()
    return host.removesuffix(_PORTS.get(scheme.lower(), ":")).removesuffix(".")


def address_of(url: str) -> ObjectAddress:
    """Bucket and key of a URL such as `s3://bucket/a%20key.jpg`; raises InvalidInput if one is missing or
    malformed.
    """
    found = _ADDRESS.fullmatch(url)
    if found is None:
        shown = "the URL" if "@" in url else printable(url)  # before an @ there may be a password
        raise InvalidInput(f"{shown} names no bucket", hint="write scheme://bucket/key")
    if _SIGNED.search(found[2] or ""):
        raise InvalidInput(
            f"{without_secrets(printable(url))} has a query that looks like a signature or a token",
            hint="give the URL without it, and credentials by an integration; a ? in a key is written %3F",
        )
    key = unquote(found[2] or "", errors="surrogateescape")
    if not is_unicode(key) or "\0" in key:
        raise InvalidInput(f"{printable(url)}: the key is not valid Unicode")
    return ObjectAddress(found[1], key)


class BucketStorage(ABC):
    """Implements the `Storage` protocol with a few requests that a subclass implements.

    The methods with an underscore may raise any error of the driver; `explain` turns it into a HeronError.
    """

    @abstractmethod
    def normalise(self, url: str) -> str:
        """Write any accepted form of a URL in its one canonical form; raises InvalidInput."""

    @abstractmethod
    def explain(self, error: Exception, url: str) -> HeronError:
        """The HeronError for a driver's error; `super().explain` handles Python's own errors."""
        if isinstance(error, HeronError):
            return error
        if isinstance(error, FileNotFoundError):
            return NotFound(f"{url} is not there")
        if isinstance(error, PermissionError):
            return PermissionDenied(
                f"{url} cannot be read: permission denied", hint="check the rights of the credentials in use"
            )
        text = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, ConnectionError | TimeoutError):
            return Unreachable(f"{url} cannot be reached: {text}")
        return HeronError(f"{url} cannot be read: {type(error).__name__}: {text}")

    @abstractmethod
    def _stat(self, address: ObjectAddress) -> StoredObject:
        """Look up one object."""

    @abstractmethod
    def _get(
        self, address: ObjectAddress, start: int, end: int | None, etag: str | None
    ) -> tuple[StoredObject, bytes]:
        """The object and its bytes from `start` to `end` (exclusive), at least one byte.

        If `start` is at or behind the end of the object, no bytes. Raises ObjectChanged if the object's ETag
        is not `etag`.
        """

    @abstractmethod
    def _pages(self, address: ObjectAddress, after: str | None) -> Iterator[list[StoredObject]]:
        """The objects whose key begins with that of the address, in the store's own order, page by page.

        With `after`, a key, only the objects behind it in that order.
        """

    @abstractmethod
    def _sign(self, address: ObjectAddress, expires: int) -> str:
        """A URL that anybody can read for `expires` seconds."""

    def _put(self, address: ObjectAddress, content: bytes) -> None:
        """Write an object whole. A subclass whose objects can be written implements this and `_delete`."""
        raise InvalidInput(
            f"objects of {type(self).__name__} cannot be written", hint="name a place in another storage"
        )

    def _delete(self, address: ObjectAddress) -> None:
        """Delete an object; nothing happens if it is not there."""
        raise InvalidInput(
            f"objects of {type(self).__name__} cannot be deleted", hint="name a place in another storage"
        )

    def write(self, url: str, content: bytes) -> None:
        """Write an object, in place of one that is there."""
        address = self.object_address(url)
        try:
            self._put(address, content)
        except Exception as error:
            raise self.explain(error, url) from error

    def delete(self, url: str) -> None:
        """Delete an object; nothing happens if it is not there."""
        address = self.object_address(url)
        try:
            self._delete(address)
        except Exception as error:
            raise self.explain(error, url) from error

    def stat(self, url: str) -> StoredObject:
        """Look up one object."""
        address = self.object_address(url)
        try:
            return self._stat(address)
        except Exception as error:
            raise self.explain(error, url) from error

    def list(self, prefix: str, after: str | None = None) -> Iterator[StoredObject]:
        """All objects at or below a prefix, in the store's own order, without those that only mark folders.

        If the prefix names an object, only that object is listed, even if others lie below it; end the prefix
        with `/` to list those. Listing `photos/` does not need the right to look up `photos`: a refusal is
        raised only if there is nothing below.
        """
        address = address_of(prefix)
        begin = address_of(after).key if after is not None else None
        folder = address.key if address.key.endswith("/") or not address.key else address.key + "/"
        denied: HeronError | None = None
        if begin == address.key != folder:
            return  # nothing comes after the object that the prefix names
        try:
            if folder != address.key and begin is None:
                single = self._single(address, prefix)
                if isinstance(single, StoredObject):
                    yield single
                    return
                denied = single
            for page in self._pages(ObjectAddress(address.bucket, folder), begin):
                for stored in page:
                    if not stored.url.endswith("/"):
                        denied = None
                        yield stored
        except Exception as error:
            raise self.explain(error, prefix) from error
        if denied is not None:
            raise denied

    def _single(self, address: ObjectAddress, url: str) -> StoredObject | HeronError | None:
        """The object that a prefix names, None if there is none, or the error if looking it up is refused."""
        try:
            return self._stat(address)
        except Exception as error:
            found = self.explain(error, url)
            if type(found) is NotFound:
                return None
            if type(found) is PermissionDenied:
                return found
            raise

    def peek(self, url: str, count: int) -> tuple[StoredObject, bytes]:
        """An object and its first `count` bytes in one request."""
        return self._read(url, 0, count, None)

    def read(self, url: str, start: int = 0, end: int | None = None, *, etag: str | None = None) -> bytes:
        """The bytes from `start` to `end` (exclusive; None: to the end)."""
        if end is not None and end <= start:
            return b""
        return self._read(url, start, end, etag)[1]

    def open(self, url: str) -> BinaryIO:
        """A seekable binary file that reads ranges on demand."""
        stored = self.stat(url)
        return cast(
            BinaryIO,
            ranged(lambda start, end: self.read(url, start, end, etag=stored.etag), stored.size),
        )

    def sign(self, url: str, expires: int) -> str:
        """A URL that anybody can read for `expires` seconds."""
        address = self.object_address(url)
        if expires < 1:
            raise InvalidInput(f"a signed URL is valid for at least 1 second, not {expires}")
        try:
            return self._sign(address, expires)
        except Exception as error:
            raise self.explain(error, url) from error

    def _read(self, url: str, start: int, end: int | None, etag: str | None) -> tuple[StoredObject, bytes]:
        address = self.object_address(url)
        try:
            return self._get(address, start, end, etag)
        except Exception as error:
            raise self.explain(error, url) from error

    def object_address(self, url: str) -> ObjectAddress:
        """Bucket and key of an object; raises NotFound for the URL of a bucket or a folder."""
        address = address_of(url)
        if not address.key or address.key.endswith("/"):
            raise NotFound(f"{url} is a folder, not an object")
        return address
