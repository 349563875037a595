"""Tables of projected points: JSON, CSV and Parquet."""

import csv
import io
import json
import sys
from datetime import datetime, timedelta, timezone

import duckdb
import pytest

from heron.errors import InvalidInput, PluginError
from heron.projection.tables import write_table

COLUMNS = ["uuid", "name", "x", "y", "night", 'the "captured" at', "city"]
MOMENT = datetime(2024, 3, 1, 12, tzinfo=timezone(timedelta(hours=1)))
ROWS = [
    ("6f1c", "a,b.jpg", 0.5, -1.25, True, MOMENT, "Oslo"),
    ("6f1d", 'عين\n"', 2.0, 1e-7, None, None, 7.0),
    ("6f1e", "2024-01-01", float("nan"), 3.0, False, datetime(2024, 3, 1), True),
]


def table(suffix, rows=ROWS):
    stream = io.BytesIO()
    assert write_table(COLUMNS, iter(rows), stream, suffix) == len(rows)
    return stream.getvalue()


def test_a_table_is_written_as_json():
    first, second, third = json.loads(table(".json"))
    assert list(first.values()) == [
        "6f1c",
        "a,b.jpg",
        0.5,
        -1.25,
        True,
        "2024-03-01T11:00:00.000000Z",
        "Oslo",
    ]
    assert list(second) == COLUMNS
    assert (second["night"], second["city"], third["x"]) == (None, 7.0, None)
    assert json.loads(table(".json", [])) == []


def test_a_table_is_written_as_csv():
    header, first, second, third = csv.reader(io.StringIO(table(".CSV").decode(), newline=""))
    assert header == COLUMNS
    assert first == ["6f1c", "a,b.jpg", "0.5", "-1.25", "true", "2024-03-01T11:00:00.000000Z", "Oslo"]
    assert second[1:] == ['عين\n"', "2.0", "1e-7", "", "", "7.0"]
    assert third[2] == ""


def test_a_table_is_written_as_parquet(tmp_path):
    (tmp_path / "points.parquet").write_bytes(table(".parquet"))
    (tmp_path / "empty.parquet").write_bytes(table(".parquet", []))
    found = duckdb.read_parquet(str(tmp_path / "points.parquet"))
    assert found.columns == COLUMNS
    assert [str(kind) for kind in found.types] == [
        "VARCHAR", "VARCHAR", "DOUBLE", "DOUBLE", "BOOLEAN", "TIMESTAMP", "VARCHAR",
    ]  # fmt: skip
    first, second, third = found.fetchall()
    assert first == ("6f1c", "a,b.jpg", 0.5, -1.25, True, datetime(2024, 3, 1, 11), "Oslo")
    assert second == ("6f1d", 'عين\n"', 2.0, 1e-7, None, None, "7.0")
    assert third[1:3] == ("2024-01-01", None)
    assert duckdb.read_parquet(str(tmp_path / "empty.parquet")).fetchall() == []


def test_another_table_is_refused_and_a_missing_package_told(monkeypatch):
    with pytest.raises(InvalidInput, match=r"'\.xlsx'.*\.json, \.csv, \.parquet"):
        table(".xlsx")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(PluginError, match=r'pip install "heron\[parquet\]"'):
        table(".parquet")
