"""Literals in conditions: validated and encoded by the field with which they are compared."""

from __future__ import annotations

import re
from typing import Literal

from heron.errors import QueryError
from heron.metadata.codecs import DatetimeCodec
from heron.metadata.forms import exact
from heron.metadata.keys import printable
from heron.models import Json
from heron.search.tree import (
    AFFINITIES,
    Affinity,
    Arithmetic,
    Call,
    Expression,
    Field,
    FieldRef,
    Value,
    ValueType,
)

Sort = Literal["text", "number"]
"""The groups of types that can be compared with each other."""

_LARGEST = 2**63 - 1
_UNQUOTED = re.compile(r"(?<!['\w])(\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*(?:Z|[+-]\d\d:\d\d)?)(?!')")
_ENCODE_DATETIME = DatetimeCodec().encoder({})
_EXPECTED = {
    "text": "text in single quotes",
    "number": "a number",
    "boolean": "true or false",
    "datetime": "a date in single quotes, such as '2026-01-31' or '2026-01-31T12:00:00Z'",
    "loose": "text in single quotes (add the key to the schema to compare it otherwise)",
}
_WRITTEN = ("text", "number", "boolean")
"""The types of literals that are written in the text, unlike `now()`."""


def type_of(expression: Expression) -> ValueType:
    """The type with which an expression can be compared."""
    match expression:
        case FieldRef(field):
            return field.type
        case Value(_, type):
            return type
        case Call(function):
            return function.result
        case Arithmetic():
            return "number"


def affinity_of(expression: Expression) -> Affinity:
    """The SQLite type of the value of an expression."""
    match expression:
        case FieldRef(field):
            return field.affinity
        case Value(None):
            return "any"
        case Value(value):
            return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
        case _:
            return AFFINITIES[type_of(expression)]


def sort_of(expression: Expression) -> Sort | None:
    """Whether an expression is a text or a number (booleans are numbers); None if this can differ from row to row."""
    affinity = affinity_of(expression)
    if affinity == "any":
        return None
    return "text" if affinity == "text" else "number"


def describe(expression: Expression) -> str:
    """An expression as messages show it."""
    match expression:
        case FieldRef(field):
            return f"{field.name} ({field.type_name})"
        case Value(value):
            return printable(value)
        case Call(function):
            return f"{function.name}(…)"
        case _:
            return "the calculation"


def check_order(field: Field) -> None:
    """Raise QueryError for a field whose values have no order."""
    if not field.ordered:
        raise QueryError(
            f"{field.name} ({field.type_name}) has no order",
            hint="use =, <>, IN or IS NULL; sort by another field",
        )


def fit(left: Expression, right: Expression, *, is_range: bool = False) -> tuple[Expression, Expression]:
    """Two expressions, with literals in stored form, ready to be compared; raises QueryError if they cannot be compared.

    With `is_range`, one is a bound of the other, which requires an order.
    """
    if isinstance(left, Value) and not isinstance(right, Value):
        right, left = fit(right, left, is_range=is_range)
        return left, right
    here, there = type_of(left), type_of(right)
    for expression in (left, right):
        if affinity_of(expression) == "json":
            raise QueryError(
                f"{describe(expression)} cannot be compared",
                hint="use IS NULL, or distance_km(key, latitude, longitude) for a place",
            )
        if is_range and isinstance(expression, FieldRef):
            check_order(expression.field)
    if any(isinstance(side, Value) and side.value is None for side in (left, right)):
        raise QueryError("nothing is equal to NULL", hint="write IS NULL or IS NOT NULL")
    if isinstance(right, Value):
        return left, _fit_literal(left, right, is_range)
    if "any" in (here, there) or here == there or {here, there} <= {"text", "loose"}:
        return left, right
    hint = next(
        (f"write the date in single quotes: '{date}'" for date in map(_date, (left, right)) if date), None
    )
    raise QueryError(
        f"{describe(left)} and {describe(right)} are of different types and cannot be compared",
        hint=hint if "datetime" in (here, there) else None,
    )


def _date(expression: Expression) -> str | None:
    """The date that was probably meant by a calculation such as 2026-01-31."""
    match expression:
        case Arithmetic("-", Arithmetic("-", Value(int(year)), Value(int(month))), Value(int(day))):
            return f"{year:04}-{month:02}-{day:02}"
    return None


def syntax_hint(text: str) -> str:
    """What to write in place of a text that is no condition."""
    time = _UNQUOTED.search(text)
    if time is not None:
        return f"write the time in single quotes: '{time[1]}'"
    return "write text in single quotes: city = 'Algiers' AND width > 1000"


def _fit_literal(left: Expression, literal: Value, is_range: bool) -> Value:
    """A literal in the stored form of the field with which it is compared."""
    type = type_of(left)
    if type == "any" or (literal.type == type and type not in _WRITTEN):
        return literal
    field = left.field if isinstance(left, FieldRef) else None
    encode = None if field is None else field.encode_bound if is_range else field.encode
    if encode is None and type == "datetime":
        encode = _ENCODE_DATETIME
    reason = f"expected {_EXPECTED[type]}" if type in _EXPECTED else "expected another literal"
    if encode is not None and literal.type in _WRITTEN:
        try:
            return Value(_checked(encode(literal.value), left), type)
        except ValueError as error:
            if type not in _EXPECTED or literal.type == type:
                reason = str(error)
    elif literal.type == type or (type == "loose" and literal.type == "text"):
        return literal
    raise QueryError(
        f"{describe(left)}: {reason}, got {printable(literal.value)}", hint=_other_way(type, literal.value)
    )


def _other_way(type: ValueType, given: Json) -> str | None:
    """How the value that was probably meant is written."""
    meant = exact(given.strip().lower()) if isinstance(given, str) else given
    if type == "boolean" and (isinstance(meant, bool) or meant in (0, 1)):
        return f"write {str(bool(meant)).upper()}" + (" without quotes" if isinstance(given, str) else "")
    if (
        type == "number"
        and isinstance(given, str)
        and isinstance(meant, int | float)
        and not isinstance(meant, bool)
    ):
        return f"write {given.strip()} without quotes"
    return None


def _checked(stored: Json, left: Expression) -> Json:
    """The result of an encoder for a literal; raises QueryError if it is not of the SQLite type that was declared."""
    affinity = affinity_of(left)
    if affinity_of(Value(stored, "")) != affinity or not isinstance(stored, str | int | float):
        raise QueryError(f"{describe(left)}: the type does not store {affinity} for this literal, as it says")
    is_long = isinstance(stored, int) and abs(stored) > _LARGEST
    return float(stored) if is_long else stored  # as SQLite reads a long number of JSON
