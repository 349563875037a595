"""References to secrets: what they stand for, and that no secret is stored, printed or part of an error."""

from __future__ import annotations

import json
import os
import sys

import pytest

import heron
from heron.cli.main import status
from heron.references import checked, is_reference, resolve
from tests.memory_storage import LakePlugin

SECRET = "hunter2/+Zz9="
OPTIONS = [
    heron.Option("key", "who"),
    heron.Option("secret", "the secret of the key", secret=True),
    heron.Option("endpoint", "where"),
    heron.Option("port", "of the endpoint", type="number"),
    heron.Option("fast", "or not", type="boolean"),
    heron.Option("style", "how", choices=["path", "virtual"]),
]


@pytest.fixture
def plugin():
    plugin = LakePlugin(options=OPTIONS)
    plugin.lake.put("mem://b/a")
    return plugin


@pytest.fixture
def plugins(plugin):
    return [plugin]


def stored_bytes(root):
    """All that lies on disk of a workspace: catalogue, write-ahead log, and whatever stands beside them."""
    return b"".join(path.read_bytes() for path in (root / ".heron").rglob("*") if path.is_file())


@pytest.fixture
def use(workspace, plugin):
    """What `load` gets of an integration with these options."""

    def use(**options):
        workspace.storage.open("mem://b/a", workspace.integrations.create("lab", "mem", options))
        return plugin.lake.loaded[-1]

    return use


# The three sources


def test_an_environment_variable_is_looked_up_when_it_is_needed(workspace, plugin, monkeypatch):
    integration = workspace.integrations.create("lab", "mem", {"secret": "env:LAB_SECRET"})
    with pytest.raises(heron.BadCredentials) as refusal:
        workspace.storage.open("mem://b/a", integration)
    assert refusal.value.message == (
        "integration 'lab', option secret: the environment variable LAB_SECRET is not set"
    )
    monkeypatch.setenv("LAB_SECRET", SECRET)
    workspace.storage.open("mem://b/a", integration)
    assert plugin.lake.loaded == [{"secret": SECRET}]


@pytest.mark.parametrize("content", [SECRET, f"  {SECRET}\n", f"\ufeff{SECRET}\r\n"])
def test_a_file_is_read_without_blanks_around_its_content(use, tmp_path, content):
    (tmp_path / "secret.txt").write_text(content, encoding="utf-8")
    assert use(secret=f"file:{tmp_path}/secret.txt") == {"secret": SECRET}


def test_a_file_is_kept_by_its_absolute_path_and_the_home_as_it_is_written(
    workspace, plugin, tmp_path, monkeypatch
):
    (tmp_path / "secret.txt").write_text(SECRET)
    monkeypatch.chdir(tmp_path)
    here = workspace.integrations.create("here", "mem", {"secret": "file:secret.txt"})
    assert here.options == {"secret": f"file:{tmp_path}/secret.txt"}
    monkeypatch.chdir("/")
    workspace.storage.open("mem://b/a", here)
    home = workspace.integrations.create("home", "mem", {"secret": "file:~/secret.txt"})
    assert home.options == {"secret": "file:~/secret.txt"}
    monkeypatch.setenv("HOME", str(tmp_path))
    workspace.storage.open("mem://b/a", home)
    assert plugin.lake.loaded == [{"secret": SECRET}] * 2


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("{folder}/nowhere.txt", "nowhere.txt cannot be read (No such file or directory)"),
        ("{folder}", "cannot be read (Is a directory)"),
        ("{folder}/binary", "binary is not a text file"),
        ("{folder}/empty", "empty is empty"),
        ("~nobody-at-all/secret", "the home directory of ~nobody-at-all/secret is not known"),
        ("{folder}/a\0b", "is not a text file"),
    ],
)
def test_a_file_that_holds_no_secret_is_told_by_name(tmp_path, place, said):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(heron.BadCredentials, match=r"^integration 'lab', option secret: ") as refusal:
        resolve(f"file:{place.format(folder=tmp_path)}", "integration 'lab', option secret")
    assert said in refusal.value.message


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_by_name(tmp_path):
    (tmp_path / "secret").touch(0o000)
    with pytest.raises(heron.BadCredentials, match=r"secret cannot be read \(Permission denied\)"):
        resolve(f"file:{tmp_path}/secret", "it")


