"""Facets: how many items of a query have each value of a field, or a value in each bin, month or day."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from heron.catalog.database import Database
from heron.errors import InvalidInput, QueryError
from heron.models import Json, Query
from heron.records import Record
from heron.search.engines import Engines
from heron.search.plan import Plan
from heron.search.planning import Planner
from heron.search.sqlite_groups import Groups
from heron.search.tally import Bins, Counts, Extent, Membership, Spans, Tally, Values
from heron.search.tree import Among, Field, FieldRef, IsNull, Not, where
from heron.search.values import check_plain, shown

if TYPE_CHECKING:
    from heron.search.service import SearchService

VALUES = 20
"""The number of values that a facet shows by default."""

BINS = 20
"""The number of bins of numbers by default."""

_FEW = 12
"""Numbers with at most so many different values are shown as values, not in bins."""

_SPANS = {4: "year", 7: "month", 10: "day", 13: "hour"}
_MOST_SPANS = 60


@frozen(repr=False)
class Bucket(Record):
    """Some of the items of a facet: those with one value, or with a number or time from `value` up to `end`.

    `end` is None for one value. It belongs to the last bucket of numbers, and not to the others.
    """

    value: Json
    count: int
    end: Json = None


@frozen(repr=False)
class Facet(Record):
    """The values of one field over the items of a query.

    `form` is `values`, `words`, `collections` or `datasets`, the most frequent first, `bins` of numbers, or `year`, `month`,
    `day` or `hour` of times in UTC. An item is counted once for each of its words, collections and datasets. `missing` is
    the number of items without a value. `distinct` is the number of different values, and None for the words of many
    items; `least` and `greatest` are None without a value, and for words and memberships.
    """

    name: str
    form: str
    buckets: tuple[Bucket, ...]
    present: int
    missing: int
    distinct: int | None
    least: Json
    greatest: Json


class FacetService:
    """Counts the items of a query by the values of fields: `facets("weather,captured_at", where="width > 1000")`."""

    def __init__(
        self, database: Database, planner: Planner, engines: Engines, search: SearchService, groups: Groups
    ) -> None:
        self._database = database
        self._planner = planner
        self._engines = engines
        self._search = search
        self._groups = groups

    def __call__(
        self,
        names: str,
        query: Query | None = None,
        *,
        most: int = VALUES,
        bins: int = BINS,
        **parts: Any,
    ) -> list[Facet]:
        """One facet for each of some names, separated by commas: `weather,folder,exif.Model,captured_at,collections`.

        These are names of conditions, and `collections`, `datasets` and `projects` for the titles of those that contain an item. A facet
        of texts has at most `most` values; a key of type `text` is counted by its words. Numbers with many different values
        are counted in `bins` bins of equal width, times by year, month, day or hour. Limit, sort and cursor of the query are
        ignored, unless it is a similarity search with `nearest` or `min_score`. Raises QueryError for a name without plain
        values.
        """
        if most < 1 or not 1 <= bins <= 1000:
            raise InvalidInput(
                f"most is {most} and bins is {bins}; at least 1, and at most 1,000 bins are needed"
            )
        plan = plan_of(evolve(query or Query(), **parts), self._planner, self._search)
        found = self._planner.counted(names)
        fields = {name: check_plain(each) for name, each in found.items() if isinstance(each, Field)}

        def work() -> list[Facet]:
            facets = {facet.name: facet for facet in self._of_fields(plan, fields, most, bins)}
            for name, each in found.items():
                if not isinstance(each, Field):
                    facets[name] = self._of_members(plan, name, each, most)
                elif each.full_text:
                    facets[name] = self._of_words(plan, facets[name], each, most)
            return [facets[name] for name in found]

        return self._database.in_one_state(work)

    def _of_fields(self, plan: Plan, fields: Mapping[str, Field], most: int, bins: int) -> list[Facet]:
        engine = self._engines.of(plan)
        first: list[Tally] = [Extent(field) for field in fields.values()]
        by_value = [
            field
            for field in fields.values()
            if field.affinity == "text" and field.type != "datetime" and not field.full_text
        ]
        first += [Values(field, most) for field in by_value]  # in the same pass as the extent
        forms: list[tuple[Tally, str]] = []

        def further(counted: Sequence[Counts]) -> Sequence[Tally]:
            forms[:] = [
                form_of(field, extent, 1 if field.full_text else most, bins)
                for field, extent in zip(fields.values(), counted, strict=False)
            ]
            return [tally for tally, _ in forms if where(tally.field) not in known]

        known = set(map(where, by_value))
        counted = engine.tallies(plan, first, further)
        extents, values = counted[: len(fields)], iter(counted[len(fields) :])
        by_place = {where(field): next(values) for field in by_value}
        places = [where(tally.field) for tally, _ in forms]
        counts = [by_place[place] if place in by_place else next(values) for place in places]
        return _facets(fields, extents, forms, counts)

    def _of_members(self, plan: Plan, name: str, noun: Membership, most: int) -> Facet:
        ids = self._engines.of(plan).ids(plan)
        groups, present = self._groups.members(noun, ids)
        missing = len(ids) - present
        return Facet(name, name, _plain_buckets(groups[:most]), present, missing, len(groups), None, None)

    def _of_words(self, plan: Plan, facet: Facet, field: Field, most: int) -> Facet:
        having = plan.narrowed(Not(IsNull(FieldRef(field))))
        words, distinct = self._groups.words(field, self._engines.of(having).ids(having), most)
        buckets = _plain_buckets(words)
        return evolve(facet, form="words", buckets=buckets, distinct=distinct, least=None, greatest=None)


def plan_of(query: Query, planner: Planner, search: SearchService) -> Plan:
    """The plan of all items of a query, without its order; a similarity search needs a bound, or raises QueryError."""
    bare = evolve(query, sort=None, limit=None, cursor=None)
    if not query.is_similarity:
        return planner.plan(bare)
    if query.nearest is None and not query.has_floor:
        raise QueryError(
            "every item with a vector is similar to some degree", hint="give nearest, min_score or min_sure"
        )
    return Plan("items", Among("items", [item.id for item in search.all(bare)]))


def _plain_buckets(counts: Counts) -> tuple[Bucket, ...]:
    return tuple(Bucket(value, count) for value, count in counts)


def form_of(field: Field, extent: Counts, most: int, bins: int) -> tuple[Tally, str]:
    """What is counted of a field with this extent, and the form of the facet."""
    (_, _), (least, distinct), (greatest, _) = extent
    if (
        field.type == "datetime"
        and isinstance(least, str)
        and isinstance(greatest, str)
        and are_times(least, greatest)
    ):
        length = _length_of_spans(least, greatest)
        return Spans(field, length), _SPANS[length]
    is_number = all(isinstance(end, int | float) and math.isfinite(end) for end in (least, greatest))
    if field.type in ("number", "any") and is_number and distinct > _FEW:
        low, high = float(least), float(greatest)
        if math.isfinite((high - low) * bins) and high > low:
            return Bins(field, low, high, bins), "bins"
    return Values(field, most), "values"


def are_times(*values: str) -> bool:
    """Whether these are times in the form of `times.utc_iso`; a value can be older than its key."""
    return all(
        len(value) == len("2026-01-31T12:00:00.000000Z") and value[10] == "T" and value[:4].isdecimal()
        for value in values
    )


def _length_of_spans(least: str, greatest: str) -> int:
    """The finest spans of which there are not too many between two times."""
    first, last = (
        tuple(int(text[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13))) for text in (least, greatest)
    )
    years = last[0] - first[0]
    months = years * 12 + last[1] - first[1]
    days = months * 31 + last[2] - first[2]
    hours = days * 24 + last[3] - first[3]
    for length, spans in ((13, hours), (10, days), (7, months)):
        if spans <= _MOST_SPANS:
            return length
    return 4


def _facets(
    fields: Mapping[str, Field],
    extents: Sequence[Counts],
    forms: Sequence[tuple[Tally, str]],
    counts: Sequence[Counts],
) -> list[Facet]:
    """The facets of fields, of which all is counted."""
    return [
        _facet(name, field, extent, form, tally, count)
        for (name, field), extent, (tally, form), count in zip(
            fields.items(), extents, forms, counts, strict=True
        )
    ]


def _facet(name: str, field: Field, extent: Counts, form: str, tally: Tally, counts: Counts) -> Facet:
    (_, missing), (least, distinct), (greatest, present) = extent
    buckets = tuple(bucket for _, bucket in buckets_of(field, tally, counts))
    ends = (shown(field, least), shown(field, greatest))
    return Facet(name, form, buckets, present, missing, distinct, *ends)


def buckets_of(field: Field, tally: Tally, counts: Counts) -> list[tuple[Json, Bucket]]:
    """The buckets of a tally, also the empty ones between others, each with what its rows were counted by."""
    known = dict(counts)
    match tally:
        case Bins(_, low, high, count):
            step = (high - low) / count
            edges = [low + step * place for place in range(count)] + [high]
            return [
                (place, Bucket(edges[place], known.get(place, 0), edges[place + 1])) for place in range(count)
            ]
        case Spans():
            return [(value, Bucket(value, known.get(value, 0))) for value in _spans(counts)]
    return [(value, Bucket(shown(field, value), count)) for value, count in counts]


def _spans(counts: Counts) -> list[Json]:
    """The spans from the first to the last one, with those between in which there is no time."""
    first, last = counts[0][0], counts[-1][0]
    assert isinstance(first, str) and isinstance(last, str)
    length = len(first)
    moment = datetime.fromisoformat(f"{first}{_REST[length]}")
    found: list[Json] = []
    while (span := moment.isoformat()[:length]) <= last:
        found.append(span)
        if span == last:
            break
        if length >= 10:
            moment += timedelta(days=1) if length == 10 else timedelta(hours=1)
        elif length == 7 and moment.month < 12:
            moment = moment.replace(month=moment.month + 1)
        else:
            moment = moment.replace(year=moment.year + 1, month=1)
    return found


_REST = {4: "-01-01T00:00:00", 7: "-01T00:00:00", 10: "T00:00:00", 13: ":00:00"}
"""What follows a span in the text of its first moment."""
