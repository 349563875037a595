"""The files of vectors: the truth that only grows, what is refused, and caches that are never trusted
blindly.
"""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import CatalogueError, InvalidInput
from heron.vectors.checking import checked
from heron.vectors.matrix import Matrix
from heron.vectors.space import Space
from heron.vectors.tuning import Tuning
from tests.killed import copied_before_each

SIZE = 24
SMALL = Tuning(checkpoint=64, step=128, save=256, least=128, graph_step=0, expansions=(64, 256), whole=50)


def some(count, seed=0, size=SIZE):
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


@pytest.fixture
def matrix(tmp_path):
    return Matrix(tmp_path / "colour.f32", SIZE, "float32")


def opened(matrix, count=None, tuning=SMALL):
    count = matrix.rows_there() if count is None else count
    return Space(matrix, count, matrix.path.parent, "colour", tuning=tuning)


def built(matrix, count=600):
    matrix.write(0, some(count))
    space = opened(matrix)
    space.build_graph()
    return space


def nearest(vectors, query, k=10):
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1)
    return np.argsort(-cosines, kind="stable")[:k].tolist()


def assert_finds_all(space, vectors):
    for seed in range(5):
        [query] = some(1, 100 + seed)
        assert space.search(query, 10, exact=True).rows.tolist() == nearest(vectors, query)


# The truth


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_rows_come_back_as_they_were_written(tmp_path, dtype):
    matrix = Matrix(tmp_path / "m", SIZE, dtype)
    vectors = some(50).astype(dtype)
    matrix.write(0, vectors[:20])
    matrix.write(20, vectors[20:])
    assert matrix.rows_there() == 50
    assert np.array_equal(matrix.mapped(50), vectors)
    assert matrix.path.read_bytes() == vectors.tobytes()


def test_leftovers_of_a_transaction_are_written_over_and_cut_off(matrix):
    matrix.write(0, some(30))
    matrix.write(10, some(5, seed=1))
    assert matrix.rows_there() == 15
    assert np.array_equal(matrix.mapped(15), np.concatenate([some(30)[:10], some(5, seed=1)]))


def test_half_a_row_is_no_row(matrix):
    matrix.write(0, some(3))
    os.truncate(matrix.path, matrix.row_bytes * 2 + 5)
    assert matrix.rows_there() == 2
    matrix.write(2, some(1, seed=1))
    assert np.array_equal(matrix.mapped(3), np.concatenate([some(3)[:2], some(1, seed=1)]))


def test_a_file_cut_short_is_told_and_never_gets_a_hole(matrix):
    matrix.write(0, some(3))
    with pytest.raises(CatalogueError, match=r"3 of 4 vectors.*heron vectors verify"):
        matrix.mapped(4)
    with pytest.raises(CatalogueError, match="cut short"):
        matrix.write(4, some(1))
    assert matrix.rows_there() == 3


def test_no_file_and_no_rows_are_an_empty_array(matrix):
    assert matrix.rows_there() == 0
    assert matrix.mapped(0).shape == (0, SIZE)
    matrix.write(0, some(0))
    assert matrix.rows_there() == 0


def test_mapped_rows_cannot_be_changed(matrix):
    matrix.write(0, some(3))
    with pytest.raises(ValueError, match="read-only"):
        matrix.mapped(3)[0] = 1


def test_what_does_not_fit_is_refused(tmp_path):
    matrix = Matrix(tmp_path / "m", SIZE, "float16")
    with pytest.raises(InvalidInput, match="vectors of 24 numbers"):
        matrix.write(0, some(2, size=23))
    with pytest.raises(InvalidInput, match="too large for float16"):
        matrix.write(0, some(2) * 1e6)
    with pytest.raises(CatalogueError, match="No such file"):
        Matrix(tmp_path / "no" / "folder", SIZE, "float32").write(0, some(1))


# What is refused


def place(index):
    return f"entry {index}"


@pytest.mark.parametrize(
    "given_",
    [
        [[1, 2], [3, 4]],
        np.array([[1, 2], [3, 4]], np.float64),
        np.array([[1, 2], [3, 4]], ">i2"),
        np.array([[1, 3], [2, 4]], np.float32).T,
        ((1, 2), (3, 4)),
    ],
)
def test_anything_like_an_array_becomes_float32(given_):
    found = checked(given_, 2, place)
    assert (found.dtype, found.flags.c_contiguous, found.tolist()) == (np.float32, True, [[1, 2], [3, 4]])


def test_what_is_right_already_is_not_copied():
    vectors = some(5)
    assert checked(vectors, SIZE, place) is vectors


