"""The SQLite engine gives the same answers as an engine that evaluates conditions in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import heron
from heron.models import Query
from heron.search.tally import Bins, Extent, Spans, Values
from heron.search.tree import Among, Field, InFolder
from heron.search.values import plain
from tests.naive_engine import NaiveEngine
from tests.random_queries import FOLDERS, KEYS, new_items, sorts
from tests.random_queries import conditions as random_conditions
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
def naive(lake):
    return NaiveEngine(lake)


@settings(max_examples=150, deadline=None)
@given(conditions, st.sampled_from(SORTS), st.integers(1, 3))
def test_sqlite_agrees_with_the_naive_engine(lake, naive, where, sort, limit):
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


# Records made at random, of every type, deleted ones and frames among them


@pytest.fixture
def random_lake(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        for name, kind in KEYS.items():
            workspace.schema.add_scalar(name, kind)
        workspace.schema.add_enum("kindof", ["sun", "rain"])
        workspace.schema.add_embedding("clip", 2)
        for folder in FOLDERS:
            workspace.folders.ensure(folder)
        workspace.collections.create("C")
        workspace.datasets.create("D")
        workspace.projects.create("P", datasets="D")
        yield workspace


def fill(workspace, drawn):
    """The items of one example, instead of those before."""
    workspace.items.delete(workspace.items.list(deleted=True))
    for folder, item, is_deleted, in_collection, in_dataset in drawn:
        workspace.registration.register([item], folder)
        known = workspace.items.list()[-1]
        if in_collection:
            workspace.collections.add("C", known)
        if in_dataset:
            workspace.datasets.add("D", known)
        if is_deleted:
            workspace._database.execute("UPDATE items SET deleted_at = created_at WHERE id = ?", [known.id])


def tallies_of(naive, plan, field):
    """Everything that can be counted of a field over a plan."""
    [extent] = naive.tallies(plan, [Extent(field)])
    (_, _), (least, _), (greatest, _) = extent
    found = [Extent(field), Values(field, 2), Values(field, 99)]
    if field.type == "number" and least is not None and 0 < 7 * (float(greatest) - float(least)) < math.inf:
        found.append(Bins(field, float(least), float(greatest), 7))
    if field.type == "datetime":
        found += [Spans(field, length) for length in (4, 7, 10, 13)]
    return found


def agree(sqlite, naive, plan, limit):
    """Every verb of the engines gives the same."""
    for term in plan.sort:
        tallies = tallies_of(naive, plan, term.field)
        counted = [list(map(tuple, counts)) for counts in sqlite.tallies(plan, tallies)]
        assert counted == naive.tallies(plan, tallies)
    ids = naive.ids(plan).tolist()
    assert sqlite.ids(plan).tolist() == ids
    assert sqlite.count(plan) == len(ids)
    some = np.array([*naive.rows[plan.table], 10**6, *ids], np.int64)
    assert sqlite.keeps(plan, some).tolist() == naive.keeps(plan, some).tolist()
    size = max(some[:-1], default=0) // 2 + 2
    assert sqlite.mask(plan, int(size)).tolist() == naive.mask(plan, int(size)).tolist()
    seen, after = [], None
    while page := sqlite.page(plan, limit, after):
        assert [tuple(row) for row in page] == [tuple(row) for row in naive.page(plan, limit, after)]
        seen += [id for id, _ in page]
        after = page[-1]
    assert sorted(seen) == ids
    assert sqlite.order(plan).tolist() == seen
    fields: list[Field] = [term.field for term in plan.sort]
    if fields:
        given = list(naive.rows[plan.table])
        assert [list(c) for c in sqlite.values(plan.table, fields, given)] == naive.values(
            plan.table, fields, given
        )
        wanted = [field for field in fields if field.affinity != "json"]
        stored = naive.values(plan.table, wanted, given)
        found = sqlite.plain_values(plan.table, wanted, np.array(given, np.int64))
        assert [list(values) for values in found] == [
            [plain(field, each) for each in values] for field, values in zip(wanted, stored, strict=True)
        ]


@pytest.mark.slow
@pytest.mark.parametrize("frames", [False, True], ids=["items", "frames"])
def test_engines_agree_on_records_made_at_random(random_lake, frames):
    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=set(Phase) - {Phase.shrink},
    )
    @given(st.data())
    def compare(data):
        fill(random_lake, data.draw(new_items()))
        naive = NaiveEngine(random_lake)
        for _ in range(8):
            query = Query(where=data.draw(random_conditions(frames)), sort=data.draw(sorts(frames)))
            plan = random_lake._planner.plan(query, frames=frames)
            if data.draw(st.booleans()):
                plan = plan.narrowed(InFolder(data.draw(st.sampled_from(FOLDERS)), data.draw(st.booleans())))
            if data.draw(st.booleans()):
                known = list(naive.rows["items"])
                plan = plan.narrowed(Among("items", data.draw(st.lists(st.sampled_from(known)))))
            agree(random_lake._engines.of(plan), naive, plan, data.draw(st.integers(1, 3)))

    compare()
