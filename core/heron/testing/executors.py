"""The contract of executors."""

from __future__ import annotations

import os
import pickle
import time
from concurrent.futures import BrokenExecutor, Executor, wait
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from heron.errors import HeronError, WorkerLost
from heron.executors.shipping import Answer, Call
from heron.testing.contracts import RecordContract, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from heron.hooks import Contribution, ExecutorBackend


class ExecutorContract(RecordContract):
    """Rules for an executor. Set `executor`, and `address` to one that works, or override `an_address`."""

    executor: ClassVar[ExecutorBackend]
    """The record that the hook yields."""

    address: ClassVar[str] = ""
    """An address that works, as a user writes it after `NAME:`."""

    bad_addresses: ClassVar[Sequence[str]] = ()
    """Addresses that are refused."""

    elsewhere: ClassVar[bool] = True
    """Whether tasks run in other processes, so that they are pickled."""

    survives: ClassVar[bool] = False
    """Whether a worker may be killed by a test, here and now: the executor, or a new one, has another."""

    seconds: ClassVar[float] = 60.0
    """The most seconds for one step."""

    def record(self) -> Contribution:
        """The executor under test."""
        return self.executor

    @pytest.fixture
    def an_address(self) -> str:
        """An address that works now."""
        return self.address

    @pytest.fixture
    def pool(self, an_address: str) -> Iterator[Executor]:
        """The executor, opened as Heron opens it, and shut down."""
        pool = self.executor.load(an_address)
        yield pool
        pool.shutdown(wait=False, cancel_futures=True)

    def test_load_gives_an_executor_that_tells_its_size(self, pool: Executor) -> None:
        """It is a `concurrent.futures.Executor`; `workers`, if it is there, is a positive number."""
        assert isinstance(pool, Executor)
        count = getattr(pool, "workers", 1)
        assert isinstance(count, int)
        assert count >= 1

    def test_bad_addresses_are_refused_in_one_sentence(self) -> None:
        """A wrong address is a HeronError and not a traceback, and comes soon."""
        begin = time.monotonic()
        for address in self.bad_addresses:
            with pytest.raises(HeronError) as refusal:
                self.executor.load(address)
            reason_of(refusal.value)
        assert time.monotonic() - begin < self.seconds

    def test_many_tasks_give_their_own_results(self, pool: Executor) -> None:
        """Each future has the result of its own task, also of equal ones."""
        tasks = [pool.submit(divmod, number, 7) for number in (*range(200), 3, 3)]
        assert [task.result(self.seconds) for task in tasks] == [
            divmod(number, 7) for number in (*range(200), 3, 3)
        ]

    def test_bytes_and_records_travel_both_ways(self, pool: Executor) -> None:
        """Arguments and results may be a megabyte."""
        content = os.urandom(1_000_000)
        assert pool.submit(bytes.join, b"", [content, content]).result(self.seconds) == content * 2

    def test_an_exception_of_a_task_is_that_of_its_future(self, pool: Executor) -> None:
        """It has its type, and the other tasks go on."""
        broken, fine = pool.submit(int, "x"), pool.submit(int, "3")
        with pytest.raises(ValueError, match="invalid literal"):
            broken.result(self.seconds)
        assert fine.result(self.seconds) == 3

    def test_what_cannot_be_pickled_is_an_error_and_not_a_hang(self, pool: Executor) -> None:
        """The error comes from `submit` or from the future."""
        if not self.elsewhere:
            pytest.skip("nothing is pickled")
        with pytest.raises((pickle.PicklingError, TypeError, AttributeError)):
            pool.submit(len, [(item for item in "abc")]).result(self.seconds)

    def test_work_travels_as_its_recipe(self, pool: Executor) -> None:
        """Heron's calls are pickled by their recipe, so no state of this process goes along."""
        answer = pool.submit(Call(_Doubling("of this process")), [1, 2]).result(self.seconds)
        assert isinstance(answer, Answer)
        made = "made again" if self.elsewhere else "of this process"
        assert answer.results == ((2, made), (4, made))

    def test_it_can_be_shut_down_at_once(self, an_address: str) -> None:
        """Tasks that have not begun are forgotten; nothing can be submitted any more."""
        pool = self.executor.load(an_address)
        tasks = [pool.submit(time.sleep, 0.5) for _ in range(100)]
        begin = time.monotonic()
        pool.shutdown(wait=False, cancel_futures=True)
        assert time.monotonic() - begin < 20
        wait([task for task in tasks if not task.cancelled()], timeout=10)
        with pytest.raises(RuntimeError):
            pool.submit(int)

    def test_it_waits_for_its_tasks_at_an_orderly_end(self, an_address: str) -> None:
        """`shutdown(wait=True)` lets submitted tasks end, and a new one can be opened afterwards."""
        pool = self.executor.load(an_address)
        task = pool.submit(_later, 0.3)
        result = task.result(self.seconds)
        pool.shutdown(wait=True)
        assert result == 0.3
        again = self.executor.load(an_address)
        assert again.submit(int, "4").result(self.seconds) == 4
        again.shutdown(wait=True)

    def test_a_task_that_ends_its_worker_does_not_hang(self, pool: Executor) -> None:
        """Its future raises WorkerLost, or BrokenExecutor if the whole executor is gone."""
        if not self.survives:
            pytest.skip("no worker can be spared here")
        with pytest.raises((WorkerLost, BrokenExecutor)):
            pool.submit(os._exit, 3).result(self.seconds)


def _later(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


class _Doubling:
    """Work that doubles numbers, and tells what it was made from."""

    def __init__(self, made: str) -> None:
        self._made = made

    def __call__(self, units: Sequence[int]) -> list[tuple[int, str]]:
        return [(2 * unit, self._made) for unit in units]

    def recipe(self) -> _Recipe:
        return _Recipe()

    def failed(self, unit: int, reason: str) -> tuple[int, str]:
        return unit, reason

    def fits(self, unit: int, result: Any) -> bool:
        return isinstance(result, tuple)

    def file(self, unit: int) -> Path | None:
        return None


class _Recipe:
    def build(self) -> _Doubling:
        return _Doubling("made again")
