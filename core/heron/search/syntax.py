"""Reads the text of a condition with sqlglot, and says where in the text a part of it stands."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any as Untyped
from typing import ClassVar

from sqlglot import TokenType, exp
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import ErrorLevel, SqlglotError

from heron.errors import QueryError
from heron.metadata.keys import is_unicode
from heron.search.literals import syntax_hint

MAX_LENGTH = 100_000
"""The longest condition in characters."""

_WORDS = frozenset(
    ("AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "BETWEEN", "IS", "NULL", "TRUE", "FALSE", "ESCAPE")
)
"""The reserved words of the language."""

_AFTER_A_NAME = frozenset(
    ("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "NOT")
)
"""What can follow a name in a condition."""


class Infix(exp.Expression):
    """Two values with a word between them that is none of SQL's, such as `ver SATISFIES '>=1.2'`, which a plugin may know."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expression": True, "word": True, "negate": False}


class _Dialect(SQLite):
    """SQLite's grammar, with `match` as an ordinary function, and with words as operators, which bind as LIKE does."""

    STRICT_JSON_PATH_SYNTAX = False  # with True, sqlglot would print a warning in addition to the error

    class Tokenizer(SQLite.Tokenizer):
        KEYWORDS = {word: token for word, token in SQLite.Tokenizer.KEYWORDS.items() if word != "MATCH"}  # noqa: RUF012

    class Parser(SQLite.Parser):  # type: ignore[misc, valid-type]
        FUNCTION_PARSERS = {  # noqa: RUF012
            name: parser for name, parser in SQLite.Parser.FUNCTION_PARSERS.items() if name != "MATCH"
        }

        FUNCTIONS: ClassVar[
            dict[str, Untyped]
        ] = {}  # so that messages show the function's name as it was written

        def _parse_range(self, this: exp.Expr | None = None, parse_is: bool = False) -> exp.Expr | None:
            left: exp.Expr | None = super()._parse_range(this, parse_is)
            start = self._index
            negate = self._match(TokenType.NOT)
            if left is not None and self._match(TokenType.VAR):
                word = self._prev
                right = self._parse_bitwise()
                if right is not None:
                    infix = Infix(this=left, expression=right, word=word.text, negate=bool(negate))
                    infix.meta.update(start=word.start, end=word.end)
                    return infix
            self._retreat(start)
            return left

        def _warn_unsupported(
            self,
        ) -> None:  # or sqlglot would print a warning and parse the text as a command
            self.raise_error("no condition")

    class Generator(SQLite.Generator):  # type: ignore[misc, valid-type]
        TRANSFORMS: ClassVar[dict[Untyped, Untyped]] = {
            **SQLite.Generator.TRANSFORMS,
            Infix: lambda self, node: " ".join(
                (
                    self.sql(node, "this"),
                    *(["NOT"] if node.args["negate"] else []),
                    node.args["word"],
                    self.sql(node, "expression"),
                )
            ),
        }


_DIALECT = _Dialect()


@lru_cache(maxsize=256)
def syntax(text: str) -> exp.Expr:
    """A condition as sqlglot reads it; raises QueryError for what is not one condition."""
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the condition has {len(text):,} characters, at most {MAX_LENGTH:,} are allowed")
    if not is_unicode(text) or "\0" in text:
        raise QueryError("the condition contains characters that are not valid Unicode")
    try:
        parsed = _DIALECT.parse_into(exp.Condition, text)
    except SqlglotError as error:
        if _has_semicolon(text):
            raise QueryError(
                f"the condition {shown(text)} contains more than one statement",
                hint="give one SQL condition",
            ) from error
        details: Untyped = getattr(error, "errors", None)
        where, position = "", None
        if details and details[0].get("highlight"):
            where = f" near {details[0]['highlight']!r} (character {details[0]['col']})"
            position = _position_in(text, **details[0])
        refusal = QueryError(
            f"the condition {shown(text)} is not a SQL condition{where}", hint=_syntax_hint(text)
        )
        refusal.position = position
        raise refusal from error
    except RecursionError as error:
        raise QueryError("the condition is nested too deeply") from error
    if len(parsed) != 1 or parsed[0] is None:
        raise QueryError(f"the condition {shown(text)} is empty", hint="give one SQL condition")
    return parsed[0]


def _position_in(text: str, line: int, highlight: str, col: int, **_: object) -> tuple[int, int] | None:
    """Where the token stands at which sqlglot gave up; `col` is the number of its last character in its line."""
    end = sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + col
    start = end - len(highlight)
    return (start, end) if text[start:end] == highlight else None


def position_of(node: exp.Expr) -> tuple[int, int] | None:
    """Where a part of a condition stands: from the first of its names, literals and functions to the last."""
    places = [each.meta for each in node.walk() if "start" in each.meta]
    if not places:
        return None
    return min(place["start"] for place in places), max(place["end"] for place in places) + 1


def _syntax_hint(text: str) -> str:
    try:
        tokens = _DIALECT.tokenize(text)
    except SqlglotError:
        tokens = []
    for word, after in pairwise(tokens):
        is_keyword = word.text.isidentifier() and word.token_type.name not in ("VAR", "IDENTIFIER", "STRING")
        if is_keyword and word.text.upper() not in _WORDS and after.token_type.name in _AFTER_A_NAME:
            return f'{word.text} is a word of SQL; as a name, write it in double quotes: "{word.text}"'
    return syntax_hint(text)


def _has_semicolon(text: str) -> bool:
    try:
        return any(token.token_type.name == "SEMICOLON" for token in _DIALECT.tokenize(text))
    except SqlglotError:
        return False


def both(first: str, second: str) -> str:
    """Two conditions joined by AND; raises QueryError if one of them is not a complete condition."""
    return f"({_alone(first)}) AND ({_alone(second)})"


def _alone(text: str) -> str:
    """A condition without a semicolon or comment at its end; a comment would hide the text that follows."""
    syntax(text)
    last = [token for token in _DIALECT.tokenize(text) if token.token_type.name != "SEMICOLON"][-1]
    return text[: last.end + 1]


def sql(node: exp.Expr) -> str:
    """A part of a condition as text."""
    return node.sql(_DIALECT, unsupported_level=ErrorLevel.IGNORE)


def shown(given: str | exp.Expr) -> str:
    """A condition, or a part of one, in quotes for a message: 80 characters of it at most."""
    text = given if isinstance(given, str) else sql(given)
    return repr(text) if len(text) <= 80 else repr(text[:79] + "…")
