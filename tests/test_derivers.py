"""Derivers give values for keys of their own, once for each content and version, and never over what people gave."""

from __future__ import annotations

import json

import pytest
from PIL import Image

import heron
from heron.cli.main import status
from heron.deriving.builtin import register_derivers
from heron.testing import DeriverContract, an_item
from tests.toy_derivers import WORDS, light, record


class Plugin:
    def __init__(self, *records):
        self.records = records

    @heron.hookimpl
    def register_derivers(self):
        yield from self.records


class TestLight(DeriverContract):
    deriver = record()
    module = "tests.toy_derivers"
    examples = (
        (an_item(), Image.new("RGB", (8, 8), "white"), {"light": "day"}),
        (an_item(name="b.png"), Image.new("RGB", (8, 8), "black"), {"light": "night"}),
    )


class TestWords(DeriverContract):
    deriver = WORDS
    module = "tests.toy_derivers"
    examples = (
        (an_item(heron.MediaFacts("text", "text/plain"), name="a.txt"), ["one two", "three"], {"words": 3}),
    )


class TestOrientation(DeriverContract):
    [deriver] = register_derivers()
    module = "heron.deriving.builtin"
    examples = (
        (an_item(), None, {"orientation": "landscape"}),
        (an_item(heron.MediaFacts("image", "image/png", width=3, height=3)), None, {"orientation": "square"}),
        (an_item(heron.MediaFacts("image", "image/png")), None, {}),
    )


def paint(path, colour, size=(40, 30)):
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def lake(tmp_path):
    """A folder with a light and a dark picture and a text."""
    folder = tmp_path / "in"
    folder.mkdir()
    paint(folder / "day.png", "white")
    paint(folder / "night.png", "black")
    (folder / "a.txt").write_text("one two three\n")
    return tmp_path


def opened(lake, *records):
    workspace = heron.open(lake, plugins=[Plugin(*records)], discover=False)
    if not workspace.items.count():
        workspace.ingest.files([lake / "in"], folder="P")
    return workspace


def values(workspace, key="light"):
    return {item.name: item.metadata.get(key) for item in workspace.items.list()}


def counts(done):
    return done.derived, done.skipped, done.kept, done.failed


def test_values_are_derived_once_for_each_content_and_version(lake):
    with opened(lake, record(), WORDS) as workspace:
        assert counts(workspace.derive("light")) == (2, 0, 0, 0)
        assert counts(workspace.derive("words")) == (1, 0, 0, 0)
        assert values(workspace) == {"day.png": "day", "night.png": "night", "a.txt": None}
        assert values(workspace, "words")["a.txt"] == 3
        assert counts(workspace.derive("light")) == (0, 2, 0, 0)
        assert [item.name for item in workspace.search(where="light = 'night'")] == ["night.png"]
        workspace.ingest.follow("S", str(lake / "in"))
        workspace.ingest.sync("S")
        assert counts(workspace.derive("light")) == (2, 2, 0, 0)
        paint(lake / "in" / "day.png", "black", (40, 40))
        workspace.ingest.sync("S")
        assert counts(workspace.derive("light")) == (1, 3, 0, 0)
    with opened(lake, record(version="2")) as workspace:
        assert counts(workspace.derive("light", heron.Query(folder="P"))) == (2, 0, 0, 0)


def test_what_changes_of_an_item_makes_its_values_anew(lake):
    def dark(item, content):
        return {"light": "night" if item.metadata.get("hour", 0) > 20 else "day"}

    with opened(lake, record(dark, reads="facts", uses=["hour"], kinds=["image"])) as workspace:
        workspace.derive("light")
        workspace.metadata.merge({"day.png": {"hour": 23}, "night.png": {"other": 1}})
        assert counts(workspace.derive("light")) == (1, 1, 0, 0)
        assert values(workspace)["day.png"] == "night"
        workspace.items.rename("night.png", "x.png")
        assert counts(workspace.derive("light")) == (1, 1, 0, 0)


def test_a_deriver_sees_of_the_metadata_only_what_it_uses(lake):
    seen = []

    def look(item, content):
        seen.append((dict(item.metadata), item.tags, "metric" in item.facts.extra))
        return {}

    with opened(lake, record(look, uses=["hour"], kinds=["image"])) as workspace:
        workspace.metadata.merge({"day.png": {"hour": 23, "city": "X"}})
        workspace.pictures.make(["day.png"])
        workspace.collections.create("Best", items=["day.png"])
        workspace.derive("light", ["day.png"])
    assert seen == [({"hour": 23}, (), False)]


def test_values_that_people_gave_stay(lake):
    with opened(lake, record()) as workspace:
        workspace.schema.add_enum("light", ["day", "night", "dusk"])
        workspace.metadata.merge({"day.png": {"light": "dusk"}})
        assert counts(workspace.derive("light")) == (1, 0, 1, 0)
        workspace.metadata.merge({"night.png": {"light": "day"}})
        assert counts(workspace.derive("light")) == (0, 0, 2, 0)
        assert values(workspace) == {"day.png": "dusk", "night.png": "day", "a.txt": None}
        workspace.metadata.merge({"day.png": {"light": None}})
        assert counts(workspace.derive("light")) == (1, 0, 1, 0)
        assert counts(workspace.derive("light", again=True)) == (2, 0, 0, 0)
        assert values(workspace)["night.png"] == "night"


