"""Jobs that have no number, such as embedding: what was not done is done by the same command again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from heron.cli.exits import Unfinished
from heron.cli.tables import say
from heron.wording import counted

if TYPE_CHECKING:
    from heron.jobs import ImportProblem


@contextmanager
def repeatable(kept: str) -> Iterator[None]:
    """Let Ctrl-C end a job with a sentence that says what is kept of it, such as "what was embedded is kept"."""
    try:
        yield
    except KeyboardInterrupt:
        raise Unfinished(f"interrupted, {kept}", hint="the same command goes on from there") from None


def not_done(failed: int, waiting: int, noun: str = "item") -> str:
    """`, 2 items failed, 3 waiting`, without a number that is 0."""
    parts = [f", {counted(failed, noun)} failed"] if failed else []
    return "".join([*parts, f", {waiting:,} waiting"] if waiting else parts)


def marked(problem: ImportProblem) -> str:
    """The word before a problem in a report: failed, warning or waiting."""
    return "failed" if problem.severity == "failure" else problem.severity


def say_problems(problems: Iterable[ImportProblem]) -> None:
    """Say what failed and what waits, 20 reasons at most, each with the first of its places, unless the reason names it."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        by_reason.setdefault((marked(problem), problem.reason), []).append(problem.place)
    for (mark, reason), places in list(by_reason.items())[:20]:
        more = f" and {len(places) - 3:,} more" if len(places) > 3 else ""
        where = "" if len(places) == 1 and places[0] in reason else f"{', '.join(places[:3])}{more}: "
        say(f"  {mark}: {where}{reason}")


def say_waiting(waiting: int, *, err: bool = False) -> None:
    """Say that a job is not complete, if units wait for their store."""
    if waiting:
        say("Not complete, since a store could not be read: the same command asks for the rest", err=err)
