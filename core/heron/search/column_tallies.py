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

_NARROW = 1 << 16
"""Whole numbers within such a range are counted by place."""

_SHARE = 16
"""Fewer rows than this part of a segment are looked up; texts are numbered once a query counts more."""


def of_all(tally: Tally) -> Tally:
    """What SQLite counts of the pending items: all values, for one that is rare there may be frequent elsewhere."""
    return Values(tally.field, _ALL) if isinstance(tally, Values | Extent | Mean | Ranked) else tally


class Counting:
    """Counts tallies over rows of segments and those of `pending` other rows, which SQLite has counted by `of_all`.

    Values that several tallies count are gathered and grouped once.
    """

    def __init__(self, found: Sequence[tuple[Segment, Array]], writer: Writer, pending: int) -> None:
        self._found = found
        self._rows = [_Rows(mask) for _, mask in found]
        self._writer = writer
        self._pending = pending
        self._keys: dict[Where, tuple[list[polars.Expr], Family]] = {}
        self._gathered: dict[Where, polars.Series] = {}
        self._groups: dict[Where, polars.DataFrame] = {}

    def counts(self, tally: Tally, more: Counts) -> Counts:
        """The counts of a tally; raises NotInColumns for a field that the columns do not contain."""
        field = tally.field
        _, family = self._written(field)
        if family == "other":
            return self._without_values(tally, more)
        match tally:
            case Values(_, most):
                groups = self._grouped(field, more).sort(["count", "value"], descending=[True, False])
                chosen = groups.head(most)
                return list(zip(_stored(chosen["value"], family), chosen["count"].to_list(), strict=True))
            case Extent():
                return self._extent(field, more)
            case Bins():
                return _added(_grouped(_bins(self._values(field).drop_nulls(), tally)), more)
            case Spans(_, length):
                return _added(_spans(self._values(field).drop_nulls(), length, family), more)
            case Mean():
                return _mean(self._values(field).drop_nulls(), more)
            case Ranked(_, places):
                return _ranked(self._values(field).drop_nulls(), more, places, family)

    def _without_values(self, tally: Tally, more: Counts) -> Counts:
        """The counts of a field of which no segment has a value."""
        if more:
            raise NotInColumns
        missing = sum(rows.count for rows in self._rows) + self._pending
        return [(None, missing), (None, 0), (None, 0)] if isinstance(tally, Extent) else []

    def _extent(self, field: Field, more: Counts) -> Counts:
        import polars as pl

        _, family = self._written(field)
        groups = None
        if more or family == "text":  # few texts are counted anyway
            groups = self._grouped(field, more)
        elif _is_narrow(self._values(field)):
            groups = self._grouped(field, ())
        if groups is not None:
            different, distinct, present = groups["value"], groups.height, int(groups["count"].sum())
        else:
            different = self._values(field).drop_nulls()
            distinct, present = different.n_unique(), len(different)
        ends = _stored(pl.Series([different.min(), different.max()], dtype=different.dtype), family)
        missing = sum(rows.count for rows in self._rows) + self._pending - present
        return [(None, missing), (ends[0], distinct), (ends[1], present)]

    def _written(self, field: Field) -> tuple[list[polars.Expr], Family]:
        """The values of a field as an expression for each segment, and their family."""
        place = where(field)
        if place not in self._keys:
            keys, [family] = sort_keys(self._found, [field], self._writer, exact=True)
            self._keys[place] = [key for [key] in keys], family
        return self._keys[place]

    def _values(self, field: Field) -> polars.Series:
        """The values of the rows with None for a missing one."""
        import polars as pl

        place = where(field)
        if place not in self._gathered:
            parts = [
                _values(segment, key, rows)
                for (segment, _), key, rows in zip(
                    self._found, self._written(field)[0], self._rows, strict=True
                )
            ]
            self._gathered[place] = pl.concat(parts)
        return self._gathered[place]

    def _grouped(self, field: Field, more: Counts) -> polars.DataFrame:
        place = where(field)
        if place not in self._groups:
            groups = self._by_codes(field)
            if groups is None:
                self._groups[place] = _grouped(self._values(field).drop_nulls(), more)
            else:
                self._groups[place] = _with_more(groups, more)
        return self._groups[place]

    def _by_codes(self, field: Field) -> polars.DataFrame | None:
        """Each text with its number of rows, where texts that repeat are numbered; None where they are not."""
        import numpy as np
        import polars as pl

        keys, family = self._written(field)
        if family != "text" or not all(key.meta.is_column() for key in keys):
            return None
        texts_found, counts_found = [pl.Series([], dtype=pl.String)], [np.zeros(0, np.int64)]
        for (segment, _), key, rows in zip(self._found, keys, self._rows, strict=True):
            make = rows.count > len(segment.ids) // _SHARE
            numbered = segment.numbered(key.meta.output_name(), make=make)
            if numbered is None:
                return None
            codes, texts = numbered
            counts = np.bincount(rows.of(codes).drop_nulls().to_numpy(), minlength=len(texts))
            there = np.flatnonzero(counts)
            texts_found.append(texts[there])
            counts_found.append(counts[there])
        groups = {"value": pl.concat(texts_found), "count": np.concatenate(counts_found)}
        return pl.DataFrame(groups).group_by("value").agg(pl.col("count").sum())


