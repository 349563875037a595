"""Limits for the number of rows of a list."""

from __future__ import annotations

from heron.errors import InvalidInput


def at_most(limit: int | None) -> int:
    """The LIMIT of a statement, -1 for all rows; raises InvalidInput for a number below 1."""
    if limit is None:
        return -1
    if limit < 1:
        raise InvalidInput(f"limit is {limit}, at least 1 is needed")
    return limit
