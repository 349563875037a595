"""Counts over the rows that columns find, together with those that SQLite counts among pending items."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from heron.columns.building import Family, as_texts
from heron.columns.segments import Segment
from heron.models import Json
from heron.search.column_parts import NotInColumns
from heron.search.column_sorting import Writer, in_column, sort_keys
from heron.search.tally import Bins, Counts, Extent, Mean, Ranked, Spans, Tally, Values
from heron.search.tree import Field, Where, where
from heron.search.values import rank

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]

_ALL = 2**62


def of_all(tally: Tally) -> Tally:
    """What SQLite counts of the pending items: all values, for one that is rare there may be frequent elsewhere."""
    return Values(tally.field, _ALL) if isinstance(tally, Values | Extent | Mean | Ranked) else tally


class Counting:
    """Counts tallies over rows of segments and those of `pending` other rows, which SQLite has counted by `of_all`.

    Values that several tallies count are gathered and grouped once.
    """

    def __init__(self, found: Sequence[tuple[Segment, Array]], writer: Writer, pending: int) -> None:
        self._found = found
        self._writer = writer
        self._pending = pending
        self._gathered: dict[Where, tuple[polars.Series, Family]] = {}
        self._groups: dict[Where, polars.DataFrame] = {}

    def counts(self, tally: Tally, more: Counts) -> Counts:
        """The counts of a tally; raises NotInColumns for a field that the columns do not contain."""
        values, family = self._values(tally.field)
        match tally:
            case Bins():
                return _added(_grouped(_bins(values.drop_nulls(), tally)), more)
            case Spans(_, length):
                return _added(_spans(values.drop_nulls(), length, family), more)
            case Mean():
                return _mean(values.drop_nulls(), more)
            case Ranked(_, places):
                return _ranked(values.drop_nulls(), more, places, family)
            case Values(field, most):
                groups = self._grouped(field, more).sort(["count", "value"], descending=[True, False])
                chosen = groups.head(most)
                return list(zip(_stored(chosen["value"], family), chosen["count"].to_list(), strict=True))
            case Extent(field):
                return self._extent(field, more)

    def _extent(self, field: Field, more: Counts) -> Counts:
        import polars as pl

        values, family = self._values(field)
        if more or values.dtype == pl.String:  # few texts are counted anyway
            groups = self._grouped(field, more)
            different, distinct, present = groups["value"], groups.height, int(groups["count"].sum())
        else:
            different = values.drop_nulls()
            distinct, present = different.n_unique(), len(different)
        ends = _stored(pl.Series([different.min(), different.max()], dtype=values.dtype), family)
        return [(None, len(values) + self._pending - present), (ends[0], distinct), (ends[1], present)]

    def _values(self, field: Field) -> tuple[polars.Series, Family]:
        """The values of the rows with None for a missing one, and their family."""
        import polars as pl

        place = where(field)
        if place not in self._gathered:
            keys, [family] = sort_keys(self._found, [field], self._writer, exact=True)
            parts = [  # beside `id`, so that an expression without columns has a value for each row
                segment.table_for(key).select("id", value=key)["value"].filter(pl.Series(mask))
                for (segment, mask), [key] in zip(self._found, keys, strict=True)
            ]
            self._gathered[place] = pl.concat(parts), family
        return self._gathered[place]

    def _grouped(self, field: Field, more: Counts) -> polars.DataFrame:
        place = where(field)
        if place not in self._groups:
            self._groups[place] = _grouped(self._values(field)[0].drop_nulls(), more)
        return self._groups[place]


def _bins(values: polars.Series, tally: Bins) -> polars.Series:
    """The bin of each number; not by Polars, which multiplies by the inverse of a divisor that is one number."""
    import numpy as np
    import polars as pl

    numbers = values.cast(pl.Float64).to_numpy()
    places = ((numbers - tally.low) * float(tally.count) / (tally.high - tally.low)).astype(np.int64)
    return pl.Series(np.minimum(places, tally.count - 1))


_TRUNCATED = {4: "1y", 7: "1mo", 10: "1d", 13: "1h"}


def _spans(values: polars.Series, length: int, family: Family) -> polars.DataFrame:
    """Times by the first characters of their texts; only one text of each span is made."""
    import polars as pl

    if family != "time":
        return _grouped(values.cast(pl.String).str.slice(0, length))
    groups = _grouped(values.cast(pl.Datetime("us")).dt.truncate(_TRUNCATED[length]))
    return groups.with_columns(value=as_texts(groups["value"].cast(pl.Int64)).str.slice(0, length))


def _grouped(values: polars.Series, more: Counts = ()) -> polars.DataFrame:
    """Each value with its number of rows, and those of `more`, which are stored values of the same type."""
    import polars as pl

    groups = values.rename("value").to_frame().group_by("value").agg(count=pl.len().cast(pl.Int64))
    if not more:
        return groups
    if values.dtype == pl.Float64 and not all(isinstance(value, float) for value, _ in more):
        raise NotInColumns
    given = [in_column(values.dtype, value) for value, _ in more]
    others = pl.DataFrame(
        {"value": pl.Series(given, dtype=values.dtype), "count": [count for _, count in more]}
    )
    return pl.concat([groups, others]).group_by("value").agg(pl.col("count").sum())


def _mean(values: polars.Series, more: Counts) -> Counts:
    """The mean of values and of those of `more`."""
    if values.dtype.is_numeric() and all(isinstance(value, int | float) for value, _ in more):
        present = len(values) + sum(count for _, count in more)
        total = math.fsum(float(value) * count for value, count in more)
        return [((float(values.cast(float).sum()) + total) / present, present)] if present else []
    raise NotInColumns


def _ranked(values: polars.Series, more: Counts, places: Sequence[int], family: Family) -> Counts:
    """The values at some places of all in their order, from 1 on."""
    import numpy as np

    wanted = sorted(set(places))
    if not more:
        ordered, at = values.sort(), np.array(wanted) - 1
    else:
        groups = _grouped(values, more).sort("value")
        ordered, at = groups["value"], np.searchsorted(groups["count"].cum_sum().to_numpy(), wanted)
    is_there = at < len(ordered)
    stored = _stored(ordered.gather(at[is_there]), family)
    return list(zip(stored, np.array(wanted)[is_there].tolist(), strict=True))


def _added(groups: polars.DataFrame, more: Counts) -> Counts:
    """Groups of both, in the order of their values."""
    total = Counter(dict(groups.iter_rows()))
    total.update(dict(more))
    return sorted(total.items(), key=lambda entry: rank(entry[0]))


def _stored(values: polars.Series, family: Family) -> list[Json]:
    return (as_texts(values) if family == "time" else values).to_list()
