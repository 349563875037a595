"""Parses the text of a condition into a tree. Anything else than a condition is refused."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from sqlglot import exp

from heron.errors import PluginError, QueryError
from heron.hooks.query_functions import QueryFunction
from heron.metadata.codecs import MAX_EXACT_INTEGER
from heron.models import now
from heron.search import tree
from heron.search.fields import Fields
from heron.search.functions import Functions
from heron.search.literals import describe, fit, syntax_hint, type_of
from heron.search.syntax import Infix, position_of, shown, sql, syntax

T = TypeVar("T")

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
}  # fmt: skip
_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_ALSO: dict[tree.ValueType, tuple[tree.ValueType, ...]] = {
    "text": ("loose", "any"),
    "number": ("any",),
    "boolean": ("any",),
    "datetime": ("any",),
}
"""Values that a function accepts in addition to values of an argument's type."""

_TESTS = ("match", "in_collection", "in_dataset", "in_project", "in_folder", "has_file")
"""The functions that are conditions by themselves."""

_MEMBERSHIPS: dict[str, Callable[[str], tree.Condition]] = {
    "in_collection": tree.InCollection,
    "in_dataset": tree.InDataset,
    "in_project": tree.InProject,
    "in_folder": tree.InFolder,
    "has_file": tree.HasFile,
}
"""Of these, the functions that take one name."""


def parse(text: str, fields: Fields, functions: Functions) -> tree.Condition:
    """Parse a condition; raises QueryError for bad syntax, unknown names, wrong types and other statements."""
    try:
        return _Reader(fields, functions).condition(syntax(text))
    except RecursionError as error:
        raise QueryError("the condition is nested too deeply") from error


def _placed(read: Callable[[_Reader, exp.Expr], T]) -> Callable[[_Reader, exp.Expr], T]:
    """A method that reads a part of a condition, whose errors say where that part stands; the innermost part counts."""

    @wraps(read)
    def within(self: _Reader, node: exp.Expr) -> T:
        try:
            return read(self, node)
        except QueryError as error:
            error.position = error.position or position_of(node)
            raise

    return within


