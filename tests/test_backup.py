"""Backups: made while others write, whole or not at all, and restored only if they are sound."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

import heron
from heron.cli.main import status
from heron.export.backups import manifest as manifests
from heron.export.backups import service
from heron.inside import ASIDE

COUNT = 40


def fill(root, count=COUNT):
    """A workspace with items that have a number, and vectors of that number."""
    with heron.open(root, discover=False) as ws:
        ws.schema.add_embedding("face", 4)
        ws.schema.add_scalar("story", "text")
        ws.schema.add_scalar("n", "number")
        facts = heron.MediaFacts("image", "image/png")
        new = [
            heron.NewItem(f"s3://b/{n}.png", facts, metadata={"n": 0, "story": "a tale"})
            for n in range(count)
        ]
        ws.registration.register(new, ws.folders.create("A"))
        ws.vectors.add("face", ws.items.list(), np.ones((count, 4)) / 2)
        ws.thumbnails._put([(ws.items.get("0.png").id, b"jpeg")])


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The root of such a workspace, which is only copied."""
    fill(tmp_path_factory.mktemp("filled") / "lake")
    return tmp_path_factory.getbasetemp() / "filled0" / "lake"


@pytest.fixture
def lake(filled, tmp_path):
    """The root of a copy of it."""
    shutil.copytree(filled, tmp_path / "lake")
    return tmp_path / "lake"


def backup(root, place, **options):
    with heron.open(root, discover=False) as ws:
        return ws.backup(place, **options)


def contents(root):
    """What a workspace holds."""
    with heron.open(root, discover=False, create=False) as ws:
        items = ws.items.list()
        return {
            item.name: (item.metadata["n"], ws.vectors.get("face", item).tolist(), ws.thumbnails.find(item))
            for item in items
        }


def in_child(work):
    """Run `work` in a forked process, and return how it ended: its exit status, or minus the signal that killed it."""
    child = os.fork()
    if not child:
        code = 70
        try:
            code = work() or 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_backup_is_restored_elsewhere_with_all_that_was_there(lake, tmp_path):
    made = backup(lake, tmp_path / "backups")
    assert (made.items, made.vectors, made.path.parent) == (COUNT, COUNT, tmp_path / "backups")
    with closing(sqlite3.connect(made.path / "catalog.db")) as plain:
        assert plain.execute("SELECT count(*) FROM items").fetchone() == (COUNT,)
    done = heron.restore(tmp_path / "backups", tmp_path / "new")
    assert (done.backup.items, done.replaces) == (COUNT, False)
    assert contents(tmp_path / "new") == contents(lake)
    with heron.open(tmp_path / "new", discover=False) as ws:
        assert ws.search.count(words="tale") == COUNT
        assert ws.vectors.verify("face", deep=True) == []
        assert [entry.verb for entry in ws.log.list(limit=2)] == ["backup.restore", "vectors.add"]
    with heron.open(lake, discover=False) as ws:
        assert ws.log.list(limit=1)[0].verb == "backup.make"


WRITER = """
import sys
import heron
import numpy as np
with heron.open(sys.argv[1], discover=False) as ws:
    items = ws.items.list()
    for n in range(1, 10**6):
        with ws.atomic():
            ws.metadata.merge({item: {"n": n} for item in items[:2]})
            ws.vectors.add("face", items[:2], np.full((2, 4), n))
        if n % 5 == 0:
            ws.vectors.compact("face")
        print(n, flush=True)
"""


def test_a_backup_is_of_one_state_while_other_processes_write(lake, tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, lake], stdout=subprocess.PIPE, text=True)
    try:
        before = [int(writer.stdout.readline()) for _ in range(3)][-1]
        for number in range(4):
            made = backup(lake, tmp_path / f"b{number}", single=True)
            heron.restore(made.path, tmp_path / f"r{number}")
            found = contents(tmp_path / f"r{number}")
            (first, vector, _), (second, other, _) = found["0.png"], found["1.png"]
            assert first == second >= before
            assert vector == other == [first] * 4
            before = first
    finally:
        writer.kill()
        writer.communicate()
    assert before > 3


def test_backups_of_a_series_share_what_has_not_changed(lake, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "PART", 256)  # bytes: 16 vectors
    first = backup(lake, tmp_path / "backups")
    with heron.open(lake, discover=False) as ws:
        new = [
            heron.NewItem(f"s3://b/new{n}.png", heron.MediaFacts("image", "image/png"), metadata={"n": 1})
            for n in range(4)
        ]
        ws.registration.register(new, "A")
        ws.vectors.add("face", [f"new{n}.png" for n in range(4)], np.ones((4, 4)))
    second = backup(lake, tmp_path / "backups")
    assert (first.shared_bytes, second.shared_bytes) == (0, 512)
    names = sorted(path.name.rpartition(".")[2] for path in (second.path / "vectors").iterdir())
    assert names == ["0000", "0001", "0002"]
    links = [path.stat().st_nlink > 1 for path in sorted((second.path / "vectors").iterdir())]
    assert links == [True, True, False]
    shutil.rmtree(first.path)
    heron.restore(tmp_path / "backups", tmp_path / "new")
    assert contents(tmp_path / "new") == contents(lake)


