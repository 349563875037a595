"""Actions of plugins run with items or the workspace: options are checked, and an item that fails costs itself."""

from __future__ import annotations

import json

import pytest

import heron
from heron.actions.builtin import register_actions
from heron.cli.main import status
from heron.testing import ActionContract
from tests.conftest import draw

PREFIX = heron.ActionOption("prefix", "what to put before each name", required=True)
TIMES = heron.ActionOption("times", "how often", "number", default=1)
LOUD = heron.ActionOption("loud", "whether to tell", "boolean", default=False)
CASE = heron.ActionOption("case", "of which letters", default="lower", choices=["lower", "upper"])


def rename(workspace, item, options):
    if item.name == "b.png":
        raise SystemExit(3)
    workspace.items.rename(item, options["prefix"] * options["times"] + item.name)
    return f"renamed\n{item.name}" if options["loud"] else None


def count(workspace, items, options):
    return f"{sum(1 for _ in items)} items"


def describe(workspace, options):
    return f"{workspace.items.count()} items in all"


RENAME = heron.ItemAction(
    name="rename",
    summary="Rename items",
    options=[PREFIX, TIMES, LOUD, CASE],
    load=lambda: rename,
    kinds=["image"],
)
COUNT = heron.ItemAction(name="count", summary="x", applies_to="items", changes=False, load=lambda: count)
DESCRIBE = heron.ItemAction(name="describe", summary="x", applies_to="workspace", load=lambda: describe)


class Plugin:
    def __init__(self, *records):
        self.records = records

    @heron.hookimpl
    def register_actions(self):
        yield from self.records


class TestCount(ActionContract):
    action = COUNT
    module = "heron.actions.builtin"


class TestCheckFiles(ActionContract):
    [action] = register_actions()
    items = ()
    module = "heron.actions.builtin"


@pytest.fixture
def lake(tmp_path):
    for number, name in enumerate("abc"):
        draw(tmp_path / f"in/{name}.png", seed=number)
    (tmp_path / "in/t.txt").write_text("text\n")
    with heron.open(tmp_path, plugins=[Plugin(RENAME, COUNT, DESCRIBE)], discover=False) as workspace:
        workspace.ingest.files([tmp_path / "in"], folder="P", content_hash=True)
        yield workspace


def names(workspace):
    return sorted(item.name for item in workspace.items.list())


def test_an_action_is_called_with_each_item_and_a_failure_costs_one(lake):
    seen = []
    report = lake.actions.run(
        "rename", heron.Query(), options={"prefix": "x", "times": "2", "loud": True}, progress=seen.append
    )
    assert (report.done, report.failed) == (2, 1)
    assert seen == [1, 2, 3]
    assert names(lake) == ["b.png", "t.txt", "xxa.png", "xxc.png"]
    assert report.said[0] == "renamed a.png"
    assert (
        "b.png: action rename (plugin Plugin) failed in act with SystemExit: 3" in report.problems[0].reason
    )


def test_an_action_gets_a_stream_or_the_workspace(lake):
    seen = []
    report = lake.actions.run("count", ["a.png", "b.png"], progress=seen.append)
    assert (report.said, report.done, seen) == (("2 items",), 2, [1, 2])
    assert lake.actions.run("describe").said == ("4 items in all",)


WRONG = [
    ("rename", {}, "needs the option prefix"),
    ("rename", {"prefix": 3}, "expected a text"),
    ("rename", {"prefix": "x", "times": "many"}, "expected a number"),
    ("rename", {"prefix": "x", "times": float("inf")}, "expected a number"),
    ("rename", {"prefix": "x", "times": True}, "expected a number"),
    ("rename", {"prefix": "x", "loud": "perhaps"}, "expected a boolean"),
    ("rename", {"prefix": "x", "case": "title"}, "one of lower, upper"),
    ("rename", {"prefix": "x", "tmes": 1}, "did you mean times"),
    ("count", {"x": 1}, "it has no options"),
]


@pytest.mark.parametrize(("action", "options", "reason"), WRONG)
def test_wrong_options_are_refused_before_anything_happens(lake, action, options, reason):
    with pytest.raises(heron.InvalidInput, match=reason):
        lake.actions.run(action, heron.Query(), options=options)
    assert names(lake) == ["a.png", "b.png", "c.png", "t.txt"]


def test_items_and_workspace_are_not_confused(lake):
    with pytest.raises(heron.InvalidInput, match="applies to items"):
        lake.actions.run("count")
    with pytest.raises(heron.InvalidInput, match="not to items"):
        lake.actions.run("describe", ["a.png"])
    with pytest.raises(heron.PluginError, match="did you mean count"):
        lake.actions.run("coun", ["a.png"])


def test_an_action_that_changes_items_asks_for_the_right(lake):
    lake.users.add("ada@example.org")
    lake.roles.grant("user", user="ada@example.org", folder="P")
    with lake.open_as("ada@example.org") as ada:
        assert ada.actions.run("count", heron.Query()).done == 4
        with pytest.raises(heron.PermissionDenied):
            ada.actions.run("rename", heron.Query(), options={"prefix": "x"})
    assert names(lake) == ["a.png", "b.png", "c.png", "t.txt"]


def test_a_result_that_is_no_text_is_a_failure(tmp_path):
    bad = heron.ItemAction(
        name="bad", summary="x", applies_to="workspace", load=lambda: lambda workspace, options: 3
    )
    with (
        heron.open(tmp_path, plugins=[Plugin(bad)], discover=False) as workspace,
        pytest.raises(heron.PluginError, match="returned int, expected a text"),
    ):
        workspace.actions.run("bad")


def test_check_files_finds_what_is_gone_and_what_has_changed(lake, tmp_path):
    (tmp_path / "in/a.png").unlink()
    (tmp_path / "in/t.txt").write_text("TEXT, and more\n")
    report = lake.actions.run("check-files", heron.Query(), options={"hash": True})
    assert (report.done, report.failed) == (2, 2)
    said = {problem.place: problem.reason for problem in report.problems}
    assert "is not there" in said["a.png"] and "bytes" in said["t.txt"]


def test_the_command_runs_and_lists(lake, tmp_path, capsys):
    where = ["-w", str(tmp_path), "--no-plugins", "run"]
    assert status([*where, "check-files", "--folder", "P", "--option", "hash=true"]) == 0
    assert "Ran check-files: 4 items done." in capsys.readouterr().out
    assert status([*where, "--list", "--json"]) == 0
    [known] = json.loads(capsys.readouterr().out)["items"]
    assert known["name"] == "check-files" and known["options"][0]["name"] == "hash"
    assert status([*where, "check-files", "--list"]) == 0
    told = capsys.readouterr().out
    assert "check-files (item): Whether the files of items" in told and "hash    boolean  false" in told
    assert status([*where, "check-files", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == known
    for wrong in (
        ["check-fils", "--list"],
        [],
        ["check-files"],
        ["check-files", "--folder", "P", "--option", "hash"],
    ):
        assert status([*where, *wrong]) in (1, 2)
