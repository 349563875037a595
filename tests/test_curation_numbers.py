"""The numbers behind curation: what is found in tiles, by short vectors and by bounds is what comparing everything finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heron.curation import crowd as crowds
from heron.curation import groups, pairs, sketch
from heron.curation.chosen import Chosen, scratch
from heron.curation.crowd import Crowd
from heron.curation.diversity import spread
from heron.curation.groups import Groups, united
from heron.curation.neighbours import indexed_cosines, nearest_cosines
from heron.curation.pairs import close_pairs, indexed_pairs
from heron.curation.sketch import sketches
from heron.vectors.matrix import Matrix
from heron.vectors.space import Space
from heron.vectors.tuning import Tuning


def silent(done):
    pass


def chosen(vectors, items=None, frames=None):
    count = len(vectors)
    return Chosen(
        vectors,
        np.empty((0, vectors.shape[1]), np.float32),
        np.arange(count),
        np.arange(1, count + 1) if items is None else items,
        np.zeros(count, np.int64) if frames is None else frames,
        np.sqrt((vectors.astype(float) ** 2).sum(1)),
    )


def drawn(count, size, kind="clustered", seed=0, dtype=np.float32):
    """Vectors of any direction, or in clusters of some thirty, with copies that are nearly equal."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((count, size))
    if kind == "clustered":
        centres = random.standard_normal((max(1, count // 30), size)) * np.linspace(3, 0.2, size)
        vectors = centres[random.integers(0, len(centres), count)] + 0.6 * vectors
    copies = count // 50
    vectors[:copies] = vectors[count // 2 : count // 2 + copies]
    vectors[:copies] += 0.1 * random.standard_normal((copies, size))
    return vectors.astype(dtype)


def cosines(vectors, others=None):
    units = [
        v.astype(float) / np.linalg.norm(v.astype(float), axis=1)[:, None]
        for v in (vectors, others)
        if v is not None
    ]
    return np.round(units[0] @ units[-1].T, 6)


def all_pairs(found):
    return {
        (int(a), int(b)): float(score)
        for part in found
        for a, b, score in zip(part.first, part.second, part.scores, strict=True)
    }


def assert_same(found, scores, threshold, *, upper=True):
    """The pairs found are those at or above the threshold; the last of six digits may be rounded otherwise."""
    wanted = by_hand(scores, threshold, upper)
    sure = {pair for pair in wanted if wanted[pair] >= threshold + 2e-6}
    assert sure <= set(found) <= set(by_hand(scores, threshold - 2e-6, upper))
    assert [found[pair] for pair in sure] == pytest.approx([wanted[pair] for pair in sure], abs=2e-6)


def by_hand(scores, threshold, upper=True):
    places = np.argwhere((np.triu(np.ones_like(scores, bool), 1) if upper else True) & (scores >= threshold))
    return {(int(a), int(b)): float(scores[a, b]) for a, b in places}


# Pairs


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clustered", "anyhow"])
@pytest.mark.parametrize(
    ("size", "threshold", "dtype"),
    [
        (128, 0.95, np.float32),
        (128, 0.6, np.float32),
        (256, 0.9, np.float16),
        (64, 1.0, np.float32),
        (300, 0.99, np.float32),
    ],
)
def test_pairs_are_those_of_comparing_all(kind, size, threshold, dtype):
    vectors = drawn(4200, size, kind, dtype=dtype)
    vectors[7] = vectors[4100] * 2
    found = all_pairs(close_pairs(chosen(vectors), None, threshold, silent))
    assert_same(found, cosines(vectors), threshold)
    assert (7, 4100) in found


@pytest.mark.slow
def test_the_sketch_is_short_where_that_pays_and_never_below_the_cosine():
    vectors = chosen(drawn(4200, 256, "anyhow"))
    [short] = sketches([vectors], 0.95)
    assert short.shape[1] < 256
    assert (short @ short.T + sketch.MARGIN >= cosines(vectors.truth)).all()
    assert sketches([vectors], -1.0)[0].shape == (4200, 256)
    assert sketches([chosen(drawn(300, 256))], 0.95)[0].shape == (300, 256)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.integers(1, 5),
    st.floats(-1, 1),
    st.sampled_from(["clustered", "anyhow"]),
)
def test_pairs_of_two_sets_are_those_of_comparing_all(seed, count, size, threshold, kind):
    first, second = drawn(count, size, kind, seed), drawn(17, size, kind, seed + 1)
    found = all_pairs(close_pairs(chosen(first), chosen(second, np.arange(100, 117)), threshold, silent))
    assert_same(found, cosines(first, second), threshold, upper=False)


@pytest.mark.slow
def test_short_vectors_serve_two_sets_of_different_kinds():
    first, second = drawn(6000, 128, seed=1), drawn(3000, 128, "anyhow", seed=2)
    second[:40] = first[-40:] * 5
    found = all_pairs(close_pairs(chosen(first), chosen(second, np.arange(9000, 12000)), 0.97, silent))
    assert_same(found, cosines(first, second), 0.97, upper=False)
    assert len(found) >= 40


def test_vectors_of_one_item_are_no_pair():
    vectors = drawn(60, 8)
    items = np.arange(60) // 3
    found = all_pairs(close_pairs(chosen(vectors, items), None, -1.0, silent))
    assert len(found) == 60 * 59 // 2 - 20 * 3
    assert all(items[a] != items[b] for a, b in found)


@pytest.mark.slow
def test_tiles_that_are_full_of_pairs_are_compared_whole(monkeypatch):
    vectors = np.repeat(drawn(3, 32, "anyhow"), 300, axis=0) + np.float32(1e-3) * drawn(900, 32, "anyhow")
    found = all_pairs(close_pairs(chosen(vectors), None, 0.9, silent))
    assert_same(found, cosines(vectors), 0.9)
    assert len(found) > 100_000
    monkeypatch.setattr(pairs, "_DENSE", 1)
    one_by_one = all_pairs(close_pairs(chosen(vectors), None, 0.9, silent))
    assert set(one_by_one) == set(found)


def test_progress_comes_to_the_end():
    told = []
    list(close_pairs(chosen(drawn(2500, 8)), None, 0.5, told.append))
    assert told == [2048, 2500]


# The index


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("index"))
    vectors = drawn(4096, 32, seed=3)
    matrix = Matrix(folder / "m", 32, "float32")
    matrix.write(0, vectors)
    tuning = Tuning(checkpoint=1024, step=8192, save=8192, least=2048, graph_step=5)
    space = Space(matrix, 4096, folder, "m", tuning=tuning)
    space.build_graph()
    assert space.status().graph.rows == 4096
    assert space.search(vectors[0], 16).plan.way == "index"
    return space, vectors


@pytest.mark.slow
def test_the_index_finds_nearly_all_pairs(indexed):
    space, vectors = indexed
    wanted = by_hand(cosines(vectors), 0.97)
    found = all_pairs(indexed_pairs(space, chosen(vectors), 0.97, silent))
    assert set(found) <= set(wanted)
    assert len(found) >= 0.98 * len(wanted) > 50
    assert list(found.values()) == pytest.approx([wanted[pair] for pair in found], abs=2e-6)


@pytest.mark.slow
def test_the_index_finds_nearly_the_same_neighbours(indexed):
    space, vectors = indexed
    by_index = np.sort(indexed_cosines(space, chosen(vectors), 5, silent), axis=1)
    exactly = np.sort(nearest_cosines(chosen(vectors), 5, silent), axis=1)
    assert (np.abs(by_index - exactly) < 1e-5).mean() > 0.98


# Groups


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30), st.integers(1, 40))
def test_groups_are_the_connected_components(edges, most):
    wanted = {node: {node} for node in range(20)}
    for a, b in edges:
        both = wanted[a] | wanted[b]
        for node in both:
            wanted[node] = both
    found = Groups(20, most)
    for number, (a, b) in enumerate((a, b) for a, b in edges if a != b):
        found.add(np.array([a]), np.array([b]), np.array([number / 100]), np.array([[a], [b]]))
    assert found.labels().tolist() == [min(wanted[node]) for node in range(20)]
    held = found.pairs()
    best = {}
    for number, (a, b) in enumerate((a, b) for a, b in edges if a != b):
        best[min(a, b), max(a, b)] = number / 100
    assert {(a, b): s for a, b, s in held[:3].T.tolist()} == pytest.approx(best)
    assert (held[:2] == held[3:]).all()  # what a pair is remembered by turns with it


