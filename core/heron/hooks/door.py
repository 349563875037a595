"""The door to the code of plugins: whatever comes out of it that is no answer becomes one sentence that names the plugin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from heron import deadline
from heron.errors import HeronError
from heron.hooks.tracing import is_tracing, traced

PASSED = (HeronError, KeyboardInterrupt, GeneratorExit, MemoryError)
"""What passes as it is: errors that are meant for people, what ends the caller's own work, and a full memory."""


class Stranger(str):
    """The name of a part of a plugin that does not come with Heron, as messages say it: its calls have a deadline."""

    __slots__ = ()


@contextmanager
def guarded(
    who: str, verb: str, about: str, error: type[HeronError], hint: str | None = None
) -> Iterator[None]:
    """Within it runs code of a plugin; an exception of its own, `SystemExit` too, is raised as `error`.

    `who` is `PluginManager.named` of the contribution, and `about` the name of the file or value that it works on. A call of a
    `Stranger` ends at its deadline.
    """
    begun = deadline.begin(f"{verb} of {who}") if isinstance(who, Stranger) else None
    try:
        try:
            if is_tracing():
                with traced(verb, who, about):
                    yield
            else:
                yield
        finally:
            deadline.end(begun)
    except PASSED:
        raise
    except deadline.TookTooLong as found:  # which may have come as the time was ended
        deadline.end(begun)
        raise error(f"{about}: {who} failed in {verb}: {found}", hint=hint) from None
    except BaseException as found:  # extensions raise panics, and plugins SystemExit
        raise error(f"{about}: {who} failed in {verb} with {reason(found)}", hint=hint) from found


def reason(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, deadline.TookTooLong):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]:.300}" if lines else type(error).__name__
