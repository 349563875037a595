"""Limits for the number of rows: of a list, and of the parts in which many are taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from heron.errors import InvalidInput
from heron.models import Json

BUNDLE = 1000
"""The most items that a bulk verb changes in one transaction."""


def at_most(limit: int | None) -> int:
    """The LIMIT of a statement, -1 for all rows; raises InvalidInput for a number below 1."""
    if limit is None:
        return -1
    if limit < 1:
        raise InvalidInput(f"limit is {limit}, at least 1 is needed")
    return limit


def bundles(values: Iterable[Json], size: int = BUNDLE) -> Iterator[list[Json]]:
    """Cut a stream into lists of up to `size`."""
    stream = iter(values)
    while bundle := list(islice(stream, size)):
        yield bundle