def test_long_chains_are_one_group():
    count = 5000
    order = np.random.default_rng(0).permutation(count)
    assert not united(np.arange(count), order[1:], order[:-1]).any()


def test_pairs_that_come_in_great_numbers_are_sifted_and_the_groups_know_all(monkeypatch):
    monkeypatch.setattr(groups, "_MANY", 100)
    monkeypatch.setattr(groups, "_EACH", 2)
    first, second = np.triu_indices(30, 1)
    scores = np.random.default_rng(0).random(len(first))
    found = Groups(31)
    order = np.random.default_rng(1).permutation(len(first))
    found.add(first[order], second[order], scores[order], np.stack([first, second])[:, order])
    assert found.thinned
    assert found.labels().tolist() == [0] * 30 + [30]
    held = found.pairs()
    for place in range(29):
        assert sorted(held[2, held[0] == place]) == sorted(scores[first == place])[-2:]
    assert (held[:2] == held[3:]).all()


def test_of_very_many_pairs_the_best_are_held_and_the_groups_know_all(monkeypatch):
    monkeypatch.setattr(groups, "_EACH", 3)
    count = 60
    first, second = np.triu_indices(count, 1)
    scores = 1 - (second - first) / 1000
    found = Groups(count, most=200)
    for place in range(count):
        part = first == place
        found.add(first[part], second[part], scores[part], np.stack([first[part], second[part]]))
    assert found.thinned
    assert not found.labels().any()
    held = found.pairs()
    assert held.shape[1] < len(first) // 3
    for place in range(20):
        assert held[1, held[0] == place].tolist()[:3] == [place + 1, place + 2, place + 3]


