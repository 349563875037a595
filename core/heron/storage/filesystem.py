"""A storage backend over any fsspec filesystem; most storage plugins only need to subclass it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

from heron.errors import HeronError, InvalidInput, NotFound, PermissionDenied, Unreachable
from heron.hooks import StoredObject


class FilesystemStorage:
    """Implements the `Storage` protocol with an fsspec filesystem.

    A subclass provides the filesystem and converts between URLs and the filesystem's paths; it can map the
    driver's own errors in `explain`.
    """

    def __init__(self, filesystem: Any) -> None:
        self.filesystem = filesystem

    def path_of(self, url: str) -> str:
        """The filesystem's path for a normalised URL."""
        return str(self.filesystem._strip_protocol(url))

    def url_of(self, path: str) -> str:
        """The normalised URL for a path of the filesystem."""
        return str(self.filesystem.unstrip_protocol(path))

    def normalise(self, url: str) -> str:
        """Write any accepted form of a URL in its one canonical form."""
        return self.url_of(self.path_of(url))

    def explain(self, error: Exception, url: str) -> HeronError:
        """The HeronError for a driver's error."""
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return NotFound(f"{url} is not there")
        if isinstance(error, PermissionError):
            return PermissionDenied(
                f"{url} cannot be read: permission denied", hint="check the rights of the credentials in use"
            )
        if isinstance(error, ConnectionError | TimeoutError):
            return Unreachable(f"{url} cannot be reached: {error or type(error).__name__}")
        return HeronError(f"{url} cannot be read: {error}")

    def stat(self, url: str) -> StoredObject:
        """Look up one object."""
        try:
            info = self.filesystem.info(self.path_of(url))
        except Exception as error:
            raise self.explain(error, url) from error
        if info["type"] != "file":
            raise NotFound(f"{url} is not a file")
        return self._object(info)

    def list(self, prefix: str, after: str | None = None) -> Iterator[StoredObject]:
        """All objects at or below a prefix, folder by folder, ordered by name; with `after`, only those
        behind that URL.
        """
        stream = self._list(prefix)
        if after is not None and all(stored.url != after for stored in stream):
            raise HeronError(f"{prefix} changed while it was listed, {after} is gone", hint="list it again")
        yield from stream

    def _list(self, prefix: str) -> Iterator[StoredObject]:
        try:
            path = self.path_of(prefix)
            if self.filesystem.isfile(path):
                yield self.stat(prefix)
                return
            for _, _, files in self.filesystem.walk(path, detail=True, on_error="raise", topdown=True):
                for name in sorted(files):
                    yield self._object(files[name])
        except HeronError:
            raise
        except Exception as error:
            raise self.explain(error, prefix) from error

    def peek(self, url: str, count: int) -> tuple[StoredObject, bytes]:
        """An object and its first bytes, in two requests."""
        stored = self.stat(url)
        return stored, self.read(url, 0, min(count, stored.size))

    def read(self, url: str, start: int = 0, end: int | None = None, *, etag: str | None = None) -> bytes:
        """The bytes from `start` to `end` (exclusive; None: to the end); `etag` cannot be checked here."""
        try:
            return bytes(self.filesystem.cat_file(self.path_of(url), start=start, end=end))
        except Exception as error:
            raise self.explain(error, url) from error

    def open(self, url: str) -> BinaryIO:
        """A seekable binary file that reads ranges on demand."""
        try:
            return cast(BinaryIO, self.filesystem.open(self.path_of(url), "rb"))
        except Exception as error:
            raise self.explain(error, url) from error

    def sign(self, url: str, expires: int) -> str:
        """A URL that anybody can read for `expires` seconds."""
        try:
            return str(self.filesystem.sign(self.path_of(url), expiration=expires))
        except NotImplementedError:
            raise InvalidInput(f"{url}: this storage cannot make signed URLs") from None

    def _object(self, info: dict[str, Any]) -> StoredObject:
        modified = info.get("LastModified") or info.get("mtime") or info.get("last_modified")
        if isinstance(modified, int | float):
            modified = datetime.fromtimestamp(modified, UTC)
        return StoredObject(
            url=self.url_of(info["name"]),
            size=int(info["size"]),
            etag=info.get("ETag") or info.get("etag"),
            modified_at=modified.astimezone(UTC) if isinstance(modified, datetime) else None,
        )
