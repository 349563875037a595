"""Functions of plugins with a form for columns: they find what their Python form finds."""

import pytest

import heron
from heron.catalog.columns import kept
from heron.models import MediaFacts, NewItem, Query
from heron.search.columns_engine import ColumnsEngine
from heron.testing import QueryFunctionContract

polars = pytest.importorskip("polars")


def function(name, call, columns, arguments=("text",), result="text", **more):
    return heron.QueryFunction(
        name=name,
        summary="x",
        arguments=arguments,
        result=result,
        load=lambda: call,
        columns=lambda: columns,
        **more,
    )


TAIL = function("tail", lambda text: text[-2:], lambda text: text.str.tail(2))
HALF = function("half", lambda n: n / 2, lambda n: n / 2, ["number"], "number", sql="({0} / 2.0)")
NEAR = function(
    "near", lambda a, b: abs(a - b) < 1, lambda a, b: (a - b).abs() < 1, ["number", "number"], "boolean",
    sql="(abs({0} - {1}) < 1)",
)  # fmt: skip
ROOT = function("root", lambda n: n**0.5 if n >= 0 else None, lambda n: n.sqrt(), ["number"], "number")
WRONG = function("wrong", len, lambda text: text.str.len_chars())
LIST = function("nothing", len, lambda text: [1])


class Plugin:
    @heron.hookimpl
    def register_query_functions(self):
        yield from (TAIL, HALF, NEAR, ROOT, WRONG, LIST)


class TestTail(QueryFunctionContract):
    function = TAIL
    module = "heron.search.functions"
    examples = ((["Oslo"], "lo"), ([""], ""), (["é"], "é"))


class TestHalf(QueryFunctionContract):
    function = HALF
    module = "heron.search.functions"
    examples = (([3], 1.5), ([0.5], 0.25))


class TestNear(QueryFunctionContract):
    function = NEAR
    module = "heron.search.functions"
    examples = (([1, 1.5], True), ([1, 3], False))


class TestRoot(QueryFunctionContract):
    function = ROOT
    module = "heron.search.functions"
    examples = (([4], 2), ([-1], None))


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MANY", 1)
    monkeypatch.setattr(kept, "PENDING", 1)
    with heron.open(tmp_path, plugins=[Plugin()], discover=False) as workspace:
        for key, kind in {"city": "varchar", "score": "number", "ok": "boolean"}.items():
            workspace.schema.add_scalar(key, kind)
        rows = [
            {"city": "Oslo", "score": 4},
            {"city": "Rome", "score": -1},
            {"score": 0.5},
            {},
            {"city": "Lo"},
        ]
        facts = MediaFacts("image", "image/png", width=3)
        items = [NewItem(f"u:{n}", facts, name=str(n), metadata=row) for n, row in enumerate(rows)]
        workspace.registration.register(items, "F")
        workspace.columns.refresh()
        yield workspace


@pytest.mark.parametrize(
    ("where", "names"),
    {
        "tail(city) = 'lo'": "0", "tail(city) = 'Lo'": "4", "NOT tail(city) = 'lo'": "14", "tail(city) IS NULL": "23",
        "half(score) = 2": "0", "half(score) < 1": "12", "half(width) = 1.5": "01234", "near(score, width)": "",
        "near(score, 3.5)": "0", "root(score) = 2": "0", "root(score) IS NULL": "134", "half(half(score)) = 1": "0",
        "tail(city) = 'lo' OR half(score) = 0.25": "02", "half(city) IS NULL": None, "tail(name) = '3'": "3",
    }.items(),
)  # fmt: skip
def test_columns_find_what_the_python_form_finds(lake, where, names):
    if names is None:
        with pytest.raises(heron.QueryError):
            lake.search.count(where=where)
        return
    plan = lake._planner.plan(Query(where=where))
    columns, sqlite = lake._engines.of(plan), lake._engines._sqlite
    assert isinstance(columns, ColumnsEngine)
    assert lake.search.explain(where=where).engine == "columns"
    assert columns.ids(plan).tolist() == sqlite.ids(plan).tolist()
    assert "".join(sorted(item.name for item in lake.search(where=where))) == names


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("wrong(city) = 'x'", "query function wrong gives columns of UInt32"),
        ("nothing(city) = 'x'", "returned list"),
    ],
)
def test_a_form_that_is_wrong_is_named(lake, where, reason):
    with pytest.raises(heron.QueryError, match=reason):
        lake.search.count(where=where)
