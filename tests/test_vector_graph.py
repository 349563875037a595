"""The search among vectors by a graph: its recall, its plans, and its readers beside a writer."""

import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from attrs import evolve

from heron.vectors.judging import refusal
from heron.vectors.matrix import Matrix
from heron.vectors.space import Space
from tests.test_vector_engine import ENOUGH, Asked, assert_same, by_hand, clustered, masks, open_space


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """20,000 vectors with a graph over all but the last thousands, groups of frames, and queries."""
    vectors = clustered(20_000)
    folder = tmp_path_factory.mktemp("lake")
    space = open_space(folder, vectors, tuning=ENOUGH)
    Space(space.matrix, 18_000, folder, "m", tuning=ENOUGH).build_graph()
    assert space.status().graph.rows == 17 * 1024
    return space, vectors, clustered(40, seed=2)


def recall(lake, mask=None, as_rows=False, groups=None, **options):
    space, vectors, queries = lake
    hits = total = 0
    ways = set()
    for query in queries:
        filter = None if mask is None else np.flatnonzero(mask) if as_rows else Asked(mask)
        found = space.search(query, 10, filter=filter, groups=groups, **options)
        rows, scores = by_hand(vectors, query, 10, mask, groups)
        assert len(found.rows) == len(rows)
        assert mask is None or mask[found.rows].all()
        assert groups is None or len(set(groups[found.rows])) == len(rows)
        hits += np.count_nonzero(found.scores >= scores[-1] - 1e-6)
        total += len(rows)
        ways.add(found.plan.way)
    return hits / total, ways


@pytest.mark.slow
def test_the_graph_finds_98_of_100(lake):
    found, ways = recall(lake)
    assert found >= 0.98
    assert ways == {"index"}


@pytest.mark.slow
def test_an_exact_search_never_uses_the_graph(lake):
    found, ways = recall(lake, exact=True)
    assert (found, ways) == (1, {"scan"})


@pytest.mark.slow
@pytest.mark.parametrize("as_rows", [False, True])
def test_recall_is_kept_at_every_selectivity(lake, as_rows):
    seen = set()
    for mask in masks(lake[1]):
        found, ways = recall(lake, mask, as_rows)
        assert found >= 0.95
        seen |= ways
    assert seen >= ({"index", "scan"} if as_rows else {"index", "index, then scan"})


@pytest.mark.slow
def test_groups_keep_their_recall(lake):
    """Frames of one film, one after the other, are nearly the same."""
    groups = np.arange(20_000) // 40
    assert recall(lake, groups=groups)[0] >= 0.98
    for mask in masks(lake[1]):
        assert recall(lake, mask, groups=groups)[0] >= 0.95


@pytest.mark.slow
def test_many_rows_of_one_group_do_not_hide_the_others(lake):
    space, vectors, _ = lake
    groups = np.where(np.arange(20_000) < 19_990, -1, np.arange(20_000))
    found = space.search(vectors[0], 10, groups=groups)
    assert_same(found, *by_hand(vectors, vectors[0], 10, groups=groups))


@pytest.mark.slow
def test_rows_behind_the_graph_are_found(lake):
    space, vectors, _ = lake
    for row in range(17 * 1024, 20_000, 500):
        found = space.search(vectors[row], 5)
        assert (found.rows[0], found.plan.way) == (row, "index")


@pytest.mark.slow
def test_a_reader_of_before_finds_no_later_rows(lake):
    space, vectors, queries = lake
    old = Space(space.matrix, 16_500, space.matrix.path.parent, "m", tuning=ENOUGH)
    share, ways = recall((old, vectors[:16_500], queries))
    assert share >= 0.98 and ways == {"index"}
    very_old = Space(space.matrix, 5_000, space.matrix.path.parent, "m", tuning=ENOUGH)
    assert recall((very_old, vectors[:5_000], queries)) == (1, {"scan"})


