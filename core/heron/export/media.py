"""Gives exporters the files of items, and notes which of them cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from attrs import frozen

from heron.catalog.spelling import absolute_path
from heron.errors import HeronError, InvalidInput
from heron.jobs import Integration
from heron.metadata.keys import ARCHIVE_MARK
from heron.models import Item, Member
from heron.storage.opening import media_file
from heron.storage.service import StorageService


@frozen
class ItemFiles:
    """The files of a workspace, read with the integrations of their items.

    `unreadable` gets a sentence for each file that cannot be read; if it is None, such a file ends the export. With `is_frozen`, the
    items are those of a version, and a file that is not what it was cannot be read.
    """

    storage: StorageService
    unreadable: list[str] | None = None
    is_frozen: bool = False

    @contextmanager
    def open(self, item: Item, member: Member | None = None) -> Iterator[tuple[IO[bytes], int]]:
        """A file to read, and its size in bytes; raises HeronError if it cannot be read."""
        url = self._url(item, member)
        integration = self.storage.of(item)
        if self.is_frozen:
            self._require_same(item, member, url, integration)
        file = media_file(url, lambda place: self.storage.open(place, integration))
        try:
            stream = file.open()
        except OSError as error:
            raise HeronError(f"it cannot be opened: {error.strerror or error}") from error
        with stream:
            yield cast(Any, stream), file.size

    def _require_same(
        self, item: Item, member: Member | None, url: str, integration: Integration | None
    ) -> None:
        """Raise HeronError if a file has another size, ETag or time than when it was frozen."""
        of = member or item
        time = item.modified_at if member is None else None
        if ARCHIVE_MARK in url:
            return  # its size is compared when it is copied
        now = self.storage._opener.open(url, integration).stat(url)
        if of.size not in (None, now.size) or (
            of.etag != now.etag
            if of.etag and now.etag
            else time and now.modified_at and time != now.modified_at
        ):
            raise HeronError("it has changed since it was frozen")

    def local(self, item: Item, member: Member | None = None) -> str | None:
        """The path of a local file; None for an object of a storage, and for a file in an archive."""
        url = self._url(item, member)
        if not url.startswith("file:") or ARCHIVE_MARK in url:
            return None
        if self.is_frozen:
            self._require_same(item, member, url, self.storage.of(item))
        return str(absolute_path(url))

    def failed(self, item: Item, error: HeronError, member: Member | None = None) -> None:
        """Note that a file could not be read, or raise the error if there is no list for that."""
        if self.unreadable is None:
            raise error
        place = item.path if member is None else member.path or member.url
        self.unreadable.append(f"{place}: {error.message}")

    def _url(self, item: Item, member: Member | None) -> str:
        if member is not None:
            return member.url
        if "#" in item.url and ARCHIVE_MARK not in item.url:
            raise InvalidInput(f"item {item.name} is made of several files, which are its members")
        return item.url
