"""Statistics: for each field of a selection how many items have a value, the extent, the quartiles, and the most frequent value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from heron.catalog.database import Database
from heron.catalog.schema import SchemaService
from heron.models import Json, Query
from heron.records import Record
from heron.search.engines import Engines
from heron.search.facets import are_times, plan_of
from heron.search.plan import Plan
from heron.search.planning import Planner
from heron.search.service import SearchService
from heron.search.tally import Counts, Extent, Mean, Ranked, Tally, Values
from heron.search.tree import Field
from heron.search.values import check_plain, shown

_USUAL = "kind,media_type,folder,size,width,height,pages,duration,fps,frame_count,captured_at"
"""The fields of items that are described beside metadata if no names are given."""

_QUARTERS = (0.25, 0.5, 0.75)


@frozen(repr=False)
class Statistics(Record):
    """The values of one field over the items of a query.

    `missing` is the number of items without a value, `distinct` the number of different values. `lower`, `median` and
    `upper` are the quartiles of numbers and times: the least value for which at least 25, 50 and 75 % of the values are not
    greater (the nearest rank, so each is a value that exists). `mean` is that of numbers. `most` is the most frequent value,
    of several the least one, and `most_count` its number of items. What does not exist is None.
    """

    name: str
    type: str
    present: int
    missing: int
    distinct: int
    least: Json
    lower: Json
    median: Json
    upper: Json
    greatest: Json
    mean: float | None
    most: Json
    most_count: int


class StatisticsService:
    """Describes the values of fields over the items of a query: `stats("width,score", where="kind = 'image'")`."""

    def __init__(
        self,
        database: Database,
        planner: Planner,
        engines: Engines,
        search: SearchService,
        schema: SchemaService,
    ) -> None:
        self._database = database
        self._planner = planner
        self._engines = engines
        self._search = search
        self._schema = schema

    def __call__(
        self, names: str | None = None, query: Query | None = None, **parts: Any
    ) -> list[Statistics]:
        """The statistics of some names of conditions, separated by commas; by default of all metadata keys and usual fields.

        By default names that have no value here are left out. Limit, sort and cursor of the query are ignored, unless it is a
        similarity search with `nearest` or `min_score`. Raises QueryError for a name without plain values.
        """
        plan = plan_of(evolve(query or Query(), **parts), self._planner, self._search)
        fields = self._fields(names)
        found = self._database.in_one_state(lambda: self._of(plan, fields))
        return [each for each in found if each.present or names is not None]

    def _fields(self, names: str | None) -> Mapping[str, Field]:
        if names is not None:
            return {name: check_plain(field) for name, field in self._planner.columns(names).items()}
        fields = self._planner.columns(_USUAL)
        for key in self._schema.keys():  # noqa: SIM118 - not a mapping
            field = self._planner.field(f"metadata.{key}")
            if field.affinity != "json" and field.home == "metadata":
                fields[key] = field
        return fields

    def _of(self, plan: Plan, fields: Mapping[str, Field]) -> list[Statistics]:
        engine = self._engines.of(plan)
        wanted: list[Sequence[Tally]] = []

        def further(extents: Sequence[Counts]) -> Sequence[Tally]:
            wanted[:] = [
                _wanted(field, extent) for field, extent in zip(fields.values(), extents, strict=True)
            ]
            return [tally for tallies in wanted for tally in tallies]

        counted = engine.tallies(plan, [Extent(field) for field in fields.values()], further)
        extents, counts = counted[: len(fields)], iter(counted[len(fields) :])
        found = []
        for (name, field), extent, tallies in zip(fields.items(), extents, wanted, strict=True):
            found.append(_statistics(name, field, extent, {type(tally): next(counts) for tally in tallies}))
        return found


def _wanted(field: Field, extent: Counts) -> Sequence[Tally]:
    """What is counted of a field with this extent."""
    _, (least, distinct), (greatest, present) = extent
    wanted: list[Tally] = []
    if 0 < distinct < present:
        wanted.append(Values(field, 1))
    is_number = _is_number(field, least) and _is_number(field, greatest)
    is_time = isinstance(least, str) and isinstance(greatest, str) and field.type == "datetime"
    if is_number or (is_time and are_times(str(least), str(greatest))):
        wanted.append(Ranked(field, tuple(math.ceil(part * present) for part in _QUARTERS)))
    if is_number:
        wanted.append(Mean(field))
    return wanted


def _is_number(field: Field, value: Json) -> bool:
    return field.type in ("number", "any") and isinstance(value, int | float) and math.isfinite(value)


def _statistics(name: str, field: Field, extent: Counts, counts: Mapping[type, Counts]) -> Statistics:
    (_, missing), (least, distinct), (greatest, present) = extent
    by_place = {place: value for value, place in counts.get(Ranked, ())}
    quarters = [shown(field, by_place[math.ceil(part * present)]) if by_place else None for part in _QUARTERS]
    mean = next((value for value, _ in counts.get(Mean, ())), None)
    most, most_count = next(iter(counts.get(Values, ())), (None, 0))
    lower, median, upper = quarters
    return Statistics(
        name, field.type_name, present, missing, distinct,
        shown(field, least), lower, median, upper, shown(field, greatest),
        float(mean) if isinstance(mean, int | float) else None, shown(field, most), most_count,
    )  # fmt: skip
