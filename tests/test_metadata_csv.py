"""Metadata from CSV files."""

from __future__ import annotations

import csv
import gzip

import pytest

from heron.errors import InvalidInput, MetadataError
from tests.test_metadata_files import apply, register, stored, workspace  # noqa: F401 - fixtures

# CSV


def test_csv_cells_become_values_of_their_keys_types(workspace, apply):
    register(workspace)
    table = (
        "name,speed,dark,city,seen,place,clip,unknown\n"
        '0.jpg,1.5,true,007,2026-01-31,"36.75, 3","[1, 2, 3]",42\n'
    )
    assert apply("rows.csv", table).updated == 1
    assert stored(workspace) == [
        {
            "speed": 1.5,
            "dark": True,
            "city": "007",
            "seen": "2026-01-31T00:00:00.000000Z",
            "place": {"latitude": 36.75, "longitude": 3.0},
            "unknown": "42",
        }
    ]
    assert workspace.vectors.find("clip", next(workspace.items.stream())).tolist() == [1, 2, 3]


def test_an_empty_cell_is_not_given_and_changes_nothing(workspace, apply):
    register(workspace, metadata={"speed": 1, "city": "Algiers", "dark": True})
    apply("rows.csv", "name,speed,city\n0.jpg,,Oran\n")
    assert stored(workspace) == [{"speed": 1, "city": "Oran", "dark": True}]


def test_replacing_by_a_csv_leaves_nothing_else(workspace, apply):
    register(workspace, metadata={"speed": 1, "dark": True})
    apply("rows.csv", "name,city\n0.jpg,Oran\n", replace=True)
    assert stored(workspace) == [{"city": "Oran"}]


def test_csv_with_a_byte_order_mark_quotes_and_line_breaks_is_read(workspace, apply):
    register(workspace)
    apply("rows.csv", '\ufeffname,city\r\n"0.jpg","a, ""b""\r\nc 東京"\r\n')
    assert stored(workspace) == [{"city": 'a, "b"\r\nc 東京'}]


@pytest.mark.parametrize(
    "text", ["name;city\n0.jpg;a, b\n", "sep=\t\nname\tcity\n0.jpg\ta, b\n", "city|path\na, b|0.jpg\n"]
)
def test_the_first_line_says_how_the_cells_are_separated(workspace, apply, text):
    register(workspace)
    apply("rows.csv", text.replace("path", "name"))
    assert stored(workspace) == [{"city": "a, b"}]
    with pytest.raises(InvalidInput, match=f"line {len(text.splitlines()) + 1} has more cells"):
        apply("rows.csv", text.replace("path", "name") + ";;;\t\t\t|||\n")


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.jsonl.gz", "rows.json.gz", "rows.json"])
def test_packed_files_and_lines_under_the_name_of_json_are_read(workspace, apply, name):
    register(workspace)
    text = "name,city\n0.jpg,Oran\n" if "csv" in name else '{"name": "0.jpg", "city": "Oran"}\n\n'
    apply(name, gzip.compress(text.encode()) if name.endswith(".gz") else text)
    assert stored(workspace) == [{"city": "Oran"}]
    if name.endswith(".gz"):
        with pytest.raises(InvalidInput, match="is damaged or was cut off"):
            apply(name, gzip.compress(text.encode())[:-9])


def test_a_cell_longer_than_pythons_own_limit_is_read(workspace, apply):
    register(workspace)
    apply("rows.csv", f"name,story\n0.jpg,{'x' * 500_000}\n")
    assert stored(workspace) == [{"story": "x" * 500_000}]


def test_a_wrong_cell_is_refused_with_item_key_and_value(workspace, apply):
    register(workspace)
    with pytest.raises(MetadataError, match=r"0\.jpg.*'speed'.*expected a number.*'fast'"):
        apply("rows.csv", "name,speed\n0.jpg,fast\n")
    with pytest.raises(MetadataError, match=r"'dark'.*expected true or false.*'yes'"):
        apply("rows.csv", "name,dark\n0.jpg,yes\n")


def test_a_line_with_too_many_cells_is_refused_with_its_number(workspace, apply):
    register(workspace)
    with pytest.raises(InvalidInput, match=r"rows\.csv, line 5 has more cells than the header"):
        apply("rows.csv", 'name,city\n0.jpg,"two\nlines"\n\n0.jpg,a,b\n')
    assert stored(workspace) == [{}]


def test_a_table_without_a_column_that_names_the_item_is_refused(workspace, apply):
    with pytest.raises(InvalidInput, match=r"line 2 names no item") as refusal:
        apply("rows.csv", "file,speed\n0.jpg,1\n")
    assert refusal.value.hint == "give it a column uuid, url, path or name"


@pytest.mark.parametrize("content", ["", "name,speed\n"])
def test_a_table_without_rows_changes_nothing(workspace, apply, content):
    assert apply("rows.csv", content).updated == 0


def test_an_exported_dataset_comes_back_unchanged(workspace, tmp_path):
    metadata = {
        "speed": 1.5, "dark": False, "city": "a\nb, 東京", "seen": "2026-01-31T12:00:00Z", "place": [36.75, 3],
        "clip": [0.1, 0.2, 0.3], "unknown": "text", "name": "a key that is called name", "uuid": "x", "url": "y",
    }  # fmt: skip
    items = register(workspace, 3, metadata=metadata)
    workspace.metadata.replace({items[1].uuid: {}})
    before = stored(workspace)
    workspace.datasets.create("train", items=items)
    file = tmp_path / "train.csv"
    workspace.export("train", file, format="csv")
    for replace in (False, True):
        assert workspace.ingest.metadata_file(file, replace=replace).updated == 3
        assert stored(workspace) == before


def test_an_exported_dataset_can_be_edited_and_read_again(workspace, tmp_path):
    items = register(workspace, 2, metadata={"speed": 1})
    workspace.datasets.create("train", items=items)
    file = tmp_path / "train.csv"
    workspace.export("train", file, format="csv")
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[1] |= {"metadata.speed": "2", "metadata.city": "Oran"}
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[1]))
        writer.writeheader()
        writer.writerows(rows)
    workspace.ingest.metadata_file(file)
    assert stored(workspace) == [{"speed": 1}, {"speed": 2, "city": "Oran"}]


def test_an_export_of_items_without_metadata_brings_none(workspace, tmp_path):
    workspace.datasets.create("train", items=register(workspace, 2))
    file = tmp_path / "train.csv"
    workspace.export("train", file, format="csv")
    workspace.ingest.metadata_file(file)
    assert stored(workspace) == [{}, {}]


def test_an_exported_json_dataset_comes_back_unchanged(workspace, tmp_path):
    workspace.datasets.create("train", items=register(workspace, 2, metadata={"speed": 1, "name": "n"}))
    file = tmp_path / "train.json"
    workspace.export("train", file)
    assert workspace.ingest.metadata_file(file, replace=True).updated == 2
    assert stored(workspace) == [{"speed": 1, "name": "n"}] * 2