class _Rows:
    """Some rows of a segment."""

    def __init__(self, mask: Array) -> None:
        import numpy as np
        import polars as pl

        self.count = int(np.count_nonzero(mask))
        self._are_few = self.count < len(mask) // _SHARE
        places = np.flatnonzero(mask).astype(np.uint32) if self._are_few else mask
        self._chosen = pl.Series(places)

    def of(self, values: polars.Series) -> polars.Series:
        """The values of these rows."""
        return values[self._chosen] if self._are_few else values.filter(self._chosen)


def _values(segment: Segment, key: polars.Expr, rows: _Rows) -> polars.Series:
    """The values of some rows."""
    import polars as pl

    if key.meta.is_column():
        return rows.of(segment.column(key.meta.output_name())).rename("value")
    names = dict.fromkeys(
        ["id", *key.meta.root_names()]
    )  # `id` gives each row a value where there is no other column
    table = segment.table(names)
    return pl.DataFrame([rows.of(table[name]) for name in names]).select("id", value=key)["value"]


def _bins(values: polars.Series, tally: Bins) -> polars.Series:
    """The bin of each number; not by Polars, which multiplies by the inverse of a divisor that is one number."""
    import numpy as np
    import polars as pl

    numbers = values.cast(pl.Float64).to_numpy()
    places = ((numbers - tally.low) * float(tally.count) / (tally.high - tally.low)).astype(np.int64)
    return pl.Series(np.minimum(places, tally.count - 1))


_UNITS = {4: "Y", 7: "M", 10: "D", 13: "h"}


def _spans(values: polars.Series, length: int, family: Family) -> polars.DataFrame:
    """Times by the first characters of their texts; only one text of each span is made."""
    import numpy as np
    import polars as pl

    if family != "time":
        return _grouped(values.cast(pl.String).str.slice(0, length))
    short, step = ("h", 3_600_000_000) if length == 13 else ("D", 86_400_000_000)
    groups = _grouped(pl.Series(values.to_numpy() // step, dtype=pl.Int64))
    spans = groups["value"].to_numpy().astype(f"datetime64[{short}]").astype(f"datetime64[{_UNITS[length]}]")
    texts = pl.Series(np.datetime_as_string(spans).tolist(), dtype=pl.String)
    return groups.with_columns(value=texts).group_by("value").agg(pl.col("count").sum())


def _is_narrow(values: polars.Series) -> bool:
    """Whether these are whole numbers so near to each other that they are counted by place."""
    import polars as pl

    if values.dtype != pl.Int64 or values.null_count() == len(values):
        return False
    least, most = values.min(), values.max()
    return isinstance(least, int) and isinstance(most, int) and most - least < _NARROW


def _grouped(values: polars.Series, more: Counts = ()) -> polars.DataFrame:
    """Each value with its number of rows, and those of `more`, which are stored values of the same type."""
    import numpy as np
    import polars as pl

    if _is_narrow(values):
        least: Any = values.min()
        counts = np.bincount(values.to_numpy() - least)
        there = np.flatnonzero(counts)
        groups = pl.DataFrame(
            {"value": there + least, "count": counts[there]}, schema={"value": pl.Int64, "count": pl.Int64}
        )
    else:
        groups = values.rename("value").to_frame().group_by("value").agg(count=pl.len().cast(pl.Int64))
    return _with_more(groups, more)


def _with_more(groups: polars.DataFrame, more: Counts) -> polars.DataFrame:
    import polars as pl

    if not more:
        return groups
    dtype = groups["value"].dtype
    if dtype == pl.Float64 and not all(isinstance(value, float) for value, _ in more):
        raise NotInColumns
    given = [in_column(dtype, value) for value, _ in more]
    others = pl.DataFrame({"value": pl.Series(given, dtype=dtype), "count": [count for _, count in more]})
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
