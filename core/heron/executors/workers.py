"""Workers: tasks on an executor, those of a lost worker run again, and one that ends its worker each time found out.

Tasks are submitted, and their results taken, by one thread and in the same order; `ahead` is how many may wait.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from typing import Any, Generic, TypeVar

from heron.cores import usable_cores
from heron.errors import ExecutorError, HeronError, InvalidInput, PluginWarning, WorkerLost
from heron.executors.shipping import Answer, Call, Work
from heron.hooks.door import Stranger
from heron.interrupts import wait_until_done

U = TypeVar("U")
R = TypeVar("R")

GRAIN = 64
"""Units of one task."""

BUNDLE = 512
"""Units that are looked at together before they become tasks."""

TOGETHER = 1
"""After so many broken executors, the tasks that were under way run one by one: one of them ends its worker."""

BREAKS = 12
"""The most broken executors in a row, without any answer in between."""

SECONDS = 1800.0
"""The seconds without any answer after which the oldest task hangs, unless HERON_TASK_SECONDS says otherwise."""

EMPTY = 300.0
"""The seconds without any answer after which an executor without workers ends the job."""

_COUNTED = 5.0
"""The seconds for which the number of workers of an executor counts as known."""


class Workers:
    """What runs tasks: an executor, or without one this thread. A task has `grain` units.

    `renew` opens an executor again that broke; without it, as for an executor of the caller, the job stops then. Answers are
    waited for, and executors opened again, where a result is taken: `Task.results`.
    """

    def __init__(
        self,
        executor: Executor | None = None,
        *,
        name: str = "",
        renew: Callable[[], Executor] | None = None,
        grain: int = GRAIN,
        bundle: int | None = None,
    ) -> None:
        self.executor = executor
        self.grain = grain
        self.bundle = bundle or (BUNDLE if executor is not None else grain)
        self._name = name
        self._whose = f" (of {name})" if isinstance(name, Stranger) else ""
        self._renew = renew
        self._calls: dict[int, Call[Any, Any]] = {}
        self._under_way: dict[int, Task[Any, Any]] = {}
        """The tasks whose results were not taken yet, in their order."""

        self._breaks = 0
        self._answered_at = time.monotonic()
        self._seconds = _configured_seconds()
        self._count = 1
        self._counted_at = float("-inf")

    @property
    def ahead(self) -> int:
        """The number of tasks that may wait while the oldest one runs: enough to keep all workers busy."""
        return 2 * self._counted() + 8

    def _counted(self) -> int:
        """The number of tasks that run at the same time, as far as the executor tells; it may change."""
        now = time.monotonic()
        if self.executor is None or now - self._counted_at < _COUNTED:
            return self._count
        try:
            found = getattr(self.executor, "workers", getattr(self.executor, "_max_workers", None))
            self._count = found if isinstance(found, int) else usable_cores()
        except Exception:  # noqa: BLE001 - it is broken, which its tasks tell
            self._count = 1
        self._counted_at = now
        return self._count

    def submit(self, work: Work[U, R], units: Sequence[U]) -> Task[U, R]:
        """Begin a task."""
        task = Task(self, work, units)
        self._under_way[id(task)] = task
        if not any(other.is_suspect for other in self._under_way.values()):
            self._start(task)
        return task

    def cancel(self) -> None:
        """Forget all tasks; those that have not begun do not run."""
        for task in self._under_way.values():
            if task.future is not None:
                task.future.cancel()
        self._under_way.clear()

    def end(self, *, at_once: bool) -> None:
        """Shut the executor down, after its tasks or at once."""
        if self.executor is None:
            return
        try:
            if at_once:
                self.executor.shutdown(wait=False, cancel_futures=True)
            else:
                self.executor.shutdown(wait=True)
        except Exception as error:
            if not at_once and self._under_way:
                raise self._gone(error) from error

    def _start(self, task: Task[U, R]) -> None:
        assert self.executor is not None
        call = self._calls.setdefault(id(task.work), Call(task.work))
        try:
            task.future = self.executor.submit(call, task.units)
        except BrokenExecutor as error:  # found out before the results of earlier tasks were taken
            task.future = Future()
            task.future.set_exception(error)
        except RuntimeError as error:
            raise self._gone(error) from error
        task.future.add_done_callback(self._note_answer)

    def _note_answer(self, future: Future[Any]) -> None:
        self._answered_at = time.monotonic()

    def _answer(self, task: Task[U, R]) -> list[R]:
        """The results of the oldest task; raises WorkerLost if they do not come, BrokenExecutor, CancelledError."""
        if task.future is None:
            self._wait_for_others(task)
            self._start(task)
        assert task.future is not None
        self._wait(task.future)
        try:
            answer = task.future.result()
        except (BrokenExecutor, CancelledError, HeronError):
            raise
        except Exception as error:
            raise ExecutorError(
                f"the workers of {self._name} cannot run the tasks of Heron: {_line(error)}",
                hint="they need the same Heron as this process",
            ) from error
        return self._checked(task, answer)

    def _checked(self, task: Task[U, R], answer: object) -> list[R]:
        if isinstance(answer, Answer) and answer.refusal is not None:
            raise answer.refusal
        if (
            not isinstance(answer, Answer)
            or len(answer.results) != len(task.units)
            or not all(map(task.work.fits, task.units, answer.results))
        ):
            raise WorkerLost(f"its worker answered with something else than results{self._whose}")
        there = next((file for file in answer.unseen if os.path.lexists(file)), None)
        if there is not None:
            raise ExecutorError(
                f"{answer.worker} does not see {there}",
                hint="workers need the files at the same path, or import the URLs of a store",
            )
        self._breaks = 0
        for warning in answer.warnings:
            warnings.warn(warning, PluginWarning, stacklevel=2)
        return list(answer.results)

    def _wait(self, future: Future[Any]) -> None:
        """Wait for an answer; raises _Hung if there was none for too long. Ctrl-C ends the wait."""
        since = time.monotonic()

        def is_silent() -> bool:
            seconds = time.monotonic() - max(since, self._answered_at)
            if seconds > EMPTY and not self._counted():
                raise ExecutorError(
                    f"{self._name} has had no workers for {seconds:,.0f} s",
                    hint="start some, and do the same again: what is done already is kept",
                )
            return seconds > self._seconds

        if not wait_until_done(future, is_silent):
            raise _Hung(f"its worker did not answer within {self._seconds:,.0f} s{self._whose}")

    def _wait_for_others(self, task: Task[Any, Any]) -> None:
        """Let a task that may end its worker run alone."""
        for other in self._under_way.values():
            if other is not task and other.future is not None:
                self._wait(other.future)

    def _broke(self, error: BaseException) -> None:
        """Open a broken executor again, and run again what was under way."""
        self._breaks += 1
        if self._renew is None or self._breaks > BREAKS:
            raise self._gone(error) from error
        self._open_again()

    def _open_again(self) -> None:
        assert self._renew is not None
        self.end(at_once=True)
        try:
            self.executor = self._renew()
        except HeronError:
            raise
        except Exception as error:
            raise self._gone(error) from error
        self._answered_at, self._counted_at = time.monotonic(), float("-inf")
        for task in self._under_way.values():
            if task.future is not None and not _has_result(task.future):
                task.future = None
                task.breaks += 1
        self._go_on()

    def go_on(self, *, after_hang: Future[Any] | None = None) -> None:
        """Start what waits, on a new executor if this one has a worker that hangs and cannot be taken its task."""
        if after_hang is not None and not after_hang.cancel() and self._renew is not None:
            self._open_again()
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Start the tasks that wait, unless there are suspects, which run alone first."""
        waiting = [task for task in self._under_way.values() if task.future is None]
        if not any(task.is_suspect for task in waiting):
            for task in waiting:
                self._start(task)

    def _done(self, task: Task[Any, Any], parts: Sequence[Task[Any, Any]] = ()) -> None:
        """A task, the oldest, has its results, or is replaced by parts of it."""
        self._under_way.pop(id(task))
        if parts:
            self._under_way = {**{id(part): part for part in parts}, **self._under_way}

    def _gone(self, error: BaseException) -> ExecutorError:
        return ExecutorError(
            f"{self._name} has stopped working: {_line(error)}",
            hint="start it again, and do the same again: what is done already is kept",
        )


