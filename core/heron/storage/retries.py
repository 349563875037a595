"""Retrying: a request that was unreachable or throttled is repeated, after pauses that grow and vary.

Within a job, how long depends on the health of the store (`waiting.py`); elsewhere, and with HERON_RETRIES, a number of
retries is the limit.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO, TypeVar, cast

from heron.errors import BadCredentials, HeronError, InvalidInput, NoSuchHost, Throttled, Unreachable
from heron.hooks import Storage, StoredObject, WritableStorage
from heron.interrupts import join
from heron.media.ranged import ranged
from heron.storage.waiting import NAME, WITNESS, Health, Patience, current, down, working_for

T = TypeVar("T")

RETRIES = 5
"""The number of retries of a request outside of jobs, unless HERON_RETRIES says otherwise."""

FIRST, LONGEST = 0.25, 10.0
"""Longest first pause, and longest pause of all, in seconds; each pause is drawn between 0 and its longest
("full jitter", M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015)."""


class PatientStorage:
    """A storage backend whose requests are retried when it is unreachable or throttled."""

    def __init__(
        self,
        storage: Storage,
        retries: int | None = None,
        pause: Callable[[float], None] = time.sleep,
        name: str = "the store",
    ) -> None:
        """`retries` is the limit in jobs too, as is HERON_RETRIES; `name` names the store in messages."""
        self.storage = storage
        self.name = name
        self._counts = retries is not None or "HERON_RETRIES" in os.environ
        self._retries = configured_retries() if retries is None else retries
        self._pause = pause
        self._health = Health(name)
        """The health of the store outside of jobs. While it is down, requests are not retried."""

    def normalise(self, url: str) -> str:
        """Like the backend's method."""
        return self.storage.normalise(url)

    def stat(self, url: str) -> StoredObject:
        """Like the backend's method, with retries."""
        return self._patiently(url, lambda: self.storage.stat(url))

    def list(self, prefix: str, after: str | None = None) -> Iterator[StoredObject]:
        """Like the backend's method; a listing that breaks off is continued after its last object."""
        tries = self._tries(prefix, "list")
        while True:
            try:
                for stored in self.storage.list(prefix, after):
                    yield stored
                    after = stored.url
                    tries.answered()
                tries.answered()
                return
            except Unreachable as error:
                tries.failed(error)

    def peek(self, url: str, count: int) -> tuple[StoredObject, bytes]:
        """Like the backend's method, with retries."""
        return self._patiently(url, lambda: self.storage.peek(url, count))

    def peek_all(self, urls: Sequence[str], count: int) -> Sequence[tuple[StoredObject, bytes] | HeronError]:
        """Several objects at once, by the backend itself if it supports that; each with retries."""
        together: Any = getattr(self.storage, "peek_all", None)
        patience = current()
        found: dict[int, Any] = self._peeked(together, urls, count) if together else {}

        def ask(position: int) -> None:
            peek = partial(self.storage.peek, urls[position], count)
            try:
                with working_for(patience):
                    found[position] = self._patiently(urls[position], peek, found.get(position))
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
        return self._patiently(url, lambda: self.storage.read(url, start, end, etag=etag))

    def open(self, url: str) -> BinaryIO:
        """A seekable file; each range is read with retries."""
        stored = self.stat(url)
        fetch = lambda start, end: self.read(url, start, end, etag=stored.etag)  # noqa: E731
        return cast(BinaryIO, ranged(fetch, stored.size))

    def write(self, url: str, content: bytes) -> None:
        """Like the backend's method, with retries; raises InvalidInput if the backend cannot write."""
        storage = self._writable(url)
        self._patiently(url, lambda: storage.write(url, content))

    def delete(self, url: str) -> None:
        """Like the backend's method, with retries; raises InvalidInput if the backend cannot write."""
        storage = self._writable(url)
        self._patiently(url, lambda: storage.delete(url))

    def _writable(self, url: str) -> WritableStorage:
        if not isinstance(self.storage, WritableStorage):
            raise InvalidInput(f"{url}: {self.name} can only be read", hint="name a place in another storage")
        return self.storage

    def sign(self, url: str, expires: int) -> str:
        """Like the backend's method, with retries."""
        return self._patiently(url, lambda: self.storage.sign(url, expires))

    def __repr__(self) -> str:
        return f"<PatientStorage {self.storage!r}>"

    def _patiently(self, url: str, ask: Callable[[], T], failed: HeronError | None = None) -> T:
        """Repeat a request until it succeeds or its tries are used up; with `failed`, it has failed once already."""
        tries = self._tries(url, "object")
        if isinstance(failed, Unreachable):
            tries.failed(failed)
        while True:
            try:
                answer = ask()
            except Unreachable as error:
                tries.failed(error)
            except HeronError as error:
                tries.refused(error)
                raise
            else:
                tries.answered(url)
                return answer

    def _peeked(self, together: Any, urls: Sequence[str], count: int) -> dict[int, Any]:
        """What the backend answers for several objects; a store that is down is not asked."""
        if not urls:
            return {}
        try:
            tries = self._tries(urls[0], "object")
        except HeronError as error:
            return {position: type(error)(error.message, hint=error.hint) for position in range(len(urls))}
        found: dict[int, Any] = dict(enumerate(together(urls, count)))
        for position, answer in found.items():
            if not isinstance(answer, HeronError):
                tries.answered(urls[position])
            elif not isinstance(answer, Unreachable):
                tries.refused(answer)
        return found

    def _tries(self, url: str, kind: str) -> _Counted | _Timed:
        """What decides on the tries of a request; raises the error of a store that is down for its job."""
        patience = current()
        health = self._health if kind == "object" else Health(self.name)
        if patience is not None:
            patience.check()
            health = patience.health(self, kind, self.name)
            if health.refused is not None:
                raise BadCredentials(health.refused.message, hint=health.refused.hint)
        if patience is not None and not self._counts:
            if health.is_down and not health.is_due(patience.clock()):
                raise down(url, health)
            return _Timed(self, url, health, patience)
        return _Counted(self.storage, url, health, self._retries, self._pause)


