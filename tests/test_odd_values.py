"""Conditions on keys of which some values do not have the form of their type, and enum options that went."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heron
from heron.catalog.columns import kept
from heron.errors import AlreadyExists, MetadataError, NotFound, QueryError
from heron.models import Query
from tests.naive_engine import NaiveEngine
from tests.test_schema_after_data import add, fill, found, plugins, stored  # noqa: F401 - plugins is a fixture

# Conditions


def agree_in_all_engines(workspace, where, sort=None):
    """SQLite, the columns and plain Python give the same rows in the same order; returns whether the columns answered."""
    naive = NaiveEngine(workspace)
    plan = workspace._planner.plan(Query(where=where, sort=sort))
    expected, ordered = naive.ids(plan).tolist(), [id for id, _ in naive.page(plan, 99)]
    with pytest.MonkeyPatch.context() as patch:
        engines = [workspace._engines._sqlite]
        if find_spec("polars") is not None:
            patch.setattr(kept, "MANY", 1)
            engines.append(workspace._engines.of(plan))
        for engine in engines:
            assert engine.ids(plan).tolist() == expected, (where, engine)
            assert [id for id, _ in engine.page(plan, 99)] == ordered, (where, engine)
        return engines[-1].explain(plan).engine == "columns"


CONDITIONS = (
    "k = 3", "k > 1", "NOT k > 1", "k <> 3", "k IN (3, 40)", "k NOT IN (3)", "k BETWEEN 1 AND 50", "NOT (k BETWEEN 1 AND 5)",
    "k IS NULL", "k IS NOT NULL", "k + 1 > 3", "abs(k) > 2 OR k IS NULL", "k = m", "k < m OR m > 2",
)  # fmt: skip
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 50), st.floats(-10, 10), st.sampled_from(["3", "x", "007", "true", "NaN", ""]),
    st.sampled_from([[1], {"k": 2}]),
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(ODD, ODD), min_size=1, max_size=12), st.sampled_from(CONDITIONS))
def test_engines_agree_on_values_of_other_types(tmp_path_factory, values, where):
    with heron.open(tmp_path_factory.mktemp("lake"), discover=False) as workspace:
        fill(workspace, [one for one, _ in values])
        workspace.metadata.merge({str(n): {"m": other} for n, (_, other) in enumerate(values)})
        workspace.schema.set_from_dict({"k": "number", "m": "number"})
        numbers = [v for v in stored(workspace) if type(v) in (int, float)]
        agree_in_all_engines(workspace, where, "-k")
        assert workspace.search.count(where="k IS NOT NULL") == len(numbers)


OF_TYPES = {
    "boolean": (["true", True, "x", 1], ["k", "NOT k", "k IS TRUE", "k IS NOT TRUE", "k = FALSE"]),
    "datetime": (
        ["2026-01-31", "yesterday", "2027-01-01T00:00:00+05:00", 5],
        ["k > '2026-06-01'", "NOT k > '2026-06-01'", "year(k) = 2026", "k LIKE '%-%'", "k IS NULL"],
    ),
    "uuid": (["8AD58157-CA74-4AE4-8F37-A0193430BCAC", "x"], ["k > '00000000-0000-4000-8000-000000000000'", "k IS NULL"]),
    "varchar": (["a", 5, [1], "b"], ["k LIKE '%'", "k >= '1'", "length(k) > 0", "NOT k = 'a'"]),
    "geospatial": (["36, 3", "x", {"latitude": 80}], ["latitude(k) > 0", "k IS NULL", "distance_km(k, 36, 3) < 5"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", OF_TYPES)
def test_engines_agree_on_every_type(workspace, kind):
    values, conditions = OF_TYPES[kind]
    fill(workspace, values)
    add(workspace, kind)
    assert workspace.schema.not_fitting()["k"]
    for where in conditions:
        agree_in_all_engines(workspace, where)


def test_columns_answer_for_numbers_beside_texts(workspace):
    pytest.importorskip("polars")
    fill(workspace, [3, "x", True, 40, None])
    add(workspace, "number")
    assert workspace.schema.not_fitting() == {"k": 2}
    assert agree_in_all_engines(workspace, "k > 1") and agree_in_all_engines(workspace, "k IS NULL", "-k")


def test_a_value_that_a_type_of_a_plugin_never_stored_counts_as_missing(workspace):
    fill(workspace, ["1.9.0", "x", 7, "1.10.0"])
    add(workspace, "semver")
    assert found(workspace, "k > '1.9.5'") == [3] and found(workspace, "NOT k > '1.9.5'") == [0]
    assert found(workspace, "k IS NULL") == [1, 2] and found(workspace, "width > 1", sort="-k") == [
        3,
        0,
        1,
        2,
    ]


def test_a_page_tells_once_of_values_that_count_as_missing(workspace):
    fill(workspace, ["3", "x", "y"])
    add(workspace, "number")
    note = "k: 2 values are not of type number and count as missing; heron metadata verify lists them"
    page = workspace.search(where="k > 1 OR k < 0", sort="k")
    assert page.notes == (note,) and page[:1].notes == (note,)
    assert workspace.search.window(where="k > 1 OR k < 0", sort="k").notes == (note,)
    assert workspace.search.window(where="k > 1 OR k < 0", start=1).notes == ()
    assert workspace.search(where="width > 1").notes == ()
    workspace.metadata.merge({"1": {"k": 5}})
    assert workspace.search.notes(where="k > 1") == (
        note.replace("2 values are", "1 value is").replace("count", "counts").replace("them", "it"),
    )
    workspace.metadata.replace({"2": {}})
    assert workspace.schema.not_fitting() == {} and workspace.search(where="k > 1").notes == ()


def test_conditions_on_keys_whose_values_all_fit_are_as_short_as_before(workspace):
    fill(workspace, ["3"])
    add(workspace, "number")
    assert "CASE" not in workspace.search.explain(where="k > 1").sql
    workspace.metadata.merge({"0": {"late": "x"}})
    add(workspace, "number", key="late")
    assert "CASE" in workspace.search.explain(where="late > 1").sql


# Options that went


def test_an_option_that_went_is_found_as_long_as_something_has_it(workspace):
    workspace.schema.add_enum("k", ["sun", "rain", "fog"])
    fill(workspace, ["sun", "rain", "fog"])
    workspace.schema.set_from_dict({"k": {"type": "enum", "options": ["sun", "snow"]}})
    page = workspace.search(where="k = 'rain'")
    assert [item.name for item in page] == ["1"] and any("no longer an option" in note for note in page.notes)
    assert found(workspace, "k IN ('rain', 'snow')") == [1] and found(workspace, "k <> 'rain'") == [0, 2]
    with pytest.raises(MetadataError):
        workspace.metadata.merge({"0": {"k": "rain"}})
    workspace.metadata.merge({"1": {"k": "sun"}})
    with pytest.raises(QueryError, match="expected one of sun, snow"):
        workspace.search(where="k = 'rain'")
    with pytest.raises(QueryError):
        workspace.search(where="k = 'hail'")
    assert found(workspace, "k = 'fog'") == [2]


def test_an_option_is_renamed_in_every_value_and_undone(workspace):
    workspace.schema.add_enum("k", ["sun", "fog"])
    fill(workspace, ["sun", "fog", "fog"])
    workspace.folders.set_metadata("A", {"k": "fog"})
    assert workspace.schema.rename_option("k", "fog", "mist", dry_run=True).converted == 3
    report = workspace.schema.rename_option("k", "fog", "mist")
    assert (report.converted, report.left) == (3, 0)
    assert workspace.schema.to_dict()["k"]["options"] == ["sun", "mist"]
    assert stored(workspace) == ["sun", "mist", "mist"] and workspace.folders.get("A").metadata == {
        "k": "mist"
    }
    assert workspace.schema.undo("k").converted == 3
    assert workspace.schema.to_dict()["k"]["options"] == ["sun", "fog"] and stored(workspace) == [
        "sun",
        "fog",
        "fog",
    ]


def test_options_are_joined_only_when_asked_for(workspace):
    workspace.schema.add_enum("k", ["sun", "fog", "foggy"])
    fill(workspace, ["foggy", "fog"])
    with pytest.raises(AlreadyExists, match="already"):
        workspace.schema.rename_option("k", "foggy", "fog")
    workspace.schema.rename_option("k", "foggy", "fog", merge=True)
    assert workspace.schema.to_dict()["k"]["options"] == ["sun", "fog"] and stored(workspace) == [
        "fog",
        "fog",
    ]
    for old, new in (("hail", "fog"), ("hail", "ice")):
        with pytest.raises(NotFound, match="no option 'hail'"):
            workspace.schema.rename_option("k", old, new, merge=True)
    with pytest.raises(MetadataError):
        workspace.schema.rename_option("k", "fog", " ")


def test_an_option_that_went_can_be_renamed_too(workspace):
    workspace.schema.add_enum("k", ["sun", "fog"])
    fill(workspace, ["fog"])
    workspace.schema.set_from_dict({"k": {"type": "enum", "options": ["sun"]}})
    assert workspace.schema.not_fitting() == {"k": 1}
    workspace.schema.rename_option("k", "fog", "sun", merge=True)
    assert stored(workspace) == ["sun"] and workspace.schema.not_fitting() == {}
