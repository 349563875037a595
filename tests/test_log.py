"""The log: each verb that changes something leaves a line in the transaction of what it does, and no other does."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import heron
from heron.catalog.deeds import SERVICES
from heron.cli.main import status
from heron.holdings import Holdings
from heron.workspace import Workspace
from tests.every_verb import WRITES
from tests.one_of_each import full, made, things  # noqa: F401 - fixtures
from tests.test_access import answer

ADA, BOB = "ada@example.org", "bob@example.org"

NOT_LOGGED = {
    "columns.push": "writes files elsewhere",
    "columns.rebuild": "makes a cache",
    "columns.refresh": "makes a cache",
    "columns.status": "changes nothing",
    "curation.hash_missing": "computes what the files say",
    "embed.__call__": "computes vectors",
    "integrations.trust": "writes a file of this machine's user",
    "pictures.make": "computes pictures",
    "plugin_options.show": "changes nothing",
    "projections.make": "computes a map",
    "projections.delete": "deletes what was computed",
    "vectors.adopt": "moves values from one place to another",
    "vectors.compact": "makes a file smaller",
    "vectors.rebuild": "makes a cache",
    "vectors.refresh": "makes a cache",
    "synced.bind": "is logged as part of ingest.follow",
    "folders.move": "would move onto another folder here; the test below has it",
    "ingest.resume": "has nothing to resume here",
    "schema.edit": "is not left here; schema.add has the same line",
    "schema.convert": "finds nothing to convert here",
    "schema.undo": "has nothing to undo here",
    "curation.carry_over": "finds nothing to copy here",
    "backup.__call__": "changes nothing in the workspace",
    "users.note_use": "only keeps when a key or token was last used",
}
"""Verbs that leave no line, each with the reason."""


BY_OTHERS = ("derive", "ingest", "schema", "metadata", "folders", "vector_files", "datasets")
"""Services with verbs that are logged under the name of the verb that they call, such as `schema.edit`."""


@pytest.mark.slow
@pytest.mark.parametrize("verb", [verb for verb in WRITES if "._" not in verb or "__call__" in verb])
def test_every_verb_that_changes_something_leaves_a_line(full, things, verb):
    before = len(full.log.list())
    try:
        answer(WRITES[verb][0], full, things)
    except heron.HeronError:
        assert verb in NOT_LOGGED or verb.startswith("ingest."), verb
    lines = full.log.list()
    if verb in NOT_LOGGED:
        return
    assert len(lines) > before, verb
    new = lines[: len(lines) - before]
    assert all(line.user == "owner" and line.count >= 1 and line.resource for line in new)
    assert verb in {line.verb for line in new} or verb.partition(".")[0] in BY_OTHERS


def test_the_names_of_services_are_those_of_a_workspace():
    for name, known in SERVICES.items():
        assert known in vars(Holdings) | vars(Workspace), name


def test_a_line_says_who_did_what_to_which_resource(workspace):
    workspace.users.add(ADA)
    workspace.folders.create("Road")
    workspace.roles.grant("admin", user=ADA, folder="Road")
    with heron.open(workspace.root, user=ADA, discover=False) as ada:
        folder = ada.folders.rename("Road", "Street")
        ada.folders.move(folder, None)
        ada.collections.create("Best")
        [made, moved, renamed] = ada.log.list(user="ADA@example.org")
        assert (renamed.verb, renamed.noun, renamed.uuid) == ("folders.rename", "folder", folder.uuid)
        assert (moved.verb, moved.resource) == ("folders.move", "Street")
        assert (made.verb, made.resource, made.user) == ("collections.create", "Best", ADA)
        assert ada.log.list(user="owner") == []
    granted = workspace.log.list(verb="roles", limit=1)[0]
    assert (granted.resource, dict(granted.details)) == (
        "Road",
        {"user": ADA, "role": "admin", "before": None},
    )
    assert {line.user for line in workspace.log.list(resource=folder.uuid)} == {"owner", ADA}
    assert workspace.log.list(since="2999-01-01T00:00:00Z") == []
    assert workspace.log.list(until=made.at, noun="collection") == []
    assert workspace.log.list(verb="folder") == []


def test_what_is_undone_leaves_no_line(workspace):
    workspace.users.add(ADA)
    before = workspace.log.list()
    with pytest.raises(heron.AlreadyExists):
        workspace.users.add(ADA)
    with pytest.raises(RuntimeError), workspace._database.write():
        workspace.folders.create("A")
        raise RuntimeError
    assert workspace.log.list() == before


def test_what_is_undone_within_a_verb_that_goes_on_leaves_no_line(workspace):
    folders, database = workspace.folders, workspace._database
    folders.create("A")
    with database.doing(workspace.registration, "register"):
        folders.create("B")
        with pytest.raises(RuntimeError), database.doing(workspace.datasets, "create"):
            folders.create("C")
            workspace.access.require("update", folders.get("A"))
            raise RuntimeError
    assert [line.resource for line in workspace.log.list(verb="registration.register")] == ["B"]


def test_what_another_thread_asks_meanwhile_is_not_in_the_line_of_a_verb(workspace):
    workspace.folders.create("A")
    mine, other = workspace.folders.create("B"), workspace.folders.get("A")
    with workspace._database.doing(workspace.folders, "rename"), ThreadPoolExecutor() as threads:
        workspace.access.require("update", mine)
        asked = threads.submit(workspace._database.deeds.ask, "owner", "folder", other.path, other.uuid)
        asked.result()
    assert [line.resource for line in workspace.log.list(verb="folders.rename")] == ["B"]


@pytest.mark.parametrize(
    "spelling", ["JÜRGEN@example.org", "ju\u0308rgen@example.org", " jürgen@example.org"]
)
def test_the_log_finds_a_user_by_each_spelling_of_the_address(workspace, spelling):
    workspace.users.add("jürgen@example.org")
    with heron.open(workspace.root, user="jürgen@example.org", discover=False) as theirs:
        theirs.collections.create("Best")
    assert [line.resource for line in workspace.log.list(user=spelling)] == ["Best"]


def test_many_items_are_one_line(workspace):
    facts = heron.MediaFacts("image", "image/png", 4, 4)
    workspace.registration.register([heron.NewItem(f"s3://lake/{n}", facts) for n in range(5)], "A")
    workspace.folders.create("B")
    workspace.items.move(workspace.items.list(), "B")
    moved = workspace.log.list(limit=1)[0]
    assert (moved.verb, moved.noun, moved.count, moved.uuid) == ("items.move", "item", 5, None)


def test_the_log_is_exported_by_the_command_line(workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(workspace.root)
    workspace.users.add(ADA)
    workspace.users.add(BOB)
    line = ["--no-plugins", "log", "--verb", "users.add", "-o", "log.jsonl"]
    assert status(line) == 0
    lines = [json.loads(text) for text in (workspace.root / "log.jsonl").read_text().splitlines()]
    assert [each["resource"] for each in lines] == [BOB, ADA]
    assert status(line) == 2
    capsys.readouterr()
    assert status(["--no-plugins", "log", "--user", "owner", "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_log_that_cannot_be_read_to_its_end_leaves_no_file(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(workspace.root)
    workspace.users.add(ADA)
    workspace.users.add(BOB)
    workspace._database.execute("UPDATE log SET details = '{' WHERE resource = ?", [ADA])
    assert status(["--no-plugins", "log", "--verb", "users.add", "-o", str(tmp_path / "log.jsonl")]) == 1
    assert [*tmp_path.glob("log*")] == []


def test_a_log_in_a_file_is_the_whole_log(workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(workspace.root)
    assert status(["--no-plugins", "log", "--limit", "1", "-o", str(tmp_path / "log.jsonl")]) == 2
    assert "leave out --limit and --cursor" in capsys.readouterr().err
