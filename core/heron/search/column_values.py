"""Gathers the values of a field for many rows from the segments of columns, without an object for each value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from heron.columns.building import name_of
from heron.columns.gathered import Gathered, Look
from heron.columns.segments import Segment
from heron.search.column_parts import NotInColumns, Part, as_float, as_text, microseconds
from heron.search.column_writer import ColumnWriter
from heron.search.tree import Field, FieldRef
from heron.search.values import Value, plain

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]

Kind = Literal["text", "time", "whole", "real", "mixed"]
"""What the values of a field are gathered as: `mixed` are whole numbers beside others."""

_EXACT = 2**53
"""Whole numbers up to here are exact as floats."""


class Rows:
    """Where some rows are in segments: those that are in none are `missing`, and SQLite has to tell their values."""

    def __init__(self, segments: Sequence[tuple[Segment, Array]], ids: Array) -> None:
        """Segments with a mask of their current rows; `ids` may repeat."""
        import numpy as np

        self._parts: list[tuple[Segment, Array]] = []
        targets: list[Array] = []
        left = np.arange(len(ids))
        for segment, mask in segments:
            if not len(segment.ids) or not len(left):
                continue
            wanted = ids[left]
            places = np.minimum(np.searchsorted(segment.ids, wanted), len(segment.ids) - 1)
            is_here = (segment.ids[places] == wanted) & mask[places]
            if is_here.any():
                self._parts.append((segment, places[is_here]))
                targets.append(left[is_here])
                left = left[~is_here]
        self.missing: Array = ids[left]
        order = np.concatenate([*targets, left])
        is_sorted = bool((order[:-1] <= order[1:]).all())
        self._back = None
        if not is_sorted:
            self._back = np.empty(len(order), np.int64)
            self._back[order] = np.arange(len(order))

    def gathered(
        self, field: Field, writer: Callable[[Segment], ColumnWriter], others: Sequence[Any]
    ) -> Gathered:
        """The values of a field for all rows, `others` being the stored values of those that are missing.

        Raises NotInColumns where the columns do not contain the values as SQLite has them.
        """
        import polars as pl

        found = [(_part(writer(segment), field), segment, places) for segment, places in self._parts]
        kinds = {_kind(field, part) for part, _, _ in found if part is not None}
        kinds |= {_kind_of(field, each) for each in others if each is not None}
        if kinds <= {"whole", "real", "mixed"} and len(kinds) > 1:
            kinds = {"mixed"}
        kind = kinds.pop() if kinds else "whole"
        if kinds:
            raise NotInColumns
        parts = [
            _missing(len(places), kind)
            if part is None
            else _values(segment, _expressions(kind, part), places)
            for part, segment, places in found
        ]
        values = pl.concat([*parts, _given(kind, others)])
        return _shown(field, values if self._back is None else values[self._back])


def _part(writer: ColumnWriter, field: Field) -> Part | None:
    parts = list(writer.parts(FieldRef(field)).values())
    if len(parts) > 1:
        raise NotInColumns
    return parts[0] if parts else None


def _is_time(field: Field) -> bool:
    return field.type == "datetime" and field.decode is None


def _kind(field: Field, part: Part) -> Kind:
    """What the values of a part are gathered as."""
    if part.family in ("text", "time"):
        if not _is_time(field):
            return "text"
        if part.family == "text":
            raise NotInColumns
        return "time"
    if part.is_mixed:
        return "mixed"
    return "real" if part.family == "real" else "whole"


def _kind_of(field: Field, value: Any) -> Kind:
    """What a value that SQLite tells is gathered as."""
    if type(value) is str:
        return "time" if _is_time(field) else "text"
    if type(value) in (int, float):
        return "whole" if type(value) is int else "real"
    raise NotInColumns


def _type(kind: Kind) -> polars.DataType:
    import polars as pl

    return pl.String() if kind == "text" else pl.Float64() if kind in ("real", "mixed") else pl.Int64()


def _missing(count: int, kind: Kind) -> polars.DataFrame:
    import polars as pl

    return pl.select(
        value=pl.repeat(None, count, dtype=_type(kind)), whole=pl.repeat(False, count, dtype=pl.Boolean())
    )


def _given(kind: Kind, values: Sequence[Any]) -> polars.DataFrame:
    """Values that SQLite tells."""
    import polars as pl

    whole = [kind == "mixed" and type(value) is int for value in values]
    if kind == "time":
        values = [None if value is None else _moment(value) for value in values]
    if kind == "mixed" and any(type(value) is int and abs(value) > _EXACT for value in values):
        raise NotInColumns
    value = pl.Series(values, dtype=_type(kind), strict=kind != "mixed")
    return pl.DataFrame({"value": value, "whole": pl.Series(whole, dtype=pl.Boolean)})


def _moment(text: str) -> int:
    found = microseconds(text)
    if found is None:
        raise NotInColumns
    return found


def _expressions(kind: Kind, part: Part) -> tuple[polars.Expr, polars.Expr]:
    """The values of a part, and whether each is a whole number among others, which only `mixed` values tell."""
    import polars as pl

    none = pl.lit(False)
    if kind == "text":
        return as_text(part), none
    if kind == "time":
        return part.expr, none
    if kind == "mixed":
        if not part.is_mixed:
            return as_float(part), pl.lit(part.family != "real")
        names = [name for name in part.expr.meta.root_names() if name_of(name)[2] != "real"]
        return part.expr, pl.any_horizontal([pl.col(name).is_not_null() for name in names])
    return (part.expr if kind == "real" else part.expr.cast(pl.Int64)), none


def _values(
    segment: Segment, expressions: tuple[polars.Expr, polars.Expr], places: Array
) -> polars.DataFrame:
    """The values of expressions for some rows of a segment."""
    import numpy as np

    value, whole = expressions
    names = list({name: name for each in expressions for name in each.meta.root_names()} | {"id": "id"})
    rows = segment.table(names).select(names)
    if len(places) < rows.height or (places[:-1] > places[1:]).any():
        rows = rows[np.asarray(places, np.int64)]
    return rows.with_columns(value.alias("value"), whole.alias("whole")).select("value", "whole")


def _shown(field: Field, found: polars.DataFrame) -> Gathered:
    """The values in the form that `values.plain` gives to each."""
    import polars as pl

    series, whole = found["value"], found["whole"]
    if _is_time(field):
        if not series.is_between(-_EXACT, _EXACT).all():
            raise NotInColumns
        return Gathered("time", series)
    if field.decode is None and field.type != "boolean":
        look: Look = "text" if series.dtype == pl.String else "number"
        return Gathered(look, series, whole=whole if whole.any() else None)
    labels = series.drop_nulls().unique(maintain_order=True)
    values = [plain(field, each) for each in labels.to_list()]
    if whole.any() or not {type(each) for each in values} <= {str, bool}:
        raise NotInColumns
    different: dict[Value, int] = {}
    places = pl.Series([different.setdefault(each, len(different)) for each in values], dtype=pl.Int32)
    if not len(labels):
        return Gathered("label", pl.repeat(None, len(series), dtype=pl.Int32(), eager=True))
    return Gathered("label", series.replace_strict(labels, places, default=None), list(different))
