"""Chooses the workers of an import: threads if most time is spent waiting for a storage, processes if most time is
spent computing, or the executor that the user names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice

from heron.cores import usable_cores
from heron.errors import InvalidInput
from heron.executors.opening import ExecutorRef, opened, owned
from heron.executors.processes import Processes
from heron.executors.threads import Threads
from heron.executors.workers import GRAIN, Workers
from heron.hooks import PluginManager
from heron.ingest.units import Unit

CONCURRENCY = 32
"""Concurrent requests to a storage, unless HERON_CONCURRENCY says otherwise."""

TOGETHER = 8
"""Objects that one thread requests at a time."""

MANY, MANY_DECODED = 10_000, 200
"""The numbers of local files from which on worker processes are started: if only facts are read, and if files
are decoded."""

Chosen = tuple[Iterable[Unit], Workers]
"""The units of an import, and what probes them."""


@contextmanager
def given(
    units: Iterable[Unit], plugins: PluginManager, executor: ExecutorRef, *, reads_stores: bool
) -> Iterator[Chosen]:
    """The executor of the caller."""
    with opened(plugins, executor, grain=TOGETHER if reads_stores else GRAIN) as workers:
        yield units, workers


@contextmanager
def threads(units: Iterable[Unit]) -> Iterator[Chosen]:
    """Threads for one import; each of them requests several objects at a time."""
    count = -(-concurrency() // TOGETHER)
    grain = concurrency() // count
    with owned(partial(Threads, count), name="threads", grain=grain) as workers:
        yield units, workers


@contextmanager
def processes(units: Iterable[Unit], *, decodes: bool, allowed: bool) -> Iterator[Chosen]:
    """Worker processes for one import if there are many units and more than one core; else this thread."""
    many = MANY_DECODED if decodes else MANY
    stream = iter(units)
    first = list(islice(stream, many))
    cores = usable_cores()
    coming = chain(first, stream)
    if len(first) < many or cores == 1 or not allowed:
        yield coming, Workers()
        return
    with owned(partial(Processes, cores), name=f"processes:{cores}", grain=GRAIN) as workers:
        yield coming, workers


@contextmanager
def isolated(units: Iterable[Unit]) -> Iterator[Chosen]:
    """Worker processes, so that a file whose decoder crashes costs a worker and not this process."""
    cores = usable_cores()
    with owned(partial(Processes, cores), name=f"processes:{cores}", grain=TOGETHER) as workers:
        yield units, workers


def concurrency() -> int:
    """The number of concurrent requests: HERON_CONCURRENCY, or the default; raises InvalidInput."""
    given = os.environ.get("HERON_CONCURRENCY", str(CONCURRENCY))
    if not given.isdecimal() or not 1 <= int(given) <= 256:
        raise InvalidInput(f"HERON_CONCURRENCY is {given!r}, a number from 1 to 256 is needed")
    return int(given)
