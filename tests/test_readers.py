"""Who may read a workspace but not write it gets right answers while others write, or one sentence that says what to grant."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import heron
from heron.catalog.database import Database
from heron.errors import CatalogueError
from heron.models import MediaFacts, NewItem

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
]
BATCH = 200

WRITER = """
import sys, heron
from heron.models import NewItem, MediaFacts
root, reopens = sys.argv[1], sys.argv[2] == "reopens"
workspace, count = heron.open(root, discover=False), 0
print("begun", flush=True)
while True:
    count += 1
    facts = MediaFacts("image", "image/png")
    with workspace._database.write():
        if count > 10:
            workspace._database.execute("DELETE FROM items WHERE id IN (SELECT id FROM items ORDER BY id LIMIT 200)")
        workspace.registration.register([NewItem(f"s3://b/{count}-{n}.png", facts) for n in range(200)], "A")
    if reopens:
        workspace.close()
        workspace = heron.open(root, discover=False)
"""
READER = """
import collections, json, os, sys, tempfile, heron
from heron.catalog.database import Database
root, times = sys.argv[1], int(sys.argv[2])
warm = tempfile.mkdtemp()  # imports what is imported late, before this user cannot read the code any more
heron.open(warm, discover=False).close()
Database(heron.open(warm, discover=False).root / ".heron", read_only=True).close()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
said, workspace = collections.Counter(), None
for number in range(times):
    try:
        if workspace is None or number % 50 == 0:
            workspace = heron.open(root, discover=False, create=False)
        count = workspace._database.value("SELECT count(*) FROM items NOT INDEXED WHERE name LIKE '%png'")
        said["right" if count % 200 == 0 and count else f"wrong: {count}"] += 1
    except heron.HeronError as error:
        said[str(error)] += 1
print(json.dumps(said))
"""


@pytest.fixture
def place():
    """A folder that every user may enter; those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def root(place, monkeypatch):
    monkeypatch.setenv("HERON_TRUST", "all")
    with heron.open(place / "lake", discover=False) as workspace:
        facts = MediaFacts("image", "image/png")
        workspace.registration.register([NewItem(f"s3://b/{n}.png", facts) for n in range(BATCH)], "A")
    return place / "lake"


def read(root, times):
    """What another user is told, with how often."""
    done = subprocess.run(
        [sys.executable, "-c", READER, root, str(times)], capture_output=True, text=True, cwd="/", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(params=["stays", "reopens"])
def writer(request, root):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, root, request.param], stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield
        process.kill()


def test_while_the_owner_writes_every_answer_is_right(root, writer):
    assert read(root, 800) == {"right": 800}


@pytest.mark.parametrize("mode", [0o555, 0o777])
def test_the_folder_may_be_writable_or_not(root, mode):
    """SQLite would make the files of the log for a reader who may write the folder, and lock the owner out by that."""
    (root / ".heron").chmod(mode)
    assert read(root, 20) == {"right": 20}
    with heron.open(root, discover=False) as owner:
        owner.folders.create("B")
        assert read(root, 20) == {"right": 20}
    assert {path.stat().st_uid for path in (root / ".heron").iterdir()} == {0}


@pytest.mark.parametrize("suffix", ["-shm", "-wal"])
def test_a_log_that_may_not_be_read_is_refused_with_what_to_grant(root, suffix):
    with heron.open(root, discover=False) as owner:
        owner.folders.create("B")
        (root / ".heron" / f"catalog.db{suffix}").chmod(0o600)
        (said,) = read(root, 1)
        assert "written by another user" in said and "chmod a+r" in said
        assert "damaged" not in said
        (root / ".heron" / f"catalog.db{suffix}").chmod(0o644)
        assert read(root, 1) == {"right": 1}


def test_a_catalogue_that_may_not_be_read_is_refused_with_what_to_grant(root):
    (root / ".heron" / "catalog.db").chmod(0o600)
    (said,) = read(root, 1)
    assert "chmod a+r" in said


def test_a_log_without_its_index_is_not_passed_over(root, place):
    """The latest changes are in the log: without them the answer would be an old one."""
    with heron.open(root, discover=False) as owner:
        owner.folders.create("B")
        shutil.copytree(root, place / "copy")
    (place / "copy" / ".heron" / "catalog.db-shm").unlink()
    (said,) = read(place / "copy", 1)
    assert "catalog.db-shm, which belongs to it, is missing" in said


def test_a_copy_that_nobody_writes_is_read_and_left_alone(root):
    files = sorted((root / ".heron").iterdir())
    for path in (*files, root / ".heron", root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    assert read(root, 20) == {"right": 20}
    assert sorted((root / ".heron").iterdir()) == files


def test_a_file_that_changes_while_it_is_read_is_read_again(root):
    """Even where no log is seen any more, because the writer has closed the file already."""
    database = Database(root / ".heron", read_only=True)
    database.define("doubled", 1, lambda number: number * 2)
    assert database.value("SELECT count(*) FROM folders") == 1
    with heron.open(root, discover=False) as owner:
        owner.folders.create("B")
    assert database.value("SELECT doubled(count(*)) FROM folders") == 4
    with heron.open(root, discover=False) as owner:
        owner.folders.create("C")
        assert database.value("SELECT count(*) FROM folders") == 3
    database.close()


def test_what_may_not_be_written_says_so(root):
    database = Database(root / ".heron", read_only=True)
    with pytest.raises(CatalogueError, match="can be read, but not written"):
        database.execute("DELETE FROM items")


def test_what_is_read_in_one_state_is_read_again_if_the_file_changes_between_two_statements(tmp_path):
    def add():
        with heron.open(tmp_path, discover=False) as owner:
            owner.folders.create(f"F{len(owner.folders.list())}")

    add()
    reader, seen = Database(tmp_path / ".heron", create=False, read_only=True), []

    def work():
        first = reader.value("SELECT count(*) FROM folders")
        if not seen:
            add()  # another process writes, and closes the file
        seen.append((first, reader.value("SELECT count(*) FROM folders")))
        return seen[-1]

    assert reader.in_one_state(work) == (2, 2)
    assert seen == [(1, 2), (2, 2)]
    reader.close()