@pytest.fixture
def keyring():
    """The keyring of this test, in memory."""
    keyring = pytest.importorskip("keyring")

    class Ring(keyring.backend.KeyringBackend):
        priority = 1
        secrets = {}  # noqa: RUF012 - one for each test

        def get_password(self, service, username):
            return self.secrets.get((service, username))

        def set_password(self, service, username, password):
            self.secrets[service, username] = password

        def delete_password(self, service, username):
            del self.secrets[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield keyring
    keyring.set_keyring(before)


@pytest.mark.parametrize("service", ["heron", "https://store.example/buckets"])
def test_the_keyring_is_asked_for_a_name_of_a_service(use, keyring, service):
    keyring.set_password(service, "reader", SECRET)
    assert use(secret=f"keyring:{service}/reader") == {"secret": SECRET}


def test_a_keyring_without_that_name_says_how_to_set_it(keyring):
    keyring.set_password("heron", "writer", SECRET)
    with pytest.raises(heron.BadCredentials) as refusal:
        resolve("keyring:heron/reader", "it")
    assert str(refusal.value) == "it: the keyring has no reader for heron (keyring set heron reader)"


def test_a_machine_without_a_keyring_says_so(keyring):
    from keyring.backends.fail import Keyring

    keyring.set_keyring(Keyring())
    with pytest.raises(
        heron.BadCredentials, match=r"^it: the keyring cannot be read: No recommended backend"
    ):
        resolve("keyring:heron/reader", "it")


def test_the_null_keyring_has_nothing(keyring):
    from keyring.backends.null import Keyring

    keyring.set_keyring(Keyring())
    with pytest.raises(heron.BadCredentials, match=r"^it: the keyring has no reader for heron"):
        resolve("keyring:heron/reader", "it")


def test_without_the_package_the_keyring_says_what_to_install(monkeypatch):
    for name in ("keyring", "keyring.errors"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(heron.BadCredentials) as refusal:
        resolve("keyring:heron/reader", "it")
    assert str(refusal.value) == "it: reading the keyring needs a package (pip install keyring)"


# What a reference is


@pytest.mark.parametrize("value", ["env:A", "file:a", "file:/a b/ü", "keyring:a/b", "keyring:a/b/c"])
def test_references(value):
    assert is_reference(value)
    assert checked(value, "it").partition(":")[0] == value.partition(":")[0]


@pytest.mark.parametrize(
    "value", ["", "env:", "ENV:A", "environ:A", "a", " env:A", "secret env:A", None, 7, ["env:A"]]
)
def test_no_references(value):
    assert not is_reference(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (f"env:{SECRET}", "option secret: what follows env: is not the name of an environment variable"),
        ("env:$LAB_SECRET", "option secret: what follows env: is not the name of an environment variable"),
        ("env:two words", "option secret: what follows env: is not the name of an environment variable"),
        ("env:9LIVES", "option secret: what follows env: is not the name of an environment variable"),
        (f"keyring:{SECRET.replace('/', '')}", "option secret: what follows keyring: is not SERVICE/NAME"),
        ("keyring:/name", "option secret: what follows keyring: is not SERVICE/NAME"),
        ("keyring:service/", "option secret: what follows keyring: is not SERVICE/NAME"),
    ],
)
def test_a_reference_that_can_lead_nowhere_is_refused_and_not_shown(workspace, value, said):
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.integrations.create("lab", "mem", {"secret": value})
    assert refusal.value.message == said
    assert value.partition(":")[2] not in str(refusal.value)
    assert workspace.integrations.list() == []


# Secrets are not kept and not told


@pytest.mark.parametrize(
    "value", [SECRET, f" {SECRET} ", f"environment:{SECRET}", "", 12345, True, None, ["env:A"]]
)
def test_a_secret_itself_is_refused_and_appears_nowhere(workspace, value):
    workspace.integrations.create("other", "mem", {"key": "me"})
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.integrations.create("lab", "mem", {"key": "me", "secret": value})
    assert str(refusal.value) == (
        "option secret is a secret, and secrets are never stored: give a reference to it "
        "(write env:NAME, file:PATH or keyring:SERVICE/NAME)"
    )
    assert [found.name for found in workspace.integrations.list()] == ["other"]
    assert SECRET.encode() not in stored_bytes(workspace.root)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hunter2@store.example",
        "https://hunter2@store.example",
        "HTTP://me:hun/ter2@store.example:9000/",
        "socks5://me:hunter2@proxy.example",
        "https://account.blob.core.windows.net/?sv=2026&sig=hunter2",
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_and_appears_nowhere(workspace, url):
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.integrations.create("lab", "mem", {"endpoint": url})
    assert str(refusal.value) == (
        "option endpoint is a URL with a user name, a password or a query, and secrets are never stored "
        "(leave these out; there are separate options for secrets)"
    )
    assert workspace.integrations.list() == []
    assert b"ter2" not in stored_bytes(workspace.root)


@pytest.mark.parametrize(
    "url", ["https://store.example:9000/path", "http://[::1]:9000", "store.example", "me@example.org"]
)
def test_an_address_without_secrets_is_kept(workspace, url):
    assert workspace.integrations.create("lab", "mem", {"endpoint": url}).options == {"endpoint": url}


def test_using_an_integration_leaves_no_secret_on_disk(workspace, use, monkeypatch):
    monkeypatch.setenv("LAB_SECRET", SECRET)
    assert use(key="me", secret="env:LAB_SECRET") == {"key": "me", "secret": SECRET}
    assert [result.ok for result in workspace.storage.check("lab", "mem://b/")] == [True, True]
    workspace.ingest.files(["mem://b/"], folder="A", integration="lab", ignore_errors=True)
    workspace.ingest.follow("B", "mem://b/", integration="lab")
    workspace.ingest.sync("B")
    on_disk = stored_bytes(workspace.root)
    assert b"env:LAB_SECRET" in on_disk, "the look at the disk finds what is there"
    assert SECRET.encode() not in on_disk
    assert json.dumps(SECRET).encode() not in on_disk


@pytest.mark.parametrize(
    ("option", "expected"), [("port", "a number"), ("fast", "yes or no"), ("style", "path or virtual")]
)
def test_a_reference_that_leads_to_another_secret_does_not_tell_it(workspace, monkeypatch, option, expected):
    monkeypatch.setenv("LAB_SECRET", SECRET)
    integration = workspace.integrations.create("lab", "mem", {option: "env:LAB_SECRET"})
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.storage.open("mem://b/a", integration)
    assert str(refusal.value) == (
        f"integration 'lab', option {option}: expected {expected}, and env:LAB_SECRET is something else"
    )
    [result] = workspace.storage.check("lab", "mem://b/")
    assert (result.name, result.ok) == ("options", False)
    assert SECRET not in result.message


def test_other_options_can_be_references_too_and_get_their_type(workspace, use, monkeypatch):
    monkeypatch.setenv("LAB_PORT", "9000")
    monkeypatch.setenv("LAB_FAST", "Yes")
    options = {"port": "env:LAB_PORT", "fast": "env:LAB_FAST", "style": "path"}
    assert use(**options) == {"port": 9000, "fast": True, "style": "path"}
    assert workspace.integrations.get("lab").options == options


def test_a_url_with_a_signature_is_refused_before_the_import_is_noted(tmp_path):
    with heron.open(tmp_path / "lake") as workspace:
        url = "https://storage.googleapis.com/b/a.jpg?X-Goog-Signature=hunter2"
        with pytest.raises(heron.InvalidInput, match="cannot have a query") as refusal:
            workspace.ingest.files([url], folder="A", ignore_errors=True)
        assert "hunter2" not in str(refusal.value)
        assert workspace.imports.list() == []
        assert workspace.folders.list() == []
        assert b"hunter2" not in stored_bytes(workspace.root)


# The command line


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line; returns all that it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, exit_status=0):
        assert status(list(arguments)) == exit_status, capsys.readouterr()
        return "".join(capsys.readouterr())

    call("init")
    return call


def test_the_command_line_prints_references_and_no_secrets(run, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_SECRET", SECRET)
    run(
        "integrations",
        "add",
        "lab",
        "--backend",
        "s3",
        "-o",
        "access_key_id=me",
        "-o",
        "secret_access_key=env:LAB_SECRET",
    )
    for arguments in (["list"], ["list", "--json"], ["show", "lab"], ["show", "lab", "--json"], []):
        printed = run("integrations", *arguments)
        assert "env:LAB_SECRET" in printed
        assert SECRET not in printed
    assert SECRET.encode() not in stored_bytes(tmp_path)


@pytest.mark.parametrize(
    ("option", "exit_status"),
    [
        ("secret_access_key=hunter2", 1),
        ("endpoint=https://me:hunter2@store.example", 1),
        ("hunter2", 2),
        ("=hunter2", 2),
    ],
)
def test_the_command_line_does_not_repeat_a_secret(run, tmp_path, option, exit_status):
    printed = run("integrations", "add", "lab", "--backend", "s3", "-o", option, exit_status=exit_status)
    assert printed
    assert "hunter2" not in printed
    assert b"hunter2" not in stored_bytes(tmp_path)
    assert "There is no integration yet" in run("integrations")
