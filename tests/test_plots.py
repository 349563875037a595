"""Projections are made once and kept, say what is new, and become plots and tables with values of any field."""

from __future__ import annotations

import csv
import json
import re
import sys
from datetime import UTC, datetime

import duckdb
import numpy as np
import pytest
from PIL import Image

from heron.errors import InvalidInput, NotFound, PluginError, QueryError
from heron.models import MediaFacts, NewItem, Query
from heron.projection.methods import project
from tests.conftest import draw

CITIES = ["Algiers", "Oslo", "Lisbon", None]


@pytest.fixture
def lake(workspace, tmp_path):
    """Forty pictures with vectors of six numbers, cities, truth values and dates; one of them has three frames."""
    draw(tmp_path / "p.jpg")
    workspace.schema.set_from_dict(
        {
            "city": "varchar",
            "night": "boolean",
            "taken": "datetime",
            "place": "geospatial",
            "own": {"type": "embedding", "size": 6},
        }
    )
    facts = MediaFacts("image", "image/jpeg", 64, 48)
    new = []
    for number in range(40):
        metadata = {
            "city": CITIES[number % 4],
            "night": number % 2 == 0,
            "taken": f"2026-01-{number % 28 + 1:02}",
        }
        metadata = {key: value for key, value in metadata.items() if value is not None}
        new.append(NewItem((tmp_path / "p.jpg").as_uri(), facts, name=f"p{number}", metadata=metadata))
    for number, item in enumerate(new):  # a folder holds a URL once
        workspace.registration._insert([item], workspace.folders.ensure(f"P/{number}"))
    items = list(workspace.items.list())
    workspace.vectors.add("own", items, vectors())
    workspace.frames.add(items[0], [(number, number / 2, False) for number in (0, 5, 9)])
    workspace.vectors.add("own", list(workspace.frames.list(items[0])), np.eye(6)[:3])
    return workspace


def vectors(count=40):
    return np.random.default_rng(0).standard_normal((count, 6)) * [5, 3, 1, 1, 1, 1]


def items_of(workspace):
    return list(workspace.items.list())


# Projections


def test_points_are_those_of_the_method_on_unit_vectors(lake):
    made = lake.projections.make("own")
    assert (made.key, made.method, made.points, made.new, made.is_stale) == ("own", "pca", 43, 0, False)
    units = np.concatenate([vectors() / np.linalg.norm(vectors(), axis=1)[:, None], np.eye(6)[:3]])
    order = [0, 40, 41, 42, *range(1, 40)]
    wanted = project(units.astype(np.float32)[order], "pca")
    found = lake.projections.points("own")
    assert found.names == tuple(f"p{number}" for number in range(40))
    assert found.uuids == tuple(item.uuid for item in items_of(lake))
    flips = np.sign((found.places * wanted[[0, *range(4, 43)]]).sum(axis=0))
    assert found.places == pytest.approx(wanted[[0, *range(4, 43)]] * flips, abs=1e-5)
    of_frames = lake.projections.points("own", frames=True)
    assert (of_frames.names, of_frames.frames) == (("p0",) * 3, (0, 5, 9))
    assert of_frames.places == pytest.approx(wanted[1:4] * flips, abs=1e-5)


@pytest.mark.slow
def test_a_projection_is_kept_for_each_key_and_method(lake):
    lake.projections.make("own")
    made = lake.projections.make("own", "tsne", Query(where="city = 'Oslo'"))
    assert made.points == 10 and made.query == Query(where="city = 'Oslo'")
    assert [(found.method, found.points) for found in lake.projections.list()] == [("pca", 43), ("tsne", 10)]
    assert len(lake.projections.points("own", "tsne")) == 10
    assert lake.projections.get() == lake.projections.get("own")
    lake.projections.delete("own", "tsne")
    with pytest.raises(NotFound, match="'own' are not projected by 'tsne' yet"):
        lake.projections.get("own", "tsne")


