"""The record of functions and operators of the query language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from attrs import field, frozen
from attrs.validators import in_

from heron.hooks.contributions import Contribution, texts
from heron.hooks.query_words import WORDS

RESERVED = ("match", "in_collection", "in_dataset", "in_project", "in_folder", "has_file", "now")
"""Names in the query language that are no functions of arguments and value."""

SQL_PLACE = re.compile(r"\{(\d)(?:\.(\w+))?\}")
"""A place in the SQL of a query function: the number of an argument, and perhaps the name of a member of it."""


def _checked_name(function: QueryFunction, attribute: Any, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) or name in RESERVED:
        raise ValueError(
            f"{name!r} cannot be the name of a query function: it has a-z, 0-9 and _, and is no word of Heron"
        )


def _checked_sql(function: QueryFunction, attribute: Any, sql: str | None) -> None:
    for place in SQL_PLACE.findall(sql or ""):
        if int(place[0]) >= len(function.arguments):
            raise ValueError(
                f"query function {function.name}: its SQL names an argument {{{place[0]}}} that it does not take"
            )


def _checked_operator(function: QueryFunction, attribute: Any, operator: str | None) -> None:
    if operator is None:
        return
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", operator) or operator in WORDS:
        raise ValueError(
            f"query function {function.name}: {operator!r} cannot be an operator: it has A-Z, 0-9 and _, and is no word of SQL"
        )
    if len(function.arguments) != 2 or function.result != "boolean":
        raise ValueError(
            f"query function {function.name}: an operator stands between two arguments, and is true or false"
        )


@frozen(kw_only=True)
class QueryFunction(Contribution):
    """A function of the query language.

    `arguments` are the types of its arguments: `text`, `number`, `boolean`, `datetime`, or the name of a metadata type, for
    keys of that type; `result` is the type of its value. `load` returns the function in Python. Booleans come to it as such,
    datetimes as aware ones in UTC, values of metadata types as they are shown. It gives the same value whenever it gets the
    same arguments, and it is not called where an argument is missing: then its value is missing too. It returns None for no value.
    `sql`, if given, is the same in the SQL of SQLite, which is faster: `{0}` stands for the first argument, `{0.name}` for a
    member of a JSON object that is the first argument. `columns`, if given, returns a function of expressions of Polars, from which
    large catalogues are answered: it gets one for each argument (String, Float64, Boolean), and returns one for the value, null or not
    finite for no value. It is not used where an argument is a datetime or of a metadata type, or the result a datetime.

    A function of two arguments with the result `boolean` can have an `operator`, a word in capitals: with `operator="SATISFIES"`, conditions
    can say `ver SATISFIES '>=1.2'`, or in small letters, and `ver NOT SATISFIES '>=1.2'`, beside `satisfies(ver, '>=1.2')`. It binds as LIKE does:
    arithmetic before it, NOT, AND and OR after it.
    """

    sort: ClassVar[str] = "query function"

    name: str = field(validator=_checked_name)
    arguments: Sequence[str] = field(converter=texts)
    result: Literal["text", "number", "boolean", "datetime"] = field(
        validator=in_(("text", "number", "boolean", "datetime"))
    )
    load: Callable[[], Callable[..., Any]]
    sql: str | None = field(default=None, validator=_checked_sql)
    columns: Callable[[], Callable[..., Any]] | None = None
    operator: str | None = field(default=None, validator=_checked_operator)

    def brings(self) -> list[str]:
        """The function, then its operator."""
        return [*super().brings(), *([f"operator {self.operator}"] if self.operator else [])]

    def claims(self) -> list[str]:
        """Its name, and its operator."""
        return [*super().claims(), *([f"operator {self.operator}"] if self.operator else [])]
