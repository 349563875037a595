"""Static records: what Heron knows of a plugin without importing it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest

import heron
from heron import installed
from heron.builtin import PluginSource, plugin_manager
from heron.errors import PluginError
from heron.hooks import MetadataType, PluginManager, StorageBackend, describing
from heron.hooks.describing import stale, write_record
from tests.test_plugin_manager import site, statuses  # noqa: F401 - fixtures

SOURCE = """
import heron
from pathlib import Path

class Codec:
    def parameters(self, given):
        return dict(given)

    def encoder(self, parameters):
        return str

def store(options):
    return options.get("endpoint")

def load():
    import click
    return click.Command("hello", callback=lambda: click.echo("hello"))

@heron.hookimpl
def register_metadata_types():
    yield heron.MetadataType(name="tape", summary="a tape", affinity="text", aliases=["t"], load=Codec)

@heron.hookimpl
def register_storage():
    options = [heron.Option("token", "a token", secret=True)]
    yield heron.StorageBackend(
        name="vault", summary="", schemes=["vault"], load=Codec, store=store, options=options
    )

@heron.hookimpl
def register_decoders():
    form = heron.MediaFormat(media_type="video/x-tape", kind="video", suffixes=[".tape"], signature=b"\\x00\\xff")
    yield heron.MediaDecoder(name="tape", summary="", formats=[form], load=Codec)

@heron.hookimpl
def register_commands():
    yield heron.CliCommand(name="hello", summary="Say hello.", load=load)

@heron.hookimpl
def register_viewers():
    yield heron.Viewer(name="tape", summary="", suffixes=[".tape"], module=Path(__file__).with_name("a.js"))

@heron.hookimpl
def items_imported(items):
    pass
"""

LAMBDA = """
import heron

@heron.hookimpl
def register_metadata_types():
    yield heron.MetadataType(name="loose", summary="", affinity="text", load=lambda: None)

@heron.hookimpl
def register_storage():
    yield heron.StorageBackend(name="vault", summary="", schemes=["vault"], load=load)

def load(options):
    return options
