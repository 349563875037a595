"""Values that columns hold, or leave to SQLite, in segments of a few items."""

import pytest

import heron
from heron.catalog.columns import kept
from heron.models import MediaFacts, NewItem

pytest.importorskip("polars")


def of(*metadata, url="x"):
    return [
        NewItem(f"s3://b/{url}{n}", MediaFacts("image", "x/y"), metadata=given)
        for n, given in enumerate(metadata)
    ]


def both(workspace, where):
    """The rows by the columns, and by SQLite."""
    plan = workspace._planner.plan(heron.Query(where=where))
    return workspace._engines.of(plan).ids(plan).tolist(), workspace._engines._sqlite.ids(plan).tolist()


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MANY", 1)
    monkeypatch.setattr(kept, "PENDING", 1)
    monkeypatch.setattr(kept, "_LARGEST", 0)  # no merging: each refresh is a segment of its own
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add_scalar("n", "number")
        workspace.schema.add_scalar("city", "varchar")
        yield workspace


@pytest.mark.parametrize(
    "where",
    [
        "n < 3 AND city LIKE 'c%'",
        "n < 3 AND lower(city) = 'c1'",
        "n < 3 AND NOT city LIKE 'c%'",
        "n < 3 AND length('abc') > 7",
        "city LIKE 'c%'",
    ],
)
def test_a_segment_without_the_column_of_a_slow_part_finds_nothing_by_it(empty, where):
    empty.registration.register(of(*({"n": n, "city": f"c{n}"} for n in range(20))), "A")
    empty.columns.refresh()
    empty.registration.register(of(*({"n": n} for n in range(5)), url="y"), "A")
    empty.items.delete(empty.items.list()[:1])
    empty.columns.refresh()
    assert empty.columns.status().segments >= 2
    by_columns, by_sqlite = both(empty, where)
    assert by_columns == by_sqlite


def test_a_number_that_no_column_holds_is_left_to_sqlite(empty):
    fact = MediaFacts("image", "x/y", width=3, extra={"exif": {"big": 2**63, "least": -(2**63)}})
    empty.registration.register([NewItem("s3://b/1", fact)], "A")
    for where in ("width >= 0", "exif.big > 0", "exif.least < 0"):
        assert both(empty, where) == ([1], [1])
    with pytest.raises(heron.QueryError):
        empty.search.count(where="abs(exif.least) > 0")


def test_arithmetic_is_that_of_sqlite_to_the_last_bit(empty):
    empty.registration.register(of(*({"n": n} for n in [*range(20), 134217729, 0.5])), "A")
    for where in ("n / 10 = 0.3", "n / 10 = 0.6", "n / 10 = 0.7", "n * n + 1 > n * n", "10 / n < 3"):
        by_columns, by_sqlite = both(empty, where)
        assert by_columns == by_sqlite, where


def test_a_sorted_query_before_the_first_segment(empty):
    empty.columns.rebuild()
    empty.registration.register(of({"n": 2}, {"n": 1}), "A")
    kept.PENDING = 50
    assert [item.metadata["n"] for item in empty.search(where="n > 0", sort="n")] == [1, 2]


@pytest.mark.parametrize(
    "values", [range(197), range(50), [x * 8e306 for x in range(-10, 11)], [1234567, 2.5, 3, 4]]
)
def test_facets_are_those_of_sqlite_in_value_and_type(empty, values):
    empty.registration.register(of(*({"n": n} for n in values)), "A")
    for bins in (20, 49):
        by_columns = empty.facets("n", bins=bins)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(empty.columns._items), "are_used", lambda self, is_new: False)
            by_sqlite = empty.facets("n", bins=bins)
        assert repr(by_columns[0].buckets) == repr(by_sqlite[0].buckets)
