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
from heron.search.column_sorting import in_column, sort_keys
from heron.search.column_writer import Memberships
from heron.search.tally import Bins, Counts, Extent, Mean, Ranked, Spans, Tally, Values
from heron.search.values import rank

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]

_ALL = 2**62


def of_all(tally: Tally) -> Tally:
    """What SQLite counts of the pending items: all values, for one that is rare there may be frequent elsewhere."""
    return Values(tally.field, _ALL) if isinstance(tally, Values | Extent | Mean | Ranked) else tally


def counted(
    found: Sequence[tuple[Segment, Array]], tally: Tally, names: Memberships, more: Counts, pending: int
) -> Counts:
    """The counts of a tally over rows of segments and those of `pending` other rows, which SQLite has counted by `of_all`.

    Raises NotInColumns for a field that the columns do not contain.
    """
    import numpy as np
    import polars as pl

    keys, [family] = sort_keys(found, [tally.field], names, exact=True)
    frames = [
        segment.frame.select("id", value=key).filter(pl.Series(mask)).select("value")
        for (segment, mask), [key] in zip(found, keys, strict=True)
    ]
    values = pl.concat(frames)["value"]
    match tally:
        case Bins(_, low, high, count):
            numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
            # not by Polars, which multiplies by the inverse of a divisor that is one number
            places = ((numbers - low) * float(count) / (high - low)).astype(np.int64)
            return _added(_grouped(pl.Series(np.minimum(places, count - 1))), more)
        case Spans(_, length):
            texts = as_texts(values) if family == "time" else values
            return _added(_grouped(texts.drop_nulls().cast(pl.String).str.slice(0, length)), more)
        case Mean():
            return _mean(values.drop_nulls(), more)
        case Ranked(_, places):
            return _ranked(values.drop_nulls(), more, places, family)
    groups = _grouped(values.drop_nulls(), more)
    if isinstance(tally, Values):
        chosen = groups.sort(["count", "value"], descending=[True, False]).head(tally.most)
        return list(zip(_stored(chosen["value"], family), chosen["count"].to_list(), strict=True))
    present = int(groups["count"].sum())
    ends = _stored(
        pl.Series([groups["value"].min(), groups["value"].max()], dtype=groups["value"].dtype), family
    )
    return [(None, len(values) + pending - present), (ends[0], groups.height), (ends[1], present)]


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