def test_one_vector_needs_no_brackets_and_none_is_none():
    assert checked([1, 2, 3], 3, place).tolist() == [[1, 2, 3]]
    for nothing in ([], np.empty((0, 3)), np.empty((0, 3), "float16")):
        assert checked(nothing, 3, place).shape == (0, 3)


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ([[1, 2], [3, 4]], "entry 0: expected 3 numbers, got 2"),
        ([[1, 2, 3], [4, 5]], "entry 1: expected 3 numbers, got 2"),
        ([[1, 2, 3], 4], "entry 1: expected 3 numbers, got 1"),
        ([1, 2], r"expected 3 numbers, got an array of shape \(2,\)"),
        (np.zeros((2, 3, 1)), "shape"),
        (7, "shape"),
        ([["a", "b", "c"]], "entry 0: expected numbers, got str"),
        ([[1, 2, None]], "expected numbers, got object"),
        ([[1, 2, 3j]], "expected numbers, got complex"),
        (np.zeros((1, 3), bool), "expected numbers, got bool"),
        ([[1, 2, 10**400]], "expected numbers"),
        ([[0, 0, 0], [1, float("nan"), 3]], "entry 1: number 2 of the vector, nan, is not a finite number"),
        ([[0, 0, 0], [1, 2, float("-inf")]], "entry 1: number 3 of the vector, -inf, is not a finite number"),
        ([[0, 0, 0], [0, 1e39, 0]], r"entry 1: number 2 of the vector, 1e\+39, is too large for float32"),
    ],
)
def test_faults_are_named(given_, reason):
    with pytest.raises(InvalidInput, match=reason):
        checked(given_, 3, place)


def test_the_first_fault_of_many_vectors_is_named():
    vectors = some(50_000)
    vectors[[31_000, 40_000], 3] = np.nan
    with pytest.raises(InvalidInput, match="entry 31000: number 4 "):
        checked(vectors, SIZE, place)


@given(st.floats(width=64, allow_nan=True, allow_infinity=True), st.sampled_from(["float32", "float16"]))
def test_what_is_let_through_is_finite_in_the_file(value, dtype):
    with np.errstate(over="ignore"):
        is_finite = bool(np.isfinite(np.array(value, np.float32).astype(dtype)))
    least = float(np.finfo(dtype).smallest_normal)
    if is_finite and (value == 0 or abs(np.float32(value)) >= least):
        checked([[value]], 1, place, dtype=dtype)
    elif is_finite:
        with pytest.raises(
            InvalidInput, match=f"entry 0: the largest number of the vector, .* is too small for {dtype}"
        ):
            checked([[value]], 1, place, dtype=dtype)
    else:
        with pytest.raises(InvalidInput, match="entry 0: number 1"):
            checked([[value]], 1, place, dtype=dtype)


def damage(path, position, data=b"\x55\xaa\x55\xaa"):
    with path.open("r+b") as stream:
        stream.seek(position, os.SEEK_END if position < 0 else os.SEEK_SET)
        stream.write(data)


# Verification


def test_verification_names_what_is_wrong(matrix):
    vectors = some(600)
    vectors[[7, 9]] = np.nan
    matrix.write(0, vectors)
    assert opened(matrix).verify() == ["2 of the vectors hold NaN or infinity; the first is row 7"]
    built(matrix)
    damage(matrix.path, 5 * matrix.row_bytes, some(1, seed=4).tobytes())
    assert opened(matrix).verify(deep=True) == [
        "1 of the vectors differ from their int8 codes; the first is row 5"
    ]
    damage(matrix.path.parent / "colour.graph", -300)
    assert "the graph is not used: the file was damaged" in opened(matrix).verify()


# Stopped at any moment


def grow_and_build(folder):
    """What is done before it is stopped: write, refresh, build."""
    matrix = Matrix(folder / "colour.f32", SIZE, "float32")
    matrix.write(150, some(200, seed=1))
    space = opened(matrix, 350)
    space.refresh()
    space.build_graph()


def rebuild(folder):
    """The same on top of caches from other vectors, which are removed."""
    matrix = Matrix(folder / "colour.f32", SIZE, "float32")
    matrix.write(100, some(250, seed=1))
    opened(matrix, 350).build_graph()


STEPS = {"write", "truncate", "flush", "close", "replace", "unlink", "fsync", "save_index_to_path"}


def is_step(frame, function):
    """Whether a call may change files."""
    return function.__name__ in STEPS and not isinstance(getattr(function, "__self__", None), str)


def check(folder, kept):
    """Whatever is there is as it was or as it was to be, and everything goes on from there."""
    matrix = Matrix(folder / "colour.f32", SIZE, "float32")
    assert matrix.rows_there() >= kept
    assert np.array_equal(matrix.mapped(kept), some(150)[:kept])
    for count in {kept, min(matrix.rows_there(), 350)}:
        space = opened(matrix, count)
        assert_finds_all(space, matrix.mapped(count))
        assert max(space.search(some(1)[0], 20).rows) < count
    matrix.write(kept, some(350 - kept, seed=1))
    space = opened(matrix)
    space.build_graph()
    assert (space.status().codes.rows, space.status().graph.rows) == (350, 320)
    assert space.verify() == []
    assert_finds_all(space, matrix.mapped(350))


@pytest.mark.slow
@pytest.mark.parametrize(("work", "kept"), [(grow_and_build, 150), (rebuild, 100)])
def test_being_killed_between_any_two_steps_loses_nothing(tmp_path, work, kept):
    lake = tmp_path / "lake"
    lake.mkdir()
    matrix = Matrix(lake / "colour.f32", SIZE, "float32")
    matrix.write(0, some(150))
    opened(matrix).build_graph()
    with copied_before_each(is_step, lake, tmp_path / "left") as left:
        work(lake)
    assert len(left.at) > 40
    for folder, _ in left.copies:
        check(folder, kept)