# Neighbours and diversity


@pytest.mark.slow
@pytest.mark.parametrize(("count", "k"), [(2, 1), (50, 10), (50, 49), (4500, 10)])
def test_neighbours_are_the_nearest_of_comparing_all(count, k):
    vectors = drawn(count, 24, seed=count)
    scores = cosines(vectors)
    np.fill_diagonal(scores, -2)
    found = np.sort(nearest_cosines(chosen(vectors), k, silent), axis=1)
    assert found == pytest.approx(np.sort(scores, axis=1)[:, -k:], abs=2e-6)


def farthest_first(vectors, places):
    """How much nearer than the farthest each one taken was, and the cosine that covers all."""
    scores = cosines(vectors)
    near, behind = scores[places[0]].copy(), []
    taken = {int(places[0])}
    for place in places[1:]:
        left = [other for other in range(len(vectors)) if other not in taken]
        behind.append(near[place] - near[left].min())
        near = np.maximum(near, scores[place])
        taken.add(int(place))
    return behind, near.min()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clustered", "anyhow"])
@pytest.mark.parametrize(("count", "wanted"), [(1, 1), (40, 40), (300, 60), (5000, 400)])
def test_each_one_taken_is_the_farthest_from_those_before(kind, count, wanted):
    vectors = drawn(count, 16, kind)
    found = spread(chosen(vectors), wanted)
    assert len(set(found.places.tolist())) == wanted
    behind, covered = farthest_first(vectors, found.places)
    assert max(behind, default=0) < 2e-6
    assert found.covered == pytest.approx(covered, abs=2e-6)
    mean = (vectors / np.linalg.norm(vectors, axis=1)[:, None]).mean(axis=0)
    assert cosines(mean[None], vectors)[0].argmax() == found.places[0]
    smaller = spread(chosen(vectors), min(wanted, 7)).places
    assert (found.places[: len(smaller)] == smaller).all()


