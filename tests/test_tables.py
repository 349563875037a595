"""Pages as tables of pandas, Polars and Arrow: the same columns with sensible types, also where values are missing."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from heron.errors import InvalidInput, PluginError
from heron.models import MediaFacts, NewItem
from heron.pages import Page

TAKEN = "2026-01-31T12:00:00.000000Z"


@pytest.fixture
def workspace(workspace):
    workspace.schema.set_from_dict({"when": "datetime", "n": "number"})
    image = MediaFacts(
        "image", "image/jpeg", 640, 480, captured_at=TAKEN,
        extra={"exif": {"Model": "X100"}, "metric": {"brightness": 0.5}},
    )  # fmt: skip
    new = [
        NewItem("s3://lake/a.jpg", image, size=7, metadata={"n": 1, "city": "Algiers", "night": True}),
        NewItem(
            "s3://lake/b.txt",
            MediaFacts("text", "text/plain"),
            metadata={"n": 2.5, "boxes": [1], "when": "2026-01-31"},
        ),
        NewItem("s3://lake/c.mp4", MediaFacts("video", "video/mp4", frame_count=9, duration=3.0)),
    ]
    workspace.registration.register(new, "A")
    workspace.frames.set("c.mp4", {2: {"rain": True}, 5: {}})
    workspace.collections.create("tagged", items="a.jpg")
    return workspace


def test_pandas_has_typed_columns_with_missing_values(workspace):
    table = workspace.search().to_pandas()
    assert len(table) == 3
    assert table.dtypes["width"] == "Int64" and table.width.tolist()[0] == 640 and table.width.isna()[1]
    assert table.dtypes["pages"] == "Int64" and table.pages.isna().all()
    assert table.dtypes["duration"] == "float64" and table.dtypes["metadata.n"] == "float64"
    assert table.dtypes["metadata.night"] == "boolean" and table["metadata.night"][0]
    assert str(table.dtypes["created_at"]) == "datetime64[us, UTC]"
    assert str(table.dtypes["deleted_at"]) == "datetime64[us, UTC]" and table.deleted_at.isna().all()
    assert table.captured_at[0].to_pydatetime() == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert table["exif.Model"].tolist() == ["X100", None, None]
    assert table["metadata.city"][0] == "Algiers" and table["metadata.boxes"][1] == "[1]"
    assert table.tags[0] == ["tagged"] and table.folder.tolist() == ["A"] * 3
    assert table["metadata.when"][1].to_pydatetime() == datetime(2026, 1, 31, tzinfo=UTC)
    assert "score" not in table and "id" not in table


def test_polars_and_arrow_have_the_same_columns_and_values(workspace):
    page = workspace.search()
    pandas, polars, arrow = page.to_pandas(), page.to_polars(), page.to_arrow()
    assert list(pandas.columns) == polars.columns == arrow.column_names
    assert polars.to_dicts() == arrow.to_pylist()
    schema = {name: str(kind) for name, kind in polars.schema.items()}
    assert schema["width"] == "Int64" and schema["tags"] == "List(String)"
    assert schema["created_at"] == schema["deleted_at"] == "Datetime(time_unit='us', time_zone='UTC')"
    assert str(arrow.schema.field("captured_at").type) == "timestamp[us, tz=UTC]"
    assert str(arrow.schema.field("size").type) == "int64"
    assert polars["metric.brightness"].to_list() == [0.5, None, None]


def test_scores_and_frames_stand_in_a_column_for_similarity(workspace):
    workspace.schema.add_embedding("look", 2)
    things = [workspace.items.get("a.jpg"), workspace.frames.get("c.mp4", 5)]
    workspace.vectors.add("look", things, [[1, 0], [0.6, 0.8]])
    table = workspace.search(like=[[1, 0]]).to_pandas()
    assert table.name.tolist() == ["a.jpg", "c.mp4"]
    assert table.score.tolist() == pytest.approx([1, 0.6])
    assert table["score.frame"].tolist()[1] == 5 and table.dtypes["score.frame"] == "Int64"


def test_frames_and_rows_of_datasets_have_tables_too(workspace):
    frames = workspace.search.frames().to_polars()
    assert frames["number"].to_list() == [2, 5] and frames["metadata.rain"].to_list() == [True, None]
    assert frames["is_key"].to_list() == [True, True]
    dataset = workspace.datasets.create("d", items=["c.mp4", "a.jpg"])
    rows = Page(workspace.datasets.rows(dataset)).to_pandas()
    assert rows.position.tolist() == [0, 1] and rows.name.tolist() == ["c.mp4", "a.jpg"]


def test_an_empty_page_has_the_columns_of_items(workspace):
    nothing = workspace.search(where="width > 99999")
    full = workspace.search(where="kind = 'video'")
    assert len(nothing.to_pandas()) == 0
    assert set(nothing.to_arrow().column_names) == set(full.to_arrow().column_names)
    assert nothing.to_polars().schema["width"] == full.to_polars().schema["width"]


def test_numbers_too_large_and_mixed_values_become_text(workspace):
    workspace.metadata.replace([("a.jpg", {"x": 2**63}), ("b.txt", {"x": "y"}), ("c.mp4", {"x": {"z": [1]}})])
    assert workspace.search().to_pandas()["metadata.x"].tolist() == [str(2**63), "y", '{"z":[1]}']


def test_records_without_a_table_are_refused():
    with pytest.raises(InvalidInput, match="int cannot become a table"):
        Page([1]).to_pandas()


@pytest.mark.parametrize(
    ("verb", "module", "extra"),
    [("to_pandas", "pandas", "pandas"), ("to_polars", "polars", "polars"), ("to_arrow", "pyarrow", "arrow")],
)
def test_a_missing_library_is_named_with_its_install_command(workspace, monkeypatch, verb, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PluginError) as refusal:
        getattr(workspace.search(), verb)()
    assert module in refusal.value.message and f'pip install "heron[{extra}]"' in refusal.value.hint
