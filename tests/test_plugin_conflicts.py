"""Plugins that conflict, override and lack packages."""

from __future__ import annotations

import json
import pickle
import sys

import pytest
from attrs import evolve

import heron
from heron.cli.main import status
from heron.errors import PluginError
from heron.hooks import MediaDecoder, MetadataType
from heron.media.sniff import Sniffer
from heron.storage.openers import Opener
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


# What the user prefers


@pytest.fixture
def two(site):
    """Two installed plugins that bring the storage `vault`, the scheme http, hosts and a format, with other names beside."""
    source = """
import heron

def load(options):
    return options

@heron.hookimpl
def register_storage():
    yield heron.StorageBackend(name="{name}", summary="{name}", schemes=["vault", "http"], hosts=[{host!r}], load=load)

@heron.hookimpl
def register_decoders():
    form = heron.MediaFormat(media_type="video/x-tape", kind="video", suffixes=[".tape"], signature=b"TAPE")
    yield heron.MediaDecoder(name="{name}", summary="{name}", formats=[form], load=object)

@heron.hookimpl
def register_commands():
    yield heron.CliCommand(name="hello", summary="{name}", load=object)
"""
    site.plugin("one", source.format(name="one", host=r"[a-m]\w*\.example"))
    site.plugin("two", source.format(name="two", host=r"\w*[m-z]\.example"))
    return site


CLAIMS = ["command hello", "format video/x-tape", "storage http", "storage vault"]
LISTED = [*CLAIMS, "host m.example"]


def test_conflicts_are_listed_with_all_that_claim_the_same(two):
    manager = two.manager(preferred=[])
    assert [(each.claim, list(each.plugins), each.preferred) for each in manager.conflicts()] == [
        (claim, ["one", "two"], None) for claim in LISTED
    ]
    assert (
        manager.conflicts()[-1].about == r"the patterns [a-m]\w*\.example and \w*[m-z]\.example both match it"
    )
    assert statuses(manager)["one"].startswith(
        "conflict over command hello between one (heron-try-one) and two"
    )


@pytest.mark.parametrize("name", ["one", "two"])
def test_preferred_plugin_is_used_for_all_that_it_claims(two, name):
    manager = two.manager(preferred=[name])
    assert {each.preferred for each in manager.conflicts()} == {name}
    assert set(statuses(manager).values()) == {"loaded"}
    assert manager.commands()["hello"].summary == name
    assert manager.storage("vault").name == name
    assert sniffed(manager).decoder.name == name
    assert Opener(lambda: manager).backend("https://m.example/a").name == name


def test_preference_for_one_claim_is_stronger_and_counts_for_that_alone(two):
    manager = two.manager(preferred=["one", "two for storage vault", "two for host m.example"])
    assert manager.storage("vault").name == "two"
    assert manager.commands()["hello"].summary == "one"
    opener = Opener(lambda: manager)
    assert [opener.backend(f"https://{host}.example/a").name for host in ("m", "am", "a", "z")] == ["two", "one", "one", "two"]  # fmt: skip


def test_overlapping_hosts_formats_and_commands_are_refused_until_they_are_settled(two):
    manager = two.manager(preferred=[])
    opener = Opener(lambda: manager)
    assert opener.backend("https://a.example/x").name == "one"
    for url in ("https://m.example/x", "http://other.test/x", "vault://x"):
        with pytest.raises(
            PluginError, match=r"conflict over .* between one .* and two .*heron plugins prefer"
        ):
            opener.backend(url)
    with pytest.raises(PluginError, match=r"no storage plugin reads https://other\.test/"):
        opener.backend("https://other.test/x")
    found = sniffed(manager)
    assert found.format.media_type == "video/x-tape"
    assert str(found.clash).startswith("conflict over format video/x-tape between one")
    assert manager.commands() == {}


def test_preferences_go_to_other_processes(two):
    manager = pickle.loads(pickle.dumps(two.manager(preferred=["two"])))
    assert manager.storage("vault").name == "two"