def test_a_workspace_is_replaced_only_when_told(lake, tmp_path):
    made = backup(lake, tmp_path / "b", single=True)
    with heron.open(lake, discover=False) as ws:
        ws.items.delete("3.png")
    after = contents(lake)
    with pytest.raises(heron.AlreadyExists, match="is a workspace already"):
        heron.restore(made.path, lake)
    done = heron.restore(made.path, lake, replace=True, dry_run=True)
    assert done.replaces
    with (
        heron.open(lake, discover=False),
        pytest.raises(heron.CatalogueBusy, match="is open in another process"),
    ):
        heron.restore(made.path, lake, replace=True)
    assert contents(lake) == after
    heron.restore(made.path, lake, replace=True)
    assert len(contents(lake)) == COUNT
    assert [path.name for path in lake.iterdir()] == [".heron"]


def test_a_damaged_workspace_is_replaced(lake, tmp_path):
    made = backup(lake, tmp_path / "b", single=True)
    (lake / ".heron" / "catalog.db").write_bytes(b"damaged" * 999)
    heron.restore(made.path, lake, replace=True)
    assert len(contents(lake)) == COUNT


def test_backups_have_places_of_their_own(lake, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(heron.AlreadyExists, match="not empty"):
        backup(lake, tmp_path / "full", single=True)
    with pytest.raises(heron.AlreadyExists, match="is a file"):
        backup(lake, tmp_path / "full" / "x")
    with pytest.raises(heron.InvalidInput, match="part of a workspace"):
        backup(lake, lake / ".heron" / "backups")
    with pytest.raises(heron.NotFound, match="no whole backup"):
        heron.restore(tmp_path / "full", tmp_path / "new")
    assert not (tmp_path / "new" / ".heron").exists()


STEPS = ("fsync", "link", "mkdir", "rename", "rmdir", "unlink")


def dies_at(step, work):
    """`work` in a process that is killed at the step with that number, of those that change or flush files; how it ended."""

    def child():
        left = [step]

        def counted(function):
            def call(*arguments, **options):
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return function(*arguments, **options)

            return call

        for name in STEPS:
            setattr(os, name, counted(getattr(os, name)))
        work()

    return in_child(child)


def test_a_backup_that_is_killed_at_any_step_leaves_nothing_that_looks_whole(lake, tmp_path):
    place = tmp_path / "backups"
    whole = backup(lake, place).path
    step, before = 0, {whole}
    while dies_at(step, lambda: backup(lake, place)) == -signal.SIGKILL:
        there = {*manifests.series(place)}
        for made in there - before:  # killed after it got its name
            assert contents_of_backup(made, tmp_path) == contents(lake)
        before |= there
        step += 1
    assert step > 8
    assert len(manifests.series(place)) >= 2
    assert not [path for path in place.iterdir() if path.name.endswith(".part")]


def contents_of_backup(path, tmp_path):
    shutil.rmtree(tmp_path / "look", ignore_errors=True)
    heron.restore(path, tmp_path / "look")
    return contents(tmp_path / "look")


def test_a_restore_that_is_killed_at_any_step_leaves_the_old_one_or_the_new_one(lake, tmp_path):
    made = backup(lake, tmp_path / "b", single=True)
    new = contents(lake)
    with heron.open(lake, discover=False) as ws:
        ws.items.delete("3.png")
    old, step, seen = contents(lake), 0, set()
    shutil.copytree(lake, tmp_path / "kept")
    while dies_at(step, lambda: heron.restore(made.path, lake, replace=True)) == -signal.SIGKILL:
        if (lake / ASIDE).exists() and not (lake / ".heron").exists():
            with pytest.raises(heron.CatalogueError, match="was interrupted"):
                heron.open(lake, discover=False)
            with pytest.raises(heron.CatalogueError, match="brings it back"):
                heron.restore(made.path, lake, replace=True)
            (lake / ASIDE).rename(lake / ".heron")
            seen.add("aside")
        elif (lake / ASIDE).exists():
            with pytest.raises(heron.CatalogueError, match="that an interrupted restore has replaced"):
                heron.restore(made.path, lake, replace=True)
            shutil.rmtree(lake / ASIDE)
        found = contents(lake)
        assert found in (old, new)
        seen.add("old" if found == old else "new")
        shutil.rmtree(lake)
        shutil.copytree(tmp_path / "kept", lake)
        step += 1
    assert contents(lake) == new
    assert seen == {"old", "new", "aside"}
    assert not [path for path in lake.iterdir() if path.name != ".heron"]


def test_a_full_disk_leaves_no_half_and_says_so(lake, tmp_path):
    made = backup(lake, tmp_path / "b", single=True)
    size = (made.path / "catalog.db").stat().st_size

    def limited(bytes, work):
        def child():
            with heron.open(lake, discover=False) as ws:
                ws.items.count()
                resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, bytes))
                ws.backup(tmp_path / "backups")

        def restoring():
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, bytes))
            work()

        def told():
            try:
                restoring() if work else child()
            except heron.HeronError as error:
                (tmp_path / "said").write_text(str(error)[: bytes - 1])
                return 7

        return in_child(told)

    for bytes in (300, size // 2):
        assert limited(bytes, None) == 7
        assert "cannot be written" in (tmp_path / "said").read_text()
        assert [*(tmp_path / "backups").iterdir()] == []
        assert limited(bytes, lambda: heron.restore(made.path, tmp_path / "new")) == 7
        assert "cannot be written" in (tmp_path / "said").read_text()
        assert [*(tmp_path / "new").iterdir()] == []
        assert limited(bytes, lambda: heron.restore(made.path, lake, replace=True)) == 7
        assert len(contents(lake)) == COUNT


def test_members_neither_make_nor_restore_backups(lake, tmp_path):
    with heron.open(lake, discover=False) as ws:
        ws.users.add("ada@example.org")
        ws.users.add("admin@example.org", role="admin")
    with (
        heron.open(lake, user="ada@example.org", discover=False) as ws,
        pytest.raises(heron.PermissionDenied, match="may not update the workspace"),
    ):
        ws.backup(tmp_path / "b")
    with heron.open(lake, user="admin@example.org", discover=False) as ws:
        made = ws.backup(tmp_path / "b", single=True)
    assert made.made_by == "admin@example.org"
    for place in (lake, tmp_path / "new"):
        with pytest.raises(heron.PermissionDenied):
            heron.restore(made.path, place, replace=True, user="ada@example.org")
    heron.restore(made.path, tmp_path / "new", user="admin@example.org")
    with heron.open(tmp_path / "new", discover=False) as ws:
        assert ws.log.list(limit=1)[0].user == "admin@example.org"


def test_an_older_catalogue_under_newer_columns_and_caches_answers_rightly(lake, tmp_path, monkeypatch):
    monkeypatch.setattr("heron.catalog.columns.kept.MANY", 1)
    with heron.open(lake, discover=False) as ws:
        ws.columns.rebuild()
        ws.vectors.rebuild("face")
        made = ws.backup(tmp_path / "b", single=True)
        ws.metadata.merge_all(ws.items.list(), {"n": 5})
        ws.items.delete(["0.png", "1.png"])
        ws.vectors.add("face", ["2.png"], [[9, 9, 9, 9]])
        ws.columns.rebuild()
        ws.vectors.rebuild("face")
        assert ws.search.count(where="n = 5") == COUNT - 2
    shutil.copy(made.path / "catalog.db", lake / ".heron" / "catalog.db")  # by hand, without heron restore
    for suffix in ("-wal", "-shm"):
        (lake / ".heron" / f"catalog.db{suffix}").unlink(missing_ok=True)
    with heron.open(lake, discover=False) as ws:
        assert ws.search.count(where="n = 5") == 0
        assert ws.search.count(where="n = 0") == COUNT
        assert ws.vectors.get("face", "2.png").tolist() == [0.5] * 4
        assert ws.vectors.status()[0].vectors == COUNT
        ws.columns.rebuild()
        assert ws.search.count(where="n = 0") == COUNT
        ws.vectors.add("face", ["2.png"], [[7, 7, 7, 7]])
        assert ws.vectors.get("face", "2.png").tolist() == [7, 7, 7, 7]
        assert ws.vectors.get("face", "3.png").tolist() == [0.5] * 4


def test_commands_make_and_restore_backups(lake, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(lake)
    assert status(["--no-plugins", "backup", str(tmp_path / "b")]) == 0
    assert f"{COUNT} items" in capsys.readouterr().out
    assert status(["--no-plugins", "restore", str(tmp_path / "b"), str(tmp_path / "new"), "--dry-run"]) == 0
    assert "Would restore" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()
    assert status(["--no-plugins", "restore", str(tmp_path / "b"), str(tmp_path / "new"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["replaces"] is False
    assert status(["--no-plugins", "restore", str(tmp_path / "b")]) == 1
    assert "is a workspace already" in capsys.readouterr().err
    assert status(["--no-plugins", "restore", str(tmp_path / "b"), "--replace"]) == 2
    assert status(["--no-plugins", "restore", str(tmp_path / "b"), "--replace", "--yes"]) == 0
    (lake / ".heron").rename(lake / ASIDE)
    assert status(["--no-plugins", "items"]) == 1
    assert "a restore in" in capsys.readouterr().err
