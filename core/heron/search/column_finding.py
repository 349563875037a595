"""Which rows of segments fulfil conditions that are written as expressions of Polars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.columns.segments import Segment
from heron.search import tree
from heron.search.column_parts import NotInColumns
from heron.search.column_writer import ColumnWriter

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]


def conjuncts(condition: tree.Condition | None) -> Iterable[tree.Condition]:
    """The conditions that must all be true."""
    if isinstance(condition, tree.All):
        for part in condition.parts:
            yield from conjuncts(part)
    elif condition is not None:
        yield condition


@frozen
class Written:
    """A condition as an expression over one segment.

    One that costs much is evaluated for the rows that others leave, unless it is tied to all rows of the segment.
    """

    expression: polars.Expr
    is_late: bool


def written(writer: ColumnWriter, parts: Sequence[tree.Condition]) -> dict[int, Written]:
    """Expressions of the parts that the columns of a segment can answer, by place."""
    found = {}
    for place, part in enumerate(parts):
        writer.is_slow = writer.is_tied = False
        try:
            expression = writer.condition(part)
        except NotInColumns:
            continue
        found[place] = Written(expression, writer.is_slow and not writer.is_tied)
    return found


def visible(segment: Segment, pending: Sequence[int]) -> Array:
    """Which rows of a segment are neither replaced nor deleted nor pending: bool."""
    import numpy as np

    mask = segment.living().copy()
    if pending:
        given = np.asarray(pending, np.int64)
        places = np.searchsorted(segment.ids, given)
        inside = places < len(mask)
        places, given = places[inside], given[inside]
        mask[places[segment.ids[places] == given]] = False
    return mask


def evaluated(segment: Segment, parts: Sequence[Written], mask: Array) -> Array:
    """The rows of a mask for which all parts are true."""
    import numpy as np
    import polars as pl

    first = [part.expression for part in parts if not part.is_late]
    if first:
        expression = reduce(and_, first)
        mask &= _truth(segment.table_for(expression), expression)
    late = [part.expression for part in parts if part.is_late]
    if late:
        expression = reduce(and_, late)
        if mask.all():
            return _truth(segment.table_for(expression), expression)
        names = sorted(set(expression.meta.root_names())) or ["id"]
        places = np.flatnonzero(mask)
        if len(places):
            rows = segment.table(names).select(names).filter(pl.Series(mask))
            mask[places] = _truth(rows, expression)
    return mask


def _truth(frame: polars.DataFrame, expression: polars.Expr) -> Array:
    """For each row whether an expression is true; bool."""
    import numpy as np

    found: Array = frame.select(expression.fill_null(False).alias("found"))["found"].to_numpy()
    return found if len(found) == frame.height else np.full(frame.height, bool(found[0]))
