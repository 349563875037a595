"""What is counted over the rows of a plan: values, numbers in bins, times in spans, and the extent of a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

from heron.models import Json
from heron.search.tree import Field


@frozen
class Extent:
    """How many rows have a value of a field, how many different ones, and the least and the greatest."""

    field: Field


@frozen
class Values:
    """The values of a field with their numbers of rows: at most `most`, the most frequent first, then in their order."""

    field: Field
    most: int


@frozen
class Bins:
    """The numbers of a field in `count` bins of equal width from `low` to `high`; the last one contains `high`.

    The bin of a value is the whole part of (value - low) * count / (high - low), computed with 64-bit floats.
    """

    field: Field
    low: float
    high: float
    count: int


@frozen
class Spans:
    """The times of a field by the first `length` characters of their text: 4 for years, 7 months, 10 days, 13 hours."""

    field: Field
    length: int


@frozen
class Ranked:
    """The values of a field at some places of its sorted values; the least one has the place 1."""

    field: Field
    places: tuple[int, ...]


@frozen
class Mean:
    """The arithmetic mean of the numbers of a field; its last digits depend on the order in which they are added."""

    field: Field


Tally = Extent | Values | Bins | Spans | Ranked | Mean

Counts = Sequence[tuple[Json, int]]
"""Stored values, numbers of bins or beginnings of times, each with its number of rows; for an extent what its class says.

An extent is counted as `[(None, missing), (least, distinct), (greatest, present)]`, ranked values each with its place, and a
mean as `[(mean, present)]`, or `[]` if there is no number.
"""

Membership = Literal["collection", "dataset", "project"]

MEMBERSHIPS: Mapping[str, Membership] = {
    "collections": "collection",
    "datasets": "dataset",
    "projects": "project",
}
"""What is counted beside fields, by the name in a list of facets."""
