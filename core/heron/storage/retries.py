"""Retrying: a request that was unreachable or throttled is repeated, after pauses that grow and vary."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO, TypeVar, cast

from heron.errors import HeronError, InvalidInput, Throttled, Unreachable
from heron.hooks import Storage, StoredObject
from heron.media.ranged import ranged

T = TypeVar("T")

RETRIES = 5
"""The number of retries, unless HERON_RETRIES says otherwise."""

FIRST, LONGEST = 0.25, 10.0
"""Longest first pause, and longest pause of all, in seconds; each pause is drawn between 0 and its longest
("full jitter", M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015)."""


class PatientStorage:
    """A storage backend whose requests are retried when it is unreachable or throttled."""

    def __init__(
        self, storage: Storage, retries: int | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.storage = storage
        self._retries = configured_retries() if retries is None else retries
        self._pause = pause
        self._is_down = False
        """Whether the last request failed after all retries; then no other request is retried until the
        backend answers.
        """

    def normalise(self, url: str) -> str:
        """Like the backend's method."""
        return self.storage.normalise(url)

    def stat(self, url: str) -> StoredObject:
        """Like the backend's method, with retries."""
        return self._patiently(lambda: self.storage.stat(url))

    def list(self, prefix: str, after: str | None = None) -> Iterator[StoredObject]:
        """Like the backend's method; a listing that breaks off is continued after its last object."""
        failures = 0
        while True:
            try:
                for stored in self.storage.list(prefix, after):
                    yield stored
                    after, failures = stored.url, 0
                return
            except Unreachable:
                if failures >= self._retries:
                    raise
                self._wait(failures)
                failures += 1

    def peek(self, url: str, count: int) -> tuple[StoredObject, bytes]:
        """Like the backend's method, with retries."""
        return self._patiently(lambda: self.storage.peek(url, count))

    def peek_all(self, urls: Sequence[str], count: int) -> Sequence[tuple[StoredObject, bytes] | HeronError]:
        """Several objects at once, by the backend itself if it supports that; each with retries."""
        together: Any = getattr(self.storage, "peek_all", None)
        found: dict[int, Any] = dict(enumerate(together(urls, count))) if together else {}

        def ask(position: int) -> None:
            try:
                if together:
                    self._wait(0)
                peek = partial(self.storage.peek, urls[position], count)
                found[position] = self._patiently(peek, failures=1 if together else 0)
            except HeronError as error:
                found[position] = error
            except Exception as error:  # noqa: BLE001 - a storage plugin can be wrong in any way
                text = f"{urls[position]} cannot be read: {type(error).__name__}: {error}"
                found[position] = HeronError(text.splitlines()[0])

        missing = (
            range(len(urls)) if not together else [n for n, f in found.items() if isinstance(f, Unreachable)]
        )
        if missing and (self._retries or not together):
            _at_once(ask, missing)
        return [found[position] for position in range(len(urls))]

    def read(self, url: str, start: int = 0, end: int | None = None, *, etag: str | None = None) -> bytes:
        """Like the backend's method, with retries."""
        return self._patiently(lambda: self.storage.read(url, start, end, etag=etag))

    def open(self, url: str) -> BinaryIO:
        """A seekable file; each range is read with retries."""
        stored = self.stat(url)
        fetch = lambda start, end: self.read(url, start, end, etag=stored.etag)  # noqa: E731
        return cast(BinaryIO, ranged(fetch, stored.size))

    def sign(self, url: str, expires: int) -> str:
        """Like the backend's method, with retries."""
        return self._patiently(lambda: self.storage.sign(url, expires))

    def __repr__(self) -> str:
        return f"<PatientStorage {self.storage!r}>"

    def _patiently(self, ask: Callable[[], T], failures: int = 0) -> T:
        """Repeat a request until it succeeds or the retries are used up; `failures` of them have failed
        already.
        """
        for failed in range(failures, self._retries if not self._is_down else failures):
            try:
                return self._answered(ask)
            except Unreachable:
                self._wait(failed)
        try:
            return self._answered(ask)
        except Throttled:
            raise
        except Unreachable:
            self._is_down = True
            raise

    def _answered(self, ask: Callable[[], T]) -> T:
        answer = ask()
        self._is_down = False
        return answer

    def _wait(self, failures: int) -> None:
        self._pause(random.uniform(0, min(LONGEST, FIRST * 2 ** min(failures, 10))))  # noqa: S311 - no secret


def _at_once(call: Callable[[int], None], values: Sequence[int]) -> None:
    """Run each call in a thread of its own, and wait; the threads are daemons, so Ctrl-C does not wait for a
    server.
    """
    threads = [threading.Thread(target=call, args=(value,), daemon=True) for value in values[1:]]
    for thread in threads:
        thread.start()
    call(values[0])
    for thread in threads:
        thread.join()


def configured_retries() -> int:
    """The number of retries: HERON_RETRIES, or the default; raises InvalidInput."""
    given = os.environ.get("HERON_RETRIES", str(RETRIES))
    if not given.isdecimal():
        raise InvalidInput(f"HERON_RETRIES is {given!r}, expected a number of retries")
    return int(given)
