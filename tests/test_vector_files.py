"""The files of vectors: the truth that only grows, what is refused, and caches that are never trusted
blindly.
"""

import os
import shutil
import subprocess
import sys
import traceback

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from heron.errors import CatalogueBusy, CatalogueError, InvalidInput
from heron.vectors.checking import checked
from heron.vectors.codes import encode
from heron.vectors.files import exclusive
from heron.vectors.matrix import Matrix
from heron.vectors.space import CacheStatus, Space
from heron.vectors.tuning import Tuning

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
    if is_finite:
        checked([[value]], 1, place, dtype=dtype)
    else:
        with pytest.raises(InvalidInput, match="entry 0: number 1"):
            checked([[value]], 1, place, dtype=dtype)


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


def damage(path, position, data=b"\x55\xaa\x55\xaa"):
    with path.open("r+b") as stream:
        stream.seek(position, os.SEEK_END if position < 0 else os.SEEK_SET)
        stream.write(data)


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
    assert set(rows) == {0, 256, 512, 768, 1024}


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
    assert (status.graph.rows, status.expansion) == (256, None)
    assert status.recall < 0.9
    assert space.search(some(1)[0], 10).plan.way == "scan"
    space.build_graph(lambda done, total: pytest.fail("it was extended"))


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


# Stopped at any moment: this file is also the script of the process that is killed.


def grow_and_build(folder):
    """What is done before it is stopped: write, refresh, build."""
    matrix = Matrix(folder / "colour.f32", SIZE, "float32")
    matrix.write(300, some(400, seed=1))
    space = opened(matrix, 700)
    space.refresh()
    space.build_graph()


def rebuild(folder):
    """The same on top of caches from other vectors, which are removed."""
    matrix = Matrix(folder / "colour.f32", SIZE, "float32")
    matrix.write(200, some(500, seed=1))
    opened(matrix, 700).build_graph()


STEPS = {"write", "truncate", "fsync", "replace", "unlink", "save_index_to_path"}


def kill_at(step):
    """Die before the given call of a function that changes files; the process has seen no other cleaning
    up.
    """
    left = [step]

    def look(frame, event, function):
        owner = type(getattr(function, "__self__", None)).__name__
        if event == "c_call" and function.__name__ in STEPS and owner != "str":
            if not left[0]:
                os.kill(os.getpid(), 9)
            left[0] -= 1

    sys.setprofile(look)


def stop_everywhere(work, folder):
    """Do the work in children that are killed, each a step later, until one comes to its end; check what each
    left.
    """
    before = folder.with_name("before")
    before.mkdir()
    matrix = Matrix(before / "colour.f32", SIZE, "float32")
    matrix.write(0, some(300))
    opened(matrix).build_graph()
    step, status = -1, 9
    while status == 9:
        step += 1
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        status = in_child(lambda step=step: (kill_at(step), work(folder), sys.setprofile(None)))
        assert status in (0, 9), status
        assert in_child(lambda: check(folder, 200 if work is rebuild else 300)) == 0, step
    return step


def in_child(work):
    """How a fork of this process ended: 0, or the signal, or more."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the test that forked must not go on twice
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def check(folder, kept):
    """Whatever is there is as it was or as it was to be, and everything goes on from there."""
    matrix = Matrix(folder / "colour.f32", SIZE, "float32")
    assert matrix.rows_there() >= kept
    assert np.array_equal(matrix.mapped(kept), some(300)[:kept])
    for count in {kept, min(matrix.rows_there(), 700)}:
        space = opened(matrix, count)
        assert_finds_all(space, matrix.mapped(count))
        assert max(space.search(some(1)[0], 20).rows) < count
    matrix.write(kept, some(700 - kept, seed=1))
    space = opened(matrix)
    space.build_graph()
    assert (space.status().codes.rows, space.status().graph.rows) == (700, 640)
    assert space.verify() == []
    assert_finds_all(space, matrix.mapped(700))


@pytest.mark.slow
@pytest.mark.parametrize("work", ["grow_and_build", "rebuild"])
def test_being_killed_between_any_two_steps_loses_nothing(tmp_path, work):
    done = subprocess.run(
        [sys.executable, __file__, work, str(tmp_path / "lake")], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


if __name__ == "__main__":
    from pathlib import Path

    import usearch.index  # noqa: F401 - not anew in each child, where it would be steps too

    print(stop_everywhere(globals()[sys.argv[1]], Path(sys.argv[2])))
