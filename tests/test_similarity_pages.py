"""Queries by similarity over random lakes: their pages hold what looking at all vectors would find, each once."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
from heron.errors import QueryError
from heron.models import Item, Query
from heron.search.paging import fingerprint_of, made_cursor
from heron.vectors.graph import Graph, Judged
from heron.vectors.space import Space
from heron.vectors.tuning import DEFAULT
from tests.toy_vectors import cosines, register, some


class Brute:
    """A lake of items and frames with random vectors, some deleted, and what is to be found in it."""

    def __init__(self, lake, seed, size=6):
        """Fill the lake."""
        random = np.random.default_rng(seed)
        self.lake = lake
        lake.schema.set_from_dict(
            {"speed": "number", "story": "text", "look": {"type": "embedding", "size": size}}
        )
        items = [*register(lake, 60, "A"), *register(lake, 40, "A/B", start=100)]
        items += register(lake, 25, "C", kind="video", frames=4)
        self.facts = {
            item.id: (
                {
                    "speed": int(random.integers(0, 10)),
                    "story": " ".join(random.choice(["red", "bus", "rain"], 2)),
                },
                item.folder_path,
            )
            for item in items
        }
        lake.metadata.merge((item, self.facts[item.id][0]) for item in items)
        things = [*items[::2], *items[1::4]]
        things += [frame for item in items[100:] for frame in lake.frames.list(item) if random.random() < 0.8]
        random.shuffle(things)
        vectors = some(len(things), seed, size)
        vectors[::17] = 0
        lake.vectors.add("look", things, vectors)
        lake.vectors.add("look", things[:20], again := some(20, seed + 1, size))
        vectors[:20] = again
        ids = {item.uuid: item.id for item in items}
        self.owners = [
            (t.id, 0, None) if isinstance(t, Item) else (ids[t.item], t.id, t.number) for t in things
        ]
        self.things, self.vectors = things, vectors
        self.deleted = {int(id) for id in random.choice([item.id for item in items], 10, replace=False)}
        lake._database.execute_many(
            "UPDATE items SET deleted_at = '2026-01-31T12:00:00.000000Z' WHERE id = ?",
            [(id,) for id in self.deleted],
        )

    def scores(self, vector, allows, *, frames, without=()):
        """The best score of each item, or frame, that is allowed, by its inner id."""
        best = {}
        for (item, frame, number), score in zip(self.owners, cosines(self.vectors, vector), strict=True):
            is_meant = frame if frames else True
            if is_meant and score > -2 and item not in self.deleted and allows(*self.facts[item], number):
                id = frame if frames else item
                if id not in without:
                    best[id] = max(best.get(id, -2), score)
        return best


@pytest.fixture(scope="module", params=[1, 2])
def brute(request, tmp_path_factory):
    with heron.open(tmp_path_factory.mktemp("brute") / "lake", discover=False) as lake:
        yield Brute(lake, request.param)


CONDITIONS = {
    "": lambda facts, folder, number: True,
    "speed > 3": lambda facts, folder, number: facts["speed"] > 3,
    "speed = 7": lambda facts, folder, number: facts["speed"] == 7,
    "speed > 90": lambda facts, folder, number: False,
    "speed < 8 AND in_folder('A/B')": lambda facts, folder, number: facts["speed"] < 8 and folder == "A/B",
    "folder = 'C' OR speed = 1": lambda facts, folder, number: folder == "C" or facts["speed"] == 1,
}
queries = st.builds(
    Query,
    where=st.sampled_from([None, *filter(None, CONDITIONS)]),
    words=st.sampled_from([None, None, "red", "bus rain"]),
    folder=st.sampled_from([None, None, "A", "C"]),
    min_score=st.sampled_from([None, None, 0.0, 0.6]),
    nearest=st.sampled_from([None, None, 1, 7, 1000]),
    exact=st.booleans(),
)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    query=queries,
    seed=st.integers(0, 10**6),
    likes=st.integers(0, 3),
    frames=st.booleans(),
    limit=st.integers(1, 50),
)
def test_pages_of_any_query_hold_what_looking_at_all_would_find(brute, query, seed, likes, frames, limit):
    random = np.random.default_rng(seed)
    chosen = [int(n) for n in random.permutation(len(brute.things))[:likes] if brute.vectors[n].any()]
    vectors = [*brute.vectors[chosen], some(1, seed, 6)[0]]
    query = evolve(query, like=[*(brute.things[n] for n in chosen), vectors[-1]])
    sought = sum(vector.astype(float) / np.linalg.norm(vector.astype(float)) for vector in vectors)

    def allows(facts, folder, number):
        words = (query.words or "").split()
        is_inside = query.folder is None or (folder + "/").startswith(query.folder + "/")
        return (
            CONDITIONS[query.where or ""](facts, folder, number)
            and is_inside
            and set(words) <= set(facts["story"].split())
        )

    liked = [brute.owners[n] for n in chosen]
    without = {frame if frames else item for item, frame, _ in liked}
    if frames:
        items = {item for item, frame, _ in liked if not frame}
        without |= {frame for item, frame, _ in brute.owners if item in items}
    best = brute.scores(sought, allows, frames=frames, without=without - {0})
    expected = sorted(best.values(), reverse=True)[: query.nearest]
    expected = [score for score in expected if query.min_score is None or score >= query.min_score - 1e-9]
    ask = brute.lake.search.frames if frames else brute.lake.search
    found, cursor = [], None
    while True:
        page = ask(evolve(query, limit=limit, cursor=cursor))
        assert len(page) == len(page.matches) <= limit
        found += [(row.id, match.score) for row, match in zip(page, page.matches, strict=True)]
        if (cursor := page.cursor) is None:
            break
    assert [score for _, score in found] == pytest.approx(expected, abs=1e-5)
    assert [best[id] for id, _ in found] == pytest.approx(expected, abs=1e-5)
    assert len({id for id, _ in found}) == len(found)
    count = brute.lake.search.count_frames if frames else brute.lake.search.count
    assert count(query) == len(expected)
    if not frames:
        assert [item.id for item in brute.lake.search.all(query)] == [id for id, _ in found]


@pytest.mark.slow
@settings(max_examples=30)
@given(
    query=queries,
    seed=st.integers(0, 10**6),
    sort=st.sampled_from(["speed", "-speed,name", "-name"]),
    limit=st.integers(1, 30),
)
def test_a_sort_puts_the_nearest_in_its_order(brute, query, seed, sort, limit):
    query = evolve(query, like=some(1, seed, 6)[0], min_score=None)
    nearest = {item.id for item in brute.lake.search(evolve(query, limit=query.nearest or 100))}
    expected = [
        i.id
        for i in brute.lake.search(evolve(query, like=(), nearest=None, sort=sort, limit=10**6))
        if i.id in nearest
    ]
    found, cursor = [], None
    while True:
        page = brute.lake.search(evolve(query, sort=sort, limit=limit, cursor=cursor))
        found += [item.id for item in page]
        if (cursor := page.cursor) is None:
            break
    assert found == expected


@pytest.fixture
def coarse(monkeypatch):
    """Makes sets have a graph that misses near vectors."""
    tuning = evolve(DEFAULT, checkpoint=256, step=512, save=1024, least=512, graph_step=0, first_asked=1)
    monkeypatch.setitem(Space.__init__.__kwdefaults__, "tuning", tuning)
    monkeypatch.setattr("heron.vectors.space.judge", lambda *_: Judged(4, 0.5, 0.5))


def read_while_it_changes(lake, query, random, *, limit, vectors_like, compacts=False):
    """The items of all pages for a query, and those that were there from the first page to the last."""
    there = {item.uuid: item for item in lake.items.list()}
    page = lake.search(like=query, limit=limit)
    ways = {lake.search.explain(like=query, limit=limit).way}
    found, number = [item.uuid for item in page], 0
    while page.cursor is not None:
        number += 1
        if number < 12:  # or the pages would not end
            new = register(lake, 4, "new", start=10**6 + 10 * int(random.integers(10**7)))
            lake.vectors.add("look", new, vectors_like(4))
            gone = random.choice([*found[-2:], *there], 3, replace=False)
            lake.items.delete([item for item in gone if item in there])
            for uuid in gone:
                there.pop(str(uuid), None)
        if compacts and number == 6:
            lake.vectors.compact("look")
        page = lake.search(like=query, limit=limit if number < 12 else 500, cursor=page.cursor)
        found += [item.uuid for item in page]
    return found, there, ways


def test_items_that_come_and_go_between_pages_repeat_none_and_hide_none(tmp_path):
    random = np.random.default_rng(5)
    with heron.open(tmp_path / "lake", discover=False) as lake:
        lake.schema.add_embedding("look", 16)
        few = some(40)  # each vector belongs to several items, whose scores are equal
        lake.vectors.add("look", register(lake, 240), few[random.integers(0, 40, 240)])
        for seed in range(2):
            [query] = some(1, 50 + seed)
            found, there, _ = read_while_it_changes(
                lake,
                query,
                random,
                limit=5,
                compacts=True,
                vectors_like=lambda count: few[random.integers(0, 40, count)],
            )
            assert len(found) == len(set(found))
            assert set(there) <= set(found)


@pytest.mark.slow
def test_items_that_come_and_go_repeat_none_and_hide_none_where_an_index_misses_some(
    tmp_path, coarse, monkeypatch
):
    found_by = Graph.nearest

    def some_of(graph, code, expansion):
        rows, near = found_by(graph, code, expansion)
        return rows[rows % 3 > 0], near[rows % 3 > 0]

    monkeypatch.setattr(Graph, "nearest", some_of)
    random = np.random.default_rng(6)
    with heron.open(tmp_path / "lake", discover=False) as lake:
        lake.schema.add_embedding("look", 256)
        items, vectors = register(lake, 2300), some(2300, size=256)
        lake.vectors.add("look", items, vectors)
        lake.vectors.rebuild("look", graph=True)
        misses = 0
        for seed in range(2):
            [query] = some(1, 100 + seed, 256)
            exact = [item.uuid for item in lake.search(like=query, limit=3, exact=True)]
            near = lambda count, query=query: query + 6 * some(count, int(random.integers(10**6)), 256)  # noqa: E731
            found, there, ways = read_while_it_changes(lake, query, random, limit=3, vectors_like=near)
            misses += found[:3] != exact
            assert ways == {"index"}
            assert len(found) == len(set(found))
            assert set(there) <= set(found)
        assert misses  # or nothing was proved


@pytest.mark.slow
def test_pages_have_no_doubles_and_no_losses_where_the_first_comes_from_an_index(tmp_path, coarse):
    with heron.open(tmp_path / "lake", discover=False) as lake:
        lake.schema.add_embedding("look", 256)
        items, vectors = register(lake, 2300), some(2300, size=256)
        lake.vectors.add("look", items, vectors)
        lake.vectors.rebuild("look", graph=True)
        misses = 0
        for seed in range(12):
            [query] = some(1, 100 + seed, 256)
            best = [items[n].uuid for n in np.argsort(-cosines(vectors, query))[:30]]
            page = lake.search(like=query, limit=3)
            found = [item.uuid for item in page]
            misses += found != best[:3]
            while len(found) < 30:
                page = lake.search(like=query, limit=9, cursor=page.cursor)
                found += [item.uuid for item in page]
            assert sorted(found) == sorted(best)
            scores = np.sort(cosines(vectors, query))[::-1]
            for number in (1, 4, 20):
                bound = float(scores[number - 1 : number + 1].mean())
                shown = [item.uuid for item in lake.search(like=query, min_score=bound, limit=25)]
                assert shown == best[:number]
                assert lake.search.count(like=query, min_score=bound) == number
        assert misses  # or nothing was proved
        assert lake.search.explain(like=query, limit=3).way == "index"
        assert lake.search.explain(like=query, limit=3, exact=True).way == "scan"


@pytest.mark.parametrize(
    "values",
    [
        [None, None, None, None, None, 3],  # no row
        [None, None, None, 0.5, 7, 0],  # nothing seen
        [None, None, None, "0.5", 7, 3],
        [None, None, None, 0.5, 7.5, 3],
        [None, 0.5, 7, None, None, 3],  # rows were shown, but not which
        ["A", 0.5, 7, None, None, 3],
        ["é", 0.5, 7, None, None, 3],
        [7, 0.5, 7, None, None, 3],
        [base64.b85encode(zlib.compress(bytes(10**7))).decode(), 0.5, 7, None, None, 3],
        [base64.b85encode(zlib.compress(bytes(9))).decode(), 0.5, 7, None, None, 3],
    ],
)
def test_a_cursor_that_no_page_gave_is_refused(brute, values):
    query = Query(like=[some(1, 3, 6)[0]], limit=3)
    cursor = made_cursor(fingerprint_of(query, "items"), values)
    with pytest.raises(QueryError, match="the cursor is damaged"):
        brute.lake.search(evolve(query, cursor=cursor))


def test_replaced_vectors_are_not_found_in_a_set_so_large_that_conditions_are_asked_about_candidates(
    tmp_path,
):
    with heron.open(tmp_path / "lake", discover=False) as lake:
        lake.schema.add_embedding("look", 24)
        items, old, vectors = register(lake, 2300), some(2300, size=24), some(2300, seed=1, size=24)
        lake.vectors.add("look", items, old)
        assert lake.search(like=old[7], limit=1).rows[0].uuid == items[7].uuid
        lake.vectors.add("look", items[:2000], vectors[:2000])
        vectors[2000:] = old[2000:]
        names = np.array([item.name for item in items])
        for query in (*old[:5], *old[-2:]):
            for where, allowed in (
                (None, names >= ""),
                ("name < '2'", names < "2"),
                ("name > '99'", names > "99"),
            ):
                scores = np.where(allowed, cosines(vectors, query), -3)
                best = np.argsort(-scores)[:5]
                page = lake.search(like=query, where=where, limit=5)
                assert [item.uuid for item in page] == [items[n].uuid for n in best]
                assert [match.score for match in page.matches] == pytest.approx(scores[best], abs=1e-5)