def test_more_than_there_are_different_ones_come_to_an_end():
    vectors = np.repeat(drawn(4, 8, "anyhow"), 1500, axis=0)
    found = spread(chosen(vectors), 10)
    assert len(set(found.places.tolist())) == 10
    assert len({found.places[place] // 1500 for place in range(4)}) == 4
    assert found.covered == pytest.approx(1)


def test_large_arrays_lie_in_files_that_are_gone(monkeypatch):
    monkeypatch.setattr("heron.curation.chosen._IN_MEMORY", 100)
    made = scratch((100, 7))
    made[:] = np.arange(700).reshape(100, 7)
    assert isinstance(made.base, np.memmap)
    assert made.sum() == 700 * 699 / 2


@pytest.mark.parametrize("threshold", [0.7, 0.9, 0.97])
@pytest.mark.parametrize("shared", [False, True])
def test_a_crowd_of_pairs_gives_the_groups_of_all_and_the_nearest(monkeypatch, threshold, shared):
    monkeypatch.setattr(crowds, "MANY", 0)
    monkeypatch.setattr(crowds, "_STRIP", 37)
    monkeypatch.setattr(pairs, "_ROWS", 150)
    monkeypatch.setattr(pairs, "_COLUMNS", 260)
    monkeypatch.setattr(groups, "_EACH", 4)
    vectors = drawn(700, 16, seed=4)
    owner = np.arange(700) // 3 if shared else np.arange(700)
    kinds = np.arange(owner.max() + 1) % 2 if shared else np.zeros(700, np.int64)
    given = chosen(vectors, owner + 1)
    crowd = Crowd(given, owner, kinds, threshold)
    parts = list(close_pairs(given, None, threshold, silent, crowd))
    first, second, scores = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "second", "scores")
    )
    exact = cosines(vectors)
    above = np.triu(exact >= threshold, 1)
    above &= (owner[:, None] != owner) & (kinds[owner][:, None] == kinds[owner])
    assert above[first, second].all()
    assert scores == pytest.approx(exact[first, second], abs=1e-6)
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(first)
    everything = np.nonzero(above)
    whole, found = (
        united(np.arange(len(kinds)), owner[a], owner[b]) for a, b in (everything, (first, second))
    )
    assert found.tolist() == whole.tolist()
    assert crowd.dropped == (len(first) < len(everything[0]))
    for place in np.flatnonzero(above.any(axis=1)).tolist():
        best = np.sort(exact[place, above[place]])[-4:]
        assert np.sort(scores[first == place])[-len(best) :] == pytest.approx(best, abs=2e-6)


def test_a_crowd_whose_scores_lie_at_the_threshold_decides_by_exact_cosines(monkeypatch):
    monkeypatch.setattr(crowds, "MANY", 0)
    angles = np.arccos(0.9 + np.linspace(-1e-5, 1e-5, 60))
    vectors = np.concatenate([[[1.0, 0.0]], np.stack([np.cos(angles), np.sin(angles)], axis=1)]).astype(
        np.float32
    )
    given = chosen(vectors)
    crowd = Crowd(given, np.arange(61), np.zeros(61, np.int64), 0.9)
    parts = list(close_pairs(given, None, 0.9, silent, crowd))
    linked = united(
        np.arange(61), np.concatenate([p.first for p in parts]), np.concatenate([p.second for p in parts])
    )
    exact = cosines(vectors)
    whole = united(np.arange(61), *np.nonzero(np.triu(exact >= 0.9, 1)))
    assert linked.tolist() == whole.tolist()
    assert not (
        exact[np.concatenate([p.first for p in parts]), np.concatenate([p.second for p in parts])] < 0.9
    ).any()
