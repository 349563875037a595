"""Operators of the query language that plugins bring: words between two values, beside the functions that they mean."""

from __future__ import annotations

import pytest

import heron
from heron.catalog.columns import kept
from heron.errors import QueryError
from heron.hooks import PluginManager
from heron.hooks.query_words import WORDS
from heron.models import MediaFacts, NewItem, Query
from heron.search.columns_engine import ColumnsEngine
from heron.search.syntax import _Dialect
from heron.testing import QueryFunctionContract
from tests.test_query_functions import function
from tests.toy_types import ToyTypes


def begins(text, start):
    return text.startswith(start)


BEGINS = function("begins", begins, ["text", "text"], "boolean", operator="BEGINS_WITH")
NEAR = function(
    "near", lambda a, b: abs(a - b) <= 1, ["number", "number"], "boolean", operator="NEAR",
    sql="(abs({0} - {1}) <= 1)", columns=lambda: lambda a, b: (a - b).abs() <= 1,
)  # fmt: skip
SATISFIES = function(
    "satisfies", lambda version, least: tuple(map(int, version.split("."))) >= tuple(map(int, least.split("."))),
    ["semver", "text"], "boolean", operator="SATISFIES",
)  # fmt: skip


class Operators:
    def __init__(self, *records):
        self.records = records or (BEGINS, NEAR, SATISFIES)

    @heron.hookimpl
    def register_query_functions(self):
        yield from self.records


@pytest.fixture
def lake(tmp_path):
    with heron.open(tmp_path / "lake", plugins=[Operators(), ToyTypes()], discover=False) as opened:
        for name, kind in {"city": "varchar", "score": "number", "ver": "semver", "near": "number"}.items():
            opened.schema.add_scalar(name, kind)
        facts = MediaFacts("image", "image/png", width=4)
        for name, city, score, ver in (
            ("a", "Oslo", 3, "1.9.0"),
            ("b", "Osaka", 5, "1.10.0"),
            ("c", None, None, None),
        ):
            given = {"city": city, "score": score, "ver": ver, "near": score}
            metadata = {key: value for key, value in given.items() if value is not None}
            opened.registration.register([NewItem(f"u:{name}", facts, name=name, metadata=metadata)], "F")
        yield opened


FOUND = {
    "city BEGINS_WITH 'Osl'": "a",
    "city begins_with 'Os'": "ab",
    "begins(city, 'Osl')": "a",
    "NOT city BEGINS_WITH 'Osl'": "b",
    "city NOT BEGINS_WITH 'Osl'": "b",
    "city BEGINS_WITH 'Osl' OR score NEAR 5": "ab",
    "city BEGINS_WITH 'Os' AND NOT score NEAR 5": "a",
    "score + 1 NEAR 2 * 2 - 1": "a",
    "score NEAR width": "ab",
    "near NEAR 4 AND near NEAR 3": "a",
    "ver SATISFIES '1.10.0'": "b",
    "ver NOT SATISFIES '1.10.0'": "a",
    "(city) BEGINS_WITH ('Osl')": "a",
    "lower(city) BEGINS_WITH 'osl'": "a",
    "(score NEAR 3) = TRUE": "a",
    "NOT (score NEAR 3) IS TRUE": "bc",
    "city IS NULL OR city BEGINS_WITH 'Osa'": "bc",
    "score BETWEEN 1 AND 9 AND score NEAR 5": "b",
    "city BEGINS_WITH city": "ab",
}


@pytest.mark.parametrize("where", FOUND)
def test_operators_find_what_their_functions_say(lake, where):
    assert names(lake, where) == FOUND[where]


def names(lake, where):
    return "".join(sorted(item.name for item in lake.search(where=where)))


REFUSED = {
    "city SOUNDS 'x'": r"\"city SOUNDS 'x'\" is not a SQL condition: there is no operator SOUNDS .*BEGINS_WITH, NEAR, SATISFIES",
    "city NOT SOUNDS 'x'": "there is no operator SOUNDS",
    "ver satisfy '1.0.0'": "there is no operator satisfy .did you mean SATISFIES",
    "width wide 3": "there is no operator wide",
    "city BEGINS_WITH 3": "BEGINS_WITH: expected a text, got 3",
    "score BEGINS_WITH 'x'": "BEGINS_WITH: expected a text, got score",
    "city SATISFIES '1.0.0'": "SATISFIES: expected a semver key, got city",
    "city BEGINS_WITH": "not a SQL condition",
    "city BEGINS_WITH AND width > 3": "not a SQL condition",
    "city BEGINS_WITH 'a' BEGINS_WITH 'b'": "not a SQL condition",
    "city BEGINS_WITH Oslo": "Oslo",
    "lower(city BEGINS_WITH 'a') = 'x'": "lower: expected a text",
    "width > (score NOT NEAR 3)": "cannot stand there",
}


