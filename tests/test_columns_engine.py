"""The engine of columns gives the same answers as an engine that evaluates conditions in plain Python, and as SQLite."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from heron.catalog.columns import kept
from heron.models import MediaFacts, Member, NewItem, Query
from heron.search.columns_engine import ColumnsEngine
from heron.search.frame_columns import FrameColumnsEngine
from heron.search.sqlite_engine import SqliteEngine
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
    monkeypatch.setattr(kept, "MANY", 1)
    monkeypatch.setattr(kept, "PENDING", 1)


@pytest.mark.parametrize("where", sorted(FOUND))
def test_columns_find_what_sqlite_finds(lake, small, where):
    plan = lake._planner.plan(Query(where=where))
    columns, sqlite = lake._engines.of(plan), lake._engines._sqlite
    assert isinstance(columns, ColumnsEngine)
    assert columns.ids(plan).tolist() == sqlite.ids(plan).tolist()
    assert columns.count(plan) == sqlite.count(plan)
    quick = columns.quick_mask(plan, 1_000)
    assert (quick is None) == (columns.explain(plan).engine == "SQLite")
    assert quick is None or quick.tolist() == sqlite.mask(plan, 1_000).tolist()
    assert columns.mask(plan, 1_000).tolist() == sqlite.mask(plan, 1_000).tolist()
    assert sqlite.quick_mask(plan, 1_000) is None


def answered_by_columns(lake, where):
    return lake.search.explain(where=where).engine == "columns"


def test_most_of_the_language_is_answered_by_columns(lake, small):
    by_sqlite = [where for where in FOUND if not answered_by_columns(lake, where)]
    assert len(by_sqlite) < len(FOUND) / 10


def test_sqlite_counts_only_what_columns_cannot(lake, small, monkeypatch):
    lake.columns.rebuild()
    asked, tallies = [], SqliteEngine.tallies

    def noted(self, plan, wanted, *more):
        asked.extend(tally.field.name for tally in wanted)
        return tallies(self, plan, wanted, *more)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteEngine, "tallies", noted)
        found = lake.facets("pages,score,width,sample_rate,exif.Absent", where="size > 0")
    assert set(asked) == {"score"}
    monkeypatch.setattr(kept, "MANY", 10**9)
    assert found == lake.facets("pages,score,width,sample_rate,exif.Absent", where="size > 0")
    assert [facet.present > 0 for facet in found] == [False, True, True, False, False]


def urls_and_names(root):
    """Conditions on where files are, and whether each finds some."""
    inside = (root / "pictures" / "b b.png").as_uri()
    return {
        f"url = '{inside}'": True, f"NOT (url = '{inside}' OR width < 0)": True, f"url IN ('{inside}', 'x')": True,
        f"url <> '{inside}'": True, f"url LIKE '{root.as_uri()}/%'": True, "url LIKE 'file:./%'": False,
        "url LIKE 's3://lake/%'": True, "url > 's'": True, "lower(url) LIKE '%B%20B%'": True, "url IS NULL": False,
        "has_file('b b.png')": True, "has_file('B B.PNG')": True, "has_file('pictures/b b.png')": True,
        "has_file('ictures/b b.png')": False, "has_file('b')": False, "has_file('%.png')": True, "has_file('b_b.png')": False,
        "has_file('inner.png')": True, "has_file('more.zip')": True, "has_file('deep/inner.png')": True,
        "NOT has_file('more.zip')": True, "has_file('ct/1.dcm')": True, "has_file('2.dcm') AND width > 0": True,
        "has_file('c.png') OR has_file('none')": True, "path LIKE 'pictures/%' AND has_file('b b.png')": True,
    }  # fmt: skip


def test_columns_find_files_by_url_and_name_as_sqlite_does(workspace, small):
    """Files below the workspace, in an archive, of a series, and elsewhere."""
    series = [Member("s3://lake/ct/1.dcm"), Member("s3://lake/ct/2.dcm")]
    facts = MediaFacts("image", "image/png", 10, 10)
    urls = [
        (workspace.root / "pictures" / name).as_uri()
        for name in ("a.png", "b b.png", "more.zip#zip=deep/inner.png")
    ]
    urls.append(f"{(workspace.root / 'more.zip').as_uri()}#zip=deep/inner.png")
    new = [NewItem(url, facts) for url in (*urls, "s3://lake/c.png", "file:///elsewhere/b.png")]
    workspace.registration.register([*new, NewItem("s3://lake/ct#series=1", facts, members=series)], "A")
    workspace.columns.rebuild()
    for where, finds_some in urls_and_names(workspace.root).items():
        plan = workspace._planner.plan(Query(where=where))
        columns, sqlite = workspace._engines.of(plan), workspace._engines._sqlite
        assert columns.ids(plan).tolist() == sqlite.ids(plan).tolist(), where
        assert bool(sqlite.count(plan)) == finds_some, where
        assert columns.explain(plan).engine == "columns" or where.startswith("url = "), where
    assert [item.url for item in workspace.search(sort="-url")] == sorted(
        (item.url for item in workspace.items.list()), reverse=True
    )


def test_a_stream_of_all_is_in_the_order_of_pages_and_leaves_out_what_is_deleted_meanwhile(
    workspace, small, monkeypatch
):
    for module in ("heron.search.service", "heron.catalog.listed"):
        monkeypatch.setattr(f"{module}.BUNDLE", 3)
    facts = MediaFacts("image", "image/png", 10, 10)
    new = [NewItem(f"s3://lake/{number % 4}-{number}.png", facts, size=number) for number in range(11)]
    workspace.registration.register(new, "A")
    workspace.columns.rebuild()
    for parts in (
        {"sort": "-name"},
        {"where": "size > 2"},
        {"where": "size > 2", "sort": "name", "limit": 7},
        {},
    ):
        monkeypatch.setattr(kept, "MANY", 1)
        by_columns = [item.name for item in workspace.search.all(**parts)]
        monkeypatch.setattr(kept, "MANY", 10**9)
        assert by_columns == [item.name for item in workspace.search.all(**parts)], parts
        assert len(by_columns) == min(parts.get("limit", 11), 8 if "where" in parts else 11)
    monkeypatch.setattr(kept, "MANY", 1)
    stream = workspace.search.all(sort="size")
    first = next(stream)
    workspace.items.delete([item for item in workspace.items.list() if item.size == 6])
    assert [first.size, *(item.size for item in stream)] == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]


CONDITIONS_ON_FRAMES = [
    "frame.seconds > 0 AND width > 0",
    "NOT (frame.is_key AND width > 0)",
    "NOT (frame.seconds > 0 OR NOT in_folder('A'))",
    "frame.number = 1 OR in_collection('C')",
    "frame.seconds < width",
    "metric.x > 0.5 OR metric.x IS NULL",
    "frame.city IS NULL AND city IS NOT NULL",
    "frame.loose = '7' OR frame.loose > 'a'",
    "frame.clip IS NULL",
    "latitude(frame.place) > 0",
    "TRUE",
    "NULL",
]
GIVEN = ({"loose": 7}, {"loose": "b"}, {"place": {"latitude": 36, "longitude": 3}}, {"city": "B"})


@pytest.mark.slow
def test_columns_of_frames_agree_on_records_made_at_random(random_lake, small, monkeypatch):
    def measure(data, chosen):
        """Metrics, and metadata of several types, which are written one row after another."""
        for frame in chosen:
            metrics = data.draw(st.sampled_from(({}, {"x": 0.25}, {"x": 1})))
            random_lake._database.execute(
                "UPDATE frames SET metrics = ? WHERE id = ?", [json.dumps(metrics), frame]
            )
            given = data.draw(st.sampled_from((None, *GIVEN)))
            if given is not None:
                sql = "UPDATE frames SET metadata = ? WHERE id = ?"
                random_lake._database.execute(sql, [json.dumps(given), frame])

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=set(Phase) - {Phase.shrink},
    )
    @given(st.data())
    def compare(data):
        monkeypatch.setattr(kept, "PENDING", 1)
        monkeypatch.setattr(kept, "_LARGEST", data.draw(st.sampled_from((0, 1000))))
        fill(random_lake, data.draw(new_items()))
        random_lake.columns.refresh()
        monkeypatch.setattr(kept, "PENDING", data.draw(st.sampled_from((1, 50))))
        for folder, item, *_ in data.draw(new_items()):
            random_lake.registration.register([item], folder)
        frames = [row[0] for row in random_lake._database.rows("SELECT id FROM frames")]
        if frames:
            measure(data, data.draw(st.lists(st.sampled_from(frames), unique=True)))
            gone = data.draw(st.lists(st.sampled_from(frames), max_size=2, unique=True))
            random_lake._database.execute_many("DELETE FROM frames WHERE id = ?", [(id,) for id in gone])
        naive = NaiveEngine(random_lake)
        conditions = st.one_of(random_conditions(True), st.sampled_from(CONDITIONS_ON_FRAMES))
        for _ in range(8):
            query = Query(where=data.draw(conditions), sort=data.draw(sorts(True)))
            plan = random_lake._planner.plan(query, frames=True)
            if data.draw(st.booleans()):
                plan = plan.narrowed(InFolder(data.draw(st.sampled_from(FOLDERS)), data.draw(st.booleans())))
            engine = random_lake._engines.of(plan)
            assert isinstance(engine, FrameColumnsEngine) or not naive.rows["frames"]
            agree(engine, naive, plan, data.draw(st.integers(1, 3)))

    compare()


@pytest.mark.slow
def test_columns_agree_on_records_made_at_random(random_lake, monkeypatch):
    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=set(Phase) - {Phase.shrink},
    )
    @given(st.data())
    def compare(data):
        monkeypatch.setattr(kept, "MANY", 1)
        monkeypatch.setattr(kept, "PENDING", 1)
        monkeypatch.setattr(kept, "_LARGEST", data.draw(st.sampled_from((0, 1000))))
        fill(random_lake, data.draw(new_items()))
        random_lake.columns.refresh()
        if data.draw(st.booleans()):  # a second segment, with other columns
            for folder, item, *_ in data.draw(new_items()):
                random_lake.registration.register([item], folder)
            random_lake.columns.refresh()
        changed = data.draw(st.sampled_from((None, {"city": "ab%"}, {"loose": 7}, {"score": 2**53})))
        monkeypatch.setattr(kept, "PENDING", data.draw(st.sampled_from((1, 50))))
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
