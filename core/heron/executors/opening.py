"""Opens the executor that a user names, such as `processes:4` or `dask://host:8786`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial

from heron.errors import HeronError, InvalidInput
from heron.executors.workers import Workers
from heron.hooks import PluginManager
from heron.hooks.door import Stranger

ExecutorRef = Executor | str
"""An executor, which its caller closes, or the name of one, which is opened for the job."""

_FORM = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)(?:://(.*)|:(.*))?", re.DOTALL)


@contextmanager
def opened(plugins: PluginManager, executor: ExecutorRef, *, grain: int) -> Iterator[Workers]:
    """The workers of an executor, which is closed at the end if it was named.

    Raises InvalidInput and PluginError for a name that is not understood, Unreachable if nothing answers there.
    """
    if not isinstance(executor, str):
        workers = Workers(executor, name="the executor that was given", grain=grain)
        try:
            yield workers
        except BaseException:
            workers.cancel()
            raise
        return
    found = _FORM.fullmatch(executor.strip())
    if found is None:
        raise InvalidInput(
            f"{executor!r} is not an executor", hint="write threads:4, processes:4 or dask://host:8786"
        )
    record = plugins.executor(found[1].lower())
    load = partial(plugins.load, record, found[2] or found[3] or "")
    who = plugins.named(record)
    name = who if isinstance(who, Stranger) else executor.strip()
    with owned(load, name=name, grain=grain) as workers:
        yield workers


@contextmanager
def owned(
    load: Callable[[], Executor], *, name: str, grain: int, bundle: int | None = None
) -> Iterator[Workers]:
    """The workers of an executor that is opened now, opened again when it breaks, and closed at the end."""
    workers = Workers(_checked(load(), name), name=name, renew=load, grain=grain, bundle=bundle)
    try:
        yield workers
    except BaseException:
        workers.end(at_once=True)
        raise
    workers.end(at_once=False)


def _checked(executor: object, name: str) -> Executor:
    if not isinstance(executor, Executor):
        raise HeronError(
            f"{name}: load returned a {type(executor).__name__}, expected a concurrent.futures.Executor"
        )
    return executor
