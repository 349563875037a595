"""Literals in conditions, checked by the type of the field that they are compared with."""

from __future__ import annotations

from typing import Literal, get_args

from heron.errors import QueryError
from heron.metadata.codecs import DatetimeCodec
from heron.metadata.keys import printable
from heron.search.tree import Arithmetic, Call, Expression, FieldRef, Value, ValueType

Sort = Literal["text", "number"]
"""What can be compared with each other."""

_ENCODE_DATETIME = DatetimeCodec().encoder({})
_EXPECTED = {
    "text": "text in single quotes",
    "number": "a number",
    "boolean": "true or false",
    "datetime": "a date in single quotes, such as '2026-01-31' or '2026-01-31T12:00:00Z'",
    "loose": "text in single quotes (add the key to the schema to compare it otherwise)",
}


def type_of(expression: Expression) -> ValueType:
    """How an expression compares."""
    match expression:
        case FieldRef(field):
            return field.type
        case Value(_, type) | Call(_, _, type):
            return type
        case Arithmetic():
            return "number"


def sort_of(expression: Expression) -> Sort | None:
    """Whether an expression is a text or a number, as truth values are; None where each row may have another sort."""
    type = type_of(expression)
    if type == "any":
        return None
    return "text" if type in ("text", "datetime", "loose") else "number"


def describe(expression: Expression) -> str:
    """An expression for a message."""
    match expression:
        case FieldRef(field):
            return f"{field.name} ({field.type_name})"
        case Value(value):
            return printable(value)
        case Call(name):
            return f"{name}(…)"
        case _:
            return "the calculation"


def fit(left: Expression, right: Expression, *, exact: bool) -> tuple[Expression, Expression]:
    """Two expressions as they can be compared, literals in stored form; raises QueryError where they cannot be.

    With `exact` a literal has to be a legal value of the key, for instance an option of an enum.
    """
    if isinstance(left, Value) and not isinstance(right, Value):
        right, left = fit(right, left, exact=exact)
        return left, right
    here, there = type_of(left), type_of(right)
    for expression, type in ((left, here), (right, there)):
        if type == "json":
            raise QueryError(
                f"{describe(expression)} cannot be compared",
                hint="use IS NULL, or distance_km(key, latitude, longitude) for a place",
            )
    if any(isinstance(side, Value) and side.value is None for side in (left, right)):
        raise QueryError("nothing is equal to NULL", hint="write IS NULL or IS NOT NULL")
    if isinstance(right, Value):
        return left, _fit_literal(left, right, exact)
    if "any" in (here, there) or here == there or {here, there} <= {"text", "loose"}:
        return left, right
    raise QueryError(f"{describe(left)} and {describe(right)} are of different types and cannot be compared")


def _fit_literal(left: Expression, literal: Value, exact: bool) -> Value:
    type = type_of(left)
    assert type in get_args(ValueType)
    if type == "any":
        return literal
    if type == "datetime":
        if literal.type == "text":
            try:
                return Value(_ENCODE_DATETIME(literal.value), "datetime")
            except ValueError:
                pass
        elif literal.type == "datetime":
            return literal
    elif literal.type == type or (type == "loose" and literal.type == "text"):
        if exact and isinstance(left, FieldRef) and left.field.encode is not None:
            try:
                return Value(left.field.encode(literal.value), type)
            except ValueError as error:
                raise QueryError(f"{describe(left)}: {error}, got {printable(literal.value)}") from error
        return literal
    raise QueryError(f"{describe(left)}: expected {_EXPECTED[type]}, got {printable(literal.value)}")
