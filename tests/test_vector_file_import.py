"""Import and export of vectors: NumPy arrays with ids, Parquet and JSON lines; their owners, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heron.errors import InvalidInput, NotFound
from heron.models import MediaFacts, NewFrame, NewItem

SIZE = 4
UNKNOWN = "01a1fc7f-6634-7b8f-8ffa-50166ba72775"
ODD = np.array([0x15AE43FD], dtype=np.uint32).view(np.float32)[0]
"""7.0385307e-26, the one float32 whose shortest digits give back another one when they are read as a float64."""


@pytest.fixture
def workspace(workspace):
    """Six pictures `0.jpg` … `5.jpg` in folder A, one called `0.jpg` in B, and a video with frames 0, 5 and 12."""
    workspace.schema.add_embedding("look", SIZE)
    workspace.schema.add("half", "embedding", size=SIZE, dtype="float16")
    image, video = MediaFacts("image", "image/jpeg"), MediaFacts("video", "video/mp4", frame_count=20)
    workspace.registration.register((NewItem(f"s3://lake/{n}.jpg", image) for n in range(6)), "A")
    workspace.registration.register([NewItem("s3://other/0.jpg", image)], "B")
    frames = [NewFrame(number) for number in (0, 5, 12)]
    workspace.registration.register([NewItem("s3://lake/clip.mp4", video, frames=frames)], "C")
    return workspace


@pytest.fixture
def items(workspace):
    return list(workspace.items.list(folder="A"))


def some(count, size=SIZE, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


@pytest.fixture
def bring(workspace, tmp_path):
    """Write an array and its ids into files, and import them."""

    def bring(vectors, ids, key="look", name="ids.txt", **options):
        np.save(tmp_path / "v.npy", vectors)
        file = tmp_path / name
        if isinstance(ids, str):
            file.write_text(ids)
        elif file.suffix == ".npy":
            np.save(file, np.array(ids))
        else:
            file.write_text("".join(f"{each}\n" for each in ids))
        return workspace.vector_files.import_file(key, tmp_path / "v.npy", ids=file, **options)

    return bring


@pytest.fixture
def refused(bring, workspace):
    """The sentence by which files are refused; nothing of them is kept then."""

    def refused(vectors, ids, error=InvalidInput, **options):
        before = [status.vectors for status in workspace.vectors.status()]
        with pytest.raises(error) as caught:
            bring(vectors, ids, **options)
        assert [status.vectors for status in workspace.vectors.status()] == before
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return refused


def of(workspace, things, key="look"):
    return np.array([workspace.vectors.find(key, thing) for thing in things])


# Whose they are


@pytest.mark.parametrize("by", ["uuid", "url", "path", "name"])
@pytest.mark.parametrize("said", [True, False])
def test_ids_are_uuids_urls_or_names(bring, workspace, items, by, said):
    vectors = some(5)
    report = bring(vectors, [getattr(item, by) for item in items[1:]], by=by if said else None)
    assert (report.kept, report.unmatched, report.ambiguous) == (5, 0, 0)
    assert of(workspace, items[1:]).tobytes() == vectors.tobytes()


def test_a_column_that_names_no_items_is_refused(refused):
    said = refused(some(1), ["1.jpg"], by="metadata")
    assert said == "an item is named by uuid, url, path or name, not by 'metadata'"


@pytest.mark.parametrize("form", ["{}#12", "{}\t12", "{}\t#12", "{},#12"])
@pytest.mark.parametrize("by", ["uuid", "url", "path", "name"])
def test_a_number_behind_an_id_means_a_frame(bring, workspace, form, by):
    (clip,) = workspace.items.list(folder="C")
    bring(some(2), [form.format(getattr(clip, by)), getattr(clip, by)])
    frame = workspace.frames.get(clip, 12)
    assert of(workspace, [frame, clip]).tobytes() == some(2).tobytes()


def test_a_name_may_end_like_the_number_of_a_frame(bring, workspace):
    facts = MediaFacts("image", "image/jpeg")
    workspace.registration.register([NewItem("s3://lake/x", facts, "shot #3")], "D")
    assert bring(some(1), ["shot #3"]).kept == 1
    (item,) = workspace.items.list(folder="D")
    assert workspace.vectors.find("look", item).tobytes() == some(1).tobytes()


def test_ids_stand_in_text_json_csv_and_npy(bring, workspace, items):
    clip = workspace.items.by_name("clip.mp4")[0]
    names = [items[1].uuid, "2.jpg", f"{clip.uuid}#5"]
    rows = [{"uuid": items[1].uuid}, {"name": "2.jpg"}, {"uuid": clip.uuid, "frame": 5}]
    table = f"uuid,name,frame\n{items[1].uuid},,\n,2.jpg,\n{clip.uuid},,5\n"
    for seed, (name, ids) in enumerate(
        [("i.txt", names), ("i.json", json.dumps(names)), ("r.json", json.dumps(rows)), ("i.csv", table), ("i.npy", names)]
    ):  # fmt: skip
        assert bring(some(3, seed=seed), ids, name=name).kept == 3
        owners = [items[1], items[2], workspace.frames.get(clip, 5)]
        assert of(workspace, owners).tobytes() == some(3, seed=seed).tobytes(), name


def test_ids_beside_the_array_are_found_by_themselves(workspace, items, tmp_path):
    np.save(tmp_path / "v.npy", some(1))
    (tmp_path / "v.ids.txt").write_text(f"{items[0].uuid}\n")
    assert workspace.vector_files.import_file("look", tmp_path / "v.npy").kept == 1


def test_strangers_are_counted_and_named_and_the_others_kept(bring, workspace, items):
    ids = ["3.jpg", UNKNOWN, "0.jpg", "clip.mp4#7", "nobody.jpg", "4.jpg", "s3://lake/nothing.jpg"]
    report = bring(some(7), ids)
    assert (report.kept, report.unmatched, report.ambiguous) == (2, 4, 1)
    assert report.first_unmatched == (
        UNKNOWN, "clip.mp4#7", "nobody.jpg", "s3://lake/nothing.jpg",
    )  # fmt: skip
    assert report.first_ambiguous == {"0.jpg": 2}
    assert of(workspace, items[3:5]).tobytes() == some(7)[[0, 5]].tobytes()


def test_of_many_strangers_only_the_first_are_named(bring):
    report = bring(some(500), [f"nobody {n}" for n in range(500)])
    assert (report.kept, report.unmatched, len(report.first_unmatched)) == (0, 500, 20)


def test_items_that_were_deleted_are_strangers(bring, workspace, items):
    workspace.items.delete([items[1]])
    report = bring(some(2), [items[1].uuid, items[2].uuid])
    assert (report.kept, report.unmatched) == (1, 1)


def test_zero_vectors_are_kept_and_counted(bring):
    assert bring(np.zeros((2, SIZE)), ["1.jpg", "2.jpg"]).zeros == 2


def test_what_is_there_is_replaced(bring, workspace, items):
    bring(some(2), ["1.jpg", "2.jpg"])
    bring(some(1, seed=9), ["1.jpg"])
    assert of(workspace, items[1:3]).tobytes() == np.vstack([some(1, seed=9), some(2)[1:]]).tobytes()


@pytest.mark.parametrize("dtype", ["float64", "float16", ">f4", "int8", "uint16"])
def test_arrays_of_any_numbers_are_taken(bring, workspace, items, dtype):
    vectors = np.arange(8).reshape(2, 4).astype(dtype)
    bring(vectors, ["1.jpg", "2.jpg"])
    assert (of(workspace, items[1:3]) == np.arange(8).reshape(2, 4)).all()


def test_an_array_may_lie_in_columns(bring, workspace, items):
    bring(np.asfortranarray(some(2)), ["1.jpg", "2.jpg"])
    assert of(workspace, items[1:3]).tobytes() == some(2).tobytes()


# The key


def test_create_makes_the_key_of_the_size_and_type_of_the_file(bring, workspace):
    assert bring(some(1, 7), ["1.jpg"], "new", create=True).created
    assert bring(some(1, 7).astype(np.float16), ["1.jpg"], "new half", create=True).created
    assert not bring(some(1, 7), ["1.jpg"], "new", create=True).created
    schema = workspace.schema.to_dict()
    assert schema["new"] == {"type": "embedding", "size": 7}
    assert schema["new half"] == {"type": "embedding", "size": 7, "dtype": "float16"}


def test_no_key_is_made_for_a_file_that_is_refused_or_met_nobody(bring, workspace):
    with pytest.raises(InvalidInput):
        bring(some(2), ["1.jpg", "1.jpg"], "new", create=True)
    assert not bring(some(1), ["nobody"], "new", create=True).created
    assert "new" not in workspace.schema.to_dict()


def test_without_create_an_unknown_key_is_refused_with_a_hint(refused):
    text = refused(some(1), ["1.jpg"], NotFound, key="new")
    assert text == "the schema has no key 'new' (--create adds it, for vectors of 4 numbers)"


def test_keys_that_cannot_be_are_refused(refused, workspace):
    workspace.schema.add_scalar("city", "varchar")
    assert "key 'city' is of type varchar" in refused(some(1), ["1.jpg"], key="city")
    assert "takes a size from 1 to 4096" in refused(some(1, 5000), ["1.jpg"], key="new", create=True)
    assert "$" in refused(some(1), ["1.jpg"], key="$new", create=True)


# JSON lines


@pytest.fixture
def lines(workspace, tmp_path):
    """Import rows as JSON lines."""

    def lines(*rows, **options):
        texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (tmp_path / "v.jsonl").write_text("\n".join(texts))
        return workspace.vector_files.import_file("look", tmp_path / "v.jsonl", **options)

    return lines


def test_json_lines_name_their_owner_and_call_the_vector_by_the_key_or_vector(lines, workspace, items):
    vectors = [[1, 2, 3, 4], [5, 6, 7, 8.5], [0, 1, 0, 0]]
    report = lines(
        {"uuid": items[1].uuid, "vector": vectors[0]},
        "",
        {"name": "2.jpg", "look": vectors[1], "vector": None},
        {"url": "s3://lake/clip.mp4", "frame": 12, "embedding": vectors[2]},
    )
    assert report.kept == 3
    frame = workspace.frames.get(workspace.items.by_name("clip.mp4")[0], 12)
    assert of(workspace, [items[1], items[2], frame]).tolist() == vectors


def test_by_says_which_column_names_the_item(lines, workspace, items):
    assert lines({"uuid": UNKNOWN, "name": "1.jpg", "vector": [1, 2, 3, 4]}).unmatched == 1
    assert lines({"uuid": UNKNOWN, "name": "1.jpg", "vector": [1, 2, 3, 4]}, by="name").kept == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "line 2: not valid JSON"),
        ("[1]", "line 2: expected an object"),
        ({"vector": [1, 2, 3, 4]}, "line 2 names no item"),
        ({"name": "2.jpg"}, "line 2 has no vector"),
        ({"name": "2.jpg", "vector": [1, 2, 3]}, "line 2: expected 4 numbers, got 3"),
        ({"name": "2.jpg", "vector": [1, 2, 3, "4"]}, "line 2: vector is not a list of numbers"),
        ({"name": "2.jpg", "vector": [1, 2, 3, None]}, "line 2: vector is not a list of numbers"),
        ({"name": "2.jpg", "vector": [1, 2, 3, [4]]}, "line 2: vector is not a list of numbers"),
        ({"name": "2.jpg", "vector": "1 2 3 4"}, "line 2: vector is not a list of numbers"),
        ({"name": "2.jpg", "vector": [1, 2, 3, 1e39]}, "line 2: number 4 of the vector, 1e.39, is too large"),
        ({"name": "2.jpg", "vector": [1, 2, 3, 4], "frame": 1.5}, "line 2: 1.5 is not a frame number"),
        ({"name": "2.jpg", "vector": [1, 2, 3, 4], "frame": True}, "line 2: True is not a frame number"),
        ({"name": "1.jpg", "vector": [1, 2, 3, 4]}, "lines 1 and 2 both belong to 1.jpg"),
        ("x" * 2_000_000, "line 2 has more than"),
    ],
)
def test_a_faulty_line_is_refused_with_its_number(lines, workspace, row, reason):
    with pytest.raises(InvalidInput, match=reason):
        lines({"name": "1.jpg", "vector": [1, 2, 3, 4]}, row)
    assert not workspace.vectors.status()


# Parquet


@pytest.fixture
def table(workspace, tmp_path):
    """Import what a query answers as a Parquet file."""
    duckdb = pytest.importorskip("duckdb")

    def table(query, name="v [1].parquet", **options):
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{tmp_path / name}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
        return workspace.vector_files.import_file("look", tmp_path / name, **options)

    return table


@pytest.mark.slow
def test_parquet_names_its_items_in_a_column_and_frames_in_another(table, workspace, items):
    rows = f"('{items[1].uuid}', NULL, [1, 2, 3, 4]), (NULL, NULL, [9, 9, 9, 9])"
    with pytest.raises(InvalidInput, match="row 1 names no item"):
        table(f"SELECT * FROM (VALUES {rows}) AS t(uuid, frame, vector)")
    rows = "('clip.mp4', 5, [1, 2, 3, 4]), ('2.jpg', NULL, [5, 6, 7, 8])"
    for kind, frame in (("DOUBLE[]", "INTEGER"), ("FLOAT[4]", "DOUBLE"), ("BIGINT[]", "BIGINT")):
        query = f"SELECT title, frame::{frame} AS frame, look::{kind} AS look FROM (VALUES {rows}) AS t(title, frame, look)"
        assert table(query).kept == 2
        frame = workspace.frames.get(workspace.items.by_name("clip.mp4")[0], 5)
        assert of(workspace, [frame, items[2]]).tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
        workspace.vectors.delete("look")


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ("'1.jpg' AS name, [1, 2, 3] AS vector", "vectors of 3 numbers, key 'look' takes 4"),
        ("unnest(['1.jpg', '2.jpg']) AS name, unnest([[1, 2, 3, 4], [1, 2, 3]]) AS vector",
         "row 1: expected 4 numbers, got 3 numbers"),
        ("unnest(['1.jpg', '2.jpg']) AS name, unnest([[1, 2, 3, 4], NULL]) AS vector", "row 1: .* got no vector"),
        ("unnest(['1.jpg', '2.jpg']) AS name, unnest([[1, 2, 3, 4], [1, 2, NULL, 4]]) AS vector",
         "row 1: a number of the vector is missing"),
        ("'1.jpg' AS name, [1, 2, 3, 'nan'::FLOAT] AS vector", "row 0: number 4 of the vector, nan, is not a finite"),
        ("'1.jpg' AS name, ['1', '2'] AS vector", r"column 'vector' is VARCHAR\[\], expected lists of numbers"),
        ("'1.jpg' AS name, 1 AS size", "has no column 'look' or 'vector'.*name, size"),
        ("[1, 2, 3, 4] AS vector", "has no column that names items"),
        ("'1.jpg' AS name, [1, 2, 3, 4] AS vector WHERE false", "contains no vectors"),
        ("unnest(['1.jpg', '1.jpg']) AS name, [1, 2, 3, 4] AS vector", "rows 0 and 1 both belong to 1.jpg"),
    ],
)  # fmt: skip
def test_tables_that_hold_something_else_are_refused(table, workspace, columns, reason):
    with pytest.raises(InvalidInput, match=reason):
        table(f"SELECT {columns}")
    assert not workspace.vectors.status()


def test_a_table_that_names_its_items_takes_no_ids(table, tmp_path):
    with pytest.raises(InvalidInput, match=r"contains the names of its items, leave .*ids.txt out"):
        table("SELECT '1.jpg' AS name, [1, 2, 3, 4] AS vector", ids=tmp_path / "ids.txt")
