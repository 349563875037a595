"""The engine of SQLite answers as one does that evaluates conditions in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.models import Query
from tests.naive_engine import NaiveEngine
from tests.test_conditions import FOUND, lake  # noqa: F401 - a fixture

ATOMS = sorted(where for where in FOUND if "--" not in where and ";" not in where and "now()" not in where
               and "CURRENT" not in where and "match" not in where.lower())  # fmt: skip
conditions = st.recursive(
    st.sampled_from(ATOMS).map(lambda where: f"({where})"),
    lambda inner: st.one_of(
        inner.map(lambda where: f"NOT {where}"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})"),
    ),
    max_leaves=5,
)
SORTS = [
    None,
    "exif.Model",
    "-exif.ISO,city",
    "loose",
    "-score",
    "-taken,width",
    "folder,-name",
    "aspect_ratio",
]


@pytest.fixture(scope="module")
def naive(lake):  # noqa: F811
    return NaiveEngine(lake)


@settings(max_examples=150, deadline=None)
@given(conditions, st.sampled_from(SORTS), st.integers(1, 3))
def test_sqlite_agrees_with_the_naive_engine(lake, naive, where, sort, limit):  # noqa: F811
    plan = lake._planner.plan(Query(where=where, sort=sort))
    sqlite = lake._engines.of(plan)
    assert sqlite.ids(plan).tolist() == naive.ids(plan).tolist()
    assert sqlite.count(plan) == naive.count(plan)
    some = np.array([3, 1, 3, 99])
    assert sqlite.keeps(plan, some).tolist() == naive.keeps(plan, some).tolist()
    first = sqlite.page(plan, limit)
    assert [id for id, _ in first] == [id for id, _ in naive.page(plan, limit)]
    if first:
        after = sqlite.page(plan, limit, first[-1])
        assert [id for id, _ in after] == [id for id, _ in naive.page(plan, limit, first[-1])]
