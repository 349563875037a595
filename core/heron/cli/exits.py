"""The exit statuses of commands; docs/command-line.md lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heron.errors import HeronError
    from heron.jobs import ImportJob

DONE, ERROR, USAGE, FAILURES, INCOMPLETE = range(5)

_IMPORTS = "`import`, `sync` and `imports resume`"

STATUSES = {
    DONE: "done; `embed` and `thumbnails` also exit with it after single items have failed, which they list",
    ERROR: "an error; nothing was changed unless the message says so. Also: `keyframes set` with items that failed, "
    "and an interruption of a command that is not named at 4",
    USAGE: "wrong usage: an unknown command or option, or a missing argument",
    FAILURES: f"{_IMPORTS}: done, but some units have failed for good; the report lists them",
    INCOMPLETE: f"{_IMPORTS}: not complete, a store did not answer or it was interrupted; resuming or repeating it helps",
}


def status_of(job: ImportJob) -> int:
    """The exit status of a command that has run an import or a sync."""
    if job.state in ("incomplete", "interrupted"):
        return INCOMPLETE
    return FAILURES if job.failed else DONE


def status_of_error(error: HeronError) -> int:
    """The exit status of a command that ends with an error."""
    from heron.errors import ImportInterrupted

    return INCOMPLETE if isinstance(error, ImportInterrupted) else ERROR


def together(*statuses: int) -> int:
    """The one exit status for several results: the one that most needs attention."""
    return next((status for status in (ERROR, INCOMPLETE, FAILURES) if status in statuses), DONE)
