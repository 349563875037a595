"""Reads the rows of a dataset twice in one state of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from heron.catalog.dataset_rows import DatasetRows
from heron.errors import HeronError


def in_one_state(rows: DatasetRows, stream: IO[bytes], work: Callable[[], int]) -> int:
    """What `work` returns, which reads rows twice and writes to a stream; both times they are of one state of the catalogue.

    A stream that cannot go back, such as a pipe, is written only once, and `work` has to notice what changes meanwhile.
    """
    if not stream.seekable():
        return work()
    start = stream.tell()

    def once() -> int:
        stream.seek(start)
        stream.truncate()
        return work()

    return rows.in_one_state(once)


def changed_meanwhile() -> HeronError:
    """The error for rows that have a key, or a value of a type, which they had not when they were read first."""
    return HeronError("the metadata was changed while it was exported", hint="export again")
