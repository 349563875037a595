"""Incomplete imports on the command line: exit statuses, and how they are shown."""

from __future__ import annotations

import csv
import json

import heron
from heron.cli.exits import DONE, FAILURES, INCOMPLETE, STATUSES
from heron.cli.main import status
from heron.storage import waiting
from tests.conftest import draw
from tests.memory_storage import LakePlugin
from tests.test_incomplete_imports import breaking, filled, hasty, lake, plugins  # noqa: F401 - fixtures


def test_the_exit_status_says_whether_all_landed_and_whether_resuming_helps(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in" / "a.png")
    status(["init"])
    assert status(["import", "in", "--folder", "A"]) == DONE == 0
    (tmp_path / "in" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert status(["import", "in", "--folder", "B", "--ignore-errors"]) == FAILURES == 3
    assert status(["import", "in", "--folder", "C"]) == 1
    assert status(["import"]) == 2
    assert sorted(STATUSES) == [0, 1, 2, 3, 4]


def test_an_incomplete_import_is_shown_as_such_everywhere(tmp_path, capsys, monkeypatch, hasty):
    from heron import builtin

    lake = filled()
    breaking(lake, "007.png")
    monkeypatch.setattr(waiting, "PAUSES", (0.0,))
    root = tmp_path / "lake"
    heron.open(root, discover=False).close()
    plugin = LakePlugin(lake)
    made = builtin.plugin_manager
    monkeypatch.setattr(builtin, "plugin_manager", lambda *_, **more: made(discover=False, plugins=[plugin]))

    def run(*arguments, exit_status=0):
        assert status(["-w", str(root), *arguments]) == exit_status, capsys.readouterr()
        return capsys.readouterr().out

    said = run("import", "mem://b/", "--folder", "A", "--ignore-errors", exit_status=INCOMPLETE)
    assert said.splitlines()[0] == "Imported into A: 19 new, 1 waiting."
    assert "  waiting: mem://b/007.png cannot be reached: 500" in said
    assert "Not complete, since a store could not be read: heron imports resume 1 asks for the rest" in said
    [job] = json.loads(run("imports", "--json"))["items"]
    assert (job["state"], job["waiting"]) == ("incomplete", 1)
    assert "incomplete" in run("imports")
    assert "waiting" in run("imports", "show", "1")
    [problem] = json.loads(run("imports", "report", "1", "--json"))["items"]
    assert (problem["severity"], problem["url"]) == ("waiting", "mem://b/007.png")
    run("imports", "report", "1", "-o", str(tmp_path / "p.csv"))
    with (tmp_path / "p.csv").open(newline="") as stream:
        assert [row["severity"] for row in csv.DictReader(stream)] == ["waiting"]
    assert "Import 1 is incomplete" in run("imports", "resume", "1", exit_status=INCOMPLETE)
    lake.broken_keys.clear()
    assert run("imports", "resume", "1") == "Import 1 is done: 20 new.\n"
