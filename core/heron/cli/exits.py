"""The exit statuses of commands; docs/command-line.md lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heron.errors import HeronError, ImportInterrupted

if TYPE_CHECKING:
    from heron.jobs import ImportJob

DONE, ERROR, USAGE, FAILURES, INCOMPLETE = range(5)

_JOBS = (
    "`import`, `sync`, `imports resume`, `embed`, `derive`, `run`, `thumbnails`, `keyframes set` with chosen items, "
    "`duplicates --hash-missing`"
)

STATUSES = {
    DONE: "done",
    ERROR: "an error; nothing was changed unless the message says so. Also an interruption of a command that is not named at 4",
    USAGE: "wrong usage: an unknown command or option, or a missing argument",
    FAILURES: f"{_JOBS}: done, but some units have failed for good; the report lists them. Also `datasets export`: files are missing; `datasets verify`: files are changed, gone or unreadable",
    INCOMPLETE: "the same commands: not complete, a store did not answer or it was interrupted; resuming or repeating it helps. Also `datasets verify`: what is known of a file does not suffice",
}


def status_of(job: ImportJob) -> int:
    """The exit status of a command that has run an import or a sync."""
    if job.state in ("incomplete", "interrupted"):
        return INCOMPLETE
    return FAILURES if job.failed else DONE


def status_of_counts(failed: int, waiting: int) -> int:
    """The exit status of a job without a number: units that failed for good, and units whose store did not answer."""
    return INCOMPLETE if waiting else FAILURES if failed else DONE


class Unfinished(HeronError):
    """A job without a number was interrupted; the same command goes on from there."""


def status_of_error(error: HeronError) -> int:
    """The exit status of a command that ends with an error."""
    return INCOMPLETE if isinstance(error, ImportInterrupted | Unfinished) else ERROR


def together(*statuses: int) -> int:
    """The one exit status for several results: the one that most needs attention."""
    return next((status for status in (ERROR, INCOMPLETE, FAILURES) if status in statuses), DONE)