def test_a_file_over_whose_format_plugins_conflict_is_listed_with_both(two, tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_PLUGINS", "one,two")
    (tmp_path / "a.tape").write_bytes(b"TAPE and more")
    with heron.open(tmp_path / "lake") as workspace:
        report = workspace.ingest.files([tmp_path / "a.tape"], folder="A", ignore_errors=True)
        [item] = workspace.items.list()
    assert (report.added, item.kind) == (1, "video")
    assert "conflict over format video/x-tape between one (heron-try-one) and two" in item.facts.note


def test_longest_signature_wins_and_then_the_name_of_the_file():
    def decoder(name, *formats):
        return MediaDecoder(name=name, summary="", formats=formats, load=object)

    def form(kind, signature, *suffixes):
        return heron.MediaFormat(
            media_type=f"video/x-{kind}", kind="video", suffixes=suffixes, signature=signature
        )

    class Brings:
        def __init__(self, *records):
            self.records = records

        @heron.hookimpl
        def register_decoders(self):
            return self.records

    short, long = decoder("short", form("a", b"AB", ".a")), decoder("long", form("b", b"ABC", ".b"))
    other = decoder("other", form("c", b"AB", ".c"))
    manager = bare(plugins=[Brings(short), Brings(long), Brings(other)])
    sniffer = Sniffer(manager.decoders(), settle=manager.settle)
    assert sniffer.sniff(b"ABCD", "x.a").decoder is long
    assert sniffer.sniff(b"ABD", "x.a").decoder is short
    assert sniffer.sniff(b"ABD", "x.c").decoder is other
    assert "conflict over format video/x-a" in str(sniffer.sniff(b"ABD", "x").clash)


def test_url_of_http_is_read_by_the_plugin_whose_scheme_it_is():
    web, s3 = storage("web", ["http", "https"]), storage("s3", ["s3"], hosts=[r".*\.s3\.example"])
    manager = bare(plugins=[Storages(web, s3)])
    opener = Opener(lambda: manager)
    assert opener.backend("http://a.example/x") is web
    assert opener.backend("https://a.example:443/x?y") is web
    assert opener.backend("https://b.s3.example/x") is s3
    integration = heron.Integration(
        id=1, uuid="u", name="mine", backend="s3", options={}, created_at="2026-01-01T00:00:00Z"
    )
    assert opener.belongs(
        "https://minio.example/b/x", integration
    )  # the host of its endpoint: s3 itself checks that
    assert not opener.belongs("https://b.s3.example/x", evolve(integration, backend="web"))


def sniffed(manager):
    return Sniffer(manager.decoders(), settle=manager.settle).sniff(b"TAPE and more", "a.tape")


def test_prefer_settles_on_the_command_line_until_it_is_removed(two, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("HERON_PLUGINS", "one,two")

    def prefer(*arguments):
        assert status(["plugins", "prefer", *arguments, "--json"]) == 0
        return {each["claim"]: each["preferred"] for each in json.loads(capsys.readouterr().out)["items"]}

    assert prefer("--list") == dict.fromkeys(LISTED)
    assert prefer("two") == dict.fromkeys(LISTED, "two")
    assert prefer("one", "storage vault") == {**dict.fromkeys(LISTED, "two"), "storage vault": "one"}
    assert prefer("one") == dict.fromkeys(LISTED, "one")
    assert prefer("two", "storage vault") == {**dict.fromkeys(LISTED, "one"), "storage vault": "two"}
    assert prefer("two", "storage vault", "--remove") == dict.fromkeys(LISTED, "one")
    assert prefer("one", "--remove") == dict.fromkeys(LISTED)
    for wrong, told in (
        (
            ["one", "storage volt"],
            "plugin one claims nothing called 'storage volt' (did you mean 'storage vault'?)",
        ),
        (["one", "--remove"], "one is not preferred"),
        (["two", "storage vault", "--remove"], "two for storage vault is not preferred"),
    ):
        assert status(["plugins", "prefer", *wrong]) == 1
        assert told in capsys.readouterr().err
    assert status(["plugins", "prefer", "three"]) == 1
    assert "no plugin is called 'three'" in capsys.readouterr().err


def test_a_command_over_which_plugins_conflict_says_so_and_one_of_herons_own_is_kept(
    two, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("HERON_PLUGINS", "one,two")
    assert status(["hello"]) == 1
    assert "conflict over command hello between one (heron-try-one) and two" in capsys.readouterr().err
    assert status(["--help"]) == 0
    assert "(conflict between one and two)" in capsys.readouterr().out
    two.plugin(
        "own", "import heron\n@heron.hookimpl\ndef register_commands():\n"
        "    yield heron.CliCommand(name='items', summary='another', load=object)\n",
    )  # fmt: skip
    monkeypatch.setenv("HERON_PLUGINS", "own")
    assert status(["plugins", "list", "--json"]) == 0
    listed = {each["name"]: each["status"] for each in json.loads(capsys.readouterr().out)}
    assert listed["own"] == "conflict over command items: Heron's own is used"
