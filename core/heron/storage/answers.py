"""A storage backend behind the door: its own exceptions become sentences that name its plugin, and its answers are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, TypeVar

from heron.errors import HeronError, PluginError
from heron.hooks import StoredObject
from heron.hooks.door import guarded
from heron.metadata.keys import is_unicode, printable

T = TypeVar("T")


class CheckedStorage:
    """The storage backend of a plugin, as `Storage`; it can read many, write and delete if the backend can.

    Raises PluginError for whatever the backend raises or gives that its protocol does not allow.
    """

    def __init__(self, storage: Any, who: str) -> None:
        self.backend = storage
        self.who = who
        """The backend with its plugin, as messages name it."""

        if hasattr(storage, "peek_all"):
            self.peek_all = self._peek_all
        if hasattr(storage, "write") and hasattr(storage, "delete"):
            self.write: Callable[[str, bytes], None] = self._plainly("write")
            self.delete: Callable[[str], None] = self._plainly("delete")

    def __repr__(self) -> str:
        return repr(self.backend)

    def normalise(self, url: str) -> str:
        """Like the backend's method."""
        return self._text("normalise", url, self._asked("normalise", url))

    def stat(self, url: str) -> StoredObject:
        """Like the backend's method."""
        return self._object("stat", url, self._asked("stat", url))

    def list(self, prefix: str, after: str | None = None) -> Iterator[StoredObject]:
        """Like the backend's method."""
        found = self._asked("list", prefix, after)
        with guarded(self.who, "list", prefix, PluginError):
            objects = iter(found)
        while True:
            with guarded(self.who, "list", prefix, PluginError):
                stored = next(objects, None)
            if stored is None:
                return
            yield self._object("list", prefix, stored)

    def peek(self, url: str, count: int) -> tuple[StoredObject, bytes]:
        """Like the backend's method."""
        return self._pair("peek", url, self._asked("peek", url, count), count)

    def read(self, url: str, start: int = 0, end: int | None = None, *, etag: str | None = None) -> bytes:
        """Like the backend's method."""
        found = self._asked("read", url, start, end, etag=etag)
        return self._bytes("read", url, found, None if end is None else max(0, end - start))

    def open(self, url: str) -> BinaryIO:
        """Like the backend's method."""
        stream: BinaryIO = self._asked("open", url)
        return stream

    def sign(self, url: str, expires: int) -> str:
        """Like the backend's method."""
        return self._text("sign", url, self._asked("sign", url, expires))

    def _peek_all(self, urls: Sequence[str], count: int) -> Sequence[tuple[StoredObject, bytes] | HeronError]:
        about = urls[0] if urls else ""
        with guarded(self.who, "peek_all", about, PluginError):
            found = list(self.backend.peek_all(urls, count))
        if len(found) != len(urls):
            raise self._wrong("peek_all", about, f"it gave {len(found):,} answers for {len(urls):,} objects")
        return [
            answer if isinstance(answer, HeronError) else self._pair("peek_all", url, answer, count)
            for url, answer in zip(urls, found, strict=True)
        ]

    def _plainly(self, verb: str) -> Callable[..., None]:
        return lambda url, *rest: self._asked(verb, url, *rest)

    def _asked(self, verb: str, url: str, *arguments: Any, **named: Any) -> Any:
        with guarded(self.who, verb, url, PluginError):
            return getattr(self.backend, verb)(url, *arguments, **named)

    def _pair(self, verb: str, url: str, found: Any, most: int) -> tuple[StoredObject, bytes]:
        if not isinstance(found, tuple) or len(found) != 2:
            raise self._expected(verb, url, found, "an object and its first bytes")
        return self._object(verb, url, found[0]), self._bytes(verb, url, found[1], most)

    def _object(self, verb: str, url: str, found: Any) -> StoredObject:
        if not isinstance(found, StoredObject):
            raise self._expected(verb, url, found, "a StoredObject")
        if type(found.size) is not int or found.size < 0:
            raise self._wrong(verb, url, f"the size of an object is {printable(found.size)}")
        self._text(verb, url, found.url)
        if found.etag is not None:
            self._text(verb, url, found.etag)
        return found

    def _bytes(self, verb: str, url: str, found: Any, most: int | None) -> bytes:
        if not isinstance(found, bytes):
            raise self._expected(verb, url, found, "bytes")
        if most is not None and len(found) > most:
            raise self._wrong(verb, url, f"it gave {len(found):,} bytes, {most:,} were asked for")
        return found

    def _text(self, verb: str, url: str, found: Any) -> str:
        if not isinstance(found, str) or not is_unicode(found):
            raise self._expected(verb, url, found, "text")
        return found

    def _expected(self, verb: str, url: str, found: object, what: str) -> PluginError:
        return self._wrong(verb, url, f"it gave {printable(found)}, expected {what}")

    def _wrong(self, verb: str, url: str, what: str) -> PluginError:
        return PluginError(f"{url}: {self.who} failed in {verb}: {what}")
