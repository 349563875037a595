"""Plugins that conflict, override and lack packages."""

from __future__ import annotations

import sys

import pytest

import heron
from heron.errors import PluginError
from heron.hooks import MediaDecoder, MetadataType
from tests.test_plugin_manager import (  # noqa: F401 - fixtures
    OTHER,
    RECORD,
    TYPES,
    Given,
    Storages,
    bare,
    metadata_type,
    site,
    statuses,
    storage,
)

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
    assert (
        str(refusal.value)
        == "metadata type tape (plugin tape of heron-try-tape) needs tapelib (pip install tapelib)"
    )


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
    reason = "conflict over metadata type percent between one (heron-try-one) and two (heron-try-two)"
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
    with pytest.raises(PluginError, match="conflict over metadata type varchar between one"):
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
        "conflict over metadata type a between Given (Given#0) and Given (Given#1)"
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
    with pytest.raises(PluginError, match="conflict over storage s3 between Storages"):
        manager.storage("s3")
    assert manager.storage("fast").name == "fast-s3"


@pytest.mark.parametrize("order", [1, -1])
def test_type_named_like_the_alias_of_another_overrides_it_only_by_rank(order):
    own = metadata_type("string")
    assert bare(builtin=[TYPES], plugins=[Given(own)]).metadata_type("string") is own
    plugins = [Given(own), Given(metadata_type("word", aliases=["string"]))]
    with pytest.raises(PluginError, match="conflict over metadata type string between"):
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
