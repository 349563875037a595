"""Tables of plugins: a file for each set, migrated once and in order, undone after an error, and deleted on request."""

from __future__ import annotations

import json
import sqlite3

import pytest

import heron
from heron.cli.main import status

FIRST = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);\nINSERT INTO notes VALUES (1, 'a;b');"
)
SECOND = "ALTER TABLE notes ADD COLUMN by TEXT"


class Plugin:
    def __init__(self, *migrations, name="notes"):
        self.migrations = migrations
        self.name = name

    @heron.hookimpl
    def register_tables(self):
        yield heron.PluginTables(name=self.name, summary="Notes", migrations=self.migrations)


def opened(lake, *migrations, **more):
    return heron.open(lake, plugins=[Plugin(*migrations)], discover=False, **more)


def rows(workspace, sql="SELECT * FROM notes ORDER BY id"):
    with workspace.tables.open("notes") as database:
        return database.execute(sql).fetchall()


def test_migrations_are_applied_once_and_in_order(tmp_path):
    with opened(tmp_path, FIRST) as workspace:
        assert rows(workspace) == rows(workspace) == [(1, "a;b")]
    with opened(tmp_path, FIRST, SECOND) as workspace:
        assert rows(workspace) == [(1, "a;b", None)]
        assert rows(workspace, "SELECT number FROM heron_migrations") == [(1,), (2,)]
    with opened(tmp_path, FIRST) as workspace, pytest.raises(heron.PluginError, match="newer version"):
        rows(workspace)
    with (
        opened(tmp_path, FIRST + " ", SECOND) as workspace,
        pytest.raises(heron.PluginError, match="was changed"),
    ):
        rows(workspace)


@pytest.mark.parametrize(
    "bad", ["CREATE TABLE x (a); NONSENSE", "CREATE TABLE x (a);\nCOMMIT;\nCREATE TABLE y (b);"]
)
def test_a_migration_that_fails_is_undone_whole(tmp_path, bad):
    with opened(tmp_path, FIRST, bad) as workspace:
        with pytest.raises(heron.PluginError, match=r"tables notes \(plugin Plugin\): migration 2 failed"):
            rows(workspace)
        assert workspace.items.count() == 0
    with opened(tmp_path, FIRST, SECOND) as workspace:
        assert rows(workspace) == [(1, "a;b", None)]
        assert not rows(workspace, "SELECT 1 FROM sqlite_master WHERE name IN ('x', 'y')")


def test_the_catalogue_cannot_be_attached(tmp_path):
    with opened(tmp_path, FIRST) as workspace, pytest.raises(heron.CatalogueError, match="not authorized"):
        rows(workspace, f"ATTACH '{tmp_path}/.heron/catalog.db' AS catalogue")


def test_what_is_done_is_kept_at_the_end_and_undone_after_an_error(tmp_path):
    with opened(tmp_path, FIRST) as workspace:
        with workspace.tables.open("notes") as database:
            database.execute("INSERT INTO notes VALUES (2, 'kept')")
        with pytest.raises(KeyError), workspace.tables.open("notes") as database:
            database.execute("INSERT INTO notes VALUES (3, 'undone')")
            raise KeyError
        assert [row[0] for row in rows(workspace)] == [1, 2]
        with (
            pytest.raises(heron.CatalogueError, match="no such table"),
            workspace.tables.open("notes") as database,
        ):
            database.execute("SELECT * FROM items")


def test_the_catalogue_is_not_touched(tmp_path):
    with opened(tmp_path, FIRST) as workspace:
        workspace.folders.create("F")
        rows(workspace)
    file = sqlite3.connect(tmp_path / ".heron/catalog.db")
    assert not file.execute("SELECT 1 FROM sqlite_master WHERE name LIKE '%notes%'").fetchall()
    file.close()
    with heron.open(tmp_path, discover=False) as workspace:
        assert [folder.path for folder in workspace.folders.list()] == ["F"]


def test_a_workspace_opened_for_reading_gives_tables_for_reading(tmp_path):
    with opened(tmp_path, FIRST) as workspace:
        workspace.folders.create("F")
    with opened(tmp_path, FIRST, read_only=True) as workspace, pytest.raises(heron.PermissionDenied):
        rows(workspace)
    with opened(tmp_path, FIRST) as workspace:
        rows(workspace)
    with opened(tmp_path, FIRST, read_only=True) as workspace:
        assert rows(workspace) == [(1, "a;b")]
        with (
            pytest.raises(heron.CatalogueError, match="readonly"),
            workspace.tables.open("notes") as database,
        ):
            database.execute("DELETE FROM notes")
        with pytest.raises(heron.PermissionDenied):
            workspace.tables.purge("notes")


