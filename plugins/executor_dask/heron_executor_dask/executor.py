"""The executor: tasks are submitted to a Dask scheduler, whose workers run them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, InvalidStateError
from concurrent.futures import wait as wait_for
from contextlib import suppress
from pickle import HIGHEST_PROTOCOL, dumps, loads
from typing import Any, TypeVar

from distributed import Client, KilledWorker

import heron

T = TypeVar("T")

CONNECT = 10.0
"""The seconds in which a scheduler has to answer."""

CLOSE = 5.0
"""The seconds for closing the connection, of which a scheduler that is gone takes all."""

_ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss|ucx)://)?(?:[^\s/:@]+|\[[0-9A-Fa-f:]+\]):\d{1,5}")


def _is_of_interest(record: logging.LogRecord) -> bool:
    """Whether a message of the client is more than that its connection is lost, which Heron says in a sentence."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, OSError | asyncio.CancelledError)


class DaskExecutor(Executor):
    """The workers of one scheduler. Dask runs the tasks of a dead worker again; after the death of several, one is lost."""

    def __init__(self, address: str) -> None:
        """Connect; raises InvalidInput for an address that is none, and Unreachable if no scheduler answers."""
        if not _ADDRESS.fullmatch(address):
            raise heron.InvalidInput(
                f"dask://{address} is not the address of a scheduler", hint="write dask://HOST:PORT"
            )
        self._place = address if "://" in address else f"tcp://{address}"
        self._running: dict[Future[Any], Any] = {}
        self._is_shut = False
        logging.getLogger("distributed.client").addFilter(_is_of_interest)
        try:
            self._client = Client(self._place, timeout=CONNECT, set_as_default=False, name="heron")
        except (OSError, ValueError) as error:  # a time-out is an OSError too
            raise heron.Unreachable(
                f"no Dask scheduler answers at {self._place} within {CONNECT:.0f} s",
                hint=f"start one: dask scheduler --port {self._place.rpartition(':')[2]}",
            ) from error

    @property
    def workers(self) -> int:
        """The number of tasks that the cluster runs at the same time; 0 while it has no workers."""
        try:
            return int(sum(self._client.nthreads().values()))
        except Exception as error:
            raise BrokenExecutor(f"the Dask scheduler at {self._place} does not answer") from error

    def submit(self, call: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        """Run a call on a worker. It is pickled here, so that Dask does not look into its arguments."""
        if self._is_shut:
            raise RuntimeError("the executor was shut down")
        sent = dumps((call, arguments, named), HIGHEST_PROTOCOL)
        try:
            task = self._client.submit(run, sent, pure=False, key=None)
        except Exception as error:
            raise BrokenExecutor(f"the Dask scheduler at {self._place} is gone") from error
        future: Future[T] = Future()
        self._running[future] = task
        future.add_done_callback(self._forget)
        self._client.loop.add_callback(_hand_on, task, future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the connection, after the tasks that run or at once; the cluster stays."""
        self._is_shut = True
        running = list(self._running)
        if wait and not cancel_futures:
            while wait_for(running, timeout=0.2).not_done:  # a wait without a limit can outlast Ctrl-C
                pass
        with suppress(Exception):
            self._client.cancel(list(self._running.values()))
        with suppress(Exception):
            self._client.close(timeout=CLOSE)
        for future in running:
            future.cancel()

    def _forget(self, future: Future[Any]) -> None:
        task = self._running.pop(future, None)
        if future.cancelled() and task is not None and not self._is_shut:
            self._client.loop.add_callback(_cancel, task)


def run(sent: bytes) -> Any:
    """Run a call in a worker."""
    call, arguments, named = loads(sent)  # noqa: S301 - from the process that this worker serves
    return call(*arguments, **named)


async def _hand_on(task: Any, future: Future[Any]) -> None:
    """Give the result of a task to its future."""
    with suppress(InvalidStateError):  # it was cancelled meanwhile
        try:
            result = await task
        except CancelledError:
            if future.cancel():
                future.set_running_or_notify_cancel()
        except KilledWorker as killed:
            count = killed.allowed_failures + 1
            future.set_exception(heron.WorkerLost(f"{count} workers ended while they worked on it"))
        except Exception as error:  # noqa: BLE001 - whatever the call raised
            future.set_exception(error)
        else:
            future.set_result(result)


async def _cancel(task: Any) -> None:
    with suppress(Exception):
        await task.client._cancel([task])
