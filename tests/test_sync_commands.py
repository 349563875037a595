"""Synced folders on the command line, beside folders, integrations and rights, and as the page on importing has it."""

import json
import re
import shlex
from pathlib import Path

import pytest

import heron
from heron.catalog.access import OWNER
from heron.cli.main import status
from heron.hooks import StoredObject
from heron.models import MediaFacts, NewItem
from heron.organisation import User
from tests.memory_storage import LakePlugin
from tests.synced_places import BucketPlace, FolderPlace, catalogue, counts, names

PAGE = Path(__file__).parent.parent / "docs" / "importing.md"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command line beside the folder `inbox`, and return what it printed on both ways."""
    monkeypatch.chdir(tmp_path)

    def call(line, exit_status=0):
        assert status(shlex.split(line)) == exit_status, capsys.readouterr()
        return capsys.readouterr()

    call("init")
    return call


@pytest.fixture
def inbox(tmp_path):
    place = FolderPlace(tmp_path / "inbox")
    for name in ("a.txt", "b.txt", "deep/c.txt"):
        place.put(name)
    return place


@pytest.fixture
def bucket():
    bucket = BucketPlace()
    bucket.put("a.txt")
    return bucket


@pytest.fixture
def plugins(bucket):
    return [LakePlugin(bucket.lake, options=[heron.Option("region", "where it is")])]


# Commands


def test_a_folder_is_made_filled_and_kept_up_to_date(run, inbox):
    out, _ = run("folders create Inbox --sync inbox --description 'what comes'")
    assert out == f"Made folder Inbox, which follows {inbox.prefix}\nFill it: heron sync Inbox\n"
    assert "never" in run("folders show Inbox").out
    assert run("sync").out == "Synced Inbox: 3 new.\n"
    inbox.put("a.txt", b"changed\n"), inbox.remove("b.txt"), inbox.put("d.png", b"\x89PNG\r\n\x1a\nbroken")
    out, _ = run("sync Inbox/", exit_status=3)
    assert out.startswith(
        "Synced Inbox/: 0 new, 1 updated, 1 vanished, 1 there already, 1 failed.\n  failed: "
    )
    assert "d.png" in out
    inbox.put_back("b.txt")
    [report] = json.loads(run("sync --json", exit_status=3).out)["items"]
    assert {name: report["job"][name] for name in ("added", "restored", "skipped", "failed")} == {
        "added": 0, "restored": 1, "skipped": 2, "failed": 1,
    }  # fmt: skip
    shown = json.loads(run("folders show Inbox --json").out)
    assert shown["folder"]["description"] == "what comes"
    assert shown["synced"]["prefix"] == inbox.prefix
    assert report["job"]["started_at"] < shown["synced"]["synced_at"] < report["job"]["finished_at"]
    assert f"synced         {shown['synced']['synced_at']}" in run("folders show Inbox").out


def test_a_dataset_shows_rows_that_vanished(run, inbox):
    run("folders create Inbox --sync inbox"), run("sync")
    run("datasets create all --folder Inbox")
    inbox.remove("a.txt"), run("sync")
    assert [row["name"] for row in json.loads(run("datasets show all --json").out)] == [
        "a.txt",
        "b.txt",
        "c.txt",
    ]
    assert "a.txt" in run("datasets show all").out
    run("datasets export all -o all.csv")
    assert Path("all.csv").read_text().count("\n") == 4
    assert "a.txt" not in run("items").out + run("search").out
    assert re.search(r"^Inbox +2\b", run("folders").out, re.MULTILINE)


def test_without_synced_folders_there_is_nothing_to_do(run):
    assert run("sync").out == "No folder is synced yet: heron folders create NAME --sync URL\n"
    assert json.loads(run("sync --json").out)["items"] == []
    run("folders create Plain")
    error = run("sync Plain", exit_status=1).err
    assert error.startswith("Error: folder 'Plain' is not synced")
    assert "there is no folder 'Plian'" in run("sync Plian", exit_status=1).err


def test_a_folder_that_fails_does_not_keep_the_others_from_being_synced(run, inbox, tmp_path):
    for name in ("A", "B", "C"):
        (tmp_path / name).mkdir(), (tmp_path / name / "x.txt").write_text("words")
        run(f"folders create {name} --sync {name}")
    (tmp_path / "B" / "x.txt").unlink(), (tmp_path / "B").rmdir()
    out, err = run("sync", exit_status=1)
    assert out.splitlines() == ["Synced A: 1 new.", "Synced C: 1 new."]
    assert err.splitlines() == [f"Folder B could not be synced: {(tmp_path / 'B').as_uri()} is not there"]
    out, err = run("sync C B A --json", exit_status=1)
    assert [report["job"]["source"].rpartition("/")[0][-2:] for report in json.loads(out)["items"]] == [
        "/C",
        "/A",
    ]
    assert "Folder B could not be synced" in err
    assert run("sync B", exit_status=1).err.startswith("Error: ")
    states = [job["state"] for job in json.loads(run("imports list --json").out)["items"]]
    assert states == ["failed", "done", "failed", "done", "done", "failed", "done"]


def test_an_empty_folder_is_refused_until_it_is_allowed(run, inbox):
    run("folders create Inbox --sync inbox"), run("sync")
    for name in ("a.txt", "b.txt", "deep/c.txt"):
        inbox.remove(name)
    assert "--allow-empty marks all of them as deleted" in run("sync", exit_status=1).err
    assert run("sync --allow-empty").out == "Synced Inbox: 0 new, 3 vanished.\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--sync nothing://reads/this", "no storage is called 'nothing'"),
        ("--sync inbox --integration lab", "there is no integration 'lab'"),
        ("--sync inbox --sidecar-suffix ''", "the suffix of sidecars cannot be empty"),
    ],
)
def test_a_folder_that_cannot_follow_is_not_made(run, inbox, options, sentence):
    assert sentence in run(f"folders create Inbox {options}", exit_status=1).err
    assert json.loads(run("folders list --json").out)["items"] == []
    run("folders create Inbox --sync inbox")


def test_options_of_syncing_need_a_url(run):
    for option in ("--integration lab", "--no-sidecars"):
        assert "go with --sync" in run(f"folders create Inbox {option}", exit_status=2).err


def test_a_folder_follows_one_url_and_can_let_go_of_it(run, inbox):
    run("folders create Inbox --sync inbox"), run("sync")
    error = run("folders create Inbox --sync .", exit_status=1).err
    assert error == "Error: folder 'Inbox' is synced already (heron folders unsync)\n"
    run("folders unsync Inbox")
    inbox.remove("a.txt")
    assert "is not synced" in run("sync Inbox", exit_status=1).err
    assert "is not synced" in run("folders unsync Inbox", exit_status=1).err
    assert run("items").out.count(".txt") == 3, "what was there stays"
    assert "is there already" in run("folders create Inbox --sync inbox --description new", exit_status=1).err
    assert run("folders create Inbox --sync inbox").out.startswith("Folder Inbox, which follows ")
    assert run("sync").out == "Synced Inbox: 0 new, 1 vanished, 2 there already.\n"


def test_folders_that_are_moved_and_renamed_keep_on_following(run, inbox):
    run("folders create Deep/Inbox --sync inbox"), run("sync")
    run("folders create Archive"), run("folders move Deep/Inbox Archive"), run("folders rename Archive Old")
    inbox.put("d.txt")
    assert run("sync").out == "Synced Old/Inbox: 1 new, 3 there already.\n"
    assert [folder["path"] for folder in json.loads(run("folders list --json").out)["items"]] == [
        "Deep",
        "Old",
        "Old/Inbox",
        "Old/Inbox/deep",
    ]
    assert run("folders delete Old --yes").out.startswith("Deleted folder Old with 2 folders and 4 items")
    assert run("sync").out.startswith("No folder is synced yet")
    assert (inbox.root / "a.txt").exists()


def test_the_examples_of_the_page_on_importing_run(run, inbox):
    run("folders create Runs --sync inbox")
    examples = re.findall(r"`(heron (?:folders|sync)[^`]*)`", PAGE.read_text())
    local = [line for line in examples if "s3://" not in line]
    assert len(local) >= 3
    for line in local:
        run(line.removeprefix("heron "))


# Integrations


def test_an_integration_that_a_synced_folder_needs_is_not_removed(workspace, bucket):
    workspace.integrations.create("lab", "mem", {"region": "north"})
    workspace.ingest.follow("My runs", bucket.prefix, integration="lab")
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.integrations.delete("lab")
    assert str(refusal.value) == (
        "integration 'lab' is in use by the synced folder 'My runs' (heron folders unsync 'My runs')"
    )
    assert workspace.synced.get("My runs").integration == "lab"
    workspace.synced.release("My runs")
    workspace.integrations.delete("lab")


def test_items_are_read_by_the_integration_that_their_folder_follows_by(workspace, bucket):
    outside = NewItem("mem://bucket/runs/2/b.txt", MediaFacts("text", "text/plain"))
    for name in ("old", "new"):
        workspace.integrations.create(name, "mem", {"region": name})
    workspace.ingest.follow("Runs", bucket.prefix, integration="old")
    workspace.ingest.sync("Runs")
    workspace.registration.register([outside], "Runs")
    workspace.synced.release("Runs")
    workspace.integrations.delete("old")
    workspace.ingest.follow("Runs", bucket.prefix, integration="new")
    assert counts(workspace.ingest.sync("Runs")) == {"skipped": 1}
    first, second = workspace.items.list()
    assert (workspace.storage.of(first).name, workspace.storage.of(second)) == ("new", None)


# Rights

CALLS = {
    "ingest.follow": lambda w, url: w.ingest.follow("Other", url),
    "ingest.sync": lambda w, url: w.ingest.sync("Runs"),
    "synced.bind": lambda w, url: w.synced.bind("Plain", url),
    "synced.release": lambda w, url: w.synced.release("Runs"),
    "synced.set_sidecars": lambda w, url: w.synced.set_sidecars("Runs", None),
    "synced._note_synced": lambda w, url: w.synced._note_synced(w.folders.get("Runs")),
    "synced._note_sidecars": lambda w, url: w.synced._note_sidecars([(1, StoredObject(f"{url}a.txt.json", 2))]),
    "synced._mark_vanished": lambda w, url: w.synced._mark_vanished([1]),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("who", ["stranger", "reader"])
def test_who_may_not_write_changes_nothing(workspace, bucket, monkeypatch, call, who):
    workspace.ingest.follow("Runs", bucket.prefix)
    workspace.ingest.sync("Runs")
    workspace.folders.create("Plain")
    bucket.put("b.txt"), bucket.remove("a.txt")
    if who == "reader":
        reads = lambda access, right, *_: access.user.role == "owner" or right == "read"  # noqa: E731
        monkeypatch.setattr("heron.catalog.access.Access.may", reads)
        monkeypatch.setattr(
            "heron.catalog.access.Access.granted",
            lambda access, right, *_: "1" if reads(access, right) else "0",
        )
    before, jobs, synced = catalogue(workspace), workspace.imports.list(), workspace.synced.get("Runs")
    workspace.access.user = User("eve@example.com", "member")
    with pytest.raises(heron.PermissionDenied if who == "reader" else heron.HeronError) as refusal:
        CALLS[call](workspace, bucket.prefix)
    assert isinstance(refusal.value, heron.PermissionDenied | heron.NotFound)
    workspace.access.user = OWNER
    assert (catalogue(workspace), workspace.imports.list(), workspace.synced.get("Runs")) == (
        before,
        jobs,
        synced,
    )
    assert names(workspace) == ["a.txt"]


def test_a_stranger_hears_nothing_of_synced_folders(workspace, bucket):
    workspace.ingest.follow("Runs", bucket.prefix)
    workspace.ingest.sync("Runs")
    folder = workspace.folders.get("Runs")
    workspace.access.user = User("eve@example.com", "member")
    assert (workspace.synced.list(), workspace.synced._newest_id()) == ([], 0)
    for ask in (
        lambda: workspace.synced.get(folder),
        lambda: workspace.synced._count_below(folder, bucket.prefix),
        lambda: workspace.synced._known_sidecars([], folder),
    ):
        with pytest.raises((heron.PermissionDenied, heron.NotFound)) as refusal:
            ask()
        assert bucket.prefix not in str(refusal.value)
