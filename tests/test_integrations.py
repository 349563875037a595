"""Integrations: adding, listing, showing, checking and removing them, and the items that came by them."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog.full_text import SPACED, spaced
from heron.cli.main import status
from heron.models import MediaFacts, Member, NewItem
from heron.storage.service import SIGNED_SECONDS
from tests.memory_storage import Lake, LakePlugin

OPTIONS = [
    heron.Option("region", "where"),
    heron.Option("secret", "the secret", secret=True),
    heron.Option("port", "of the endpoint", type="number"),
    heron.Option("anonymous", "or not", type="boolean"),
    heron.Option("style", "how", choices=["path", "virtual"]),
]


@pytest.fixture
def lake():
    lake = Lake()
    for name in ("a", "b", "c"):
        lake.put(f"mem://lake/in/{name}.txt", f"this is {name}".encode())
    return lake


@pytest.fixture
def plugin(lake):
    return LakePlugin(lake, OPTIONS)


@pytest.fixture
def plugins(plugin):
    return [plugin]


def state(workspace):
    """All that the catalogue holds, as text."""
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        plain.create_function(SPACED, 1, spaced)
        return "\n".join(plain.iterdump())


# Adding


def test_an_integration_is_added_listed_and_found_by_name_and_uuid(workspace):
    added = workspace.integrations.create("lab", "mem", {"region": "eu"})
    assert (added.name, added.backend, added.options) == ("lab", "mem", {"region": "eu"})
    workspace.integrations.create("archive", "local")
    assert [found.name for found in workspace.integrations.list()] == ["archive", "lab"]
    for ref in ("lab", added.uuid, added):
        assert workspace.integrations.get(ref) == added
    assert workspace.integrations._by_id(added.id) == added


def test_the_backend_is_named_by_its_name_or_one_of_its_schemes(workspace):
    assert workspace.integrations.create("a", "mem").backend == "mem"
    assert workspace.integrations.create("b", "file").backend == "local"


@pytest.mark.parametrize(
    ("backend", "hint"),
    [("lokal", "did you mean local?"), ("ftp", "there is: local, mem"), ("", "there is: local, mem")],
)
def test_an_unknown_backend_is_refused_with_those_there_are(workspace, backend, hint):
    before = state(workspace)
    with pytest.raises(heron.PluginError) as refusal:
        workspace.integrations.create("lab", backend)
    assert refusal.value.message == f"no storage is called {backend!r}"
    assert refusal.value.hint == hint
    assert state(workspace) == before


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"region": " eu "}, {"region": "eu"}),
        ({"region": 7}, {"region": "7"}),
        ({"port": "9000"}, {"port": 9000}),
        ({"port": 9000}, {"port": 9000}),
        ({"port": "-1.5"}, {"port": -1.5}),
        ({"anonymous": "Yes"}, {"anonymous": True}),
        ({"anonymous": "off"}, {"anonymous": False}),
        ({"anonymous": True}, {"anonymous": True}),
        ({"anonymous": 0}, {"anonymous": False}),
        ({"style": "path"}, {"style": "path"}),
        ({"secret": "env:A"}, {"secret": "env:A"}),
        ({}, {}),
        (None, {}),
    ],
)
def test_options_are_kept_with_their_type(workspace, plugin, monkeypatch, options, kept):
    monkeypatch.setenv("A", "hidden")
    found = workspace.integrations.create("lab", "mem", options)
    assert found.options == kept
    assert [type(value) for value in found.options.values()] == [type(value) for value in kept.values()]
    workspace.storage.open("mem://lake/", found)
    assert plugin.lake.loaded == [
        {name: "hidden" if value == "env:A" else value for name, value in kept.items()}
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"regoin": "eu"}, "storage mem has no option 'regoin' (did you mean region?)"),
        ({"zone": "1"}, "storage mem has no option 'zone' (there is: region, secret, port, anonymous, style)"),
        ({"region": ""}, "option region is empty"),
        ({"region": "  "}, "option region is empty"),
        ({"region": None}, "option region: expected text, got NoneType"),
        ({"region": ["eu"]}, "option region: expected text, got list"),
        ({"region": "\ud800"}, "the value cannot be written as JSON"),
        ({"port": "many"}, "option port: expected a number, got 'many'"),
        ({"port": "1e3"}, "option port: expected a number, got '1e3'"),
        ({"port": "1.0e999"}, "option port: expected a smaller number, got '1.0e999'"),
        ({"port": "9" * 40}, f"option port: expected a smaller number, got '{'9' * 40}'"),
        ({"port": "nan"}, "option port: expected a number, got 'nan'"),
        ({"anonymous": "maybe"}, "option anonymous: expected yes or no, got 'maybe'"),
        ({"anonymous": 2}, "option anonymous: expected yes or no, got '2'"),
        ({"style": "Path"}, "option style: expected path or virtual, got 'Path'"),
    ],
)  # fmt: skip
def test_an_option_that_is_none_is_refused_with_what_is_expected(workspace, options, said):
    before = state(workspace)
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.integrations.create("lab", "mem", options)
    assert str(refusal.value).startswith(said)
    assert state(workspace) == before


def test_a_backend_without_options_says_that_it_has_none(workspace):
    with pytest.raises(heron.InvalidInput, match=r"storage local has no option 'region' \(there is: none\)"):
        workspace.integrations.create("lab", "local", {"region": "eu"})


@pytest.mark.parametrize("name", ["", " ", "a\nb", "n" * 301, "\ud800", 7])
def test_a_name_has_to_be_a_name(workspace, name):
    with pytest.raises(heron.InvalidInput, match=r"^integration name"):
        workspace.integrations.create(name, "mem")
    assert workspace.integrations.list() == []


def test_a_name_is_given_once(workspace):
    workspace.integrations.create("lab", "mem", {"region": "eu"})
    with pytest.raises(heron.AlreadyExists, match="there is an integration 'lab' already"):
        workspace.integrations.create("lab", "local")
    assert [found.backend for found in workspace.integrations.list()] == ["mem"]


def test_a_misspelt_name_is_told_with_the_nearest(workspace):
    workspace.integrations.create("laboratory", "mem")
    for verb in (workspace.integrations.get, workspace.integrations.delete):
        with pytest.raises(
            heron.NotFound, match=r"no integration 'laboratry' \(did you mean 'laboratory'\?\)"
        ):
            verb("laboratry")
    with pytest.raises(heron.NotFound, match="no integration '99'"):
        workspace.integrations._by_id(99)


# Items that came by it


def imported(workspace, **options):
    workspace.ingest.files(["mem://lake/in/"], folder="A", **options)
    return list(workspace.items.list())


def test_items_keep_the_integration_that_they_came_by(workspace, plugin):
    lab = workspace.integrations.create("lab", "mem", {"region": "eu"})
    items = imported(workspace, integration="lab")
    assert [workspace.storage.of(item) for item in items] == [lab] * 3
    assert plugin.lake.loaded == [{"region": "eu"}], "loaded once, with the options of the integration"
    assert imported(workspace) == items, "a second import by other credentials leaves them as they are"


def test_items_without_integration_are_read_by_default_credentials(workspace, plugin):
    items = imported(workspace)
    assert {workspace.storage.of(item) for item in items} == {None}
    assert plugin.lake.loaded == [{}]


def test_an_item_is_signed_by_the_credentials_that_it_came_by(workspace, plugin):
    workspace.integrations.create("lab", "mem", {"region": "eu"})
    item = imported(workspace, integration="lab")[0]
    assert workspace.storage.sign(item) == f"https://mem.example/lake/in/a.txt?expires={SIGNED_SECONDS}"
    assert workspace.storage.sign(item, 60) == "https://mem.example/lake/in/a.txt?expires=60"
    assert plugin.lake.loaded == [{"region": "eu"}]


def test_signing_that_is_throttled_is_tried_again(workspace, lake):
    item = imported(workspace)[0]
    lake.faults["sign"] += [heron.Throttled("slow")]
    assert workspace.storage.sign(item)
    assert [what for what, *_ in lake.asked].count("sign") == 2


# Removing


def test_removing_an_integration_leaves_its_items(workspace, plugin):
    workspace.integrations.create("lab", "mem", {"region": "eu"})
    items = imported(workspace, integration="lab")
    workspace.integrations.delete("lab")
    assert workspace.integrations.list() == []
    left = list(workspace.items.list())
    assert [item.uuid for item in left] == [item.uuid for item in items]
    assert {workspace.storage.of(item) for item in left} == {None}
    workspace.storage.sign(left[0])
    assert plugin.lake.loaded == [{"region": "eu"}, {}]


def test_an_integration_of_a_synced_folder_is_not_removed(workspace):
    workspace.integrations.create("lab", "mem")
    workspace.ingest.follow("Runs/2026", "mem://lake/in", integration="lab")
    before = state(workspace)
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.integrations.delete("lab")
    assert refusal.value.message == "integration 'lab' is in use by the synced folder 'Runs/2026'"
    assert refusal.value.hint == "heron folders unsync 'Runs/2026'"
    assert state(workspace) == before
    workspace.synced.release("Runs/2026")
    workspace.integrations.delete("lab")
    assert workspace.integrations.list() == []


def test_a_new_integration_of_an_old_name_is_another_one(workspace, plugin):
    for region in ("eu", "us"):
        workspace.storage.open("mem://lake/", workspace.integrations.create("lab", "mem", {"region": region}))
        workspace.integrations.delete("lab")
    assert plugin.lake.loaded == [{"region": "eu"}, {"region": "us"}]


# The command line


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line in a new workspace; returns what it printed, or complained of."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, exit_status=0):
        assert status(list(arguments)) == exit_status, capsys.readouterr()
        out, err = capsys.readouterr()
        return out if exit_status == 0 or out else err

    call("init")
    return call


def test_the_life_of_an_integration_on_the_command_line(run, tmp_path):
    assert run("integrations").startswith("There is no integration yet. Add one: heron integrations add")
    added = run(
        "integrations", "add", "lab", "--backend", "s3", "-o", "region=eu-central-1", "-o", "anonymous=yes"
    )
    assert added == "Added integration lab. Check it: heron integrations check lab URL\n"
    listed = run("integrations", "list")
    assert re.fullmatch(r"name +backend +options\nlab +s3 +region=eu-central-1, anonymous=True\n", listed)
    assert run("integrations") == listed
    [found] = json.loads(run("integrations", "list", "--json"))["items"]
    assert found["options"] == {"region": "eu-central-1", "anonymous": True}
    shown = run("integrations", "show", "lab")
    assert re.search(r"^backend +s3$", shown, re.MULTILINE)
    assert re.search(r"^region +eu-central-1$", shown, re.MULTILINE)
    assert json.loads(run("integrations", "show", "lab", "--json")) == found
    assert run("integrations", "remove", "lab", "--yes") == "Removed integration lab\n"
    assert json.loads(run("integrations", "list", "--json"))["items"] == []


def test_options_of_a_backend_are_listed_with_what_they_take(run):
    table = run("integrations", "options", "s3")
    assert re.search(r"^secret_access_key +.* a reference$", table, re.MULTILINE)
    assert re.search(r"^addressing +.* auto \| path \| virtual$", table, re.MULTILINE)
    assert re.search(r"^anonymous +.* boolean$", table, re.MULTILINE)
    [region] = [
        o
        for o in json.loads(run("integrations", "options", "s3", "--json"))["items"]
        if o["name"] == "region"
    ]
    assert (region["type"], region["secret"], region["choices"]) == ("text", False, [])
    assert run("integrations", "options", "local") == "Storage local has no options.\n"
    assert "did you mean local?" in run("integrations", "options", "locla", exit_status=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "region"], "An option is KEY=VALUE."),
        (["-o", "region=a", "-o", "region=b"], "Option region is given twice."),
    ],
)
def test_options_that_are_written_wrongly_are_wrong_usage(run, options, said):
    assert said in run("integrations", "add", "lab", "--backend", "s3", *options, exit_status=2)


def test_a_value_may_hold_an_equals_sign(run):
    run("integrations", "add", "lab", "--backend", "s3", "-o", "external_id=a=b=")
    [found] = json.loads(run("integrations", "list", "--json"))["items"]
    assert found["options"] == {"external_id": "a=b="}


def test_removing_asks_first(run):
    run("integrations", "add", "lab", "--backend", "local")
    refusal = run("integrations", "remove", "lab", exit_status=2)
    assert "Remove integration lab? Its items stay, but can only be read with default credentials." in refusal
    assert len(json.loads(run("integrations", "list", "--json"))["items"]) == 1


def test_checking_local_files_needs_no_credentials(run, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a b.txt").write_text("words")
    url = (tmp_path / "in").as_uri()
    run("integrations", "add", "here", "--backend", "local")
    assert (
        run("integrations", "check", "here", url)
        == f"ok      {url}/ can be listed\nok      {url}/a%20b.txt can be read\n"
    )
    one = run("integrations", "check", "here", f"{url}/a%20b.txt")
    assert one == f"ok      {url}/ can be listed\nok      {url}/a%20b.txt can be read\n"
    results = json.loads(run("integrations", "check", "here", f"{url}/nowhere", "--json", exit_status=1))[
        "items"
    ]
    assert [(found["name"], found["ok"]) for found in results] == [("list", False), ("read", False)]
    assert "nowhere" in results[0]["message"]


# heron items sign


@pytest.fixture
def signing(tmp_path, monkeypatch, plugin):
    """A command line whose plugins are the built-in ones and the memory."""
    from heron.builtin import PluginSource
    from heron.hooks import PluginManager

    monkeypatch.setattr(
        PluginSource,
        "__call__",
        lambda self: PluginManager(builtin=("heron.storage.local",), plugins=[plugin], discover=False),
    )


def test_an_item_is_signed_on_the_command_line(run, signing, tmp_path, plugin):
    with heron.open(tmp_path, plugins=[plugin], discover=False) as workspace:
        item = imported(workspace)[0]
    assert run("items", "sign", item.uuid) == "https://mem.example/lake/in/a.txt?expires=3600\n"
    assert (
        run("items", "sign", item.uuid, "--expires", "60") == "https://mem.example/lake/in/a.txt?expires=60\n"
    )
    assert SIGNED_SECONDS == 3600
    for wrong in ("0", "-1", "soon"):
        assert "Invalid value for '--expires'" in run(
            "items", "sign", item.uuid, "--expires", wrong, exit_status=2
        )


def test_of_a_group_each_file_is_signed(run, signing, tmp_path, plugin):
    members = [Member(f"mem://lake/in/{name}.txt") for name in ("b", "a")]
    url = "mem://lake/in/b.txt#image_group-0123456789abcdef"
    new = NewItem(url, MediaFacts("image_group", "text/plain"), "pair", members=members)
    with heron.open(tmp_path, plugins=[plugin], discover=False) as workspace:
        workspace.registration.register([new], "A")
        [item] = workspace.items.list()
        with pytest.raises(heron.InvalidInput, match="item 'pair' is made of several files"):
            workspace.storage.sign(item)
    assert run("items", "sign", item.uuid).splitlines() == [
        "https://mem.example/lake/in/b.txt?expires=3600",
        "https://mem.example/lake/in/a.txt?expires=3600",
    ]


def test_what_cannot_be_signed_says_so(run, tmp_path):
    (tmp_path / "a.txt").write_text("words")
    run("import", "a.txt", "--folder", "A")
    [item] = json.loads(run("items", "list", "--json"))["items"]
    assert "a local file cannot be signed" in run("items", "sign", item["uuid"], exit_status=1)
    assert "there is no item 'b.txt'" in run("items", "sign", "b.txt", exit_status=1)
