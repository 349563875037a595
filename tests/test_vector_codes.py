"""The int8 codes of vectors."""

import os
import shutil

import numpy as np
import pytest

from heron.vectors.codes import encode
from heron.vectors.matrix import Matrix
from heron.vectors.space import CacheStatus
from tests.test_vector_files import SIZE, assert_finds_all, built, damage, matrix, opened, some  # noqa: F401 - fixtures

# Codes


def test_codes_keep_directions():
    vectors = some(1000)
    codes = encode(vectors).astype(np.float64)
    cosines = (codes * vectors).sum(1) / np.linalg.norm(codes, axis=1) / np.linalg.norm(vectors, axis=1)
    assert np.abs(codes).max(1).tolist() == [127] * 1000
    assert cosines.min() > 0.9999


def test_codes_do_not_depend_on_length():
    vectors = some(10)
    for factor in (2.0**-100, 2.0**100, 2.0**-140):
        small = (vectors * np.float32(factor)).astype(np.float32)
        assert np.abs(encode(small).astype(int) - encode(vectors)).max() <= (1 if factor < 2.0**-126 else 0)
    assert encode(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_refreshing_covers_what_came_since(matrix):
    matrix.write(0, some(100))
    opened(matrix).refresh()
    matrix.write(100, some(330, seed=1))
    space = opened(matrix)
    assert space.status().codes.rows == 100
    assert_finds_all(space, matrix.mapped(430))
    space.refresh()
    assert space.status().codes.rows == 430
    assert np.array_equal(space.view().codes.array, encode(matrix.mapped(430)))
    assert_finds_all(space, matrix.mapped(430))


def test_a_reader_of_before_goes_on_while_the_caches_grow(matrix):
    matrix.write(0, some(100))
    old = opened(matrix)
    matrix.write(100, some(900, seed=1))
    opened(matrix).build_graph()
    assert old.view().codes.rows == 1000
    assert_finds_all(old, matrix.mapped(100))
    assert max(old.search(some(1)[0], 100).rows) < 100


def cut(path, size):
    os.truncate(path, size)


FAULTS = {
    "codes damaged": (lambda d: damage(d / "colour.codes", 5000), "codes"),
    "codes cut short": (lambda d: cut(d / "colour.codes", 700), "codes"),
    "codes empty": (lambda d: cut(d / "colour.codes", 0), "codes"),
    "codes gone": (lambda d: (d / "colour.codes").unlink(), "codes"),
    "record of codes gone": (lambda d: (d / "colour.codes.json").unlink(), "codes"),
    "record of codes no JSON": (lambda d: (d / "colour.codes.json").write_text("{"), "codes"),
    "record of codes foreign": (lambda d: (d / "colour.codes.json").write_text('{"size": "9"}'), "codes"),
    "graph damaged at its head": (lambda d: damage(d / "colour.graph", 0), "graph"),
    "graph damaged at its end": (lambda d: damage(d / "colour.graph", -300), "graph"),
    "graph damaged all over": (lambda d: damage(d / "colour.graph", 100, os.urandom(40_000)), "graph"),
    "graph cut short": (lambda d: cut(d / "colour.graph", 20_000), "graph"),
    "graph longer": (lambda d: cut(d / "colour.graph", 2_000_000), "graph"),
    "graph gone": (lambda d: (d / "colour.graph").unlink(), "graph"),
    "record of graph gone": (lambda d: (d / "colour.graph.json").unlink(), "graph"),
    "record of graph a list": (lambda d: (d / "colour.graph.json").write_text("[]"), "graph"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_cache_is_not_used_and_is_made_anew(matrix, name):
    built(matrix)
    fault, part = FAULTS[name]
    fault(matrix.path.parent)
    space = opened(matrix)
    assert getattr(space.status(), part).problem
    assert getattr(space.status(), part).rows == 0
    assert_finds_all(space, matrix.mapped(600))
    assert len(space.search(some(1)[0], 10).rows) == 10
    space.build_graph()
    assert (space.status().codes.rows, space.status().graph.rows) == (600, 576)
    assert not space.status().codes.problem
    assert not space.status().graph.problem
    assert space.verify(deep=True) == []


def test_codes_that_are_longer_than_recorded_are_used_as_far_as_recorded(matrix):
    built(matrix)
    with (matrix.path.parent / "colour.codes").open("ab") as stream:
        stream.write(b"left by a refresh that was stopped")
    space = opened(matrix)
    assert space.status().codes.rows == 600
    matrix.write(600, some(100, seed=2))
    opened(matrix).refresh()
    assert np.array_equal(opened(matrix).view().codes.array, encode(matrix.mapped(700)))


def test_caches_that_were_copied_are_used_after_their_sums_were_checked(matrix, tmp_path):
    built(matrix)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in matrix.path.parent.glob("colour.*"):
        shutil.copyfile(path, copy / path.name)
    space = opened(Matrix(copy / "colour.f32", SIZE, "float32"))
    assert (space.status().codes.rows, space.status().graph.rows) == (600, 576)
    damage(copy / "colour.graph", -300)
    assert opened(space.matrix).status().graph.rows == 0


def test_caches_of_another_matrix_are_not_used(matrix):
    built(matrix)
    matrix.write(0, some(600, seed=9))
    space = opened(matrix)
    assert space.status().codes.problem == "they were made from other vectors"
    assert space.status().graph.problem == "the codes that it was made from are not there"
    assert_finds_all(space, matrix.mapped(600))
    space.refresh()
    assert space.status().codes.rows == 600
    assert space.status().graph.problem == "it was made from other vectors"
    assert_finds_all(space, matrix.mapped(600))


@pytest.mark.slow
@pytest.mark.parametrize("kept", [599, 590, 400, 1])
@pytest.mark.parametrize("added", [1, 5, 300])
def test_a_matrix_put_back_that_grew_another_way_is_noticed(matrix, kept, added):
    built(matrix)
    matrix.write(kept, some(added, seed=3))
    space = opened(matrix)
    assert space.status().codes.problem == "they were made from other vectors"
    space.build_graph()
    assert space.verify(deep=True) == []
    assert_finds_all(space, matrix.mapped(kept + added))


def test_caches_of_another_size_are_not_used(matrix):
    built(matrix)
    matrix.path.unlink()
    other = Matrix(matrix.path, 16, "float32")
    other.write(0, some(600, size=16))
    space = opened(other)
    assert space.status().codes.problem == "they were made from vectors of 24 numbers"
    space.build_graph()
    assert (space.status().codes.rows, space.status().graph.rows) == (600, 576)


def test_dropped_caches_leave_open_spaces_as_they_are(matrix):
    space = built(matrix)
    before = space.view()
    opened(matrix).drop_caches()
    assert np.array_equal(before.codes.array, encode(matrix.mapped(600)))
    assert before.graph.nearest(encode(some(1)), 20)[0].size == 20
    assert (space.status().codes, space.status().graph) == (CacheStatus(0, 0, None), CacheStatus(0, 0, None))
    assert {path.suffix for path in matrix.path.parent.iterdir()} == {".f32", ".lock"}
