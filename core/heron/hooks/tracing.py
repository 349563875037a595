"""Traces the calls into plugins: which hook, or method, was called of whom with what, how long it took, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager

from attrs import define


@define
class Call:
    """One call into a plugin. `what` are the arguments in words, `outcome` what it returned or raised, and `milliseconds` the time on the wall."""

    verb: str
    who: str
    what: str
    outcome: str = ""
    milliseconds: float = 0.0


_tracer: Callable[[Call], None] | None = None


@contextmanager
def tracing(tracer: Callable[[Call], None]) -> Iterator[None]:
    """Within it, every call of this process into a plugin is given to `tracer` when it has ended, from the thread that made it."""
    global _tracer
    before, _tracer = _tracer, tracer
    try:
        yield
    finally:
        _tracer = before


def is_tracing() -> bool:
    """Whether calls are traced."""
    return _tracer is not None


@contextmanager
def traced(verb: str, who: str, what: str = "") -> Iterator[Call]:
    """A call into a plugin is made within it; set `outcome` of what it yields."""
    call = Call(verb, who, what)
    start = time.perf_counter()
    try:
        yield call
    except BaseException as error:
        call.outcome = f"raised {type(error).__name__}: {error}"[:300]
        raise
    finally:
        call.milliseconds = round((time.perf_counter() - start) * 1000, 3)
        if _tracer is not None:
            _tracer(call)


def shown(arguments: Mapping[str, object]) -> str:
    """Arguments in words: texts and records as they are shown, of many things how many they are. Values of options are left out."""
    return ", ".join(f"{name}={_shown(value)}" for name, value in arguments.items())


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | bool | None):
        return repr(value)[:80]
    if isinstance(value, Sized) and isinstance(value, Sequence | Mapping | set | frozenset):
        first = next(iter(value), None)
        return f"{len(value)} {type(first).__name__}" if len(value) else "nothing"
    return type(value).__name__
