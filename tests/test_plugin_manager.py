"""The plugin manager: finding plugins, keeping broken ones apart, and saying which contribution is in force."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import heron
from heron.errors import PluginError
from heron.hooks import MetadataType, PluginManager, StorageBackend

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
