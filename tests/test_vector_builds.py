"""Building the graph of vectors."""

import pytest
from attrs import evolve

from heron.errors import CatalogueBusy, CatalogueError
from heron.vectors.files import exclusive
from heron.vectors.space import Space
from tests.test_vector_files import SMALL, assert_finds_all, matrix, nearest, opened, some  # noqa: F401 - fixtures

# Builds


def test_a_build_can_be_stopped_and_goes_on(matrix):
    matrix.write(0, some(1200))
    seen = []

    def until_half(done, total):
        seen.append((done, total))
        if done > 512:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(matrix).build_graph(until_half)
    space = opened(matrix)
    assert space.status().graph.rows == 512
    resumed = []
    space.build_graph(lambda done, total: resumed.append((done, total)))
    assert space.status().graph.rows == 1152
    assert resumed[0][0] > 512
    assert resumed[-1] == (1152, 1152)
    assert len(space.view().graph._index) == 1152
    recalls = [len(set(space.search(q, 10).rows) & set(nearest(some(1200), q))) for q in some(20, 7)]
    assert space.search(some(1, 7)[0], 10).plan.way == "index"
    assert sum(recalls) >= 190


def test_searches_go_on_during_a_build_and_take_what_was_saved(matrix):
    matrix.write(0, some(1200))
    space = opened(matrix)
    rows = []

    def search(done, total):
        assert len(space.search(some(1, 5)[0], 10).rows) == 10
        rows.append(space.status().graph.rows)

    space.build_graph(search)
    assert set(rows) == {0, 128, 256, 512, 768, 1024}


def test_only_one_builds_at_a_time(matrix):
    matrix.write(0, some(600))
    with exclusive(matrix.path.parent / "colour.graph.lock") as is_ours:
        assert is_ours
        with pytest.raises(CatalogueBusy, match="by another process"):
            opened(matrix).build_graph()
    opened(matrix).build_graph()


def test_a_reader_that_cannot_refresh_goes_on_without(matrix):
    matrix.write(0, some(600))
    with exclusive(matrix.path.parent / "colour.codes.lock"):
        space = opened(matrix)
        space.refresh()
        assert space.status().codes.rows == 0
        assert_finds_all(space, matrix.mapped(600))


def test_caches_that_cannot_be_written_do_not_hinder_a_search(matrix, tmp_path):
    matrix.write(0, some(600))
    space = Space(matrix, 600, tmp_path / "not there", "colour", tuning=SMALL)
    space.refresh()
    assert_finds_all(space, matrix.mapped(600))
    with pytest.raises(CatalogueError, match="make the folder writable"):
        space.build_graph()


def test_vectors_of_zeros_are_not_in_the_graph_and_are_never_found(matrix):
    vectors = some(600)
    vectors[::3] = 0
    matrix.write(0, vectors)
    space = opened(matrix)
    space.build_graph()
    assert len(space.view().graph._index) == 384
    for exact in (True, False):
        found = space.search(some(1)[0], 500, exact=exact)
        assert len(found.rows) == 400
        assert not (found.rows % 3 == 0).any()
    assert space.verify() == ["200 of the vectors hold only zeros, and are never found; the first is row 0"]


def test_few_vectors_get_no_graph(matrix):
    matrix.write(0, some(100))
    space = opened(matrix)
    space.build_graph()
    assert (space.status().codes.rows, space.status().graph.rows) == (100, 0)


def test_a_graph_that_misses_too_much_is_neither_used_nor_extended(matrix):
    tuning = evolve(SMALL, connectivity=2, expansion_add=2, expansions=(1,))
    matrix.write(0, some(1200))
    space = opened(matrix, tuning=tuning)
    space.build_graph()
    status = space.status()
    assert (status.graph.rows, status.expansion) == (128, None)
    assert status.recall < 0.9
    assert space.search(some(1)[0], 10).plan.way == "scan"
    space.build_graph(lambda done, total: pytest.fail("it was extended"))