def test_new_vectors_make_it_stale_until_it_is_made_again(lake):
    lake.projections.make("own")
    items = items_of(lake)
    lake.vectors.add("own", items[:2], np.ones((2, 6)))  # replaced
    lake.vectors.remove("own", [items[5]])
    assert lake.projections.get("own").new == 2
    assert len(lake.projections.points("own")) == 37  # a point goes with the vector it was of
    assert lake.projections.make("own").new == 0
    assert lake.projections.get("own").points == 42


def test_only_what_its_query_means_makes_a_part_stale(lake):
    lake.projections.make("own", query=Query(where="city = 'Oslo'"))
    items = items_of(lake)
    lake.vectors.add("own", [items[0]], np.ones((1, 6)))
    assert lake.projections.get("own").new == 0
    lake.vectors.add("own", [items[1]], np.ones((1, 6)))
    assert lake.projections.get("own").new == 1


def test_compacting_makes_nothing_stale(lake):
    items = items_of(lake)
    lake.vectors.remove("own", items[:5])
    lake.projections.make("own")
    assert lake.vectors.compact("own") == 5
    assert lake.projections.get("own").new == 0
    lake.vectors.add("own", items[:3], np.ones((3, 6)))
    assert lake.projections.get("own").new == 3


def test_points_go_with_their_items_frames_and_vectors(lake):
    lake.projections.make("own")
    items = items_of(lake)
    lake.frames.delete(items[0], [5])
    lake.items.delete(items[10:20])
    assert lake.projections.points("own", frames=True).frames == (0, 9)
    assert len(lake.projections.points("own")) == 30
    lake.vectors.delete("own")
    assert lake._database.value("SELECT count(*) FROM projections") == 0
    assert lake._database.value("SELECT count(*) FROM projection_points") == 0


def test_zero_vectors_have_no_point(lake):
    lake.vectors.add("own", items_of(lake)[:3], np.zeros((3, 6)))
    assert lake.projections.make("own").points == 40
    assert len(lake.projections.points("own")) == 37


# Values


@pytest.mark.parametrize(
    ("field", "first", "kind"),
    [
        ("city", "Algiers", str),
        ("night", True, bool),
        ("taken", datetime(2026, 1, 1, tzinfo=UTC), datetime),
        ("width", 64, int),
        ("item.kind", "image", str),
        ("folder", "P/0", str),
        ("created_at", None, datetime),
    ],
)
def test_points_have_the_values_of_any_field(lake, field, first, kind):
    lake.projections.make("own")
    found = lake.projections.points("own", value=field)
    assert first is None or found.values[0] == first
    assert {type(value) for value in found.values} - {type(None)} == {kind}
    assert found.field == field


def test_frames_have_values_of_their_own_and_of_their_items(lake):
    lake.projections.make("own")
    assert list(lake.projections.points("own", value="frame.seconds", frames=True).values) == [0, 2.5, 4.5]
    assert list(lake.projections.points("own", value="city", frames=True).values) == ["Algiers"] * 3


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("citty", "did you mean city"),
        ("place", "geospatial"),
        ("own", "embedding"),
        ("frame.number", "field of frames"),
    ],
)
def test_a_field_that_cannot_colour_is_refused(lake, name, words):
    lake.projections.make("own")
    with pytest.raises(QueryError) as refusal:
        lake.projections.points("own", value=name)
    assert words in str(refusal.value)


def test_bad_input_is_one_sentence(lake, tmp_path):
    with pytest.raises(NotFound, match="not projected by 'pca' yet"):
        lake.projections.points("own")
    for call, words in [
        (lambda: lake.projections.make("nix"), "there are no vectors under 'nix'"),
        (lambda: lake.projections.make("own", "umap"), "there is no projection 'umap'"),
        (
            lambda: lake.projections.make("own", query=Query(where="width = 1")),
            "none of the chosen items has a vector",
        ),
        (lambda: lake.projections.plot(tmp_path / "x.bmp"), ".png, .svg, .pdf, .json, .csv, .parquet"),
        (
            lambda: (
                lake.projections.make("own")
                and lake.projections.plot(tmp_path / "x.png", query=Query(where="width = 1"))
            ),
            "no item with a point matches",
        ),
    ]:
        with pytest.raises(InvalidInput) as refusal:
            call()
        assert words in str(refusal.value)
    assert not list(tmp_path.glob("x.*"))


