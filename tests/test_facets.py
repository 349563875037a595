"""Facets: items counted by values, bins and spans of time, by SQLite and by columns alike."""

import json

import pytest

import heron
from heron.catalog.columns import kept
from heron.cli.main import status
from heron.models import MediaFacts, NewItem


@pytest.fixture(params=["SQLite", "columns"])
def lake(request, tmp_path, monkeypatch):
    if request.param == "columns":
        pytest.importorskip("polars")
        monkeypatch.setattr(kept, "MANY", 1)
        monkeypatch.setattr(kept, "PENDING", 1)
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add_scalar("weather", "varchar")
        workspace.schema.add_scalar("score", "number")
        workspace.schema.add_scalar("when", "datetime")
        workspace.schema.add_scalar("ok", "boolean")
        workspace.schema.add_scalar("place", "geospatial")
        for number in range(100):
            given = {"score": number / 4, "when": f"2026-{number % 3 * 2 + 1:02}-05", "ok": number % 2 == 0}
            if number % 10:
                given["weather"] = "sun" if number % 3 else "rain"
            item = NewItem(f"u:{number}", MediaFacts("image", "x/y", width=number % 4), metadata=given)
            workspace.registration.register([item], f"F/{number % 2}")
        assert workspace.search.explain(where="score > 1").engine == request.param
        yield workspace


def counts(facet):
    return [(bucket.value, bucket.count) for bucket in facet.buckets]


def test_texts_are_counted_by_value_the_most_frequent_first(lake):
    [weather, folder] = lake.facets("weather,folder")
    assert (counts(weather), weather.form) == ([("sun", 60), ("rain", 30)], "values")
    assert (weather.present, weather.missing, weather.distinct) == (90, 10, 2)
    assert (weather.least, weather.greatest) == ("rain", "sun")
    assert counts(folder) == [("F/0", 50), ("F/1", 50)]
    assert counts(lake.facets("weather", most=1)[0]) == [("sun", 60)]
    assert counts(lake.facets("ok")[0]) == [(False, 50), (True, 50)]


def test_few_numbers_are_values_and_many_are_in_bins(lake):
    [width, score] = lake.facets("width,score", bins=5)
    assert (width.form, counts(width)) == ("values", [(0, 25), (1, 25), (2, 25), (3, 25)])
    assert (score.form, score.least, score.greatest) == ("bins", 0, 24.75)
    assert [bucket.count for bucket in score.buckets] == [20, 20, 20, 20, 20]
    assert [round(bucket.value, 2) for bucket in score.buckets] == [0, 4.95, 9.9, 14.85, 19.8]
    assert score.buckets[-1].end == 24.75


def test_times_are_counted_by_spans_also_those_without_any(lake):
    [when] = lake.facets("when")
    assert when.form == "month"
    assert counts(when) == [("2026-01", 34), ("2026-02", 0), ("2026-03", 33), ("2026-04", 0), ("2026-05", 33)]
    lake.registration.register(
        [NewItem("u:old", MediaFacts("image", "x/y"), metadata={"when": "1998-07-01"})], "F"
    )
    [when] = lake.facets("when")
    assert when.form == "year" and counts(when)[0] == ("1998", 1) and counts(when)[1] == ("1999", 0)
    assert (len(when.buckets), sum(bucket.count for bucket in when.buckets)) == (29, 101)


def test_a_condition_a_folder_and_pending_changes_count(lake):
    assert counts(lake.facets("weather", where="score < 2.5")[0]) == [("sun", 6), ("rain", 3)]
    assert counts(lake.facets("weather", folder="F/1")[0]) == [("sun", 33), ("rain", 17)]
    [item] = lake.search(where="score = 0")
    lake.metadata.merge_all([item], {"weather": "fog"})
    lake.items.delete(list(lake.search(where="score = 0.25")))
    assert counts(lake.facets("weather")[0]) == [("sun", 59), ("rain", 30), ("fog", 1)]


def test_nothing_found_and_what_cannot_be_counted(lake):
    [score] = lake.facets("score", where="score > 1000")
    assert (score.buckets, score.present, score.missing, score.least) == ((), 0, 0, None)
    with pytest.raises(heron.QueryError, match="no plain values"):
        lake.facets("place")
    with pytest.raises(heron.QueryError, match="there is no field 'nothing'"):
        lake.facets("nothing")
    with pytest.raises(heron.InvalidInput, match="at most 1,000 bins"):
        lake.facets("score", bins=0)


def test_the_command_draws_bars_and_prints_json(lake, capsys):
    assert (
        status(["-w", str(lake.root), "facets", "weather,score", "--bins", "2", "--where", "score < 10"]) == 0
    )
    out = capsys.readouterr().out
    assert "weather: 2 values, in 36 items, missing in 4" in out
    assert "sun       24  " + "█" * 30 in out and "0 to 4.875" in out
    assert status(["-w", str(lake.root), "facets", "weather", "--json"]) == 0
    [facet] = json.loads(capsys.readouterr().out)["items"]
    assert facet["buckets"][0] == {"value": "sun", "count": 60, "end": None}


def test_a_field_that_a_segment_does_not_have_is_missing_there(tmp_path, monkeypatch):
    pytest.importorskip("polars")
    monkeypatch.setattr(kept, "MANY", 1)
    monkeypatch.setattr(kept, "_LARGEST", 4)
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add_scalar("late", "number")
        for given in ({}, {"late": 2}):
            items = [
                NewItem(f"u:{len(given)}{n}", MediaFacts("image", "x/y"), metadata=given) for n in range(4)
            ]
            workspace.registration.register(items, "F")
            workspace.columns.refresh()
            workspace.columns.rebuild() if not given else workspace.columns._items._refresh()
        assert workspace.columns.status().segments == 2
        [late] = workspace.facets("late")
        assert (counts(late), late.missing) == ([(2, 4)], 4)
        assert workspace.stats("late")[0].median == 2


@pytest.mark.parametrize("names", [["kind"], None, 7, ("kind", "width")])
def test_names_that_are_no_text_are_refused(workspace, names):
    with pytest.raises(heron.InvalidInput, match="is no text"):
        workspace.facets(names)
    with pytest.raises(heron.InvalidInput, match="is no text"):
        workspace.search.values([], names)