def test_purge_deletes_by_plugin_or_name_also_when_the_plugin_is_gone(tmp_path, capsys):
    with opened(tmp_path, FIRST) as workspace:
        rows(workspace)
        assert workspace.tables.purge("Plugin") > 0
        assert workspace.tables.list()[0].size == 0
        rows(workspace)
    where = ["-w", str(tmp_path), "--no-plugins", "plugins"]
    assert status([*where, "tables", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["items"]
    assert (found["name"], found["plugin"]) == ("notes", None) and found["size"] > 0
    assert status([*where, "purge", "notes", "--yes"]) == 0
    assert not list((tmp_path / ".heron/tables").iterdir())
    assert status([*where, "purge", "notes", "--yes"]) == 1
    assert status([*where, "purge", "../catalog", "--yes"]) == 1
    assert (tmp_path / ".heron/catalog.db").is_file()


def test_only_who_may_update_the_workspace_purges(tmp_path):
    with opened(tmp_path, FIRST) as workspace:
        rows(workspace)
        workspace.users.add("ada@example.org")
        with workspace.open_as("ada@example.org") as ada, pytest.raises(heron.PermissionDenied):
            ada.tables.purge("notes")
        assert rows(workspace) == [(1, "a;b")]


@pytest.mark.parametrize(
    "given", [{"name": "../x"}, {"name": "Notes"}, {"migrations": []}, {"migrations": [" "]}]
)
def test_a_bad_record_is_refused(given):
    with pytest.raises(ValueError, match=r"name of tables|one migration"):
        heron.PluginTables(**{"name": "notes", "summary": "x", "migrations": [FIRST], **given})


def test_a_damaged_file_is_one_sentence(tmp_path):
    with opened(tmp_path, FIRST) as workspace:
        rows(workspace)
        workspace.tables.purge("notes")
        (tmp_path / ".heron/tables/notes.db").write_bytes(b"no database" * 100)
        with pytest.raises(heron.CatalogueError, match="the tables notes"):
            rows(workspace)


def test_backups_have_the_tables_also_of_a_plugin_that_is_gone(tmp_path):
    lake, again = tmp_path / "lake", tmp_path / "again"
    lake.mkdir()
    with opened(lake, FIRST) as workspace:
        rows(workspace)
        with workspace.tables.open("notes") as database:
            database.execute("INSERT INTO notes VALUES (2, 'later')")
            workspace.backup(tmp_path / "half", single=True)  # what is not committed is in none
        purged = workspace.backup(tmp_path / "all", single=True)
        assert purged.path == tmp_path / "all"
        workspace.tables.purge("notes")
        workspace.backup(tmp_path / "without", single=True)
    assert json.loads((tmp_path / "all/backup.json").read_text())["version"] == 2
    assert json.loads((tmp_path / "without/backup.json").read_text())["version"] == 1
    heron.restore(tmp_path / "all", again)
    with heron.open(again, discover=False) as workspace:
        assert [(each.name, each.plugin) for each in workspace.tables.list()] == [("notes", None)]
    with opened(again, FIRST) as workspace:
        assert rows(workspace) == [(1, "a;b"), (2, "later")]
    heron.restore(tmp_path / "half", again, replace=True)
    with opened(again, FIRST) as workspace:
        assert rows(workspace) == [(1, "a;b")]
    heron.restore(tmp_path / "without", again, replace=True)
    with heron.open(again, discover=False) as workspace:
        assert workspace.tables.list() == []


@pytest.mark.parametrize("damage", ["changed", "forged"])
def test_tables_of_a_backup_that_are_damaged_are_refused(tmp_path, damage):
    from hashlib import sha256

    with opened(tmp_path / "lake", FIRST) as workspace:
        rows(workspace)
        workspace.backup(tmp_path / "b", single=True)
    file = tmp_path / "b/tables/notes.db"
    content = file.read_bytes()
    broken = content[:4096] + b"\xff" * 500 + content[4596:]
    file.write_bytes(broken)
    if damage == "forged":
        manifest = tmp_path / "b/backup.json"
        marks = [sha256(each).hexdigest() for each in (content, broken)]
        manifest.write_text(manifest.read_text().replace(*marks))
    with pytest.raises(
        heron.CatalogueError, match="checksum" if damage == "changed" else r"notes\.db.*damaged"
    ):
        heron.restore(tmp_path / "b", tmp_path / "again")
    assert not (tmp_path / "again/.heron").exists()


def test_a_purge_stands_in_the_log(tmp_path):
    with opened(tmp_path, FIRST) as workspace:
        rows(workspace)
        workspace.tables.purge("notes")
        [deed] = [each for each in workspace.log.list() if "purge" in each.verb]
        assert deed.details["tables"] == ["notes"]
