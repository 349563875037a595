"""Data of a metadata type whose plugin is gone: readable, verifiable, and said to be whose."""

from __future__ import annotations

import json

import pytest

import heron
from heron.catalog.shown import PLAIN_TYPES
from heron.cli.main import status
from heron.errors import MetadataError, PluginError, QueryError
from heron.hooks import MetadataType
from heron.metadata.types import register_metadata_types
from tests.test_plugin_manager import site  # noqa: F401 - fixture

SOURCE = """
import heron
from tests.toy_types import IPV4, SEMVER

@heron.hookimpl
def register_metadata_types():
    yield from (SEMVER, IPV4)
"""
WHOSE = r"the metadata type semver came with heron-try-toys 1\.4 \(plugin toys\), which is not installed"
HINT = "pip install heron-try-toys"


@pytest.fixture
def lake(site, tmp_path, monkeypatch):
    """The folder of a workspace with values of two types of an installed plugin, which is gone now."""
    site.plugin("toys", SOURCE, version="1.4")
    monkeypatch.setenv("HERON_PLUGINS", "toys")
    root = tmp_path / "lake"
    root.mkdir()
    with heron.open(root) as workspace:
        for name in ("a.txt", "b.txt", "c.txt"):
            (root / name).write_text(name)
        workspace.ingest.files([root], folder="A")
        workspace.schema.add_scalar("ver", "semver")
        workspace.schema.add_scalar("at", "ipv4")
        workspace.schema.add_scalar("city", "varchar")
        a, b = workspace.items.get("a.txt"), workspace.items.get("b.txt")
        workspace.metadata.merge(
            {a.uuid: {"ver": "1.10.0", "at": "10.0.0.1"}, b.uuid: {"ver": "1.9.0", "city": "Oran"}}
        )
        workspace.datasets.create("D", items=["a.txt", "b.txt"])
    monkeypatch.setenv("HERON_PLUGINS", "")
    return root


@pytest.fixture
def workspace(lake):
    with heron.open(lake) as opened:
        yield opened


def test_values_are_seen_as_they_are_stored(workspace, lake):
    assert workspace.items.get("a.txt").metadata == {"ver": "00001.00010.00000", "at": 167772161}
    workspace.export("D", lake / "d.json")
    assert json.loads((lake / "d.json").read_text())[1]["metadata"] == {
        "ver": "00001.00009.00000",
        "city": "Oran",
    }


def test_all_that_needs_no_plugin_can_be_asked(workspace):
    assert [item.name for item in workspace.search(where="ver is not null", sort="ver")] == ["b.txt", "a.txt"]
    assert [item.name for item in workspace.search(where="city = 'Oran'")] == ["b.txt"]
    [facet] = workspace.facets("ver")
    assert (facet.present, facet.missing) == (2, 1)
    [described] = workspace.stats("at")
    assert (described.present, described.missing) == (1, 2)


@pytest.mark.parametrize(
    "where", ["ver > '1.9.0'", "ver in ('1.9.0')", "ver between '1.0.0' and '2.0.0'", "at = '10.0.0.1'"]
)
def test_a_value_in_a_condition_is_refused_with_whose_type_it_is(workspace, where):
    with pytest.raises(QueryError, match=WHOSE.replace("semver", "(semver|ipv4)")) as refusal:
        workspace.search(where=where)
    assert HINT in str(refusal.value)


def test_writing_a_value_is_refused_with_whose_type_it_is_and_other_keys_are_written(workspace):
    a = workspace.items.get("a.txt")
    with pytest.raises((MetadataError, PluginError), match=WHOSE) as refusal:
        workspace.metadata.merge({a.uuid: {"ver": "2.0.0"}})
    assert HINT in str(refusal.value)
    workspace.metadata.merge({a.uuid: {"city": "Bab"}})
    assert workspace.items.get("a.txt").metadata == {
        "ver": "00001.00010.00000",
        "at": 167772161,
        "city": "Bab",
    }


def test_verify_checks_what_can_be_checked_and_says_whose_the_types_are(workspace):
    b = workspace.items.get("b.txt")
    workspace._database.connection.execute(
        'UPDATE items SET metadata = \'{"ver": 7, "at": true}\' WHERE uuid = ?', [b.uuid]
    )
    workspace._database.connection.commit()
    found = [(each.key, each.reason) for each in workspace.metadata.verify()]
    assert [key for key, _ in found] == ["ver", "at", "ver", "at"]
    assert found[0][1].startswith(
        "it cannot be checked further: the metadata type semver came with heron-try-toys 1.4"
    )
    assert found[2:] == [
        ("ver", "semver is stored as text, got 7 (key type: semver)"),
        ("at", "ipv4 is stored as number, got True (key type: ipv4)"),
    ]


def test_a_change_of_the_schema_leaves_the_values_alone(workspace):
    workspace.schema.add_scalar("more", "number")
    workspace.schema.convert()
    assert workspace.items.get("a.txt").metadata["ver"] == "00001.00010.00000"


def test_plugin_that_is_broken_or_brings_the_type_no_more_is_named_with_that(lake, site, monkeypatch):
    monkeypatch.setenv("HERON_PLUGINS", "toys")
    import sys

    for source, said in (
        ("raise ImportError('no disk')", "which cannot be used: failed: ImportError: no disk"),
        (
            "",
            r"which does not bring it any more \(install the version that does: pip install heron-try-toys==1\.4\)",
        ),
    ):
        site.module("heron_try_toys", source)
        sys.modules.pop("heron_try_toys", None)
        with heron.open(lake) as opened, pytest.raises(QueryError, match=said):
            opened.search(where="ver = '1.9.0'")


def test_all_is_as_before_once_the_plugin_is_back(lake, monkeypatch):
    monkeypatch.setenv("HERON_PLUGINS", "toys")
    with heron.open(lake) as opened:
        assert [item.metadata["ver"] for item in opened.search(where="ver > '1.9.0'")] == ["1.10.0"]
        assert list(opened.metadata.verify()) == []


def test_the_command_line_says_it_in_one_sentence(lake, capsys):
    assert status(["-w", str(lake), "search", "--where", "ver = '1.9.0'"]) == 1
    said = capsys.readouterr().err
    assert (
        "came with heron-try-toys 1.4 (plugin toys), which is not installed (pip install heron-try-toys)"
        in said
    )
    assert len(said.splitlines()) == 1


def test_the_types_of_which_nothing_is_remembered_are_the_built_in_ones():
    assert sorted(PLAIN_TYPES) == sorted(
        kind.name for kind in register_metadata_types() if isinstance(kind, MetadataType)
    )
