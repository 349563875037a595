"""Colours of the points of a plot: by category, number or date, depending on their values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from attrs import frozen

Array = np.ndarray[Any, Any]

Value = str | bool | float | datetime | None
"""The value that decides the colour of a point; None and NaN are missing."""

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442")
"""Colours that colour-blind people can distinguish (Okabe and Ito 2008; Wong, Nature Methods 8, 2011),
without black.
"""

MARKERS = ("o", "^", "s")
"""Shapes; each is used with every colour once, so that colour and shape together identify a category."""

MOST = 20
"""Categories with a colour of their own."""

OTHER, MISSING = "#8a8a8a", "#dcdcdc"


@frozen
class Group:
    """Points of one category: their positions among all points, and their name and look in the legend."""

    name: str
    points: Array
    colour: str
    marker: str = "o"


@frozen
class Scale:
    """Points coloured by a colour bar: the numbers, NaN if missing; dates are seconds since 1970 in UTC."""

    values: Array
    are_dates: bool = False


def in_utc(moment: datetime) -> datetime:
    """A moment with its time zone; a moment without one is taken as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def coloured(values: Sequence[Value]) -> list[Group] | Scale:
    """Groups for texts, truth values and mixtures; a scale if all values are numbers, or all are dates, apart
    from missing ones.

    The 20 most frequent categories come first, most frequent first; then `other` and `missing`, if there are
    any.
    """
    there = [value for value in values if not _is_missing(value)]
    if there and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in there):
        return Scale(np.array([math.nan if _is_missing(value) else value for value in values], float))
    if there and all(isinstance(value, datetime) for value in there):
        return Scale(np.array([_seconds(value) for value in values]), are_dates=True)
    return _groups(["" if _is_missing(value) else _name(value) for value in values])


def _groups(names: Sequence[str]) -> list[Group]:
    counts = Counter(name for name in names if name)
    chosen = sorted(counts, key=lambda name: (-counts[name], name))[:MOST]
    places = {name: place for place, name in enumerate(chosen)}
    other, missing = len(chosen), len(chosen) + 1
    codes = np.array([places.get(name, other) if name else missing for name in names])
    looks = [
        (name, PALETTE[place % len(PALETTE)], MARKERS[place // len(PALETTE)])
        for place, name in enumerate(chosen)
    ]
    looks += [("other", OTHER, "o"), ("missing", MISSING, "o")]
    found = (
        Group(name, np.flatnonzero(codes == code), colour, marker)
        for code, (name, colour, marker) in enumerate(looks)
    )
    return [group for group in found if len(group.points)]


def _is_missing(value: Value) -> bool:
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def _name(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(value: Value) -> float:
    return in_utc(value).timestamp() if isinstance(value, datetime) else math.nan
