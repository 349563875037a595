"""The plugin manager: finding plugins, keeping broken ones apart, and saying which contribution is in force."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import heron
from heron.errors import PluginError
from heron.hooks import MediaDecoder, MetadataType, PluginManager, StorageBackend

TYPES = "heron.metadata.types"

RECORD = """
from heron.hooks import MetadataType, StorageBackend, hookimpl

@hookimpl
def register_metadata_types():
    yield MetadataType(name="{name}", summary="{origin}", affinity="text", load=object, requires={requires})
"""

OTHER = "    yield MetadataType(name='{name}', summary='', affinity='text', load=object)\n"


def metadata_type(name, load=object, **rest):
    return MetadataType(name=name, summary=name, affinity="text", load=load, **rest)


def storage(name, schemes, **rest):
    return StorageBackend(name=name, summary=name, schemes=schemes, load=lambda options: options, **rest)


class Given:
    """A plugin object that brings some metadata types."""

    def __init__(self, *records):
        self.records = records

    @heron.hookimpl
    def register_metadata_types(self):
        yield from self.records


class Storages:
    def __init__(self, *records):
        self.records = records

    @heron.hookimpl
    def register_storage(self):
        return self.records


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on `sys.path`, like the one that pip installs into."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield Site(folder)
    for name in set(sys.modules) - before:
        if name.startswith("heron_try_"):
            del sys.modules[name]


class Site:
    """Writes modules and the metadata of distributions as pip does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []

    def distribution(self, name, version="1.0", **points):
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = "".join(f"{point} = {module}\n" for point, module in points.items())
        (info / "entry_points.txt").write_text(f"[heron]\n{lines}")
        self.names += points

    def module(self, name, source):
        (self.folder / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        return name

    def plugin(self, name, source, *, distribution=None, version="1.0"):
        """One module in one distribution, whose entry point has the name of the distribution."""
        module = self.module(f"heron_try_{name}", source)
        self.distribution(distribution or f"heron-try-{name}", version, **{name: module})

    def manager(self, **options):
        """A manager that sees the plugins of this folder and none that happens to be installed."""
        return PluginManager(**{"only": self.names, **options})


def bare(**options):
    return PluginManager(**{"discover": False, **options})


def statuses(manager):
    return {status.name: status.status for status in manager.statuses}


# Built-in modules and objects


def test_builtin_module_is_loaded_by_its_name():
    manager = bare(builtin=[TYPES])
    (status,) = manager.statuses
    assert (status.name, status.distribution, status.status, status.usable) == (
        "metadata",
        "built-in",
        "loaded",
        True,
    )
    assert "metadata type varchar" in status.contributions
    assert manager.metadata_type("varchar").name == "varchar"


def test_builtin_module_that_is_not_there_is_listed_with_its_reason():
    manager = bare(builtin=["heron.nowhere.types", TYPES])
    assert statuses(manager) == {
        "nowhere": "failed: ModuleNotFoundError: No module named 'heron.nowhere'",
        "metadata": "loaded",
    }


def test_manager_without_plugins_has_nothing_and_says_so():
    manager = bare()
    assert (manager.statuses, manager.decoders(), manager.commands()) == ([], [], {})
    with pytest.raises(PluginError, match=r"no metadata type is called 'varchar' \(there is: none\)"):
        manager.metadata_type("varchar")


def test_object_plugin_is_listed_as_given_by_the_program():
    manager = bare(plugins=[Given(metadata_type("percent"))])
    (status,) = manager.statuses
    assert (status.name, status.distribution) == ("Given", "(given by the program)")
    assert status.contributions == ["metadata type percent"]
    assert manager.has_objects
    assert not bare().has_objects


def test_module_can_be_given_as_an_object():
    assert statuses(bare(plugins=[importlib.import_module(TYPES)])) == {TYPES: "loaded"}


def test_two_objects_of_one_class_are_two_plugins():
    manager = bare(plugins=[Given(metadata_type("a")), Given(metadata_type("b"))])
    assert [kind.name for kind in manager.contributions(MetadataType)] == ["a", "b"]


def test_same_object_given_twice_counts_once():
    plugin = Given(metadata_type("a"))
    manager = bare(plugins=[plugin, plugin])
    assert [status.status for status in manager.statuses] == [
        "loaded",
        "failed: Given#0:Given is the same plugin",
    ]
    assert manager.metadata_type("a") is plugin.records[0]
    assert [list(found) for found in manager.hook.register_metadata_types()] == [[plugin.records[0]]]


def test_each_manager_has_plugins_of_its_own():
    first, second = bare(plugins=[Given(metadata_type("a"))]), bare(plugins=[Given(metadata_type("a"))])
    assert first.metadata_type("a") is not second.metadata_type("a")


# Installed plugins


def test_installed_plugin_is_found_by_its_entry_point(site):
    site.plugin("good", RECORD.format(name="percent", origin="good", requires=[]), version="2.5")
    (status,) = site.manager().statuses
    assert (status.name, status.distribution, status.version) == ("good", "heron-try-good", "2.5")
    assert status.status == "loaded"
    assert site.manager().metadata_type("percent").summary == "good"


def test_entry_point_can_name_an_object_in_a_module(site):
    module = site.module(
        "heron_try_object",
        "import heron\n"
        "class Plugin:\n"
        "    @heron.hookimpl\n"
        "    def register_metadata_types(self):\n"
        "        yield heron.MetadataType(name='percent', summary='', affinity='text', load=object)\n"
        "class holder:\n"
        "    plugin = Plugin()\n",
    )
    site.distribution("heron-try-object", object=f"{module}:holder.plugin", gone=f"{module}:holder.gone")
    manager = site.manager()
    assert manager.metadata_type("percent")
    assert statuses(manager)["object"] == "loaded"
    assert statuses(manager)["gone"].startswith("failed: AttributeError: ")


def test_discovery_can_be_switched_off(site):
    site.plugin("good", RECORD.format(name="percent", origin="good", requires=[]))
    assert site.manager(discover=False).statuses == []
    assert "heron_try_good" not in sys.modules


def test_without_a_filter_every_installed_plugin_is_loaded(site):
    site.plugin("good", RECORD.format(name="percent", origin="good", requires=[]))
    assert statuses(PluginManager())["good"] == "loaded"


def test_filter_lets_only_named_plugins_in_and_does_not_import_others(site):
    site.plugin("one", RECORD.format(name="a", origin="one", requires=[]))
    site.plugin("two", RECORD.format(name="b", origin="two", requires=[]))
    manager = site.manager(only=["two"], builtin=[TYPES])
    assert statuses(manager) == {"metadata": "loaded", "two": "loaded"}
    assert "heron_try_one" not in sys.modules


def test_filter_with_a_name_that_is_not_installed_lists_it(site):
    site.plugin("one", RECORD.format(name="a", origin="one", requires=[]))
    assert statuses(site.manager(only=["one", "oen"])) == {
        "one": "loaded",
        "oen": "failed: no installed plugin has this name",
    }


def test_empty_filter_lets_no_installed_plugin_in(site):
    site.plugin("one", RECORD.format(name="a", origin="one", requires=[]))
    assert site.manager(only=[]).statuses == []


# Broken plugins stay apart


BROKEN = {
    "raises": ("raise RuntimeError('no licence\\nsecond line')", "failed: RuntimeError: no licence"),
    "silent": ("raise RuntimeError", "failed: RuntimeError"),
    "exits": ("import sys; sys.exit(3)", "failed: SystemExit: 3"),
    "syntax": ("def x(:", "failed: SyntaxError: invalid syntax (heron_try_syntax.py, line 1)"),
    "lacks": ("import no_such_library", "failed: ModuleNotFoundError: No module named 'no_such_library'"),
    "misspelt": (
        "from heron import hookimpl\n@hookimpl\ndef register_storages(): ...",
        "failed: unknown hook register_storages, did you mean register_storage?",
    ),
    "stranger": ("from heron import hookimpl\n@hookimpl\ndef zzz(): ...", "failed: unknown hook zzz"),
    "argument": (
        "from heron import hookimpl\n@hookimpl\ndef register_storage(colour): ...",
        "failed: PluginValidationError: Argument(s) {'colour'} are declared in the hookimpl "
        "but can not be found in the hookspec",
    ),
    "wrongrecord": (
        RECORD.format(name="first", origin="x", requires=[])
        + "    yield StorageBackend(name='s', summary='s', schemes=['s'], load=object)\n",
        "failed: register_metadata_types yielded StorageBackend, expected MetadataType",
    ),
    "norecord": (
        "from heron import hookimpl\n@hookimpl\ndef register_decoders(): return ['jpeg']",
        "failed: register_decoders yielded str, expected MediaDecoder",
    ),
    "notiterable": (
        "from heron import hookimpl\n@hookimpl\ndef register_decoders(): return 5",
        "failed: TypeError: 'int' object is not iterable",
    ),
    "midway": (
        RECORD.format(name="first", origin="x", requires=[]) + "    raise KeyError('second')\n",
        "failed: KeyError: 'second'",
    ),
    "midexit": (
        RECORD.format(name="first", origin="x", requires=[]) + "    raise SystemExit(4)\n",
        "failed: SystemExit: 4",
    ),
    "letters": (
        RECORD.format(name="first", origin="x", requires="'onnxruntime'"),
        "failed: TypeError: expected a list of texts, got the text 'onnxruntime'",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin_is_listed_with_its_reason_and_the_others_work(site, name):
    source, reason = BROKEN[name]
    site.plugin(name, source, version="0.3")
    site.plugin("zgood", RECORD.format(name="percent", origin="good", requires=[]))
    manager = site.manager(builtin=[TYPES])
    (broken,) = [status for status in manager.statuses if status.name == name]
    assert broken.status == reason
    assert (broken.distribution, broken.version, broken.usable) == (f"heron-try-{name}", "0.3", False)
    assert broken.contributions == []
    assert statuses(manager)["zgood"] == "loaded"
    assert manager.metadata_type("percent").summary == "good"
    assert manager.metadata_type("number").name == "number"


@pytest.mark.parametrize("name", ["midway", "midexit", "wrongrecord"])
def test_nothing_of_a_plugin_that_fails_midway_stays(site, name):
    site.plugin(name, BROKEN[name][0])
    manager = site.manager()
    assert list(manager.contributions(MetadataType)) == []
    assert manager.hook.register_metadata_types() == []


def test_plugin_that_fails_midway_takes_nothing_from_one_of_the_same_name():
    class Failing(Given):
        @heron.hookimpl
        def register_metadata_types(self):
            yield from self.records
            raise RuntimeError("midway")

    Failing.__name__ = Given.__name__
    manager = bare(plugins=[Given(metadata_type("a")), Failing(metadata_type("b"))])
    assert [status.name for status in manager.statuses] == ["Given", "Given"]
    assert [status.status for status in manager.statuses] == ["loaded", "failed: RuntimeError: midway"]
    assert [kind.name for kind in manager.contributions(MetadataType)] == ["a"]


def test_installed_plugin_with_the_name_of_a_builtin_leaves_it_alone(site):
    site.plugin(
        "types", RECORD.format(name="first", origin="x", requires=[]) + "    raise RuntimeError('midway')\n"
    )
    manager = site.manager(builtin=[TYPES])
    assert [status.status for status in manager.statuses] == ["loaded", "failed: RuntimeError: midway"]
    assert manager.metadata_type("varchar").name == "varchar"


def test_what_a_plugin_needs_is_not_laid_to_another_of_the_same_name(site):
    site.plugin("metadata", RECORD.format(name="tape", origin="x", requires=["tapelib"]))
    manager = site.manager(builtin=[TYPES])
    assert [(status.distribution, status.status) for status in manager.statuses] == [
        ("built-in", "loaded"),
        ("heron-try-metadata", "needs tapelib"),
    ]


def test_object_whose_attributes_raise_is_isolated():
    class Moody(Given):
        @property
        def mood(self):
            raise RuntimeError("not today")

    manager = bare(plugins=[Moody(metadata_type("a")), Given(metadata_type("b"))])
    assert [status.status for status in manager.statuses] == ["failed: RuntimeError: not today", "loaded"]


def test_object_that_answers_to_every_name_is_no_misspelt_hook(site):
    site.plugin(
        "proxy",
        "class Proxy:\n    def __getattr__(self, name): return self\n    def __call__(self, *a, **k): return self\n"
        "proxy = Proxy()\n" + RECORD.format(name="percent", origin="x", requires=[]),
    )
    assert statuses(site.manager()) == {"proxy": "loaded"}


# Missing packages


def test_missing_package_is_listed_and_the_record_still_stands(site):
    site.plugin("tape", RECORD.format(name="tape", origin="x", requires=["tapelib", "attrs", "other-lib"]))
    manager = site.manager()
    (status,) = manager.statuses
    assert (status.status, status.usable) == ("needs tapelib, other-lib", False)
    assert status.contributions == ["metadata type tape"]
    assert manager.metadata_type("tape").requires == ("tapelib", "attrs", "other-lib")


def test_load_with_a_missing_package_raises_with_plugin_and_install_command(site):
    site.plugin("tape", RECORD.format(name="tape", origin="x", requires=["tapelib"]))
    manager = site.manager()
    with pytest.raises(PluginError) as refusal:
        manager.load(manager.metadata_type("tape"))
    assert str(refusal.value) == "metadata type tape (plugin tape) needs tapelib (pip install tapelib)"


def test_install_command_names_the_extra_of_heron_where_there_is_one():
    manager = bare(plugins=[Given(metadata_type("tape", requires=["tapelib"], extra="tape"))])
    with pytest.raises(PluginError) as refusal:
        manager.require(manager.metadata_type("tape"))
    assert refusal.value.hint == 'pip install "heron[tape]"'


def test_load_gives_the_real_thing_once_all_is_there():
    manager = bare(plugins=[Given(metadata_type("tape", load=lambda: "the real thing", requires=["attrs"]))])
    assert statuses(manager) == {"Given": "loaded"}
    assert manager.load(manager.metadata_type("tape")) == "the real thing"


def test_load_that_cannot_import_raises_with_the_plugin():
    def load():
        import no_such_library

        return no_such_library

    manager = bare(plugins=[Given(metadata_type("tape", load=load, requires=["attrs"]))])
    with pytest.raises(PluginError) as refusal:
        manager.load(manager.metadata_type("tape"))
    assert str(refusal.value) == (
        "metadata type tape (plugin Given) cannot be loaded: "
        "ModuleNotFoundError: No module named 'no_such_library' (pip install attrs)"
    )


def test_nothing_is_loaded_before_it_is_asked_for():
    calls = []
    manager = bare(plugins=[Given(metadata_type("tape", load=lambda: calls.append(1)))])
    manager.metadata_type("tape")
    manager.hook.register_metadata_types()
    assert calls == []


# Conflicts and overriding


def test_two_distributions_with_one_entry_point_name_are_a_conflict_and_neither_is_imported(site):
    site.module("heron_try_one", RECORD.format(name="a", origin="one", requires=[]))
    site.module("heron_try_two", RECORD.format(name="b", origin="two", requires=[]))
    site.distribution("heron-two", tape="heron_try_two")
    site.distribution("heron-one", "3.1", tape="heron_try_one")
    manager = site.manager()
    assert sorted((s.name, s.distribution, s.version, s.status) for s in manager.statuses) == [
        ("tape", "heron-one", "3.1", "conflict between heron-one and heron-two"),
        ("tape", "heron-two", "1.0", "conflict between heron-one and heron-two"),
    ]
    assert list(manager.contributions(MetadataType)) == []
    assert not {"heron_try_one", "heron_try_two"} & set(sys.modules)


def test_two_plugins_with_one_contribution_name_are_a_conflict_and_neither_is_used(site):
    site.plugin(
        "one", RECORD.format(name="percent", origin="one", requires=[]) + OTHER.format(name="only-one")
    )
    site.plugin("two", RECORD.format(name="percent", origin="two", requires=[]))
    manager = site.manager()
    reason = "conflict between one (heron-try-one) and two (heron-try-two)"
    assert statuses(manager) == {"one": reason, "two": reason}
    with pytest.raises(PluginError, match=r"one \(heron-try-one\) and two \(heron-try-two\).*HERON_PLUGINS"):
        manager.metadata_type("percent")
    assert [kind.name for kind in manager.contributions(MetadataType)] == ["only-one"]


def test_conflict_is_settled_by_the_filter(site):
    site.plugin("one", RECORD.format(name="percent", origin="one", requires=[]))
    site.plugin("two", RECORD.format(name="percent", origin="two", requires=[]))
    assert site.manager(only=["two"]).metadata_type("percent").summary == "two"


def test_conflict_of_installed_plugins_does_not_fall_back_to_the_builtin(site):
    site.plugin("one", RECORD.format(name="varchar", origin="one", requires=[]))
    site.plugin("two", RECORD.format(name="varchar", origin="two", requires=[]))
    manager = site.manager(builtin=[TYPES])
    with pytest.raises(PluginError, match="conflict between one"):
        manager.metadata_type("varchar")
    assert statuses(manager)["metadata"] == "loaded"


def test_installed_plugin_overrides_a_builtin_and_an_object_overrides_both(site):
    site.plugin("mine", RECORD.format(name="varchar", origin="installed", requires=[]))
    manager = site.manager(builtin=[TYPES])
    assert manager.metadata_type("varchar").summary == "installed"
    assert [k.summary for k in manager.contributions(MetadataType) if k.name == "varchar"] == ["installed"]
    assert set(statuses(manager).values()) == {"loaded"}
    record = metadata_type("varchar")
    assert site.manager(builtin=[TYPES], plugins=[Given(record)]).metadata_type("varchar") is record


def test_two_objects_with_one_contribution_name_are_a_conflict():
    manager = bare(plugins=[Given(metadata_type("a")), Given(metadata_type("a"))])
    assert {status.status for status in manager.statuses} == {
        "conflict between Given (Given#0) and Given (Given#1)"
    }


def test_same_name_in_different_sorts_is_no_conflict():
    manager = bare(plugins=[Given(metadata_type("tape")), Storages(storage("tape", ["tape"]))])
    assert set(statuses(manager).values()) == {"loaded"}


def test_storage_is_found_by_its_name_and_by_each_of_its_schemes():
    backend = storage("otc", ["obs", "obsfs"])
    manager = bare(plugins=[Storages(backend)])
    assert all(manager.storage(name) is backend for name in ("otc", "obs", "obsfs"))
    with pytest.raises(PluginError, match="no storage is called 'gs'"):
        manager.storage("gs")


def test_storage_whose_scheme_is_its_name_is_no_conflict_with_itself():
    backend = storage("s3", ["s3", "s3a"])
    assert bare(plugins=[Storages(backend)]).storage("s3") is backend


@pytest.mark.parametrize("order", [1, -1])
def test_scheme_that_two_backends_claim_is_a_conflict_whatever_their_order(order):
    plugins = [Storages(storage("s3", ["s3"])), Storages(storage("fast-s3", ["s3", "fast"]))]
    manager = bare(plugins=plugins[::order])
    with pytest.raises(PluginError, match="storage s3: conflict between Storages"):
        manager.storage("s3")
    assert manager.storage("fast").name == "fast-s3"


@pytest.mark.parametrize("order", [1, -1])
def test_type_named_like_the_alias_of_another_overrides_it_only_by_rank(order):
    own = metadata_type("string")
    assert bare(builtin=[TYPES], plugins=[Given(own)]).metadata_type("string") is own
    plugins = [Given(own), Given(metadata_type("word", aliases=["string"]))]
    with pytest.raises(PluginError, match="metadata type string: conflict"):
        bare(plugins=plugins[::order]).metadata_type("string")


def test_unknown_name_is_answered_with_a_suggestion_or_with_what_there_is():
    manager = bare(plugins=[Given(metadata_type("percent"), metadata_type("share"))])
    with pytest.raises(PluginError, match="did you mean percent"):
        manager.metadata_type("percnt")
    with pytest.raises(PluginError, match="there is: percent, share"):
        manager.metadata_type("xyz")
    for find in (manager.embedder, manager.exporter):
        with pytest.raises(PluginError, match="there is: none"):
            find("xyz")


def test_each_sort_is_looked_up_by_its_own_verb():
    class Everything:
        @heron.hookimpl
        def register_decoders(self):
            form = heron.MediaFormat(
                media_type="image/flif", kind="image", suffixes=[".flif"], signature=b"FLIF"
            )
            yield MediaDecoder(name="flif", summary="", formats=[form], load=object)

        @heron.hookimpl
        def register_embedders(self):
            yield heron.EmbedderModel(name="model", summary="", size=3, load=object)

        @heron.hookimpl
        def register_exporters(self):
            yield heron.DatasetExporter(name="urls", summary="", suffix=".txt", load=object)

        @heron.hookimpl
        def register_commands(self):
            yield heron.CliCommand(name="hello", summary="", load=object)

    manager = bare(plugins=[Everything()])
    assert [decoder.name for decoder in manager.decoders()] == ["flif"]
    assert manager.embedder("model").size == 3
    assert manager.exporter("urls").suffix == ".txt"
    assert list(manager.commands()) == ["hello"]
    assert manager.statuses[0].contributions == [
        "decoder flif",
        "embedder model",
        "exporter urls",
        "command hello",
    ]


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
    complaints = manager.notify("items_imported", items=["an item"])
    assert [listener.heard for listener in listeners] == [[["an item"]]] * 3
    assert complaints == ["plugin Listener#1:Listener: items_imported failed: RuntimeError: no disk"]


def test_event_gives_a_plugin_only_the_arguments_that_it_asks_for():
    listener = Listener()
    assert bare(plugins=[listener]).notify("dataset_created", dataset="a dataset") == []
    assert listener.heard == ["dataset"]


def test_event_does_not_reach_a_plugin_that_failed_to_register():
    class Broken(Listener):
        @heron.hookimpl
        def register_storage(self):
            raise RuntimeError("broken")

    broken = Broken()
    bare(plugins=[broken]).notify("items_imported", items=[])
    assert broken.heard == []


def test_manager_goes_to_another_process_without_the_objects(site):
    import pickle

    site.plugin("good", RECORD.format(name="percent", origin="good", requires=[]))
    manager = site.manager(builtin=[TYPES], plugins=[Given(metadata_type("a"))])
    again = pickle.loads(pickle.dumps(manager))
    assert statuses(again) == {"metadata": "loaded", "good": "loaded"}
    assert again.metadata_type("percent").summary == "good"
    assert not again.has_objects


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
