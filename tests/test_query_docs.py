"""The guide of the query language says what is: its examples run, its tables are those of the code."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

import heron
from heron.cli.main import status
from heron.metadata.types import register_metadata_types
from heron.models import MediaFacts, NewItem
from heron.search import parse, syntax
from heron.search.fields import ITEM_NAMES
from heron.search.functions import BUILT_IN

PAGE = (Path(__file__).parent.parent / "docs" / "query-language.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def lines(language):
    return [line for block in blocks(language) for line in block.strip().splitlines()]


def section(title):
    """What stands under a heading, up to the next one."""
    return re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)[1]


def rows(title):
    """The cells of the table under a heading, without its head."""
    table = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def test_the_page_has_examples_of_every_kind():
    assert len(lines("sql")) > 30
    assert {language: len(blocks(language)) for language in ("toml", "text", "python", "sh")} == {
        "toml": 1, "text": 1, "python": 3, "sh": 3,
    }  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace as the page declares it, with five items in the folder and the collection that the examples name."""
    with heron.open(tmp_path_factory.mktemp("guide"), discover=False) as workspace:
        workspace.schema.set_from_dict(tomllib.loads(blocks("toml")[0]))
        facts = MediaFacts(
            "image", "image/jpeg", width=2000, height=1000, extra={"exif": {"Model": "Finch 2"}}
        )
        metadata = {"city": "Algiers", "score": 1, "checked": True, "camera": "front", "my key": "x"}
        metadata["description"] = "A red bus in the rain"
        new = [NewItem(f"file:///{n}.jpg", facts, metadata=metadata) for n in range(5)]
        workspace.registration.register(new, "Driving/2026")
        workspace.collections.create("Rainy nights", items=workspace.items.list())
        yield workspace


@pytest.mark.parametrize("where", lines("sql"))
def test_condition_of_the_page_runs(workspace, where):
    workspace.search.count(where=where)  # raises QueryError for what is not in the language


def test_some_conditions_of_the_page_find_everything_and_some_nothing(workspace):
    counts = [workspace.search.count(where=where) for where in lines("sql")]
    assert 5 in counts and 0 in counts


@pytest.mark.parametrize("sort", lines("text"))
def test_sort_of_the_page_runs(workspace, sort):
    assert len(workspace.search(sort=sort)) == 5


def test_python_of_the_page_runs(workspace, capsys):
    first, second, third = blocks("python")
    names = {"workspace": workspace, "heron": heron}
    exec(first, names)
    assert len(names["page"]) == 5
    exec(second, names)
    assert capsys.readouterr().out.splitlines() == [f"{n}.jpg" for n in range(5)]
    assert (len(names["page"]), names["number"], len(names["direct"])) == (1, 5, 0)
    exec(third, names)
    assert (names["kind"].buckets[0].count, names["score"].median) == (5, 1)
    assert "kind 0.0" not in capsys.readouterr().out, "one side has no items"


@pytest.mark.slow
def test_commands_of_the_page_run_one_after_the_other(workspace, monkeypatch, capsys):
    monkeypatch.setenv("HERON_WORKSPACE", str(workspace.root))
    for line in lines("sh"):
        program, *arguments = shlex.split(line)
        assert (program, status(arguments)) == ("heron", 0), capsys.readouterr()
        assert capsys.readouterr().out.strip(), line


def test_table_of_fields_is_that_of_the_code():
    found = [row[:2] for row in rows("Fields of every item")]
    assert found == [[f"`{name}`", field.compares] for name, field in ITEM_NAMES.items()]


def test_table_of_functions_is_that_of_the_code():
    signatures = [re.fullmatch(r"`(\w+)\((.*)\)`", cell) for cell, _ in rows("Functions")]
    documented = {found[1]: len(found[2].split(", ")) if found[2] else 0 for found in signatures}
    known = {name: len(function.arguments) for name, function in BUILT_IN.items()}
    assert documented == {
        **known,
        "now": 0,
        "match": 2,
        "in_collection": 1,
        "in_dataset": 1,
        "in_project": 1,
        "in_folder": 1,
        "has_file": 1,
    }
    assert set(documented) - set(known) - {"now"} == set(parse._TESTS)


def test_types_of_the_schema_are_all_explained():
    explained = {name for cell, *_ in rows("Values") for name in re.findall(r"\w+", cell)}
    assert {kind.name for kind in register_metadata_types()} <= explained


def test_longest_condition_is_that_of_the_code():
    assert f"at most {syntax.MAX_LENGTH:,} characters" in section("Limits and speed")


@pytest.mark.parametrize(
    "where",
    [
        "score IN (SELECT 1)", "CASE WHEN checked THEN TRUE END", "CAST(score AS TEXT) = '1'", "city || 'x' = 'y'",
        "city GLOB 'x*'", "city REGEXP 'x'", "city COLLATE NOCASE = 'x'", "row_number() OVER () = 1", "score = ?",
        "city = NULL", "score = 'x'", "city = score",
    ],
)  # fmt: skip
def test_what_the_page_rules_out_is_refused(workspace, where):
    with pytest.raises(heron.QueryError):
        workspace.search.count(where=where)


@pytest.mark.parametrize("where", ["city = 'Oslo'", "city <> 'Oslo'", "NOT city = 'Oslo'"])
def test_item_without_a_city_is_found_by_no_comparison(tmp_path, where):
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.schema.add_scalar("city", "varchar")
        workspace.registration.register([NewItem("file:///a.png", MediaFacts("image", "image/png"))], "F")
        assert workspace.search.count(where=where) == 0
        assert workspace.search.count(where=f"{where} OR city IS NULL") == 1


def test_depth_that_the_page_promises_works(workspace):
    assert "about 25 levels" in section("Limits and speed")
    assert workspace.search.count(where="(" * 25 + "score = 1" + ")" * 25) == 5
    assert workspace.search.count(where="(score = 1 AND " * 25 + "checked" + ")" * 25) == 5
