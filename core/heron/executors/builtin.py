"""The built-in executors: threads and processes of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from heron.hooks import ExecutorBackend, hookimpl

if TYPE_CHECKING:
    from concurrent.futures import Executor


def _threads(address: str) -> Executor:
    from heron.executors.threads import Threads

    return Threads(_count(address, "threads"))


def _processes(address: str) -> Executor:
    from heron.executors.processes import Processes

    return Processes(_count(address, "processes"))


def _count(address: str, what: str) -> int:
    """The number of workers that an address gives, or the number of cores."""
    from heron.cores import usable_cores
    from heron.errors import InvalidInput

    if not address:
        return usable_cores()
    if not (address.isascii() and address.isdecimal()) or not 1 <= int(address) <= 1024:
        raise InvalidInput(f"{what}:{address}: expected a number of {what} from 1 to 1024")
    return int(address)


@hookimpl
def register_executors() -> Iterable[ExecutorBackend]:
    """Threads and processes of this machine."""
    yield ExecutorBackend(name="threads", summary="Threads of this process", load=_threads, address="N")
    yield ExecutorBackend(name="processes", summary="Processes of this machine", load=_processes, address="N")