class _Reader:
    def __init__(self, fields: Fields, functions: Functions) -> None:
        self._fields = fields
        self._functions = functions

    @_placed
    def condition(self, node: exp.Expr) -> tree.Condition:
        _check_read(node)
        match node:
            case exp.Paren():
                return self.condition(node.this)
            case exp.And():
                return tree.All(tuple(self.condition(part) for part in node.flatten()))
            case exp.Or():
                return tree.Any(tuple(self.condition(part) for part in node.flatten()))
            case exp.Not():
                return tree.Not(self.condition(node.this))
            case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
                is_range = not isinstance(node, exp.EQ | exp.NEQ)
                left, right = fit(self.expression(node.this), self._value(node.expression), is_range=is_range)
                return tree.Comparison(_COMPARISONS[type(node)], left, right)  # type: ignore[arg-type]
            case exp.Is():
                return self._is(node)
            case exp.In():
                return self._in(node)
            case exp.Between():
                return self._between(node)
            case exp.Escape(this=exp.Like() | exp.ILike()):
                return self._like(node.this, escape=node.expression)
            case exp.Like() | exp.ILike():
                return self._like(node)
            case exp.Anonymous() if node.name.lower() in _TESTS:
                return self._test(node)
            case Infix() if node.args["negate"]:
                return tree.Not(tree.Truth(self._infix(node)))
        value = self.expression(node)
        if type_of(value) not in ("boolean", "any"):
            raise QueryError(
                f"{shown(node)} is a value, not a condition", hint="compare it: = < > LIKE IN IS NULL"
            )
        return tree.Truth(value)

    def _is(self, node: exp.Is) -> tree.Condition:
        left = self.expression(node.this)
        match node.expression:
            case exp.Null():
                return tree.IsNull(left)
            case exp.Boolean() if type_of(left) in ("boolean", "any"):
                return tree.IsTruth(left, bool(node.expression.this))
        raise QueryError(f"{shown(node)}: IS stands before NULL, or before TRUE and FALSE for a boolean")

    def _in(self, node: exp.In) -> tree.Condition:
        if not node.expressions or {key for key, value in node.args.items() if value} != {
            "this",
            "expressions",
        }:
            raise QueryError(f"{shown(node)}: IN takes a list of values", hint="city IN ('Algiers', 'Oslo')")
        left = self.expression(node.this)
        pairs = [fit(left, self._value(value)) for value in node.expressions]
        if isinstance(left, tree.Value):  # a literal is encoded by each field in the list
            return tree.Any(tuple(tree.Comparison("=", here, there) for here, there in pairs))
        return tree.InList(left, tuple(value for _, value in pairs))

    def _between(self, node: exp.Between) -> tree.Condition:
        left = self.expression(node.this)
        left_low, low = fit(left, self._value(node.args["low"]), is_range=True)
        left_high, high = fit(left, self._value(node.args["high"]), is_range=True)
        if isinstance(left, tree.Value):  # a literal is encoded by each bound
            return tree.All((tree.Comparison(">=", left_low, low), tree.Comparison("<=", left_high, high)))
        return tree.Between(left, low, high)

    def _like(self, node: exp.Expr, escape: exp.Expr | None = None) -> tree.Condition:
        left = self.expression(node.this)
        if type_of(left) not in ("text", "any", "loose", "datetime") or _is_decoded(left):
            raise QueryError(f"{describe(left)} is not text, LIKE cannot be used")
        mark = self._text(escape, "ESCAPE") if escape is not None else None
        if mark is not None and len(mark) != 1:
            raise QueryError("ESCAPE takes one character")
        like = tree.Like(left, self._text(node.expression, "LIKE"), mark)
        return tree.Not(like) if node.args.get("negate") else like

    def _test(self, node: exp.Anonymous) -> tree.Condition:
        name, arguments = node.name.lower(), node.expressions
        if name == "match":
            if len(arguments) != 2:
                raise QueryError("match takes a key and words", hint="match(description, 'red bus')")
            left = self.expression(arguments[0])
            if not isinstance(left, tree.FieldRef) or not left.field.full_text:
                raise QueryError(
                    f"match: {describe(left)} is not a text key",
                    hint="use LIKE, or make it a key of type text",
                )
            words = self._text(arguments[1], "match")
            if not any(character.isalnum() for character in words):
                raise QueryError("match: there is no word to look for")
            return tree.Match(left.field, words)
        if len(arguments) != 1:
            raise QueryError(f"{name} takes one text in single quotes")
        text = self._text(arguments[0], name)
        return _MEMBERSHIPS[name](text)

    @_placed
    def expression(self, node: exp.Expr) -> tree.Expression:
        match node:
            case exp.Paren():
                return self.expression(node.this)
            case exp.Column():
                return tree.FieldRef(self._fields.resolve([part.name for part in node.parts]))
            case exp.Dot():
                return tree.FieldRef(self._fields.resolve([part.name for part in node.parts]))
            case exp.Literal():
                return _literal(node)
            case exp.Boolean():
                return tree.Value(bool(node.this), "boolean")
            case exp.Null():
                return tree.Value(None, "any")
            case exp.Neg():
                inner = self._number(node.this)
                if isinstance(inner, tree.Value):
                    return tree.Value(-inner.value, "number")
                return tree.Arithmetic("-", tree.Value(0, "number"), inner)
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Div() | exp.Mod():
                left, right = self._number(node.this), self._number(node.expression)
                return tree.Arithmetic(_ARITHMETIC[type(node)], left, right)  # type: ignore[arg-type]
            case exp.CurrentTimestamp():
                return tree.Value(now(), "datetime")
            case Infix() if not node.args["negate"]:
                return self._infix(node)
            case exp.Func():
                return self._call(node)
        raise _out_of_place(node)

    def _call(self, node: exp.Func) -> tree.Expression:
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        given = (
            node.expressions
            if isinstance(node, exp.Anonymous)
            else [v for v in node.args.values() if isinstance(v, exp.Expr)]
        )
        if name == "now" and not given:
            return tree.Value(now(), "datetime")
        if name in _TESTS:
            raise QueryError(
                f"{name}(…) is a condition of its own and has no value", hint="join it with AND, OR, NOT"
            )
        function = self._function(name)
        if function is None:
            if isinstance(node, exp.Binary | exp.Case):
                raise _out_of_place(node)
            called = sql(node).partition("(")[0].lower()
            raise QueryError(
                f"there is no function {called}",
                hint=f"there is {', '.join([*self._functions.names(), *_TESTS])}",
            )
        expected = function.arguments
        if len(given) != len(expected):
            raise QueryError(
                f"{name} takes {len(expected)} argument{'s' * (len(expected) > 1)}, got {len(given)}"
            )
        return self._called(function, name, tuple(self.expression(part) for part in given))

    def _infix(self, node: Infix) -> tree.Call:
        """A word of a plugin between two values."""
        word = node.args["word"]
        try:
            function = self._functions.operator(word)
        except PluginError as error:
            raise QueryError(error.message, hint=error.hint) from error
        if function is None:
            known = self._functions.operators()
            close = difflib.get_close_matches(word.upper(), known, n=1)
            also = f"; plugins bring the operators {', '.join(known)}" if known else ""
            refusal = QueryError(
                f"{shown(node)} is not a SQL condition: there is no operator {word}",
                hint=f"did you mean {close[0]}?" if close else f"{syntax_hint(sql(node))}{also}",
            )
            refusal.position = node.meta["start"], node.meta["end"] + 1
            raise refusal
        return self._called(function, word, (self.expression(node.this), self._value(node.expression)))

    def _called(
        self, function: QueryFunction, name: str, arguments: tuple[tree.Expression, ...]
    ) -> tree.Call:
        """A call with arguments of the right types; raises QueryError for others."""
        expected = function.arguments
        for argument, type in zip(arguments, expected, strict=True):
            if type_of(argument) not in (type, *_ALSO.get(type, ())) or (
                type == "text" and _is_decoded(argument)
            ):
                what = f"a {type}" if type in _ALSO else f"a {type} key"
                raise QueryError(f"{name}: expected {what}, got {describe(argument)}")
        return tree.Call(function, arguments)

    def _function(self, name: str) -> QueryFunction | None:
        try:
            return self._functions.find(name)
        except PluginError as error:
            raise QueryError(error.message, hint=error.hint) from error

    @_placed
    def _number(self, node: exp.Expr) -> tree.Expression:
        value = self.expression(node)
        if type_of(value) not in ("number", "any") or (isinstance(value, tree.Value) and value.value is None):
            raise QueryError(f"{describe(value)} is not a number to calculate with")
        return value

    @_placed
    def _value(self, node: exp.Expr) -> tree.Expression:
        """An expression where a literal is expected, so that a word without quotes was probably meant as text."""
        if isinstance(node, exp.Column):
            return tree.FieldRef(self._fields.resolve([part.name for part in node.parts], "value"))
        return self.expression(node)

    def _text(self, node: exp.Expr, what: str) -> str:
        value = self._value(node)
        if not isinstance(value, tree.Value) or value.type != "text":
            raise QueryError(f"{what} takes text in single quotes, got {describe(value)}")
        return str(value.value)


