"""Parts: the values of expressions of the language as Polars expressions, and what is compared, calculated and matched with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from heron.columns.building import Family
from heron.models import Json
from heron.search.literals import Sort

if TYPE_CHECKING:
    import polars

    Expr = polars.Expr

_EXACT = 2**53
"""Whole numbers up to here are exact as floats."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LIKE_LENGTH = 1000
_ANYTHING = ".*"


class NotInColumns(Exception):
    """The columns cannot answer this part of a condition exactly."""


@frozen
class Part:
    """The values of an expression of the language, of one sort; other rows are null.

    `bound` is the largest absolute value if all are whole numbers; None for other numbers. A time stands as `time`, a
    whole number of microseconds. If the part `is_mixed`, whole numbers and others stand together as floats, which is
    exact for comparing them, and not for calculating with them.
    """

    family: Family
    expr: Expr
    bound: int | None = None
    is_mixed: bool = False
    literal: Json = None


Parts = dict[Sort, Part]
"""The values of an expression by their sort. Each row has a value in one part at most."""


def literal_parts(value: Json) -> Parts:
    """The value of a literal."""
    import polars as pl

    if value is None:
        return {}
    if isinstance(value, str):
        return {"text": Part("text", pl.lit(value, pl.String), literal=value)}
    if isinstance(value, bool):
        return {"number": Part("whole", pl.lit(int(value), pl.Int64), 1)}
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise NotInColumns
        return {"number": Part("whole", pl.lit(value, pl.Int64), abs(value))}
    if isinstance(value, float):
        return {"number": Part("real", pl.lit(value, pl.Float64))}
    raise NotInColumns


def microseconds(text: str) -> int | None:
    """The time of a text in the form of `times.utc_iso`, as columns contain it; None for other texts."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
    except ValueError:
        return None


def as_text(part: Part) -> Expr:
    """The texts of a part."""
    import polars as pl

    if part.family != "time":
        return part.expr
    return part.expr.cast(pl.Datetime("us")).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")


def as_float(part: Part) -> Expr:
    """The floats of a part; raises NotInColumns if a whole number is not exact as a float."""
    import polars as pl

    if part.family == "real":
        return part.expr
    if part.family == "boolean":
        return part.expr.cast(pl.Float64)
    if part.bound is None or part.bound > _EXACT:
        raise NotInColumns
    return part.expr.cast(pl.Float64)


def as_number(part: Part) -> Part:
    """A part of numbers; booleans are 1 and 0."""
    import polars as pl

    return Part("whole", part.expr.cast(pl.Int64), 1) if part.family == "boolean" else part


def compared(operator: str, left: Part, right: Part) -> Expr:
    """The comparison of two parts of one sort."""
    if left.family == "time" or right.family == "time":
        return _compared_times(operator, left, right)
    if left.family != "text":
        left, right = as_number(left), as_number(right)
        if left.family != right.family:
            return _OPERATORS[operator](as_float(left), as_float(right))
    return _OPERATORS[operator](left.expr, right.expr)


def _compared_times(operator: str, left: Part, right: Part) -> Expr:
    import polars as pl

    if left.family == right.family:
        return _OPERATORS[operator](left.expr, right.expr)
    column, text = (left, right) if left.family == "time" else (right, left)
    moment = microseconds(text.literal) if isinstance(text.literal, str) else None
    if moment is None:
        return _OPERATORS[operator](as_text(left), as_text(right))
    given = pl.lit(moment, pl.Int64)
    return _OPERATORS[operator](*((left.expr, given) if column is left else (given, right.expr)))


_OPERATORS: dict[str, Callable[[Expr, Expr], Expr]] = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def calculated(operator: str, left: Part, right: Part) -> Part:
    """The arithmetic of SQLite: a division by zero, and what is no number, is missing."""
    import polars as pl

    left, right = as_number(left), as_number(right)
    if left.is_mixed or right.is_mixed:
        raise NotInColumns
    if operator == "/":
        if not right.expr.meta.root_names():
            raise NotInColumns  # Polars would multiply by the inverse, and round twice
        divisor = as_float(right)
        found = pl.when(divisor == 0).then(None).otherwise(as_float(left) / divisor)
        return Part("real", found.fill_nan(None))
    if operator not in ("+", "-", "*"):
        raise NotInColumns
    if left.bound is not None and right.bound is not None:
        bound = left.bound * right.bound if operator == "*" else left.bound + right.bound
        if bound >= 2**63:
            raise NotInColumns
        return Part("whole", _arithmetic(operator, left.expr, right.expr), bound)
    return Part("real", _arithmetic(operator, as_float(left), as_float(right)).fill_nan(None))


def _arithmetic(operator: str, left: Expr, right: Expr) -> Expr:
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def like(part: Part, pattern: str, escape: str | None) -> Expr:
    """SQLite's LIKE: `%` is any text, `_` any character, and the case of the letters A to Z is ignored."""
    if len(pattern) > _LIKE_LENGTH:
        raise NotInColumns
    tokens: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            after = next(characters, None)
            if after is None:
                raise NotInColumns
            tokens.append(_letter(after))
        elif character == "%":
            if tokens[-1:] != [_ANYTHING]:
                tokens.append(_ANYTHING)
        else:
            tokens.append("." if character == "_" else _letter(character))
    start = "" if tokens[:1] == [_ANYTHING] else r"\A"
    end = "" if tokens[-1:] == [_ANYTHING] else r"\z"
    inner = "".join(tokens)
    return as_text(part).str.contains(
        f"(?s){start}{inner.removeprefix(_ANYTHING).removesuffix(_ANYTHING)}{end}"
    )


def _letter(character: str) -> str:
    if character.isascii() and character.isalpha():
        return f"[{character.lower()}{character.upper()}]"
    return re.escape(character) if character.isascii() else character