@pytest.mark.parametrize("where", REFUSED)
def test_what_is_none_is_refused_with_one_sentence(lake, where):
    with pytest.raises(QueryError, match=REFUSED[where]) as refusal:
        lake.search(where=where)
    assert len(str(refusal.value).splitlines()) == 1


def test_the_place_of_an_unknown_operator_is_told(lake):
    with pytest.raises(QueryError) as refusal:
        lake.search(where="width > 3 AND city SOUNDS 'x'")
    assert refusal.value.position == (19, 25)


def test_without_a_plugin_the_word_is_unknown(lake):
    with (
        heron.open(lake.root, discover=False) as plain,
        pytest.raises(QueryError, match="there is no operator NEAR"),
    ):
        plain.search(where="width NEAR 3")


def test_the_plan_shows_what_an_operator_means(lake):
    assert "heron_begins(" in lake.search.explain(Query(where="city BEGINS_WITH 'Osl'")).sql
    assert "abs(" in lake.search.explain(Query(where="score NEAR 3")).sql


@pytest.mark.parametrize("where", ["score NEAR 3", "NOT score NEAR 3", "score NOT NEAR width"])
def test_columns_find_what_sqlite_finds(lake, where, monkeypatch):
    pytest.importorskip("polars")
    monkeypatch.setattr(kept, "MANY", 1)
    monkeypatch.setattr(kept, "PENDING", 1)
    lake.columns.refresh()
    plan = lake._planner.plan(Query(where=where))
    columns, sqlite = lake._engines.of(plan), lake._engines._sqlite
    assert isinstance(columns, ColumnsEngine)
    assert columns.ids(plan).tolist() == sqlite.ids(plan).tolist()


def test_they_are_offered_while_somebody_types(lake):
    [found] = [name for name in lake.search.names() if name.name == "begins"]
    assert (found.operator, found.arguments) == ("BEGINS_WITH", ("text", "text"))
    assert found.about == "for tests; also written text BEGINS_WITH text"


def test_two_plugins_with_one_operator_are_a_conflict_that_can_be_settled(lake):
    class Other(Operators):
        pass

    other = function("sound_alike", begins, ["text", "text"], "boolean", operator="BEGINS_WITH")
    plugins = [Operators(), Other(other), ToyTypes()]
    with heron.open(lake.root, plugins=plugins, discover=False) as opened:
        with pytest.raises(QueryError, match="operator BEGINS_WITH"):
            opened.search(where="city BEGINS_WITH 'Osl'")
        assert names(opened, "begins(city, 'Osl')") == "a"


@pytest.mark.parametrize(
    ("operator", "given"),
    [
        ("begins", {}), ("LIKE", {}), ("MATCH", {}), ("OVERLAPS", {}), ("A", {}), ("IS NEAR", {}), ("~", {}),
        ("NEXT_TO", {"result": "text"}), ("NEXT_TO", {"arguments": ["text"]}),
    ],
)  # fmt: skip
def test_a_word_that_cannot_be_one_is_refused(operator, given):
    with pytest.raises(ValueError, match="operator"):
        function(
            "x", begins, **{"arguments": ["text", "text"], "result": "boolean", "operator": operator, **given}
        )


def test_all_words_of_the_grammar_are_refused():
    grammar = {
        word for keyword in _Dialect.Tokenizer.KEYWORDS for word in keyword.split() if word.isidentifier()
    }
    assert grammar <= WORDS


def test_the_list_of_plugins_names_operators():
    manager = PluginManager(builtin=[], plugins=[Operators(NEAR)], discover=False)
    [status] = manager.statuses
    assert "operator NEAR" in " ".join(status.contributions)


class TestBegins(QueryFunctionContract):
    function = BEGINS
    module = "heron.hooks.query_words"
    examples = ((("Oslo", "Os"), True), (("Oslo", "os"), False))


class TestNear(QueryFunctionContract):
    function = NEAR
    module = "heron.hooks.query_words"
    examples = (((1, 2), True), ((1, 3), False))


def test_an_operator_that_tells_nothing_apart_is_caught_by_its_rule_alone():
    record = function("any", lambda a, b: True, ["text", "text"], "boolean", operator="ANYHOW")
    contract = type("Contract", (TestBegins,), {"function": record, "examples": ((("a", "b"), True),)})()
    found = set()
    for name in dir(contract):
        if name.startswith("test_") and name != "test_importing_the_plugin_imports_nothing_heavy":
            try:
                getattr(contract, name)()
            except pytest.skip.Exception:
                continue
            except AssertionError:
                found.add(name)
    assert found == {"test_operator_tells_values_apart"}
