"""From a URL to its storage: which backend reads it, with whose credentials, and what checking an integration says."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import heron
from heron.storage.retries import PatientStorage
from tests.memory_storage import Lake, LakePlugin, LakeStorage


@pytest.fixture
def lake():
    lake = Lake()
    for name in ("a", "b", "c"):
        lake.put(f"mem://lake/in/{name}.txt", f"this is {name}".encode())
    return lake


@pytest.fixture
def plugin(lake):
    return LakePlugin(lake, [heron.Option("secret", "it", secret=True), heron.Option("region", "it")])


@pytest.fixture
def plugins(plugin):
    return [plugin]


@pytest.fixture
def workspace(workspace):
    workspace.integrations.create("lab", "mem")
    return workspace


# Which backend


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("mem://b/a b", "mem://b/a%20b"),
        ("MEM://b/a", "mem://b/a"),
        ("https://mem.example/b/a", "mem://b/a"),
        ("HTTPS://MEM.example/b/a", "mem://b/a"),
    ],
)
def test_a_url_is_known_by_its_scheme_or_host_and_normalised_without_loading(
    workspace, plugin, url, canonical
):
    for _ in range(2):
        assert workspace.storage.normalise(url) == canonical
    assert plugin.lake.loaded == []
    assert workspace.storage.normalise(url, workspace.integrations.get("lab")) == canonical
    assert plugin.lake.loaded == [{}]


def test_a_backend_that_normalises_only_when_it_is_loaded_is_loaded(tmp_path):
    lake = Lake()
    record = heron.StorageBackend(
        name="mem", summary="memory", schemes=["mem"], load=lambda options: LakeStorage(lake)
    )

    class Plugin:
        @heron.hookimpl
        def register_storage(self):
            yield record

    with heron.open(tmp_path, plugins=[Plugin()], discover=False) as workspace:
        assert workspace.storage.normalise("mem://b/a b") == "mem://b/a%20b"


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("", heron.InvalidInput, "'' is not a URL (write scheme://bucket/key)"),
        ("a/b", heron.InvalidInput, "'a/b' is not a URL"),
        ("mem:/b/a", heron.InvalidInput, "'mem:/b/a' is not a URL"),
        ("mme://b/a", heron.PluginError, "no storage is called 'mme' (did you mean mem?)"),
        ("ftp://host/a", heron.PluginError, "no storage is called 'ftp' (there is: local, mem)"),
        ("https://other.example/a", heron.PluginError, "no storage plugin reads https://other.example/"),
        ("https://other.example:8443?a", heron.PluginError, "no storage plugin reads https://other.example/"),
        ("https://mem.example.org/a", heron.PluginError, "no storage plugin reads https://mem.example.org/"),
        ("https://a.mem.example/a", heron.PluginError, "no storage plugin reads https://a.mem.example/"),
        ("https://[::1]:9000/a", heron.PluginError, "no storage plugin reads https://[::1]/"),
        ("https://mem/a", heron.PluginError, "no storage plugin reads https://mem/"),
        ("https://https/a", heron.PluginError, "no storage plugin reads https://https/"),
        ("https:///a", heron.PluginError, "no storage plugin reads https:///"),
    ],
)  # fmt: skip
def test_a_url_that_nothing_reads_is_refused(workspace, url, kind, said):
    workspace.storage.normalise("mem://b/a")
    for ask in (workspace.storage.normalise, workspace.storage.open, workspace.storage.list):
        with pytest.raises(kind) as refusal:
            ask(url)
        assert str(refusal.value).startswith(said)


def test_a_refused_host_is_told_without_name_password_and_query(workspace):
    with pytest.raises(heron.PluginError) as refusal:
        workspace.storage.normalise("https://me:hunter2@other.example/a?sig=hunter2")
    assert "https://other.example/" in refusal.value.message
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("mem://b", "mem://b/"),
        ("mem://b/", "mem://b/"),
        ("mem://b/a", "mem://b/a/"),
        ("mem://b/a/", "mem://b/a/"),
        ("mem://b/a//", "mem://b/a//"),
        ("https://mem.example/b/a b", "mem://b/a%20b/"),
        ("/", "file:///"),
        ("/data/in", "file:///data/in/"),
        ("/data/in put/", "file:///data/in%20put/"),
        ("file:///data/in/../out", "file:///data/out/"),
    ],
)
def test_a_prefix_ends_with_a_slash_and_paths_are_urls_too(workspace, url, prefix):
    assert workspace.storage._normalised_prefix(url) == prefix
    if url.startswith("mem"):
        assert workspace.storage._normalised_prefix(url, "lab") == prefix


# One storage for each integration


def test_a_storage_is_loaded_once_for_each_integration(workspace, plugin):
    lab, other = (
        workspace.integrations.get("lab"),
        workspace.integrations.create("other", "mem", {"region": "eu"}),
    )
    storages = [workspace.storage.open("mem://b/a", by) for by in (None, lab, other, None, lab, other)]
    assert storages[:3] == storages[3:]
    assert len(set(map(id, storages))) == 3
    assert all(isinstance(storage, PatientStorage) for storage in storages)
    assert plugin.lake.loaded == [{}, {}, {"region": "eu"}]


def test_many_threads_that_ask_at_once_share_one_storage(tmp_path, lake):
    class Slow(LakePlugin):
        def load(self, options):
            time.sleep(0.05)
            return super().load(options)

    with heron.open(tmp_path, plugins=[Slow(lake)], discover=False) as workspace:
        lab = workspace.integrations.create("lab", "mem")
        with ThreadPoolExecutor(16) as threads:
            storages = set(threads.map(lambda _: id(workspace.storage.open("mem://b/a", lab)), range(16)))
    assert len(storages) == 1
    assert lake.loaded == [{}]


def test_a_secret_that_was_missing_can_be_given_later(workspace, monkeypatch):
    by = workspace.integrations.create("later", "mem", {"secret": "env:LATER"})
    with pytest.raises(heron.BadCredentials, match="the environment variable LATER is not set"):
        workspace.storage.open("mem://b/a", by)
    monkeypatch.setenv("LATER", "x")
    assert workspace.storage.open("mem://lake/", by).read("mem://lake/in/a.txt") == b"this is a"


def test_listing_takes_any_form_of_a_url_and_goes_on_behind_an_object(workspace):
    found = [stored.url for stored in workspace.storage.list("https://mem.example/lake/in/")]
    assert found == [f"mem://lake/in/{name}.txt" for name in "abc"]
    assert [stored.url for stored in workspace.storage.list("mem://lake/in", "lab", after=found[0])] == found[
        1:
    ]
    with pytest.raises(heron.NotFound, match="no integration 'lob'"):
        workspace.storage.list("mem://lake/in", "lob")


# Checking


def checked(workspace, url="mem://lake/in/", name="lab"):
    return [(found.name, found.ok, found.message) for found in workspace.storage.check(name, url)]


def test_a_check_that_goes_well_lists_and_reads_one_byte(workspace, lake):
    assert checked(workspace) == [
        ("list", True, "mem://lake/in/ can be listed"),
        ("read", True, "mem://lake/in/a.txt can be read"),
    ]
    assert lake.asked == [("list", "in/", None), ("get", "in/a.txt", 0, 1)]


def test_a_check_of_an_object_reads_that_object_and_an_empty_one_can_be_read(workspace, lake):
    lake.put("mem://lake/in/empty", b"")
    lake.asked.clear()
    assert checked(workspace, "https://mem.example/lake/in/empty") == [
        ("list", True, "mem://lake/in/ can be listed"),
        ("read", True, "mem://lake/in/empty can be read"),
    ]
    assert [asked[:2] for asked in lake.asked] == [
        ("list", "in/empty/"),
        ("get", "in/empty"),
        ("list", "in/"),
    ]


def test_a_check_of_an_empty_place_says_that_reading_was_not_tried(workspace):
    assert checked(workspace, "mem://lake/nothing/") == [
        ("list", True, "mem://lake/nothing/ can be listed, there is nothing below it"),
        ("read", False, "reading was not tried: give the URL of an object that is there"),
    ]
    assert checked(workspace, "mem://lake/nothing") == checked(workspace, "mem://lake/nothing/")


STOPS = [
    (heron.NoSuchBucket("bucket lake does not exist"), "bucket", "no such bucket: bucket lake does not exist"),
    (heron.BadCredentials("the key is unknown", hint="ask for one"), "credentials", "bad credentials: the key is unknown (ask for one)"),
    (heron.Unreachable("mem.example refuses"), "endpoint", "unreachable: mem.example refuses"),
    (heron.Throttled("fewer requests"), "endpoint", "throttled: fewer requests"),
    (ConnectionRefusedError("refused"), "endpoint", "unreachable: {url} cannot be reached: refused"),
]  # fmt: skip
"""Errors that stop listing and reading alike, the name of the check, and the sentence."""


@pytest.mark.parametrize(("error", "name", "said"), STOPS, ids=lambda value: type(value).__name__)
def test_what_stops_everything_is_told_once(workspace, lake, error, name, said):
    lake.broken["list"] = error
    assert checked(workspace) == [(name, False, said.format(url="mem://lake/in/"))]
    assert not any(what == "get" for what, *_ in lake.asked)
    lake.broken = {"get": error}
    assert checked(workspace) == [
        ("list", True, "mem://lake/in/ can be listed"),
        (name, False, said.format(url="mem://lake/in/a.txt")),
    ]


@pytest.mark.parametrize(("error", "name", "said"), STOPS[:4], ids=lambda value: type(value).__name__)
def test_what_stops_everything_may_show_when_the_backend_is_loaded(workspace, lake, error, name, said):
    lake.broken["load"] = error
    assert checked(workspace) == [(name, False, said)]


def test_no_right_to_list_is_told_from_no_right_to_read(workspace, lake):
    refusal = heron.PermissionDenied("it is forbidden", hint="grant list")
    lake.broken["list"] = refusal
    assert checked(workspace) == [
        ("list", False, "no right to list: it is forbidden (grant list)"),
        ("read", False, "reading was not tried: give the URL of an object that is there"),
    ]
    lake.broken = {"get": refusal}
    assert checked(workspace) == [
        ("list", True, "mem://lake/in/ can be listed"),
        ("read", False, "no right to read: it is forbidden (grant list)"),
    ]


@pytest.mark.parametrize(
    ("url", "broken", "read"),
    [
        ("mem://lake/in/a.txt", ["stat", "list"], (True, "mem://lake/in/a.txt can be read")),
        ("mem://lake/in/z.txt", ["stat", "list"], (False, "reading was not tried: give the URL of an object that is there")),
        ("mem://lake/in/a.txt", ["stat", "list", "get"], (False, "no right to read: mem://lake/in/a.txt cannot be read: permission denied (check the rights of the credentials in use)")),
    ],
)  # fmt: skip
def test_who_may_not_list_may_still_be_allowed_to_read(workspace, lake, url, broken, read):
    lake.broken = dict.fromkeys(broken, PermissionError("no"))
    listed, found = checked(workspace, url)
    assert listed[:2] == ("list", False)
    assert listed[2].startswith("no right to list: ")
    assert found == ("read", *read)


def test_other_errors_are_told_as_they_are_and_not_as_a_lack_of_rights(workspace, lake):
    lake.broken["list"] = KeyError("Contents")
    nothing = ("read", False, "reading was not tried: give the URL of an object that is there")
    listed = ("list", False, "mem://lake/in/ cannot be read: KeyError: 'Contents'")
    assert checked(workspace) == [listed, nothing]
    assert checked(workspace, "mem://lake/in/a.txt")[1] == ("read", True, "mem://lake/in/a.txt can be read")
    lake.broken = {"get": heron.ObjectChanged("it was replaced")}
    assert checked(workspace)[1] == ("read", False, "it was replaced")
    lake.broken = {"get": FileNotFoundError()}
    assert checked(workspace)[1] == ("read", False, "mem://lake/in/a.txt is not there")


def test_a_check_tries_once_more_at_most(workspace, lake, monkeypatch):
    monkeypatch.setattr("heron.storage.retries.FIRST", 0.001)
    lake.broken["list"] = heron.Throttled("slow")
    for given, times in (("9", 2), ("1", 2), ("0", 1)):
        monkeypatch.setenv("HERON_RETRIES", given)
        lake.asked.clear()
        checked(workspace)
        assert len(lake.asked) == times
    lake.broken, lake.faults["list"] = {}, [heron.Throttled("slow")]
    monkeypatch.setenv("HERON_RETRIES", "5")
    assert [ok for _, ok, _ in checked(workspace)] == [True, True]


@pytest.mark.parametrize("silent", ["list", "get"])
def test_a_check_of_a_host_that_says_nothing_ends(workspace, lake, monkeypatch, silent):
    monkeypatch.setattr("heron.storage.checking.SECONDS", 0.3)
    silence, ask = threading.Event(), lake.ask
    monkeypatch.setattr(
        lake, "ask", lambda what, *about: silence.wait(20) if what == silent else ask(what, *about)
    )
    started = time.monotonic()
    listed = [("list", True, "mem://lake/in/ can be listed")] if silent == "get" else []
    said = "unreachable: mem://lake/in/ gave no answer within 0.3 seconds"
    assert checked(workspace) == [*listed, ("endpoint", False, said)]
    assert time.monotonic() - started < 5
    silence.set()


def test_a_check_uses_what_the_integration_says_now(workspace, plugin, monkeypatch):
    workspace.integrations.create("later", "mem", {"secret": "env:LATER"})
    assert checked(workspace, name="later") == [
        (
            "credentials",
            False,
            "bad credentials: integration 'later', option secret: the environment variable LATER is not set",
        )
    ]
    for value in ("one", "two"):
        monkeypatch.setenv("LATER", value)
        assert [ok for _, ok, _ in checked(workspace, name="later")] == [True, True]
    assert plugin.lake.loaded == [{"secret": "one"}, {"secret": "two"}]


def test_what_is_wrong_before_anything_is_asked_has_a_name_of_its_own(workspace, lake):
    assert checked(workspace, "s3://b/a") == [
        ("url", False, "'s3' begins no URL of the memory (write mem://bucket/key)")
    ]
    lake.broken["load"] = heron.InvalidInput("the options a and b exclude each other")
    assert checked(workspace) == [("options", False, "the options a and b exclude each other")]
    assert lake.asked == []
    with pytest.raises(heron.NotFound, match="no integration 'lob'"):
        checked(workspace, name="lob")


def test_a_missing_package_and_a_plugin_that_is_gone_are_told(tmp_path):
    plugin = LakePlugin(requires=["no-such-package-at-all"])
    with heron.open(tmp_path, plugins=[plugin], discover=False) as workspace:
        workspace.integrations.create("lab", "mem")
        [(name, ok, message)] = checked(workspace)
        assert (name, ok) == ("plugin", False)
        assert message.endswith("needs no-such-package-at-all (pip install no-such-package-at-all)")
    with heron.open(tmp_path, discover=False) as workspace:
        assert checked(workspace) == [("plugin", False, "no storage is called 'mem' (there is: local)")]
