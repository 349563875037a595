"""Dask clusters for Heron: the executor `dask`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import heron

if TYPE_CHECKING:
    from concurrent.futures import Executor


def load_dask(address: str) -> Executor:
    """Connect to the scheduler at an address."""
    from heron_executor_dask.executor import DaskExecutor

    return DaskExecutor(address)


@heron.hookimpl
def register_executors() -> Iterable[heron.ExecutorBackend]:
    """Contribute an executor for the workers of a Dask scheduler."""
    yield heron.ExecutorBackend(
        name="dask",
        summary="The workers of a Dask scheduler",
        requires=["distributed"],
        extra="dask",
        load=load_dask,
        address="HOST:PORT",
    )
