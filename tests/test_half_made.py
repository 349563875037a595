"""A workspace whose making was interrupted is finished by `heron init`."""

import sqlite3
import subprocess
import sys
from contextlib import suppress

import pytest

import heron
from heron.cli.main import status
from heron.errors import AlreadyExists
from heron.opening import init


def nothing(heron_folder):
    """Only the folder was made."""


def no_content(heron_folder):
    (heron_folder / "catalog.db").touch()


def no_tables(heron_folder):
    with sqlite3.connect(heron_folder / "catalog.db") as raw:
        raw.execute("PRAGMA journal_mode = WAL")
    raw.close()


@pytest.mark.parametrize("half", [nothing, no_content, no_tables])
def test_init_finishes_it(tmp_path, half, capsys):
    (tmp_path / ".heron").mkdir()
    half(tmp_path / ".heron")
    if half is not nothing:
        with pytest.raises(heron.CatalogueError, match="heron init was interrupted"):
            heron.open(tmp_path, create=False)
    assert status(["init", str(tmp_path)]) == 0, capsys.readouterr()
    with heron.open(tmp_path, create=False) as workspace:
        workspace.folders.create("A")
    with pytest.raises(AlreadyExists):
        init(tmp_path)


@pytest.mark.slow
def test_init_that_is_killed_at_any_moment_is_finished_by_the_next(tmp_path):
    """The process ends without cleaning up before each of the first statements that it would run."""
    code = """
import os, sqlite3, sys
from heron.opening import init
count, real = 0, sqlite3.connect
class Dying(sqlite3.Connection):
    def execute(self, *a):
        global count
        count += 1
        if count == int(sys.argv[2]): os._exit(9)
        return super().execute(*a)
sqlite3.connect = lambda *a, **k: real(*a, factory=Dying, **k)
init(sys.argv[1], discover=False)
"""
    for number in (1, 2, 4, 8, 12, 16, 24, 40):
        root = tmp_path / str(number)
        done = subprocess.run([sys.executable, "-c", code, root, str(number)], check=False)
        assert done.returncode in (0, 9)
        with suppress(AlreadyExists):  # it had its tables already
            init(root, discover=False).close()
        with heron.open(root, discover=False, create=False) as workspace:
            workspace.folders.create("A")
        assert [path.name for path in root.iterdir()] == [".heron"]
