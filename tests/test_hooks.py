"""Hooks and events."""

from __future__ import annotations

import builtins

import pytest

import heron
from heron.hooks import PluginManager
from tests.test_plugin_manager import RECORD, TYPES, Given, bare, metadata_type, site, statuses, storage  # noqa: F401 - fixtures

# Hooks and events


def test_hook_relay_calls_every_plugin():
    records = [metadata_type("a"), metadata_type("b")]
    manager = bare(builtin=[TYPES], plugins=[Given(record) for record in records])
    answers = [list(answer) for answer in manager.hook.register_metadata_types()]
    assert len(answers) == 3
    assert [records[0]] in answers
    assert [records[1]] in answers


class Listener:
    def __init__(self, error=None):
        self.heard, self.error = [], error

    @heron.hookimpl
    def items_imported(self, items):
        self.heard.append(items)
        if self.error:
            raise self.error

    @heron.hookimpl
    def dataset_created(self):
        self.heard.append("dataset")


def test_event_reaches_every_plugin_although_some_fail():
    listeners = [Listener(), Listener(RuntimeError("no disk\nat all")), Listener()]
    manager = bare(builtin=[TYPES], plugins=listeners)
    complaints = manager.notify("items_imported", lambda: {"items": ["an item"]})
    assert [listener.heard for listener in listeners] == [[["an item"]]] * 3
    assert complaints == ["plugin Listener#1:Listener: items_imported failed: RuntimeError: no disk"]


def test_event_gives_a_plugin_only_the_arguments_that_it_asks_for():
    listener = Listener()
    assert bare(plugins=[listener]).notify("dataset_created", lambda: {"dataset": "a dataset"}) == []
    assert listener.heard == ["dataset"]


def test_event_does_not_reach_a_plugin_that_failed_to_register():
    class Broken(Listener):
        @heron.hookimpl
        def register_storage(self):
            raise RuntimeError("broken")

    broken = Broken()
    bare(plugins=[broken]).notify("items_imported", lambda: {"items": []})
    assert broken.heard == []


def test_manager_goes_to_another_process_without_the_objects(site):
    import pickle

    site.plugin("good", RECORD.format(name="percent", origin="good", requires=[]))
    site.plugin(
        "bad", "import builtins\nbuiltins.heron_tried = getattr(builtins, 'heron_tried', 0) + 1\n1 / 0"
    )
    manager = site.manager(builtin=[TYPES], plugins=[Given(metadata_type("a"))])
    assert statuses(manager)["bad"].startswith("failed: ZeroDivisionError")
    again = pickle.loads(pickle.dumps(manager))
    assert statuses(again) == {"metadata": "loaded", "good": "loaded"}
    assert again.metadata_type("percent").summary == "good"
    assert not again.has_objects
    assert vars(builtins).pop("heron_tried") == 1, "what has failed is not imported there again"


def test_records_take_lists_and_keep_them_unchangeable():
    names = ["tapelib"]
    record = metadata_type("tape", requires=names, aliases=["t"])
    names.append("other")
    assert (record.requires, record.aliases) == (("tapelib",), ("t",))
    for wrong in ({"requires": "tapelib"}, {"aliases": "t"}):
        with pytest.raises(TypeError, match="expected a list of texts"):
            metadata_type("tape", **wrong)
    with pytest.raises(TypeError, match="expected a list of texts"):
        storage("tape", "tape")


def test_a_plugin_that_is_not_built_yet_says_so():
    class Announced:
        @heron.hookimpl
        def register_embedders(self):
            yield heron.EmbedderModel(name="soon", summary="soon", size=4, planned=True, load=lambda: None)

    [status] = PluginManager(discover=False, plugins=[Announced()]).statuses
    assert status.status == "planned: not built yet"
    assert not status.usable
