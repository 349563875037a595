"""Writes the conditions of trees as Polars expressions over one segment; what SQLite would answer otherwise is left to SQLite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import evolve

from heron.columns.building import Family, Place
from heron.columns.segments import Segment
from heron.fields import RecordField
from heron.hooks.query_functions import QueryFunction
from heron.models import ITEM_FIELDS
from heron.search import tree
from heron.search.column_calls import argument, called
from heron.search.column_parts import (
    NotInColumns,
    Part,
    Parts,
    as_float,
    as_number,
    as_text,
    calculated,
    compared,
    like,
    literal_parts,
)
from heron.search.literals import Sort, sort_of, type_of

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]
    Expr = polars.Expr


_OF_SQL: dict[str, Sequence[Family]] = {"INTEGER": ("whole",), "REAL": ("real",), "TEXT": ("text", "time")}


def families(fields: Mapping[str, RecordField]) -> Mapping[str, Sequence[Family]]:
    """The families of the values of fields that have a column in SQLite."""
    return {name: _OF_SQL[field.sql.split()[0]] for name, field in fields.items() if field.sql}


class ColumnWriter:
    """Writes conditions and values for one segment. Every verb raises NotInColumns where SQLite has to answer."""

    declared: ClassVar[Mapping[str, Sequence[Family]]] = families(ITEM_FIELDS)
    """The families of the fields of the table."""

    table: ClassVar[tree.Table] = "items"

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self.is_slow = False
        """Whether an expression that was written costs much for each row."""
        self.is_tied = False
        """Whether an expression that was written contains a value for each row of the segment."""

    def condition(self, node: tree.Condition) -> Expr:
        """A condition: a boolean expression, null where it is unknown."""
        import polars as pl

        match node:
            case tree.All(parts):
                return reduce(and_, map(self.condition, parts), pl.lit(True))
            case tree.Any(parts):
                return reduce(or_, map(self.condition, parts), pl.lit(False))
            case tree.Not(part):
                return ~self.condition(part)
            case tree.Comparison(operator, left, right):
                return self._comparison(operator, left, right)
            case tree.Between(left, low, high):
                return self._comparison(">=", left, low) & self._comparison("<=", left, high)
            case tree.InList(left, values):
                return self._in_list(left, values)
            case tree.Like(left, pattern, escape):
                self.is_slow = True
                return like(self._only(left, "text"), pattern, escape)
            case tree.IsNull(tree.FieldRef(field)):
                return self._is_missing(field)
            case tree.IsNull(left):
                return reduce(and_, (part.expr.is_null() for part in self.parts(left).values()), pl.lit(True))
            case tree.Truth(left):
                return self._number(left).expr == 1
            case tree.IsTruth(left, wanted):
                return (self._number(left).expr == int(wanted)).fill_null(False)
            case tree.Among(table, ids) if table == self.table:
                return self._among(ids)
        raise NotInColumns

    def sort_key(self, field: tree.Field) -> Part:
        """The values by which a field sorts; raises NotInColumns for texts beside numbers."""
        import polars as pl

        parts = list(self.parts(tree.FieldRef(field)).values())
        if len(parts) > 1:
            raise NotInColumns
        return parts[0] if parts else Part("other", pl.lit(None, pl.Int64))

    def _among(self, ids: Sequence[int] | Array) -> Expr:
        import numpy as np
        import polars as pl

        self.is_tied = True
        return pl.lit(pl.Series(np.isin(self._segment.ids, np.asarray(ids, np.int64))))

    def _comparison(self, operator: str, left: tree.Expression, right: tree.Expression) -> Expr:
        import polars as pl

        here, there = self._comparable(left, right), self._comparable(right, left)
        same = [compared(operator, here[sort], there[sort]) for sort in here if sort in there]
        return pl.coalesce(same) if same else pl.lit(None, pl.Boolean)

    def _comparable(self, node: tree.Expression, other: tree.Expression) -> Parts:
        parts, sort = self.parts(node), sort_of(other)
        return parts if sort is None else {kind: part for kind, part in parts.items() if kind == sort}

    def _in_list(self, left: tree.Expression, values: Sequence[tree.Expression]) -> Expr:
        import polars as pl

        if all(isinstance(value, tree.Value) for value in values) and "any" not in map(
            type_of, (left, *values)
        ):
            parts = self.parts(left)
            if not parts:
                return pl.lit(None, pl.Boolean)
            (part,) = parts.values()
            literals = [value.value for value in values if isinstance(value, tree.Value)]
            if part.family == "text":
                return part.expr.is_in(literals)
        return reduce(or_, (self._comparison("=", left, value) for value in values))

    def parts(self, node: tree.Expression) -> Parts:
        """The values of an expression."""
        match node:
            case tree.FieldRef(field):
                return self._field(field)
            case tree.Value(value):
                return literal_parts(value)
            case tree.Arithmetic(operator, left, right):
                return {"number": calculated(operator, self._number(left), self._number(right))}
            case tree.Call(function, arguments) if function.name in _CALLS:
                return _CALLS[function.name](self, arguments)
            case tree.Call(function, arguments) if function.columns is not None:
                return self._called(function, arguments)
        raise NotInColumns

    def _called(self, function: QueryFunction, arguments: Sequence[tree.Expression]) -> Parts:
        """The values of a function that is written as an expression of Polars."""
        self.is_slow = True
        sorts: Sequence[Sort] = ["text" if kind == "text" else "number" for kind in function.arguments]
        found = [self.parts(node).get(sort) for node, sort in zip(arguments, sorts, strict=True)]
        given = [argument(kind, part) for kind, part in zip(function.arguments, found, strict=True) if part]
        if len(given) < len(found):
            return {}
        return {"text" if function.result == "text" else "number": called(function, given)}

    def _only(self, node: tree.Expression, sort: Sort) -> Part:
        import polars as pl

        found = self.parts(node).get(sort)
        return found or Part(
            "text" if sort == "text" else "real", pl.lit(None, pl.String if sort == "text" else pl.Float64)
        )

    def _number(self, node: tree.Expression) -> Part:
        part = self._only(node, "number")
        return part if part.family != "boolean" else as_number(part)

    def _field(self, field: tree.Field) -> Parts:
        """The values of a field."""
        if field.home == "column":
            return self._of_place(("column", field.path), self.declared[field.path[0]])
        if field.home == "fact":
            return self._of_place(("fact", field.path))
        if field.home == "metadata" and field.type == "loose":
            return self._loose(("metadata", field.path))
        if field.home == "metadata":
            wanted: dict[str, Sequence[Family]] = {
                "text": ("text", "time"),
                "number": ("whole", "real"),
                "boolean": ("boolean",),
            }
            families = wanted.get(field.affinity, ())
            if field.form is None:
                return self._of_place(("metadata", field.path), families)
            if field.form.types is None:
                raise NotInColumns
            return self._of_place(("metadata", field.path), families, leaves_others=True)
        raise NotInColumns

    def _of_place(
        self, place: Place, wanted: Sequence[Family] | None = None, *, leaves_others: bool = False
    ) -> Parts:
        """The values at a place.

        Raises NotInColumns if there are values of families that are not wanted; with `leaves_others` these count as missing.
        """
        import polars as pl

        self._require(place)
        found: dict[Family, str] = {}
        for family in ("whole", "real", "boolean", "text", "time", "other"):
            column = self._segment.columns.get((*place, family))
            if column is not None:
                found[family] = column
        if leaves_others and wanted is not None:
            found = {family: column for family, column in found.items() if family in (*wanted, "other")}
        if "other" in found or (wanted is not None and not found.keys() <= set(wanted)):
            raise NotInColumns
        parts: Parts = {}
        if "text" in found:
            parts["text"] = Part("text", pl.col(found["text"]))
        elif "time" in found:
            parts["text"] = Part("time", pl.col(found["time"]))
        numbers = [
            self._stored_number(family, column)
            for family, column in found.items()
            if family in ("whole", "real", "boolean")
        ]
        if len(numbers) == 1:
            parts["number"] = numbers[0]
        elif numbers:
            parts["number"] = Part("real", pl.coalesce([as_float(part) for part in numbers]), is_mixed=True)
        return parts

    def _stored_number(self, family: Family, column: str) -> Part:
        import polars as pl

        bound = self._segment.bound(column) if family == "whole" else 1 if family == "boolean" else None
        return Part(family, pl.col(column), bound)

    def _is_missing(self, field: tree.Field) -> Expr:
        """Whether a field has no value at all."""
        import polars as pl

        origin = {"column": "column", "metadata": "metadata", "fact": "fact"}.get(field.home)
        if origin is None or field.form is not None:
            parts = self._field(field)
            return reduce(and_, (part.expr.is_null() for part in parts.values()), pl.lit(True))
        place: Place = (origin, field.path)  # type: ignore[assignment]
        self._require(place)
        titles = [title for name, title in self._segment.columns.items() if name[:2] == place]
        return reduce(and_, (pl.col(title).is_null() for title in titles), pl.lit(True))

    def _require(self, place: Place) -> None:
        left_out = self._segment.file.left_out
        if place in left_out or (place[0], ()) in left_out:
            raise NotInColumns

    def _loose(self, place: Place) -> Parts:
        """The values of a key without a type: all as texts, as SQLite writes them."""
        import polars as pl

        parts = self._of_place(place, ("whole", "boolean", "text", "time"))
        texts = [as_text(part) for sort, part in parts.items() if sort == "text"]
        for family in ("whole", "boolean"):
            title = self._segment.columns.get((*place, family))
            if title is not None:
                texts.append(pl.col(title).cast(pl.String))
        return {"text": Part("text", pl.coalesce(texts))} if texts else {}

    def _length(self, arguments: Sequence[tree.Expression]) -> Parts:
        import polars as pl

        self.is_slow = True
        return {
            "number": Part(
                "whole", as_text(self._only(arguments[0], "text")).str.len_chars().cast(pl.Int64), 2**31
            )
        }

    def _cased(self, letters: str, others: str, arguments: Sequence[tree.Expression]) -> Parts:
        self.is_slow = True
        text = as_text(self._only(arguments[0], "text"))
        return {"text": Part("text", text.str.replace_many(list(letters), list(others)))}

    def _lower(self, arguments: Sequence[tree.Expression]) -> Parts:
        return self._cased(_CAPITALS, _CAPITALS.lower(), arguments)

    def _upper(self, arguments: Sequence[tree.Expression]) -> Parts:
        return self._cased(_CAPITALS.lower(), _CAPITALS, arguments)

    def _absolute(self, arguments: Sequence[tree.Expression]) -> Parts:
        part = self._number(arguments[0])
        if part.bound is not None and part.bound >= 2**63:
            raise NotInColumns
        return {"number": evolve(part, expr=part.expr.abs())}

    def _member(self, name: str, arguments: Sequence[tree.Expression]) -> Parts:
        if not isinstance(arguments[0], tree.FieldRef) or arguments[0].field.home != "metadata":
            raise NotInColumns
        if arguments[0].field.form is not None:
            raise NotInColumns
        return self._of_place(("metadata", (*arguments[0].field.path, name)), ("whole", "real"))

    def _latitude(self, arguments: Sequence[tree.Expression]) -> Parts:
        return self._member("latitude", arguments)

    def _longitude(self, arguments: Sequence[tree.Expression]) -> Parts:
        return self._member("longitude", arguments)

    def _calendar(self, name: str, arguments: Sequence[tree.Expression]) -> Parts:
        """The year, month, day or hour of times."""
        import polars as pl

        part = self.parts(arguments[0]).get("text")
        if part is None:
            return {}
        if part.family != "time":
            raise NotInColumns
        self.is_slow = True
        found = getattr(part.expr.cast(pl.Datetime("us")).dt, name)()
        return {"number": Part("whole", found.cast(pl.Int64), 9999)}


_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _calendar_of(name: str, writer: ColumnWriter, arguments: Sequence[tree.Expression]) -> Parts:
    return writer._calendar(name, arguments)


_CALLS: dict[str, Callable[[ColumnWriter, Sequence[tree.Expression]], Parts]] = {
    "length": ColumnWriter._length,
    "lower": ColumnWriter._lower,
    "upper": ColumnWriter._upper,
    "abs": ColumnWriter._absolute,
    "latitude": ColumnWriter._latitude,
    "longitude": ColumnWriter._longitude,
    **{name: partial(_calendar_of, name) for name in ("year", "month", "day", "hour")},
}
