"""Patience: how long a job waits for a store that does not answer, and what it knows of the health of each store.

A store counts as silent from its first failure after its last answer, and as down when it has been silent for the job's
patience. An object that fails while its store answers for others has a fault of its own, and is given up much sooner.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from attrs import define, field

from heron.errors import BadCredentials, InvalidInput, Unreachable
from heron.interrupts import wait_until_set
from heron.wording import counted

SILENCE = 120.0
"""The seconds that a job waits for a silent store, unless HERON_PATIENCE says otherwise."""

NAME = 3.0
"""The same for a host whose name is not known, if its store has not answered in this job: it is probably misspelt."""

OBJECT = 8.0
"""The seconds in which an object is tried again while its store answers for others."""

ALONE = 30.0
"""The same for a job that cannot ask again at its end."""

PAUSES = (0.0, 4.0, 12.0)
"""The seconds before each time that what waits is asked for again at the end of a job."""

OUTAGES = (Unreachable, BadCredentials)
"""Errors that are about a store and not about the object: asking again later may help."""

BROKEN, SHORT = 20, 1.0
"""The number of objects with faults of their own after which each further one is tried for `SHORT` seconds only."""

REFUSED = 50
"""The number of refusals in a row after which the credentials are not tried again in this job."""

AGAIN = 10.0
"""The seconds after which a store that is down is asked by one request whether it is back."""

WITNESS = 1.0
"""The fewest seconds between two requests that find out whether a store answers for another object."""


class Stopped(Exception):
    """The job ended while a thread was waiting."""


@define
class Health:
    """What a job knows of one store: whether it answers, and since when it does not."""

    name: str
    answers: int = 0
    witness: str | None = None
    """An object that the store has answered for."""

    silent_since: float | None = None
    is_down: bool = False
    broken: int = 0
    """Objects that were given up while the store answered for others."""

    refusals: int = 0
    refused: BadCredentials | None = None
    reason: str = ""
    """The failure with which it was found to be down."""

    asked_at: float = float("-inf")
    next_at: dict[int, float] = field(factory=dict)
    """When each waiting thread asks again."""

    lock: threading.Lock = field(factory=threading.Lock)

    def answered(self, url: str | None = None) -> None:
        """The store has answered, perhaps with an error that is about the object."""
        with self.lock:
            self.answers += 1
            self.witness = url or self.witness
            self.silent_since, self.is_down, self.refusals = None, False, 0

    def failed(self, now: float) -> float:
        """The store has not answered; returns the seconds since when it does not."""
        with self.lock:
            if self.silent_since is None:
                self.silent_since = now
            return now - self.silent_since

    def refuses(self, error: BadCredentials) -> None:
        """The store has refused the credentials."""
        with self.lock:
            self.refusals += 1
            if self.refusals >= REFUSED:
                self.refused = error

    def is_due(self, now: float, every: float = AGAIN) -> bool:
        """Whether a request that is made now and then is due; if so, it counts as made."""
        with self.lock:
            if now - self.asked_at < every:
                return False
            self.asked_at = now
            return True


class Patience:
    """The patience of one job, shared by its threads."""

    def __init__(
        self,
        single: float = OBJECT,
        *,
        silence: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """`single` is the time for an object whose store answers for others, `silence` that for a silent store, in
        seconds; `clock` and `pause` are for tests.
        """
        self.clock = clock
        self._single = single
        self.silence = configured_silence() if silence is None else silence
        self._pause = pause
        self._stopped = threading.Event()
        self.counts = "HERON_RETRIES" in os.environ
        """Whether a number of retries is the limit, and not the time."""

        self._stores: dict[tuple[int, str], Health] = {}
        self._resting: tuple[str, float] | None = None

    @property
    def limits(self) -> tuple[float, float]:
        """The seconds for an object whose store answers for others, and for a silent store."""
        return self._single, self.silence

    def health(self, store: object, kind: str, name: str) -> Health:
        """The health of a store, for requests of one kind: lists can work while objects cannot be read."""
        return self._stores.setdefault((id(store), kind), Health(name))

    def has_answered(self, store: object) -> bool:
        """Whether a store has answered any request of this job."""
        return any(health.answers for (of, _), health in tuple(self._stores.items()) if of == id(store))

    def single(self, health: Health) -> float:
        """The seconds for an object that fails while its store answers for others."""
        return self._single if health.broken < BROKEN else min(SHORT, self._single)

    def wait(self, health: Health, seconds: float) -> None:
        """Wait before the next try; raises Stopped if the job ends meanwhile."""
        me = threading.get_ident()
        health.next_at[me] = self.clock() + seconds
        try:
            self._sleep(seconds)
        finally:
            health.next_at.pop(me, None)

    def rest(self, seconds: float, what: str) -> None:
        """Wait before units are asked again."""
        if not seconds:
            return
        self._resting = what, self.clock() + seconds
        try:
            self._sleep(seconds)
        finally:
            self._resting = None

    def rounds(self, waiting: Callable[[], int], unit: str) -> Iterator[None]:
        """Before each time that what waits is asked for again at the end of a job; `waiting` counts it.

        Several times, unless a store is down: the requests have waited for it.
        """
        for pause in PAUSES:
            count = waiting()
            if not count or (pause and (self.found_down or self.counts)):
                return
            self.rest(pause, f"{counted(count, unit)} without an answer,")
            yield

    def _sleep(self, seconds: float) -> None:
        if self._pause is not None:
            self._pause(seconds)
        else:
            wait_until_set(self._stopped, seconds)
        self.check()

    def check(self) -> None:
        """Raise Stopped if the job has ended, so that none of its threads asks a store any more."""
        if self._stopped.is_set():
            raise Stopped

    def message(self) -> str | None:
        """What is waited for, as a sentence without a full stop; None if nothing is."""
        now = self.clock()
        if self._resting is not None:
            return f"{self._resting[0]} asked again in {max(0, self._resting[1] - now):.0f} s"
        for health in tuple(self._stores.values()):
            waits = tuple(health.next_at.values())
            if health.silent_since is not None and waits and now - health.silent_since >= 1:
                return f"{health.name} does not answer, asked again in {max(0, min(waits) - now):.0f} s"
        return None

    @property
    def found_down(self) -> bool:
        """Whether a store is down or refuses the credentials, so that asking again now is of no use."""
        return any(health.is_down or health.refused for health in tuple(self._stores.values()))

    def stop(self) -> None:
        """End all waits, since the job has ended."""
        self._stopped.set()


_CURRENT: ContextVar[Patience | None] = ContextVar("patience", default=None)
_RUNNING: list[Patience] = []
"""The jobs of this process that have patience, for the line of progress."""


def current() -> Patience | None:
    """The patience of the job that this thread works for; None outside of jobs."""
    return _CURRENT.get()


@contextmanager
def patiently(patience: Patience | None = None) -> Iterator[Patience]:
    """Run a job: requests within it wait for a silent store. A job within another one has the patience of the outer one."""
    outer = _CURRENT.get()
    if outer is not None:
        yield outer
        return
    own = patience or Patience()
    with working_for(own):
        _RUNNING.append(own)
        try:
            yield own
        finally:
            _RUNNING.remove(own)
            own.stop()


@contextmanager
def working_for(patience: Patience | None) -> Iterator[None]:
    """Let this thread work for the job of another thread."""
    token = _CURRENT.set(patience)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def waited_for() -> str | None:
    """What the jobs of this process wait for now, as a sentence; None if they do not wait."""
    return next(filter(None, (patience.message() for patience in tuple(_RUNNING))), None)


def configured_silence() -> float:
    """The seconds that a job waits for a silent store: HERON_PATIENCE, or the default; raises InvalidInput."""
    given = os.environ.get("HERON_PATIENCE", str(SILENCE))
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 7 * 24 * 3600:
        raise InvalidInput(f"HERON_PATIENCE is {given!r}, expected a number of seconds up to a week")
    return seconds


def down(url: str, health: Health) -> Unreachable:
    """The error of a request that is not made, since its store is down."""
    return Unreachable(f"{url} was not asked for, {health.name} does not answer: {health.reason}")