@pytest.mark.slow
def test_a_filter_is_asked_little(lake):
    space, _, queries = lake
    half = Asked(np.arange(20_000) % 2 == 0)
    space.search(queries[0], 10, filter=half)
    assert (half.of_rows < 600, half.of_all) == (True, 0)
    none = Asked(np.zeros(20_000, bool))
    assert space.search(queries[0], 10, filter=none).rows.size == 0
    assert (none.of_rows <= 20_000 // 8, none.of_all) == (True, 1)
    quick = Asked(np.arange(20_000) % 80 == 0, is_quick=True)
    slow = Asked(quick.mask)
    for each in (quick, slow):
        assert each.mask[space.search(queries[0], 10, filter=each).rows].all()
    assert (quick.of_rows <= 600, quick.of_all) == (True, 1)
    assert slow.of_rows >= quick.of_rows
    tried = Space(space.matrix, 20_000, space.matrix.path.parent, "m", tuning=evolve(ENOUGH, sampled=1))
    for mask, most in ((quick.mask, 64), (half.mask, 600)):
        asked = Asked(mask, is_quick=True)
        found = tried.search(queries[0], 10, filter=asked).rows
        assert mask[found].all() and len(found) == 10
        assert asked.of_rows <= most and asked.of_all == (mask is quick.mask)


def test_plans_say_why(lake):
    space, _, queries = lake
    plan = space.search(queries[0], 10, filter=Asked(np.arange(20_000) % 2 == 0)).plan
    assert plan.reason.startswith(f"the graph considered {plan.expansion:,} candidates; ")
    assert f" of {plan.asked:,} are allowed" in plan.reason
    plan = space.search(queries[0], 10, filter=np.arange(50)).plan
    assert plan.reason == "50 of 20,000 vectors are allowed; 50 vectors were scanned"
    assert (plan.way, plan.scanned, plan.candidates, plan.expansion, plan.asked) == ("scan", 50, 50, 0, 0)


def test_threads_find_the_same_as_one(lake):
    space, _, queries = lake
    wanted = [space.search(query, 10).rows.tolist() for query in queries]
    wrong = []

    def search():
        for query, rows in zip(queries, wanted, strict=True):
            if space.search(query, 10).rows.tolist() != rows:
                wrong.append(rows)

    threads = [threading.Thread(target=search) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.slow
def test_readers_see_whole_states_while_one_writes(tmp_path):
    """One process appends, refreshes and builds; this one opens and searches what was committed."""
    vectors = clustered(6_000)
    matrix = Matrix(tmp_path / "m", 64, "float32")
    matrix.write(0, vectors[:500])
    np.save(tmp_path / "all.npy", vectors)
    script = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from heron.vectors.matrix import Matrix\n"
        "from heron.vectors.space import Space\n"
        "from heron.vectors.tuning import Tuning\n"
        "folder = Path(sys.argv[1]); vectors = np.load(folder / 'all.npy')\n"
        "matrix = Matrix(folder / 'm', 64, 'float32')\n"
        "for end in range(1000, 6001, 500):\n"
        "    matrix.write(end - 500, vectors[end - 500 : end])\n"
        "    print(end, flush=True)\n"
        "    tuning = Tuning(checkpoint=1024, step=8192, save=1024, least=2048, graph_step=5)\n"
        "    space = Space(matrix, end, folder, 'm', tuning=tuning)\n"
        "    space.refresh(); space.build_graph()\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    committed, searched = 500, 0
    for line in writer.stdout:
        committed = int(line)
        for _ in range(5):
            space = Space(matrix, committed, tmp_path, "m", tuning=ENOUGH)
            query = vectors[searched % committed]
            found = space.search(query, 5, exact=True)
            assert_same(found, *by_hand(vectors[:committed], query, 5))
            assert max(space.search(query, 50).rows) < committed
            searched += 1
    assert (writer.wait(), committed, searched) == (0, 6_000, 55)
    assert Space(matrix, 6_000, tmp_path, "m", tuning=ENOUGH).status().graph.rows == 5 * 1024


def test_a_graph_that_finds_too_few_is_given_up_early_and_says_for_which_queries(tmp_path):
    tuning = evolve(
        ENOUGH,
        checkpoint=256,
        step=512,
        least=1024,
        save=2048,
        expansions=(4,),
        connectivity=2,
        expansion_add=2,
    )
    space = open_space(
        tmp_path, np.random.default_rng(1).standard_normal((4000, 64)).astype("f4"), tuning=tuning
    )
    space.build_graph()
    assert (space.status().graph.rows, space.status().expansion) == (1024, None)
    said = refusal(space.status().recall, space.status().far_recall)
    assert re.fullmatch(
        r"the graph finds [\d.]+ % of the nearest for queries near the vectors, 98.5 % is needed: it is not used",
        said,
    )


def test_what_is_shown_of_a_refused_graph_is_below_what_is_needed():
    assert "98.4 % of the nearest for queries near the vectors, 98.5 %" in refusal(0.98499, 0.99)
    assert "94.9 % of the nearest for queries farther from the vectors, 95 %" in refusal(0.99, 0.9499)
    assert refusal(0.99, None).startswith("the graph finds too few")