# Files


def test_a_table_is_written_as_json_csv_and_parquet(run, lake):
    for suffix in ("json", "csv", "parquet"):
        said = run("plot", "own", "-o", f"t.{suffix}", "--color", "city", "--where", "night")
        assert "with 20 points" in said
    rows = json.loads((lake.root / "t.json").read_text())
    assert list(rows[0]) == ["uuid", "name", "x", "y", "city"]
    assert [row["name"] for row in rows] == [f"p{number}" for number in range(0, 40, 2)]
    with (lake.root / "t.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [float(row["x"]) for row in table] == pytest.approx([row["x"] for row in rows])
    found = duckdb.sql(f"SELECT name, y, city FROM '{lake.root / 't.parquet'}'").fetchall()
    assert found == [(row["name"], row["y"], row["city"]) for row in rows]


def test_a_field_called_like_a_column_has_one_of_its_own(run, lake):
    run("plot", "own", "-o", "t.json", "--frames", "--color", "item.name")
    run("plot", "own", "-o", "u.json", "--color", "name")
    rows = [json.loads((lake.root / file).read_text())[0] for file in ("t.json", "u.json")]
    assert list(rows[0]) == ["uuid", "name", "frame", "x", "y", "item.name"]
    assert list(rows[1]) == ["uuid", "name", "x", "y", "value.name"]


@pytest.mark.slow
@pytest.mark.parametrize("colour", [None, "city", "taken", "width"])
def test_a_plot_shows_points_in_colours(run, lake, colour):
    run("plot", "own", "-o", "p.png", *(["--color", colour] if colour else []))
    with Image.open(lake.root / "p.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 24)
    vivid = {rgb for count, rgb in colours if count > 60 and max(rgb) - min(rgb) > 60}
    assert len(vivid) >= (3 if colour in ("city", "taken") else 1)


@pytest.mark.slow
def test_a_plot_is_written_as_svg_with_its_title_and_legend(run, lake):
    run("plot", "own", "-o", "p.svg", "--color", "city", "--title", "My map", "--method", "tsne")
    text = (lake.root / "p.svg").read_text()
    assert text.startswith("<?xml") and len(re.findall("<use", text)) >= 40
    run("plot", "own", "-o", "p.pdf")
    assert (lake.root / "p.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_thumbnails_are_shown_on_the_plot(run, lake):
    run("plot", "own", "-o", "plain.png")
    run("plot", "own", "-o", "pictures.png", "--thumbnails")
    grey = []
    for name in ("plain.png", "pictures.png"):
        with Image.open(lake.root / name) as picture:
            histogram = picture.convert("L").histogram()
        grey.append(sum(histogram[60:200]))
    assert grey[1] > 3 * grey[0]


def test_what_is_kept_is_drawn_until_it_is_made_again(run, lake):
    run("plot", "own", "-o", "a.json")
    lake.vectors.add("own", items_of(lake)[:2], np.ones((2, 6)))
    said = run("plot", "-o", "b.json")
    assert "Note: 2 vectors added since the projection have no point; --again projects again" in said
    before, after = (json.loads((lake.root / file).read_text()) for file in ("a.json", "b.json"))
    assert after == before[2:]
    assert "Note" not in run("plot", "-o", "b.json", "--again")
    anew = json.loads((lake.root / "b.json").read_text())
    assert len(anew) == 40 and anew[5] != before[5]


def test_errors_of_the_command_are_one_line(run, lake, monkeypatch):
    for wrong, words in [
        (["nix", "-o", "x.png"], "there are no vectors under 'nix'"),
        (["own", "-o", "x.bmp"], ".parquet"),
        (["own", "-o", "x.png", "--color", "citty"], "did you mean city"),
        (["own", "-o", "no/such/x.png"], "cannot be written"),
    ]:
        assert words in run("plot", *wrong, code=1)
    run("plot", "own", code=2)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "heron.projection.drawing", raising=False)
    assert 'pip install "heron[plot]"' in run("plot", "own", "-o", "x.png", code=1)
    with pytest.raises(PluginError):
        lake.projections.plot(lake.root / "x.png")
    assert not list(lake.root.glob("x.*"))
