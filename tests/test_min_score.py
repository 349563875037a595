"""A least score counts the rows that pages, windows, sorts and facets show, to the row, whichever way vectors are searched."""

from __future__ import annotations

import numpy as np
import pytest
from attrs import evolve

import heron
from heron.models import Query
from heron.vectors.graph import Judged
from heron.vectors.space import Space
from heron.vectors.tuning import DEFAULT
from tests.toy_vectors import register, some

COUNT = 1100
SIZE = 24


@pytest.fixture(scope="module", params=["scans", "partitions", "graph"])
def lake(request, tmp_path_factory):
    """Items of which a third are nearly the same picture, searched by small lists, so that each way gives up early."""
    coarse = evolve(DEFAULT, checkpoint=256, step=512, save=1024, least=512, graph_step=0, first_asked=8, most=40,
                    whole=64, masked=128)  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Space.__init__.__kwdefaults__, "tuning", coarse)
        patch.setattr("heron.vectors.space.judge", lambda *_: Judged(8, 0.5, 0.5))
        with heron.open(tmp_path_factory.mktemp("least") / "lake", discover=False) as workspace:
            workspace.schema.set_from_dict({"speed": "number", "look": {"type": "embedding", "size": SIZE}})
            items, vectors = register(workspace, COUNT), some(COUNT, seed=3, size=SIZE)
            vectors[::3] = vectors[0] + 1e-3 * vectors[::3]
            vectors[::50] = vectors[7]
            vectors[::97] = 0
            workspace.metadata.merge((item, {"speed": n % 10}) for n, item in enumerate(items))
            workspace.vectors.add("look", items, vectors)
            if request.param != "scans":
                workspace.vectors.rebuild("look", graph=request.param == "graph")
            yield workspace, items, vectors


def paged(ask, query, limit):
    found, cursor = [], None
    while True:
        page = ask(evolve(query, limit=limit, cursor=cursor))
        found += [(item.id, match.score) for item, match in zip(page, page.matches, strict=True)]
        if (cursor := page.cursor) is None:
            return found


def bounds(scores, random):
    """Bounds at the score of a hit: as it is, as another type of number, and beside it."""
    score = np.float32(random.choice(scores))
    return [
        float(score),
        score,
        np.float64(score),
        float(np.nextafter(score, np.float32(1))),
        float(np.nextafter(np.float64(score), 1)),
        float(np.nextafter(np.float64(score), -1)),
        round(float(score), 3),
    ]


@pytest.mark.slow
def test_a_least_score_at_the_score_of_a_hit_means_the_same_rows_everywhere(lake):
    workspace, _, vectors = lake
    random = np.random.default_rng(1)
    search = workspace.search
    for where in (None, "speed < 5", "speed = 3", "speed > 8 AND name < 'z'"):
        for place in (3, int(random.integers(COUNT))):
            like = vectors[place] if vectors[place].any() else vectors[1]
            everything = Query(like=[like + 0.01], where=where, min_score=-1.0)
            scores = [score for _, score in paged(search, evolve(everything, exact=True), 500)]
            for bound in random.permutation(np.array(bounds(scores[: len(scores) // 2], random), object))[:2]:
                query = evolve(everything, min_score=bound, exact=bool(random.integers(2)))
                count = search.count(query)
                told = f"{where} {place} {bound!r} {query.exact}"
                found = paged(search, query, int(random.integers(1, 9)) if count < 60 else 100)
                ids = {id for id, _ in found}
                assert len(ids) == len(found) == count, told
                assert all(score >= np.float32(bound) for _, score in found), told
                assert {item.id for item in search.all(query)} == ids, told
                by_sort = paged(search, evolve(query, sort="-speed,name"), 300)
                assert {id for id, _ in by_sort} == ids, told
                window = [
                    item.id
                    for start in range(0, count + 1, 700)
                    for item in search.window(evolve(query, limit=700), start=start)
                ]
                assert (len(window), set(window)) == (count, ids), told
                [facet] = workspace.facets("speed", query)
                assert facet.present + facet.missing == count, told