"""


@pytest.fixture
def described(site, monkeypatch):
    """Installs a plugin with its static record. The record is made in this process, which saves a start."""

    def here(module):
        found = describing.describe(module)
        del sys.modules[module]
        return json.loads(json.dumps(found))

    monkeypatch.setattr(describing, "fresh_record", here)

    def install(name, source):
        site.plugin(name, source)
        return write_record(f"heron_try_{name}")

    return install


def is_imported(name):
    return f"heron_try_{name}" in sys.modules


def test_plugin_with_a_record_is_known_without_its_import(site, described):
    described("tape", SOURCE)
    manager = site.manager()
    kind, backend, [decoder] = manager.metadata_type("t"), manager.storage("vault"), manager.decoders()
    assert (kind.name, kind.aliases, backend.schemes) == ("tape", ("t",), ("vault",))
    assert backend.options == (heron.Option("token", "a token", secret=True),)
    assert decoder.formats[0].signature == b"\x00\xff"
    assert manager.commands()["hello"].summary == "Say hello."
    [viewer] = manager.contributions(heron.Viewer)
    assert viewer.module == site.folder / "a.js"
    assert manager.hears("items_imported")
    assert not manager.hears("items_deleted")
    assert not is_imported("tape")


def test_its_functions_import_the_module_when_they_are_called(site, described):
    described("tape", SOURCE)
    manager = site.manager()
    backend = manager.storage("vault")
    assert backend.store({"endpoint": "here"}) == "here"
    assert is_imported("tape")
    codec = manager.load(manager.metadata_type("tape"))
    assert type(codec).__name__ == "Codec"
    assert pickle.loads(pickle.dumps(backend.store))({"endpoint": "there"}) == "there"


def test_an_event_or_a_question_for_the_status_imports_the_module(site, described):
    described("tape", SOURCE)
    manager = site.manager()
    assert manager.notify("items_deleted", lambda: {"items": ()}) == []
    assert not is_imported("tape")
    assert manager.notify("items_imported", lambda: {"items": ()}) == []
    assert is_imported("tape")
    assert statuses(manager) == {"tape": "loaded"}
    assert manager.statuses[0].contributions == [
        "storage vault", "decoder tape", "metadata type tape", "command hello", "viewer tape", "event items_imported",
    ]  # fmt: skip
    assert len(list(manager.contributions(MetadataType))) == 1


def test_hook_with_a_record_that_cannot_be_written_imports_the_module_for_that_sort_alone(site, described):
    path, unfit = described("loose", LAMBDA)
    assert (path.name, unfit) == ("heron_try_loose.heron-plugin.json", ["register_metadata_types"])
    manager = site.manager()
    assert [backend.name for backend in manager.contributions(StorageBackend)] == ["vault"]
    assert not is_imported("loose")
    assert manager.metadata_type("loose").name == "loose"
    assert is_imported("loose")


def test_record_that_is_older_than_the_source_is_not_used(site, described):
    described("tape", SOURCE)
    site.module(
        "heron_try_tape", SOURCE.replace('name="tape", summary="a tape"', 'name="cassette", summary=""')
    )
    assert stale("heron_try_tape") == "heron_try_tape.heron-plugin.json is damaged, or older than the sources"
    manager = site.manager()
    assert manager.metadata_type("cassette").name == "cassette"
    assert statuses(manager) == {"tape": "loaded"}


def test_record_that_says_something_else_than_the_module_is_found_when_that_is_imported(site, described):
    path, _ = described("tape", SOURCE)
    path.write_text(path.read_text().replace('"Say hello."', '"Say goodbye."'))
    assert stale("heron_try_tape") == "heron_try_tape.heron-plugin.json is not what heron_try_tape yields"
    [status] = site.manager().statuses
    assert status.status == (
        "failed: heron_try_tape.heron-plugin.json says something else than register_commands yields: "
        "heron plugins record heron_try_tape"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"record": 1', '"record": 2'),
        ('"hooks": {', '"hooks": ['),
        ('"events": [', '"events": {"a": ['),
        ('"heron": "MetadataType"', '"heron": "open"'),
        ('"heron": "MetadataType"', '"heron": "StorageBackend"'),
        ('"call"', '"shell"'),
        ('"affinity": "text"', '"affinity": "date"'),
        ('"api": null', '"api": 99'),
    ],
)  # fmt: skip
def test_damaged_record_is_passed_over_and_the_module_tells(site, described, old, new):
    path, _ = described("tape", SOURCE)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    manager = site.manager()
    assert is_imported("tape")
    assert statuses(manager) == {"tape": "loaded"}
    assert manager.metadata_type("tape").summary == "a tape"


def test_record_of_a_package_lies_in_it_and_covers_its_modules(site, described):
    package = site.folder / "heron_try_pack"
    package.mkdir()
    (package / "__init__.py").write_text("from heron_try_pack.more import register_storage\n")
    (package / "more.py").write_text(LAMBDA)
    site.distribution("heron-try-pack", pack="heron_try_pack")
    path, unfit = write_record("heron_try_pack")
    assert (path, unfit) == (package / "heron-plugin.json", [])
    for name in [name for name in sys.modules if name.startswith("heron_try_pack")]:
        del sys.modules[name]
    manager = site.manager()
    assert manager.storage("vault").load.target == "heron_try_pack.more:load"
    (package / "more.py").write_text("raise ImportError('broken')")
    assert site.manager().statuses[0].status == "failed: ImportError: broken"


def test_module_that_cannot_be_described_is_refused_with_its_fault(site):
    site.module("heron_try_broken", "import heron\n@heron.hookimpl\ndef register_storge():\n    pass\n")
    with pytest.raises(PluginError, match="did you mean register_storage"):
        write_record("heron_try_broken")
    for module in ("heron_try_broken:Plugin", "no_such_module"):
        with pytest.raises(PluginError, match="cannot have a static record"):
            write_record(module)
    assert list(site.folder.glob("*.json")) == []


# Who hears, and which commands there are, without plugins


def test_no_plugin_of_herons_own_hears_events():
    assert plugin_manager().heard() == []
    assert PluginSource().heard() == frozenset()


def test_writing_loads_no_plugins_where_none_hears(tmp_path, site, described, monkeypatch):
    described("tape", SOURCE.replace("def items_imported(items)", "def items_deleted(items)"))
    monkeypatch.setenv("HERON_PLUGINS", "tape")
    made = []
    make = lambda **named: made.append(named) or PluginManager(**named)  # noqa: E731
    monkeypatch.setattr("heron.hooks.PluginManager", make)
    with heron.open(tmp_path / "lake") as workspace:
        workspace.folders.create("A")
        assert workspace._database.happenings._wanted == ("items_deleted",)
    assert made == []


def test_plugin_without_a_record_is_loaded_to_know_what_it_hears(site, described, monkeypatch):
    described("tape", SOURCE)
    site.plugin("other", SOURCE.replace("items_imported", "items_deleted"))
    monkeypatch.setenv("HERON_PLUGINS", "tape")
    assert PluginSource().heard() == {"items_imported"}
    monkeypatch.setenv("HERON_PLUGINS", "tape,other")
    assert sorted(PluginSource().heard()) == ["items_deleted", "items_imported"]
    assert PluginSource(discover=False).heard() == frozenset()


def test_commands_are_known_by_records_unless_they_conflict_or_heron_may_refuse_them(site, described):
    described("tape", SOURCE)
    [plugin] = installed.installed_plugins(["tape"])
    assert installed.commands([plugin]) == {"hello": "Say hello."}
    assert installed.commands([plugin, plugin._replace(name="twin")]) is None
    assert installed.commands([plugin._replace(requires=("heron>=99",))]) is None
    described("loose", LAMBDA)
    assert installed.commands(installed.installed_plugins(["loose"])) == {}


def test_help_and_the_command_itself_of_a_recorded_plugin(site, described):
    described("tape", SOURCE)
    environment = {**os.environ, "PYTHONPATH": str(site.folder), "HERON_PLUGINS": "tape", "NO_COLOR": "1"}

    def run(*arguments):
        code = f"import sys; from heron.cli.main import status; s = status({list(arguments)}); print(s, 'heron_try_tape' in sys.modules, 'heron.hooks' in sys.modules)"
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout.splitlines()  # fmt: skip

    shown = run("--help")
    assert "  hello          Say hello." in shown
    assert shown[-1] == "0 False False"
    assert run("hello") == ["hello", "0 True True"]


def test_the_contract_fails_for_a_record_that_is_wrong(site, described):
    from heron.testing import MetadataTypeContract

    path, _ = described("tape", SOURCE)

    class Tape(MetadataTypeContract):
        module = "heron_try_tape"
        metadata_type = site.manager().metadata_type("tape")

    Tape().test_static_record_says_what_the_module_yields()
    path.write_text(path.read_text().replace("a tape", "a reel"))
    with pytest.raises(AssertionError, match="is not what heron_try_tape yields: heron plugins record"):
        Tape().test_static_record_says_what_the_module_yields()