BAD = {
    "raises": (lambda item, picture: 1 / 0, "ZeroDivisionError"),
    "exits": (lambda item, picture: exit(3), "SystemExit"),
    "gives a list": (lambda item, picture: ["day"], "returned list, expected a mapping"),
    "gives another key": (lambda item, picture: {"city": "Rome"}, "'city', which is none of its keys"),
    "gives no option": (lambda item, picture: {"light": "dawn"}, "'light'"),
    "gives what JSON has not": (lambda item, picture: {"light": object()}, "'light'"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_item_that_fails_costs_itself_alone(lake, case):
    bad, reason = BAD[case]

    def derive(item, picture):
        return bad(item, picture) if item.name == "day.png" else light(item, picture)

    with opened(lake, record(derive)) as workspace:
        done = workspace.derive("light")
        assert counts(done) == (1, 0, 0, 1)
        assert reason in done.problems[0].reason and "light" in done.problems[0].reason
        assert values(workspace) == {"day.png": None, "night.png": "night", "a.txt": None}
    with opened(lake, record()) as workspace:
        assert counts(workspace.derive("light")) == (1, 1, 0, 0)


def test_a_run_that_ends_early_goes_on_where_it_stopped(lake, monkeypatch):
    monkeypatch.setattr("heron.deriving.run._KEPT", 1)
    with opened(lake, record()) as workspace:

        def stop(done):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            workspace.derive("light", progress=stop)
        again = workspace.derive("light")
        assert again.skipped >= 1 and again.derived + again.skipped == 2


def test_keys_that_are_not_free_are_refused(lake):
    with opened(lake, record(), record(name="other")) as workspace:
        with pytest.raises(heron.InvalidInput, match="both give the key 'light'"):
            workspace.derive("light")
        assert ["both give" in (each.problem or "") for each in workspace.derive.list()] == [
            False,
            True,
            True,
        ]
    with opened(lake, record()) as workspace:
        workspace.schema.add_scalar("light", "number")
        with pytest.raises(heron.InvalidInput, match="type number, not enum"):
            workspace.derive("light")
    look = heron.DerivedKey("look", "embedding", {"size": 2})
    with (
        opened(lake, record(keys=[look])) as workspace,
        pytest.raises(heron.InvalidInput, match="embedders"),
    ):
        workspace.derive("light")


def test_a_bad_record_is_listed_with_its_reason(tmp_path):
    bad = [{"version": ""}, {"keys": ["light"]}, {"picture_size": 0}, {"kinds": ["IMAGE"]}]
    for given in bad:
        plugin = Plugin()
        try:
            plugin.records = [record(**given)]
        except (AttributeError, ValueError):
            continue
        with heron.open(tmp_path, plugins=[plugin], discover=False) as workspace:
            assert workspace.plugins.statuses[-1].status.startswith(
                "failed: PluginError"
            ) or "deriver light" in (workspace.plugins.statuses[-1].status)
    with pytest.raises(ValueError, match="one key or more"):
        record(keys=[])


def test_items_are_derived_as_they_are_imported(lake):
    def derive(item, picture):
        return light(item, picture) if item.name == "day.png" else 1 / 0

    with heron.open(lake, plugins=[Plugin(record(derive, on_import=True))], discover=False) as workspace:
        report = workspace.ingest.files([lake / "in"], folder="P")
        assert report.added == 3
        [problem] = report.problems
        assert problem.severity == "warning" and "night.png" in problem.reason
        assert values(workspace) == {"day.png": "day", "night.png": None, "a.txt": None}


def test_the_command_derives_and_lists(lake, capsys):
    with heron.open(lake, discover=False) as workspace:
        workspace.ingest.files([lake / "in"], folder="P")
    where = ["-w", str(lake), "--no-plugins", "derive"]
    assert status([*where, "--json"]) == 0
    [done] = json.loads(capsys.readouterr().out)["items"]
    assert (done["deriver"], done["derived"], done["failed"]) == ("orientation", 2, 0)
    assert status([*where, "orientation"]) == 0
    assert "Derived orientation of 0 items, 2 up to date." in capsys.readouterr().out
    assert status([*where, "--list"]) == 0
    assert "orientation" in capsys.readouterr().out
    assert status([*where, "nope"]) == 1
    assert "no deriver is called 'nope'" in capsys.readouterr().err


@pytest.mark.slow
def test_workers_derive_the_same(lake):
    with heron.open(lake, discover=False) as workspace:
        workspace.ingest.files([lake / "in"], folder="P")
        assert counts(workspace.derive("orientation", executor="processes:1")) == (2, 0, 0, 0)
        assert counts(workspace.derive("orientation", executor="threads:2")) == (0, 2, 0, 0)
        assert counts(workspace.derive("orientation", executor="threads:2", again=True)) == (2, 0, 0, 0)
