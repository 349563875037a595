"""Sorts the rows that columns find, in the order of SQLite: missing values last, numbers before texts, then by inner id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from heron.columns.building import Family
from heron.columns.segments import Segment
from heron.models import Json
from heron.search.column_parts import NotInColumns, Part, as_float, as_number, as_text, microseconds
from heron.search.column_writer import ColumnWriter
from heron.search.engine import Row
from heron.search.plan import SortTerm
from heron.search.tree import Field
from heron.search.values import rank

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]

Writer = Callable[[Segment], ColumnWriter]
"""Makes what writes expressions over a segment."""

_POSSIBLE: dict[Family, set[Family]] = {
    "time": {"time"}, "whole": {"whole"}, "text": {"text", "time"}, "real": {"whole", "real", "boolean"},
}  # fmt: skip
"""The families of segments that can be taken as one, by that one."""


def first_rows(
    found: Sequence[tuple[Segment, Array]],
    sort: Sequence[SortTerm],
    writer: Writer,
    limit: int,
    after: Row | None,
) -> list[int]:
    """The inner ids of the first `limit` rows, or of those after a row; found are segments with masks of their rows.

    Raises NotInColumns for values that the columns do not contain, or of which some are texts and others numbers.
    """
    if not found:
        return []
    rows = _rows(found, sort, writer)
    titles = rows.columns[1:]
    if after is not None:
        rows = rows.filter(_behind(rows, titles, sort, after))
    if titles and rows.height > 2 * limit:
        rows = _leading(rows, titles[0], sort[0].descending, limit)
    ids: list[int] = _sorted(rows, sort)["id"].head(limit).to_list()
    return ids


def all_rows(
    found: Sequence[tuple[Segment, Array]],
    sort: Sequence[SortTerm],
    writer: Writer,
    others: Sequence[Row],
) -> Array:
    """The inner ids of all rows in their order, and among them those of `others` with their values; raises NotInColumns."""
    import polars as pl

    rows = _rows(found, sort, writer)
    if others:
        data = {"id": [id for id, _ in others]} | {
            title: [None if row[place] is None else in_column(dtype, row[place]) for _, row in others]
            for place, (title, dtype) in enumerate(list(rows.schema.items())[1:])
        }
        rows = pl.concat([rows, pl.DataFrame(data, schema=rows.schema)])
    ids: Array = _sorted(rows, sort)["id"].to_numpy()
    return ids


def _rows(
    found: Sequence[tuple[Segment, Array]], sort: Sequence[SortTerm], writer: Writer
) -> polars.DataFrame:
    """The column `id` of the rows, and one for each sort term."""
    import polars as pl

    keys, _ = sort_keys(found, [term.field for term in sort], writer)
    frames = [
        segment.table_for(*of_segment)
        .select(pl.col("id"), *(key.alias(f"key {place}") for place, key in enumerate(of_segment)))
        .filter(pl.Series(mask))
        for (segment, mask), of_segment in zip(found, keys, strict=True)
    ]
    if not frames:
        raise NotInColumns
    return pl.concat(frames)


def _sorted(rows: polars.DataFrame, sort: Sequence[SortTerm]) -> polars.DataFrame:
    """Rows in their order: by the sort terms, missing values last, and then by `id`.

    To sort by one column after the other, the last one first, takes a tenth of the time, unless several are texts.
    """
    import polars as pl

    keys = [("id", False), *zip(rows.columns[1:], (term.descending for term in sort), strict=True)]
    if sum(dtype == pl.String for dtype in rows.dtypes) > 1:
        titles, descending = zip(*keys[1:], keys[0], strict=True)
        return rows.sort(titles, descending=descending, nulls_last=True)
    for title, is_descending in [keys[0], *reversed(keys[1:])]:
        rows = rows.sort(title, descending=is_descending, nulls_last=True, maintain_order=True)
    return rows


def sort_keys(
    found: Sequence[tuple[Segment, Array]],
    fields: Sequence[Field],
    writer: Writer,
    *,
    exact: bool = False,
) -> tuple[list[list[polars.Expr]], list[Family]]:
    """For each segment the values of fields, and for each field the family that they have in all segments.

    It is `whole`, `real`, `text` or `time`. Raises NotInColumns for texts beside numbers; if `exact`, also for whole
    numbers beside others, which would become floats; and it is `other` where no segment has a value.
    """
    import polars as pl

    written = [[writer(segment).sort_key(field) for field in fields] for segment, _ in found]
    chosen: list[Family] = []
    for place in range(len(fields)):
        parts = [of_segment[place] for of_segment in written]
        families: set[Family] = {part.family for part in parts if part.family != "other"}
        is_exact = len(families) < 2 or families == {"text", "time"}
        if exact and (not is_exact or any(part.is_mixed for part in parts)):
            raise NotInColumns
        common = "whole" if exact and families == {"boolean"} else _common(families)
        chosen.append(common if families or not exact else "other")
        convert = _CONVERTED.get(common, _as_it_is)
        dtype = {"text": pl.String, "real": pl.Float64}.get(common, pl.Int64)
        for of_segment, part in zip(written, parts, strict=True):
            expr = pl.lit(None, dtype) if part.family == "other" else convert(part)
            of_segment[place] = Part(part.family, expr)
    return [[part.expr for part in of_segment] for of_segment in written], chosen


def _common(families: set[Family]) -> Family:
    for common, possible in _POSSIBLE.items():
        if families <= possible:
            return common
    raise NotInColumns


def _as_it_is(part: Part) -> polars.Expr:
    return as_number(part).expr


_CONVERTED: dict[Family, Callable[[Part], polars.Expr]] = {"real": as_float, "text": as_text}


def _leading(rows: polars.DataFrame, title: str, descending: bool, limit: int) -> polars.DataFrame:
    """The rows that can be among the first ones by one key: those up to the key of the last of them."""
    column = rows[title]
    if len(column) - column.null_count() < limit:
        return rows
    chosen = column.top_k(limit) if descending else column.bottom_k(limit)
    last = chosen.min() if descending else chosen.max()
    return rows.filter(column >= last if descending else column <= last)


def _behind(
    rows: polars.DataFrame, titles: Sequence[str], sort: Sequence[SortTerm], after: Row
) -> polars.Expr:
    """The condition that a row comes after one with these values."""
    import polars as pl

    id, values = after
    behind = pl.lit(False)
    equal = pl.lit(True)
    for title, term, value in zip(titles, sort, values, strict=True):
        column = pl.col(title)
        if value is None:
            equal = equal & column.is_null()
            continue
        given = pl.lit(in_column(rows.schema[title], value))
        further = (column < given) if term.descending else (column > given)
        behind = behind | (equal & (further.fill_null(False) | column.is_null()))
        equal = equal & (column == given).fill_null(False)
    return behind | (equal & (pl.col("id") > id))


def in_column(dtype: Any, value: Json) -> Json:
    """A stored value as a column of this type contains it; raises NotInColumns if it does not fit."""
    import polars as pl

    if dtype == pl.String and isinstance(value, str):
        return value
    if dtype == pl.Int64 and isinstance(value, str):
        moment = microseconds(value)
        if moment is not None:
            return moment
    elif dtype == pl.Float64 and isinstance(value, int | float) and abs(value) <= 2**53:
        return float(value)
    elif dtype == pl.Float64 and isinstance(value, float):
        return value
    elif dtype == pl.Int64 and isinstance(value, int):
        return int(value)
    raise NotInColumns


def merged(rows: Sequence[Row], others: Sequence[Row], descending: Sequence[bool]) -> list[Row]:
    """Two lists of rows as one in order; their values are as SQLite returns them."""

    def compare(left: Row, right: Row) -> int:
        for first, second, down in zip(left[1], right[1], descending, strict=True):
            if first == second:
                continue
            if first is None or second is None:
                return 1 if first is None else -1
            is_before = rank(first) < rank(second)
            return -1 if is_before != down else 1
        return -1 if left[0] < right[0] else 1

    return sorted([*rows, *others], key=cmp_to_key(compare))
