"""Functions of the query language that plugins bring, and the built-in ones by the same hook."""

from datetime import UTC, datetime

import pytest

import heron
from heron.errors import QueryError
from heron.hooks import PluginManager, QueryFunction
from heron.models import MediaFacts, NewItem
from heron.search.functions import BUILT_IN, Functions
from tests.toy_types import ToyTypes


def function(name, call, arguments=("text",), result="text", **more):
    return QueryFunction(
        name=name, summary="for tests", arguments=arguments, result=result, load=lambda: call, **more
    )


def fail(text):
    raise RuntimeError("no luck\nand more")


class Phonetics:
    @heron.hookimpl
    def register_query_functions(self):
        yield function("reverse", lambda text: text[::-1])
        yield function("soundex", lambda text: text[:1].upper() + str(len(text)))
        yield function("twice", lambda number: number * 2, ["number"], "number", sql="({0} + {0})")
        yield function("is_long", lambda text, most: len(text) > most, ["text", "number"], "boolean")
        yield function("next_day", lambda day: day.replace(day=day.day + 1), ["datetime"], "datetime")
        yield function(
            "either", lambda yes: "yes" if yes is True else "no" if yes is False else "?", ["boolean"]
        )
        yield function("north", lambda place: place["latitude"] > 0, ["geospatial"], "boolean")
        yield function("major", lambda version: int(version.split(".")[0]), ["semver"], "number")
        yield function("fail", fail)
        yield function("liar", lambda text: 5)
        yield function("endless", lambda text: float("inf"), result="number")
        yield function("huge", lambda text: 10**30, result="number")
        yield function("nothing", lambda text: None)


@pytest.fixture
def plugins():
    return [Phonetics(), ToyTypes()]


@pytest.fixture
def workspace(workspace):
    kinds = {
        "city": "varchar",
        "score": "number",
        "ok": "boolean",
        "day": "datetime",
        "place": "geospatial",
        "ver": "semver",
        "old": "semver",
    }
    for name, kind in kinds.items():
        workspace.schema.add_scalar(name, kind)
    facts = MediaFacts(
        "image", "image/png", width=4, extra={"exif": {"ISO": 200, "Model": "Wren", "Flash": True}}
    )
    metadata = {
        "city": "Oslo", "score": 1.5, "ok": True, "day": "2026-01-31T12:00:00Z", "place": [59.9, 10.7], "ver": "10.2.0",
        "old": "1.9.0",
    }  # fmt: skip
    workspace.registration.register([NewItem("u:a", facts, name="a", metadata=metadata)], "F")
    workspace.registration.register([NewItem("u:b", MediaFacts("image", "image/png"), name="b")], "F")
    return workspace


@pytest.mark.parametrize(
    "where",
    [
        "reverse(city) = 'olsO'", "REVERSE(reverse(city)) = 'Oslo'", "soundex(city) = 'O4'", "twice(score) = 3",
        "twice(score + width) = 11", "is_long(city, 3)", "NOT is_long(city, 2 * 2)", "is_long(city, 3) IS TRUE",
        "next_day(captured_at) IS NULL", "either(ok) = 'yes'", "either(ok = ok) IS NULL OR TRUE", "north(place)", "major(ver) = 10",
        "major(ver) > major(old) AND major(old) = 1", "nothing(city) IS NULL AND city IS NOT NULL",
        "reverse(exif.Model) = 'nerW'", "reverse(exif.ISO) IS NULL AND width = 4", "twice(exif.ISO) = 400",
        "twice(exif.Model) IS NULL AND width = 4", "huge(city) = 1e30", "reverse('ab') = 'ba' AND width = 4",
        "lower(exif.ISO) IS NULL AND width = 4", "abs(exif.Model) IS NULL AND width = 4", "length(exif.ISO) IS NULL AND width = 4",
        "year(day) = 2026 AND month(day) = 1", "day(day) = 31", "hour(day) = 12",
        "year(captured_at) IS NULL AND width = 4", "month(exif.Model) IS NULL AND width = 4",
        "round(exif.Model) IS NULL AND width = 4", "lower(exif.Model) = 'wren'",
    ],
)  # fmt: skip
def test_function_of_a_plugin_finds(workspace, where):
    if "ok = ok" in where:
        with pytest.raises(QueryError):
            workspace.search(where=where)
        return
    expected = {"a", "b"} if where == "next_day(captured_at) IS NULL" else {"a"}
    if where.startswith("NOT"):
        expected = {"a"}
    assert {item.name for item in workspace.search(where=where)} == expected


