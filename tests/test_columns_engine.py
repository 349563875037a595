"""The engine of columns gives the same answers as an engine that evaluates conditions in plain Python, and as SQLite."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from heron.catalog.columns import service
from heron.models import Query
from heron.search.columns_engine import ColumnsEngine
from heron.search.tree import Among, InFolder
from tests.naive_engine import NaiveEngine
from tests.random_queries import FOLDERS, new_items, sorts
from tests.random_queries import conditions as random_conditions
from tests.test_conditions import FOUND, lake  # noqa: F401 - a fixture
from tests.test_engines import SORTS, agree, fill, random_lake  # noqa: F401 - a fixture

pytest.importorskip("polars")


@pytest.fixture
def small(monkeypatch):
    """Columns are used for any number of items, and written as soon as one is pending."""
    monkeypatch.setattr(service, "MANY", 1)
    monkeypatch.setattr(service, "PENDING", 1)


@pytest.mark.parametrize("where", sorted(FOUND))
def test_columns_find_what_sqlite_finds(lake, small, where):
    plan = lake._planner.plan(Query(where=where))
    columns, sqlite = lake._engines.of(plan), lake._engines._sqlite
    assert isinstance(columns, ColumnsEngine)
    assert columns.ids(plan).tolist() == sqlite.ids(plan).tolist()
    assert columns.count(plan) == sqlite.count(plan)


def answered_by_columns(lake, where):
    return lake.search.explain(where=where).engine == "columns"


def test_most_of_the_language_is_answered_by_columns(lake, small):
    by_sqlite = [where for where in FOUND if not answered_by_columns(lake, where)]
    assert len(by_sqlite) < len(FOUND) / 10


@pytest.mark.slow
def test_columns_agree_on_records_made_at_random(random_lake, monkeypatch):
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=set(Phase) - {Phase.shrink},
    )
    @given(st.data())
    def compare(data):
        monkeypatch.setattr(service, "MANY", 1)
        monkeypatch.setattr(service, "PENDING", 1)
        monkeypatch.setattr(service, "_LARGEST", data.draw(st.sampled_from((0, 1000))))
        fill(random_lake, data.draw(new_items()))
        random_lake.columns.refresh()
        if data.draw(st.booleans()):  # a second segment, with other columns
            for folder, item, *_ in data.draw(new_items()):
                random_lake.registration.register([item], folder)
            random_lake.columns.refresh()
        changed = data.draw(st.sampled_from((None, {"city": "ab%"}, {"loose": 7}, {"score": 2**53})))
        monkeypatch.setattr(service, "PENDING", data.draw(st.sampled_from((1, 50))))
        if changed is not None:
            random_lake.metadata.merge_all(random_lake.items.list()[:1], changed)
        naive = NaiveEngine(random_lake)
        for _ in range(8):
            query = Query(where=data.draw(random_conditions(False)), sort=data.draw(sorts(False)))
            plan = random_lake._planner.plan(query)
            if data.draw(st.booleans()):
                plan = plan.narrowed(InFolder(data.draw(st.sampled_from(FOLDERS)), data.draw(st.booleans())))
            if data.draw(st.booleans()):
                known = list(naive.rows["items"])
                plan = plan.narrowed(Among("items", data.draw(st.lists(st.sampled_from(known)))))
            engine = random_lake._engines._with_columns
            agree(engine, naive, plan, data.draw(st.integers(1, 3)))

    compare()
