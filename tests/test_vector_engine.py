"""The search among vectors: it finds what comparing with each one finds, by whatever way it goes."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import InvalidInput
from heron.vectors.matrix import Matrix
from heron.vectors.ranking import Ranking
from heron.vectors.scoring import Query, scan
from heron.vectors.space import Space
from heron.vectors.tuning import Tuning

SMALL = Tuning(checkpoint=64, step=128, save=256, least=128, whole=20, first_asked=32, asked=2, sampled=1)


ENOUGH = Tuning(checkpoint=1024, step=8192, save=8192, least=2048, graph_step=5, first_asked=256)


class Asked:
    """A filter that counts how often it is asked; a quick one gives all its rows at once."""

    def __init__(self, mask, *, is_quick=False):
        self.mask = mask
        self.is_quick = is_quick
        self.of_rows = self.of_all = 0

    def keeps(self, rows):
        assert rows.dtype == np.int64
        self.of_rows += len(rows)
        return self.mask[rows]

    def quick_rows(self):
        return self.rows() if self.is_quick else None

    def rows(self):
        self.of_all += 1
        return np.flatnonzero(self.mask)


def open_space(folder, vectors, *, coded=None, tuning=SMALL, dtype="float32"):
    """A space whose first `coded` rows have codes."""
    matrix = Matrix(Path(folder) / "m", vectors.shape[1], dtype)
    matrix.write(0, vectors)
    count = len(vectors)
    Space(matrix, count if coded is None else coded, Path(folder), "m", tuning=tuning).refresh()
    return Space(matrix, count, Path(folder), "m", tuning=tuning)


def by_hand(vectors, query, k, mask=None, groups=None):
    """Rows and scores of the best, found by comparing all: in float64, given in float32, of equals the lower
    row.
    """
    wide, query = vectors.astype(np.float64), np.asarray(query, np.float64)
    lengths = np.sqrt((wide**2).sum(1))
    allowed = lengths > 0 if mask is None else (lengths > 0) & mask
    rows = np.flatnonzero(allowed)
    scores = (wide[rows] @ query / lengths[rows] / np.sqrt((query**2).sum())).astype(np.float32)
    order = np.lexsort((rows, -scores))
    found, seen = [], set()
    for place in order:
        group = rows[place] if groups is None else groups[rows[place]]
        if group not in seen:
            seen.add(group)
            found.append(place)
    return rows[found[:k]], scores[found[:k]]


def assert_same(found, rows, scores):
    """The scores are equal to rounding; the rows too, but for those whose scores rounding may exchange."""
    assert found.scores.dtype == np.float32
    assert found.rows.dtype == np.int64
    np.testing.assert_allclose(found.scores, scores, atol=2e-7)
    differ = found.rows != rows
    if differ.any():
        steps = np.diff(scores, append=-2, prepend=2)
        close = (np.abs(steps[:-1]) < 4e-7) | (np.abs(steps[1:]) < 4e-7)
        close[-1] = True
        assert close[differ].all()
        assert not np.any((np.diff(found.scores) == 0) & (np.diff(found.rows) <= 0))


@st.composite
def searches(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, size = draw(st.integers(0, 700)), draw(st.sampled_from([1, 2, 3, 8, 32, 100]))
    kind = draw(st.sampled_from(["random", "whole numbers", "near each other", "copies"]))
    vectors = random.standard_normal((count, size))
    if kind == "whole numbers":
        vectors = np.round(vectors)
    elif kind == "near each other":
        vectors = random.standard_normal(size) + 1e-3 * vectors
    elif kind == "copies" and count:
        vectors = vectors[random.integers(0, min(count, 5), count)]
    vectors[random.random(count) < draw(st.sampled_from([0, 0.1, 0.95]))] = 0
    scale = draw(st.sampled_from([1, 1e-25, 1e25]))
    query = random.standard_normal(size) + 0.1
    return {
        "vectors": (vectors * scale).astype(np.float32),
        "query": query,
        "k": draw(st.sampled_from([1, 3, 10, 100, 1000])),
        "mask": random.random(count) < draw(st.sampled_from([0, 0.01, 0.1, 0.5, 1])),
        "way": draw(st.sampled_from(["none", "filter", "quick filter", "rows"])),
        "groups": random.integers(0, draw(st.sampled_from([1, 5, 100])), count)
        if draw(st.booleans())
        else None,
        "coded": draw(st.sampled_from([0, count // 2, count])),
    }


@pytest.mark.slow
@given(searches())
def test_a_search_finds_what_comparing_all_finds(case):
    with tempfile.TemporaryDirectory() as folder:
        space = open_space(folder, case["vectors"], coded=case["coded"])
        mask = None if case["way"] == "none" else case["mask"]
        filter = {
            "none": None,
            "filter": Asked(case["mask"]),
            "quick filter": Asked(case["mask"], is_quick=True),
            "rows": np.flatnonzero(case["mask"]),
        }[case["way"]]
        found = space.search(case["query"], case["k"], filter=filter, groups=case["groups"])
        assert_same(found, *by_hand(case["vectors"], case["query"], case["k"], mask, case["groups"]))
        assert found.plan.way == "scan"
        assert isinstance(filter, np.ndarray | None) or filter.of_all <= 1


def test_float16_vectors_are_compared_as_they_are_kept(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((500, 32)).astype(np.float16)
    query = np.random.default_rng(1).standard_normal(32)
    found = open_space(tmp_path, vectors, dtype="float16").search(query, 20)
    assert_same(found, *by_hand(vectors, query, 20))


def test_equal_vectors_come_in_the_order_of_rows(tmp_path):
    vectors = np.tile(np.random.default_rng(0).standard_normal(16).astype(np.float32), (30_000, 1))
    vectors[:7] = 1
    found = open_space(tmp_path, vectors, tuning=ENOUGH).search(vectors[20], 10)
    assert found.rows.tolist() == list(range(7, 17))


def test_thousands_of_near_copies_are_told_apart(tmp_path):
    random = np.random.default_rng(0)
    vectors = random.standard_normal((20_000, 64))
    vectors[5_000:8_000] = vectors[5_000] + 1e-4 * vectors[5_000:8_000]
    vectors = vectors.astype(np.float32)
    found = open_space(tmp_path, vectors, tuning=ENOUGH).search(vectors[6_000], 10)
    assert_same(found, *by_hand(vectors, vectors[6_000], 10))


def test_numbers_too_large_and_too_small_to_square_are_compared(tmp_path):
    random = np.random.default_rng(0)
    vectors = random.standard_normal((300, 8)) * 10.0 ** random.integers(-40, 38, (300, 1))
    vectors = vectors.astype(np.float32)
    for coded in (0, 300):
        space = open_space(tmp_path, vectors, coded=coded)
        found = space.search(vectors[17] / np.abs(vectors[17]).max(), 10)
        assert_same(found, *by_hand(vectors, vectors[17], 10))


@pytest.mark.parametrize(
    ("query", "k", "reason"),
    [
        ([1, 2], 1, "the query: expected 3 numbers, got"),
        ([0, 0, 0], 1, "vector of zeros, which has no direction"),
        ([1, float("nan"), 0], 1, "number 2 of the vector, nan, is not a finite number"),
        ([[1, 2, 3], [1, 2, 3]], 1, "takes one vector of 3 numbers, not 2"),
        ([], 1, "takes one vector of 3 numbers, not 0"),
        ("abc", 1, "expected numbers"),
        ([1, 2, 3], 0, "1 vector or more, not 0"),
    ],
)
def test_queries_that_make_no_sense_are_refused(tmp_path, query, k, reason):
    space = open_space(tmp_path, np.ones((4, 3), np.float32))
    with pytest.raises(InvalidInput, match=reason):
        space.search(query, k)


def test_groups_of_other_vectors_and_rows_that_are_not_there_are_refused(tmp_path):
    space = open_space(tmp_path, np.ones((4, 3), np.float32))
    with pytest.raises(InvalidInput, match="groups of 4 vectors, got 3"):
        space.search([1, 2, 3], 1, groups=np.zeros(3, np.int64))
    with pytest.raises(InvalidInput, match="there are 4 vectors; rows 2 to 4"):
        space.vectors([2, 4])
    assert space.vectors([]).shape == (0, 3)
    assert space.search([1, 2, 3], 9, filter=np.array([7, 3, 1, 1, -2])).rows.tolist() == [1, 3]


def test_nothing_is_found_where_nothing_is(tmp_path):
    space = open_space(tmp_path, np.empty((0, 3), np.float32))
    for filter in (None, Asked(np.empty(0, bool)), np.empty(0, np.int64)):
        found = space.search([1, 2, 3], 5, filter=filter, groups=np.empty(0, np.int64))
        assert (found.rows.tolist(), found.scores.tolist()) == ([], [])


@pytest.mark.parametrize("size", [1, 2, 7, 24, 64, 100, 512, 513])
def test_near_scores_are_near(tmp_path, size):
    """They come from vector instructions that differ by size and processor."""
    random = np.random.default_rng(size)
    vectors = random.standard_normal((5000, size)).astype(np.float32)
    vectors[::100] = 0
    view = open_space(tmp_path, vectors, tuning=ENOUGH).view()
    query = random.standard_normal(size)
    exact = vectors @ query / np.maximum(np.linalg.norm(vectors, axis=1), 1e-9) / np.linalg.norm(query)
    sparse, dense = np.arange(0, 5000, 7), np.flatnonzero(np.arange(5000) % 4)
    for rows in (None, sparse, dense, np.arange(3000, 3010)):
        scores = scan(view.truth, view.codes.array, Query.of(query, size), rows)
        wanted = exact if rows is None else exact[rows]
        is_vector = np.ones(5000, bool) if rows is None else vectors[rows].any(1)
        is_vector = vectors.any(1) if rows is None else is_vector
        assert np.abs(scores - wanted)[is_vector].max() < 0.01
        assert not np.isnan(scores).any()


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 50, 5000]), st.integers(1, 6000), st.booleans())
def test_rankings_are_sorted_by_score_and_row(seed, count, wanted, has_ties):
    scores = np.random.default_rng(seed).standard_normal(count).astype(np.float32)
    scores = np.round(scores, 1) if has_ties else scores
    rows, near = Ranking(scores).best(wanted)
    order = np.lexsort((np.arange(count), -scores))[:wanted]
    assert rows.tolist() == order.tolist()
    assert near.tolist() == scores[order].tolist()


# With a graph


def clustered(count, size=64, seed=0):
    """Vectors in clusters of all sizes, as those of pictures are."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(1).standard_normal((100, size))
    chosen = random.choice(100, count, p=(weights := 1 / np.arange(1, 101)) / weights.sum())
    return (centres[chosen] + 0.6 * random.standard_normal((count, size))).astype(np.float32)


def masks(vectors):
    """Filters by selectivity, some random and some that go with the vectors, one way and the other."""
    random = np.random.default_rng(5)
    along = vectors @ random.standard_normal(vectors.shape[1])
    for share in (0.5, 0.1, 0.03, 0.01, 0.001):
        yield random.random(len(vectors)) < share
        yield along >= np.quantile(along, 1 - share)
        yield along <= np.quantile(along, share)


def test_importing_heron_imports_none_of_this():
    script = (
        "import sys, heron, heron.workspace; "
        "print({'numkong', 'usearch', 'heron.vectors.space'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