class Task(Generic[U, R]):
    """Units that a worker works on together."""

    def __init__(self, workers: Workers, work: Work[U, R], units: Sequence[U], breaks: int = 0) -> None:
        self.work = work
        self.units = units
        self.future: Future[Answer[R]] | None = None
        self.breaks = breaks
        """The executors that broke while it was under way."""

        self._workers = workers

    @property
    def is_suspect(self) -> bool:
        """Whether it may be what ends its workers, so that it runs alone."""
        return self.breaks > TOGETHER

    @property
    def is_done(self) -> bool:
        """Whether there is an answer, or the error in place of one."""
        return self.future is not None and self.future.done()

    def results(self) -> list[R]:
        """The results of the units, in their order; tasks are asked for theirs in the order in which they were submitted.

        Units whose worker is lost again and again get a result that says so. Raises ExecutorError and Unreachable if the
        executor cannot go on, and the error of a worker that cannot do the work at all.
        """
        while True:
            was_alone = self.is_suspect
            try:
                found = self._workers._answer(self)
            except WorkerLost as lost:
                if len(self.units) > 1 or was_alone or isinstance(lost, _Hung):
                    return self._apart(lost)
                self.future, self.breaks = None, TOGETHER + 1  # it may be the fault of a task beside it
                continue
            except (BrokenExecutor, CancelledError) as error:
                self._workers._broke(error)
                if was_alone:
                    return self._apart(WorkerLost("its worker ended each time it was read"))
                continue
            self._workers._done(self)
            self._workers.go_on()
            return found

    def _apart(self, lost: WorkerLost) -> list[R]:
        """The results of its units one by one; that of a single one is that it failed."""
        is_one = len(self.units) == 1
        parts = [] if is_one else [Task(self._workers, self.work, [unit], self.breaks) for unit in self.units]
        self._workers._done(self, parts)
        self._workers.go_on(after_hang=self.future if isinstance(lost, _Hung) else None)
        if is_one:
            return [self.work.failed(self.units[0], lost.message)]
        return [result for part in parts for result in part.results()]


class _Hung(WorkerLost):
    """The worker may still be at it."""


def _has_result(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _line(error: BaseException) -> str:
    """An error in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _configured_seconds() -> float:
    given = os.environ.get("HERON_TASK_SECONDS", str(SECONDS))
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise InvalidInput(f"HERON_TASK_SECONDS is {given!r}, expected a number of seconds, or inf")
    return seconds