class _Counted:
    """The tries of one request, limited by their number."""

    def __init__(
        self, storage: Storage, url: str, health: Health, limit: int, pause: Callable[[float], None]
    ) -> None:
        self._storage = storage
        self._url = url
        self._health = health
        self._all = limit
        self._limit = 0 if health.is_down else limit
        self._failures = 0
        self._pause = pause

    def answered(self, url: str | None = None) -> None:
        """The store has answered the request."""
        self._failures, self._limit = 0, self._all
        self._health.answered(url)

    def refused(self, error: HeronError) -> None:
        """The store has answered with an error that is not about itself."""
        _refused(self._health, error)

    def failed(self, error: Unreachable) -> None:
        """The store has not answered: wait, or raise the error."""
        if self._failures < self._limit:
            self._pause(_seconds(self._failures))
            self._failures += 1
            return
        if (patience := current()) is not None:
            patience.check()
        if self._all and not isinstance(error, Throttled):
            self._health.is_down = not _witness_answers(self._storage, self._url, self._health)
        raise error


class _Timed:
    """The tries of one request of a job, limited by the health of its store and the patience of the job."""

    def __init__(self, storage: PatientStorage, url: str, health: Health, patience: Patience) -> None:
        self._storage = storage
        self._url = url
        self._health = health
        self._patience = patience
        self._seen = health.answers
        self._failures = 0
        self._alone_since: float | None = None
        """Since when this object fails while the store answers for others."""

    def answered(self, url: str | None = None) -> None:
        """The store has answered the request."""
        self._failures, self._alone_since = 0, None
        self._health.answered(url)

    def refused(self, error: HeronError) -> None:
        """The store has answered with an error that is not about itself."""
        _refused(self._health, error)

    def failed(self, error: Unreachable) -> None:
        """The store has not answered: wait, or raise the error."""
        health, now = self._health, self._patience.clock()
        silent = health.failed(now)
        may_ask = self._failures >= 1 and health.witness not in (None, self._url)
        is_asked = may_ask and self._seen == health.answers and health.is_due(now, WITNESS)
        if is_asked:
            _witness_answers(self._storage.storage, self._url, health)
        if self._seen != health.answers:
            self._seen = health.answers
            self._alone_since = now if self._alone_since is None else self._alone_since
            if now - self._alone_since >= self._patience.single(health):
                health.broken += 1
                raise error
        elif health.is_down or is_asked or not may_ask:
            self._alone_since = None
            if health.is_down or silent >= self._longest(error):
                health.is_down, health.reason = True, error.message
                raise error
        self._patience.wait(health, _seconds(self._failures))
        self._failures += 1

    def _longest(self, error: Unreachable) -> float:
        """The seconds for which a silent store is waited for."""
        if isinstance(error, NoSuchHost) and not self._patience.has_answered(self._storage):
            return min(NAME, self._patience.silence)
        return self._patience.silence


def _refused(health: Health, error: HeronError) -> None:
    if isinstance(error, BadCredentials):
        health.refuses(error)
    else:
        health.answered()


def _witness_answers(storage: Storage, url: str, health: Health) -> bool:
    """Whether the store answers for another object, one that it has answered for before."""
    witness = health.witness
    if witness is None or witness == url:
        return False
    try:
        storage.peek(witness, 1)
    except Unreachable:
        return False
    except HeronError:
        health.witness = None  # it is gone: the next object that is answered for takes its place
    health.answered()
    return True


def _seconds(failures: int) -> float:
    return random.uniform(0, min(LONGEST, FIRST * 2 ** min(failures, 10)))  # noqa: S311 - no secret


def _at_once(call: Callable[[int], None], values: Sequence[int]) -> None:
    """Run each call in a thread of its own, and wait; the threads are daemons, so Ctrl-C does not wait for a
    server.
    """
    threads = [threading.Thread(target=call, args=(value,), daemon=True) for value in values[1:]]
    for thread in threads:
        thread.start()
    call(values[0])
    for thread in threads:
        join(thread)


def configured_retries() -> int:
    """The number of retries: HERON_RETRIES, or the default; raises InvalidInput."""
    given = os.environ.get("HERON_RETRIES", str(RETRIES))
    if not given.isdecimal():
        raise InvalidInput(f"HERON_RETRIES is {given!r}, expected a number of retries")
    return int(given)
