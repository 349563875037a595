"""The executors that Heron brings keep the contract of executors."""

from __future__ import annotations

import pytest

from heron.executors.builtin import register_executors
from heron.testing import ExecutorContract

THREADS, PROCESSES = register_executors()


class TestThreads(ExecutorContract):
    executor = THREADS
    address = "2"
    bad_addresses = ("0", "x", "-1", "1.5", "2000", "٣")
    elsewhere = False


@pytest.mark.slow
class TestProcesses(ExecutorContract):
    executor = PROCESSES
    address = "2"
    bad_addresses = ("0", "x", "-1", "1.5", "2000", "٣")
    survives = True
