"""What the user prefers where plugins conflict, and what is found by signatures and schemes."""

from __future__ import annotations

import json
import pickle

import pytest
from attrs import evolve

import heron
from heron.cli.main import status
from heron.errors import PluginError
from heron.hooks import MediaDecoder
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
