"""Comparisons: how the values of fields differ between two selections, such as the two splits of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from heron.catalog.database import Database
from heron.errors import InvalidInput
from heron.models import Json, Query
from heron.records import Record
from heron.search.engines import Engines
from heron.search.facets import BINS, VALUES, buckets_of, form_of, plan_of
from heron.search.plan import Plan
from heron.search.planning import Planner
from heron.search.service import SearchService
from heron.search.tally import Extent, Tally, Values
from heron.search.tree import Any as Either
from heron.search.tree import Field
from heron.search.values import rank

if TYPE_CHECKING:
    from heron.search.statistics import StatisticsService

_MOST = 100_000
"""The most different texts that are counted for each side."""


@frozen(repr=False)
class ComparedBucket(Record):
    """One value, or the values from `value` up to `end`, with the number of items of each side."""

    value: Json
    end: Json
    left: int
    right: int


@frozen(repr=False)
class Comparison(Record):
    """The values of one field in two selections, in the same buckets.

    `form` is that of a facet. The buckets of a field of texts are its most frequent values in both selections together.
    `difference` is between 0, where both sides have the same shares of all values, and 1, where they have no value in
    common: the total variation distance, half the sum of the absolute differences of the shares of each value or bin, where
    a missing value is one more value. It is None if a side has no items.
    """

    name: str
    form: str
    buckets: tuple[ComparedBucket, ...]
    left_present: int
    left_missing: int
    right_present: int
    right_missing: int
    difference: float | None


class ComparisonService:
    """Compares the values of fields in two selections: `compare("split = 'train'", "split = 'test'", "weather")`."""

    def __init__(
        self,
        database: Database,
        planner: Planner,
        engines: Engines,
        search: SearchService,
        statistics: StatisticsService,
    ) -> None:
        self._database = database
        self._planner = planner
        self._engines = engines
        self._search = search
        self._statistics = statistics

    def __call__(
        self,
        left: Query | str,
        right: Query | str,
        names: str | None = None,
        *,
        most: int = VALUES,
        bins: int = BINS,
    ) -> list[Comparison]:
        """One comparison for each name, separated by commas, by default those of `ws.stats`; the most different one first.

        `left` and `right` are conditions or queries. At most `most` values are listed, numbers are counted in `bins` bins
        over the extent of both. Raises QueryError for a field without plain values, InvalidInput for one with more than
        100,000 different texts.
        """
        if most < 1 or not 1 <= bins <= 1000:
            raise InvalidInput(
                f"most is {most} and bins is {bins}; at least 1, and at most 1,000 bins are needed"
            )
        plans = [
            plan_of(query if isinstance(query, Query) else Query(where=query), self._planner, self._search)
            for query in (left, right)
        ]
        fields = self._statistics._fields(names)

        def work() -> list[Comparison]:
            found = self._of(plans[0], plans[1], fields, most, bins, is_chosen=names is not None)
            return sorted(found, key=lambda each: -(each.difference or 0))

        return self._database.in_one_state(work)

    def _of(
        self, left: Plan, right: Plan, fields: Mapping[str, Field], most: int, bins: int, *, is_chosen: bool
    ) -> list[Comparison]:
        both = Plan("items", _either(left, right))
        extents = self._engines.of(both).tallies(both, [Extent(field) for field in fields.values()])
        chosen: list[tuple[str, Field, Tally, str]] = []
        for (name, field), extent in zip(fields.items(), extents, strict=True):
            (_, _), (_, distinct), (_, present) = extent
            tally, form = form_of(field, extent, most, bins)
            if isinstance(tally, Values):
                tally = Values(field, _MOST)
                if is_chosen and distinct > _MOST:
                    raise InvalidInput(
                        f"{name} has {distinct:,} different values; at most {_MOST:,} can be compared"
                    )
            if is_chosen or (present and distinct <= _MOST and not field.full_text):
                chosen.append((name, field, tally, form))
        tallies = [tally for _, _, tally, _ in chosen]
        sides = [self._counted(plan, tallies) for plan in (left, right)]
        return [
            _comparison(name, field, tally, form, most, of_left, of_right)
            for (name, field, tally, form), of_left, of_right in zip(chosen, *sides, strict=True)
        ]

    def _counted(self, plan: Plan, tallies: Sequence[Tally]) -> list[_Side]:
        """The counts of each tally over the items of one side."""
        engine = self._engines.of(plan)
        counts = engine.tallies(plan, tallies)
        extents = engine.tallies(plan, [Extent(tally.field) for tally in tallies])
        return [
            _Side(dict(found), present, missing)
            for found, ((_, missing), _, (_, present)) in zip(counts, extents, strict=True)
        ]


@frozen
class _Side:
    """The numbers of items of one side by what they are counted by, and those with and without a value."""

    counts: Mapping[Json, int]
    present: int
    missing: int

    def shares(self) -> Mapping[Json, float]:
        """The part of all items that each count is; None stands for a missing value."""
        size = self.present + self.missing
        return {key: count / size for key, count in {**self.counts, None: self.missing}.items()}


def _either(left: Plan, right: Plan) -> Either | None:
    if left.condition is None or right.condition is None:
        return None
    return Either((left.condition, right.condition))


def _comparison(
    name: str, field: Field, tally: Tally, form: str, most: int, left: _Side, right: _Side
) -> Comparison:
    total = Counter(left.counts)
    total.update(right.counts)
    if isinstance(tally, Values):
        counts = sorted(total.items(), key=lambda entry: (-entry[1], rank(entry[0])))[:most]
    else:
        counts = sorted(total.items(), key=lambda entry: rank(entry[0]))
    buckets = tuple(
        ComparedBucket(bucket.value, bucket.end, left.counts.get(key, 0), right.counts.get(key, 0))
        for key, bucket in buckets_of(field, tally, counts)
    ) if counts else ()  # fmt: skip
    return Comparison(
        name, form, buckets, left.present, left.missing, right.present, right.missing, _difference(left, right)
    )  # fmt: skip


def _difference(left: _Side, right: _Side) -> float | None:
    """The total variation distance of two sides; None if one has no items."""
    if not (left.present + left.missing and right.present + right.missing):
        return None
    of_left, of_right = left.shares(), right.shares()
    return sum(abs(of_left.get(key, 0) - of_right.get(key, 0)) for key in {**of_left, **of_right}) / 2
