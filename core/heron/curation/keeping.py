"""Which one of several duplicates to keep, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from heron.curation.records import Candidate

_SAME_SHARPNESS = 0.95
"""Sharpness values within this factor count as equal: encoding a picture again changes its sharpness by as much."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def best_first(candidates: Sequence[Candidate]) -> tuple[tuple[Candidate, ...], str]:
    """The item to keep, then the others in order; and the reason.

    The first is the largest in pixels; of equal ones the sharpest, then the one changed longest ago, then the largest
    file, then the one that was added to the catalogue first.
    """
    left, reasons = list(candidates), []
    for reason, choose in _STEPS:
        chosen = choose(left)
        if len(chosen) < len(left):
            reasons.append(reason)
        left = chosen
    best = left[0]
    others = (candidate for candidate in candidates if candidate is not best)
    return (best, *others), ", ".join(reasons) or "came first"


def _largest(left: list[Candidate]) -> list[Candidate]:
    return _most(left, lambda candidate: (candidate.width or 0) * (candidate.height or 0))


def _sharpest(left: list[Candidate]) -> list[Candidate]:
    if any(candidate.sharpness is None for candidate in left):
        return left
    return _most(left, lambda candidate: candidate.sharpness or 0, _SAME_SHARPNESS)


def _largest_file(left: list[Candidate]) -> list[Candidate]:
    return _most(left, lambda candidate: candidate.size or 0)


def _oldest(left: list[Candidate]) -> list[Candidate]:
    oldest = min(candidate.time or _NEVER for candidate in left)
    return [candidate for candidate in left if (candidate.time or _NEVER) == oldest]


def _most(left: list[Candidate], measure: Callable[[Candidate], float], same: float = 1.0) -> list[Candidate]:
    most = max(map(measure, left))
    return [candidate for candidate in left if measure(candidate) >= same * most]


_STEPS: tuple[tuple[str, Callable[[list[Candidate]], list[Candidate]]], ...] = (
    ("largest", _largest),
    ("sharpest", _sharpest),
    ("oldest", _oldest),
    ("largest file", _largest_file),
)