def _is_decoded(expression: tree.Expression) -> bool:
    """Whether the shown form of the values differs from the stored form."""
    return isinstance(expression, tree.FieldRef) and expression.field.decode is not None


def _literal(node: exp.Literal) -> tree.Value:
    if node.is_string:
        return tree.Value(node.this, "text")
    try:
        number = int(node.this)
    except ValueError:
        return tree.Value(_real(node.this), "number")
    if abs(number) > MAX_EXACT_INTEGER:
        raise QueryError(f"{shown(node.this)} is too large a number, at most 2**53 can be compared")
    return tree.Value(number, "number")


def _real(text: str) -> float:
    try:
        real = float(text)
    except ValueError:
        raise QueryError(f"{shown(text)} is not a number") from None
    if not math.isfinite(real):
        raise QueryError(f"{shown(text)} is too large a number")
    return real


def _check_read(node: exp.Expr) -> None:
    """Refuse an operator with an argument that the tree cannot express, such as SYMMETRIC, which sqlglot accepts."""
    if not isinstance(node, exp.Predicate | exp.Escape | exp.Not | exp.Paren) or isinstance(node, exp.In):
        return
    read = {"this", "expression", "low", "high"} | (
        {"negate"} if isinstance(node, exp.Like | exp.ILike) else set()
    )
    if any(value for name, value in node.args.items() if name not in read):
        raise _out_of_place(node)


def _out_of_place(node: exp.Expr) -> QueryError:
    return QueryError(f"{shown(node)} cannot stand there in a condition", hint="see docs/query-language.md")