def test_dates_go_in_and_out_as_aware_datetimes(workspace):
    seen = []

    class Plugin:
        @heron.hookimpl
        def register_query_functions(self):
            yield function("see", lambda day: seen.append(day) or day, ["datetime"], "datetime")

    with heron.open(workspace.root, plugins=[Plugin(), ToyTypes()], discover=False) as opened:
        assert len(opened.search(where="see(day) = '2026-01-31T12:00:00Z'")) == 1
        assert len(opened.search(where="see(day) < '2026-01-31'")) == 0
    assert seen[0] == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("where", "words"),
    {
        "fail(city) = 'x'": "query function fail (plugin Phonetics) failed in call with RuntimeError: no luck",
        "liar(city) = 'x'": "query function liar (plugin Phonetics) returned 5, expected a text",
        "endless(city) > 1": "query function endless (plugin Phonetics) returned inf, expected a number",
        "next_day(day) > now()": "query function next_day (plugin Phonetics) failed in call with ValueError: day",
        "reverse(score) = 'x'": "reverse: expected a text, got score (number)",
        "reverse(ver) = 'x'": "reverse: expected a text, got ver (semver)",
        "major(city) = 1": "major: expected a semver key, got city (varchar)",
        "reverse(city, city) = 'x'": "reverse takes 1 argument, got 2",
        "revers(city) = 'x'": "there is no function revers",
    }.items(),
    ids=str,
)
def test_what_goes_wrong_is_a_sentence_that_names_the_function(workspace, where, words):
    for ask in (workspace.search, workspace.search.count):
        with pytest.raises(QueryError) as refusal:
            ask(where=where)
        assert words in str(refusal.value)
    assert len(workspace.search(where="reverse(city) = 'olsO'")) == 1


def test_a_value_from_before_its_key_is_missing_for_a_function(workspace):
    workspace.metadata.merge_all(["a"], {"late": "old"})
    workspace.schema.add_scalar("late", "semver")
    assert [item.name for item in workspace.search(where="major(late) IS NULL")] == ["a", "b"]


def status_of(*plugins):
    manager = PluginManager(builtin=["heron.search.functions"], plugins=plugins, discover=False)
    return manager, [status.status for status in manager.statuses[1:]]


def plugin(*functions):
    class Plugin:
        @heron.hookimpl
        def register_query_functions(self):
            yield from (make() for make in functions)

    return Plugin()


def test_names_that_clash_are_listed_and_refused_at_use(tmp_path):
    both = [plugin(lambda: function("same", str)), plugin(lambda: function("same", str))]
    _, statuses = status_of(*both)
    assert all("conflict over" in status for status in statuses)
    with (
        heron.open(tmp_path, plugins=both, discover=False) as workspace,
        pytest.raises(QueryError, match="conflict"),
    ):
        workspace.search(where="same(name) = 'x'")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: function("lower", str), "query function lower is built in"),
        (lambda: function("match", str), "cannot be the name"),
        (lambda: function("Upper", str), "cannot be the name"),
        (lambda: function("a-b", str), "cannot be the name"),
        (lambda: function("f", str, sql="f({1})"), "names an argument {1}"),
        (lambda: function("f", str, result="json"), "failed"),
        (lambda: function("f", str, arguments="text"), "expected a list"),
    ],
)
def test_a_bad_record_is_listed_with_its_reason(make, words):
    _, [status] = status_of(plugin(make))
    assert words in status


def test_built_in_functions_come_by_the_hook():
    manager, _ = status_of()
    names = {found.name for found in manager.contributions(QueryFunction)}
    assert names == BUILT_IN.keys() >= {"lower", "abs", "year", "distance_km"}


def test_built_in_functions_are_found_without_loading_plugins():
    functions = Functions(lambda: pytest.fail("plugins were loaded"))
    assert functions.find("lower") is functions.find("lower") is not None
    assert functions.callable_of(functions.find("upper"))("aé") == "Aé"
