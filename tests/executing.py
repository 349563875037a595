"""Executors for tests: every task and answer is pickled and looked at, and some tasks end badly."""

from __future__ import annotations

import pickle
from concurrent.futures import BrokenExecutor, Executor, Future

from heron.executors import shipping


class Pickling(Executor):
    """Runs each task at once, from its pickles, as if it were in another process; `happens` may raise, hang or change it."""

    workers = 2

    def __init__(self, happens=lambda units, answer: answer):
        self.happens = happens
        self.pickles = []
        self.is_broken = self.is_shut = False

    def submit(self, call, /, *arguments):
        if self.is_broken:
            raise BrokenExecutor("it broke before")
        future = Future()
        sent = pickle.dumps((call, arguments))
        self.pickles.append(sent)
        there, (units,) = pickle.loads(sent)
        try:
            assert isinstance(there, shipping.Sent)
            answer = self.happens(units, lambda: there(units))
            answered = pickle.dumps(answer() if callable(answer) else answer)
            self.pickles.append(answered)
            future.set_result(pickle.loads(answered))
        except BrokenExecutor as error:
            self.is_broken = True
            future.set_exception(error)
        except Hangs:
            pass
        except Exception as error:  # noqa: BLE001 - the answer of a task, whatever it is
            future.set_exception(error)
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.is_shut = True


class Hangs(Exception):
    """The task never ends."""
