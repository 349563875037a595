"""How long a writer waits for another writer."""

from __future__ import annotations

import math
import os

from heron.errors import InvalidInput

BUSY_SECONDS = 10.0
"""The seconds that a writer waits for another writer, unless HERON_BUSY_SECONDS says otherwise."""

_LONGEST_WAIT = 2_000_000.0
"""The most seconds that a writer waits, 23 days: SQLite counts milliseconds in 32 bits, and does not wait for more than fit."""


_NAME = "HERON_BUSY_SECONDS"


def are_given() -> bool:
    """Whether HERON_BUSY_SECONDS says how long a writer waits."""
    return _NAME in os.environ


def milliseconds(seconds: float) -> int:
    """Whole milliseconds, as SQLite takes them."""
    return int(min(seconds * 1000, 2**31 - 1))


def busy_seconds_wanted() -> float:
    """The seconds to wait; raises InvalidInput for a HERON_BUSY_SECONDS that is not a number of seconds."""
    given = os.environ.get(_NAME, str(BUSY_SECONDS))
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:  # NaN is not
        raise InvalidInput(f"HERON_BUSY_SECONDS is {given!r}, a number of seconds is needed")
    return min(seconds, _LONGEST_WAIT)
