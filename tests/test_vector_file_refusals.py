"""Vector files that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from heron.errors import InvalidInput, NotFound
from tests.test_vector_file_import import bring, items, refused, some, workspace  # noqa: F401 - fixtures

# What is refused


def test_more_ids_than_vectors_and_fewer_are_refused(refused):
    for count in (2, 4):
        text = refused(some(3), [f"{n}.jpg" for n in range(1, count + 1)])
        assert f"ids.txt has {count} ids, but " in text
        assert text.endswith("v.npy has 3 vectors")


def test_an_owner_named_twice_is_refused_with_both_places(refused, items):
    text = refused(some(4), ["1.jpg", "2.jpg", "3.jpg", items[1].uuid.upper()])
    assert (
        f"v.npy, rows 0 and 3 both belong to 1.jpg ({items[1].uuid}), which can have one vector only" in text
    )
    text = refused(some(3), ["clip.mp4", "clip.mp4#5", "clip.mp4\t5"])
    assert "rows 1 and 2 both belong to clip.mp4 (" in text
    assert "), frame 5, which" in text


def test_strangers_may_be_named_twice(bring):
    assert bring(some(3), ["nobody", "nobody", "1.jpg"]).unmatched == 2


def test_a_wrong_size_is_refused(refused):
    assert refused(some(2, 5), ["1.jpg", "2.jpg"]).endswith(
        "v.npy has vectors of 5 numbers, key 'look' takes 4"
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_with_their_row(refused, bad):
    vectors = some(3)
    vectors[2, 1] = bad
    assert "v.npy, row 2: number 2 of the vector" in refused(vectors, ["1.jpg", "2.jpg", "nobody"])


def test_numbers_too_large_for_what_they_are_kept_as_are_refused(refused):
    vectors = some(3).astype(np.float64)
    vectors[1, 0] = 1e39
    assert "row 1: number 1 of the vector, 1e+39, is too large for float32" in refused(
        vectors, ["1.jpg", "2.jpg", "x"]
    )
    vectors[1, 0] = 70_000
    text = refused(vectors, ["1.jpg", "2.jpg", "x"], key="half")
    assert "row 1: number 1 of the vector, 70000, is too large for float16" in text


@pytest.mark.parametrize("shape", [(4,), (1, 4, 1), (0, 4), (3, 0)])
def test_arrays_that_are_no_rows_of_vectors_are_refused(refused, shape):
    assert f"contains an array of shape {shape}" in refused(np.zeros(shape), ["1.jpg"])


@pytest.mark.parametrize(
    ("name", "ids", "reason"),
    [
        ("ids.txt", "1.jpg\n\n", "line 2 is empty"),
        ("ids.txt", "1.jpg\n" + "x" * 100_000, "line 2 is too long"),
        ("ids.csv", "a,b\n1,2\n", "has no column that names items"),
        ("ids.csv", "uuid,frame\n,\n", "line 2 names no item"),
        ("ids.csv", "name,frame\n1.jpg,first\n", "line 2: 'first' is not a frame number"),
        ("ids.csv", "name,frame\n1.jpg,-1\n", "'-1' is not a frame number"),
        ("ids.json", '{"a": "1.jpg"}', "expected an array of ids"),
        ("ids.json", "[1]", "1 is not an id, expected text"),
        ("ids.json", '["1.jpg"', "ids.json"),
        ("ids.npy", [1, 2], "is not a list of texts"),
        ("ids.npy", [["1.jpg"]], "is not a list of texts"),
        ("ids.npy", ["1.jpg", ""], "row 1 is empty"),
    ],
)
def test_lists_of_ids_that_are_none_are_refused(refused, name, ids, reason):
    assert reason in refused(some(2), ids, name=name)


def test_ids_that_are_pickled_are_not_read(workspace, tmp_path):
    np.save(tmp_path / "v.npy", some(1))
    np.save(tmp_path / "ids.npy", np.array(["1.jpg"], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInput, match=r"contains Python objects, which are not read.*dtype=str"):
        workspace.vector_files.import_file("look", tmp_path / "v.npy", ids=tmp_path / "ids.npy")


@pytest.mark.parametrize(
    ("name", "content", "error", "reason"),
    [
        ("v.npz", b"PK", InvalidInput, "an .npz holds several arrays.*numpy.save"),
        ("v.csv", b"1,2", InvalidInput, "ends with .npy, .parquet or .jsonl"),
        ("v.npy", b"\x93NUMPY", InvalidInput, "is not an array that NumPy can read"),
        ("v.npy", None, NotFound, "v.npy is not there"),
        ("v.parquet", b"PAR1", InvalidInput, "is not readable Parquet"),
        ("v.parquet", None, NotFound, "v.parquet is not there"),
        ("v.jsonl", None, NotFound, "v.jsonl is not there"),
        ("v.jsonl", b"\n", InvalidInput, "contains no vectors"),
    ],
)
def test_files_that_cannot_be_read_are_refused(workspace, tmp_path, name, content, error, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=reason):
        workspace.vector_files.import_file("look", tmp_path / name)


def test_an_array_that_is_cut_short_or_without_ids_is_refused(workspace, tmp_path):
    file = tmp_path / "v.npy"
    np.save(file, some(100))
    with pytest.raises(InvalidInput, match=r"no file with the ids of these vectors.*--ids.*v.ids.txt"):
        workspace.vector_files.import_file("look", file)
    with pytest.raises(NotFound, match=r"gone.txt is not there"):
        workspace.vector_files.import_file("look", file, ids=tmp_path / "gone.txt")
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(InvalidInput, match="not an array that NumPy can read"):
        workspace.vector_files.import_file("look", file, ids=file)
