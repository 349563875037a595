"""How many requests a user may make: so many a second, and twice as many at once."""

from __future__ import annotations

import time

import heron

_MOST = 10_000
"""The number of users that are remembered; those who have made no request lately are forgotten first."""


class Rates:
    """Counts the requests of each user."""

    def __init__(self, each_second: float) -> None:
        self._rate = each_second
        self._left: dict[str | None, tuple[float, float]] = {}

    def count(self, user: str | None) -> None:
        """Count one request; raises Throttled for one too many."""
        now = time.monotonic()
        burst = max(2 * self._rate, 1.0)
        left, before = self._left.pop(user, (burst, now))
        left = min(burst, left + (now - before) * self._rate)
        allowed = left >= 1
        self._left[user] = (left - 1 if allowed else left, now)
        if len(self._left) > _MOST:
            del self._left[next(iter(self._left))]
        if not allowed:
            raise heron.Throttled(
                f"more than {self._rate:g} requests a second were made",
                hint="make them more slowly, or several in one",
            )
