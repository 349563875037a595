"""The contract of query functions and operators: the forms in Python, SQL and Polars give the same values."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from heron.hooks.query_functions import SQL_PLACE
from heron.testing.contracts import RecordContract

if TYPE_CHECKING:
    from heron.hooks import Contribution, QueryFunction

_TYPES: dict[str, Any] = {"text": str, "number": (int, float), "boolean": bool, "datetime": datetime}


class QueryFunctionContract(RecordContract):
    """Rules for a function or an operator of the query language. Set `function` and `examples`."""

    function: ClassVar[QueryFunction]
    """The record that the hook yields."""

    examples: ClassVar[Sequence[tuple[Sequence[Any], Any]]]
    """Arguments as the function gets them, each with the value that it shall have; None for no value."""

    def record(self) -> Contribution:
        """The record under test."""
        return self.function

    def test_examples_have_their_values(self) -> None:
        """The function in Python gives the value of each example, of the declared type, each time."""
        call = self.function.load()
        for arguments, value in self.examples:
            assert len(arguments) == len(self.function.arguments), arguments
            assert None not in arguments, "Heron does not call a function where an argument is missing"
            found = call(*arguments)
            assert _is_same(found, value), f"{arguments!r} gave {found!r}, expected {value!r}"
            assert _is_same(call(*arguments), value), f"{arguments!r} gave another value the second time"
            if found is not None:
                assert isinstance(found, _TYPES[self.function.result]), repr(found)
                assert not isinstance(found, bool) or self.function.result == "boolean", repr(found)
                assert not isinstance(found, float) or math.isfinite(found), repr(found)

    def test_operator_tells_values_apart(self) -> None:
        """An operator has examples that are true and examples that are false; it finds some items, and not others."""
        if self.function.operator is None:
            pytest.skip("it has no operator")
        call = self.function.load()
        found = {call(*arguments) for arguments, _ in self.examples}
        assert {True, False} <= found, f"of all examples, {self.function.operator} gives {found}"

    def test_sql_gives_the_same(self) -> None:
        """The SQL of the record gives the value of each example in SQLite, and NULL where an argument is NULL."""
        if self.function.sql is None or "." in "".join(
            place[0] for place in SQL_PLACE.findall(self.function.sql)
        ):
            pytest.skip("it has no SQL")
        if {*self.function.arguments} - {"text", "number", "boolean"}:
            pytest.skip("arguments of these types stand in SQL as Heron stores them")
        order = [int(number) for number, _ in SQL_PLACE.findall(self.function.sql)]
        sql = f"SELECT {SQL_PLACE.sub('?', self.function.sql)}"
        with closing(sqlite3.connect(":memory:")) as database:
            for arguments, value in self.examples:
                [found] = database.execute(sql, [arguments[place] for place in order]).fetchone()
                found = bool(found) if self.function.result == "boolean" and found is not None else found
                assert _is_same(found, value), f"{arguments!r} gave {found!r} in SQL, expected {value!r}"
                for missing in range(len(arguments)):
                    given = [None if place == missing else arguments[place] for place in order]
                    [found] = database.execute(sql, given).fetchone()
                    assert found is None, f"without argument {missing}, SQL gave {found!r}"

    def test_columns_give_the_same(self) -> None:
        """The expression of Polars gives the value of each example."""
        if self.function.columns is None:
            pytest.skip("it has no form for columns")
        polars = pytest.importorskip("polars")
        types = {"text": polars.String, "number": polars.Float64, "boolean": polars.Boolean}
        schema = {f"a{place}": types[kind] for place, kind in enumerate(self.function.arguments)}
        rows = [list(arguments) for arguments, _ in self.examples]
        frame = polars.DataFrame(rows, schema=schema, orient="row", strict=False)
        found = frame.select(value=self.function.columns()(*map(polars.col, schema)))["value"].to_list()
        for (arguments, value), each in zip(self.examples, found, strict=True):
            is_missing = isinstance(each, float) and not math.isfinite(each)
            assert _is_same(None if is_missing else each, value), (
                f"{arguments!r} gave {each!r} by columns, expected {value!r}"
            )


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    return bool(one == other)
