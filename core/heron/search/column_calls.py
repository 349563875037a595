"""Calls of functions that plugins write as Polars expressions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from heron.errors import QueryError
from heron.hooks.door import guarded
from heron.hooks.query_functions import QueryFunction
from heron.search.column_parts import NotInColumns, Part, as_float, as_text

if TYPE_CHECKING:
    import polars

    Expr = polars.Expr


def argument(kind: str, part: Part) -> Expr:
    """The values of an argument as a function gets them: String, Float64 or Boolean; raises NotInColumns for other types."""
    if kind == "text":
        return as_text(part)
    if kind == "number":
        return as_float(part)
    if kind == "boolean" and part.family == "boolean":
        return part.expr
    raise NotInColumns


def called(function: QueryFunction, arguments: Sequence[Expr]) -> Part:
    """The values of a call: none where an argument has none. Raises QueryError for what is no expression of the right type."""
    import polars as pl

    assert function.columns is not None
    if function.result == "datetime":
        raise NotInColumns
    who = f"query function {function.name}"
    types = {"text": pl.String, "number": pl.Float64, "boolean": pl.Boolean}
    given = {f"a{place}": types[kind] for place, kind in enumerate(function.arguments)}
    with guarded(who, "columns", "its expression", QueryError):
        make = function.columns()
        found: Any = make(*arguments)
        if not isinstance(found, pl.Expr):
            raise TypeError(f"returned {type(found).__name__}, expected an expression of Polars")
        tried: Any = make(*map(pl.col, given))
        of = pl.DataFrame(schema=given).select(value=tried).schema["value"]
    expected = types[function.result]
    fits = of.is_numeric() if function.result == "number" else of == expected
    if not fits:
        raise QueryError(f"{who} gives columns of {of}, expected {expected}")
    missing = reduce(or_, (each.is_null() for each in arguments), pl.lit(False))
    expr = pl.when(~missing).then(found.cast(expected))
    if function.result == "number":
        expr = pl.when(~missing & found.cast(pl.Float64).is_finite()).then(found.cast(pl.Float64))
    family = {"text": "text", "number": "real", "boolean": "boolean"}[function.result]
    return Part(family, expr)  # type: ignore[arg-type]
