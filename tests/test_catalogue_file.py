"""The catalogue file: how it is opened, made and refused."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import heron
from heron.catalog.migrations import APPLICATION_ID
from heron.errors import AlreadyExists, CatalogueError, NotFound
from heron.models import MediaFacts, NewItem

CORE = Path(heron.__file__).parents[1]


FACTS = MediaFacts("image", "image/jpeg")


def file_of(root):
    return root / ".heron" / "catalog.db"


def new_items(count, start=0, **metadata):
    return [
        NewItem(f"s3://lake/{number}.jpg", FACTS, metadata=metadata) for number in range(start, start + count)
    ]


def made(root, count=10):
    """A closed workspace with some items; returns its file."""
    with heron.open(root, discover=False) as workspace:
        workspace.registration.register(new_items(count), "A")
    return file_of(root)


def refusal(root, error=CatalogueError, **options):
    """The one line with which opening is refused."""
    with pytest.raises(error) as caught:
        heron.open(root, discover=False, **options)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


@contextmanager
def running(script, *arguments, **options):
    """A second process that has printed `ready` and goes on when its standard input closes."""
    environment = {**os.environ, "PYTHONPATH": str(CORE), "HERON_BUSY_SECONDS": "0.5"}
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, **options,
    )  # fmt: skip
    try:
        first = process.stdout.readline()
        assert first == "ready\n", first + process.stdout.read()
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(120)


# Opening


def test_a_new_catalogue_has_wal_foreign_keys_and_its_mark(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        value = workspace._database.value
        assert value("PRAGMA journal_mode") == "wal"
        assert value("PRAGMA foreign_keys") == 1
        assert value("PRAGMA application_id") == APPLICATION_ID == int.from_bytes(b"HERN")
        assert value("PRAGMA integrity_check") == "ok"


def test_wal_foreign_keys_and_content_are_there_at_the_second_opening(tmp_path):
    made(tmp_path)
    with heron.open(tmp_path, discover=False, create=False) as workspace:
        assert workspace._database.value("PRAGMA journal_mode") == "wal"
        assert workspace._database.value("PRAGMA foreign_keys") == 1
        assert workspace.items.count() == 10


def test_people_can_open_the_file_with_sqlite(tmp_path):
    with closing(sqlite3.connect(made(tmp_path))) as plain:
        assert plain.execute("SELECT count(*) FROM items").fetchone() == (10,)


def test_opening_without_creating_makes_nothing(tmp_path):
    assert "is not a workspace (run heron init there)" in refusal(tmp_path, NotFound, create=False)
    assert list(tmp_path.iterdir()) == []


def test_init_refuses_what_is_a_workspace_already(tmp_path):
    before = made(tmp_path).read_bytes()
    with pytest.raises(AlreadyExists, match="is a workspace already"):
        heron.init(tmp_path, discover=False)
    assert file_of(tmp_path).read_bytes() == before


def test_opening_writes_nothing_to_an_existing_file(tmp_path):
    before = made(tmp_path).read_bytes()
    with heron.open(tmp_path, discover=False) as workspace:
        assert workspace.items.count() == 10
    assert file_of(tmp_path).read_bytes() == before


def test_an_empty_file_as_a_crash_leaves_it_becomes_a_catalogue(tmp_path):
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).touch()
    assert made(tmp_path).stat().st_size > 0


@pytest.mark.slow
def test_several_processes_can_make_the_same_workspace_at_once(tmp_path):
    script = "import sys, heron; heron.open(sys.argv[1], discover=False).folders.create(sys.argv[2])"
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(CORE), "HERON_BUSY_SECONDS": "60"}  # on a busy machine
    makers = [subprocess.Popen([*command, f"folder {number}"], env=environment) for number in range(4)]
    assert [maker.wait(120) for maker in makers] == [0] * 4
    with heron.open(tmp_path, discover=False) as workspace:
        assert [folder.path for folder in workspace.folders.list()] == [
            f"folder {number}" for number in range(4)
        ]


# Refused files


def test_a_foreign_sqlite_file_is_refused_and_left_alone(tmp_path):
    file = file_of(tmp_path)
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as plain:
        plain.execute("CREATE TABLE items (id INTEGER)")
    before = file.read_bytes()
    assert f"{file} is a SQLite file, but not a Heron catalogue" in refusal(tmp_path)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"hello " * 1000, b"SQLite format 3\0" + b"\xff" * 5000, bytes(range(256)) * 16]
)
def test_a_file_that_is_no_sqlite_is_refused_and_left_alone(tmp_path, content):
    file = file_of(tmp_path)
    file.parent.mkdir()
    file.write_bytes(content)
    assert f"{file} is damaged or not a SQLite file" in refusal(tmp_path)
    assert file.read_bytes() == content


def test_a_damaged_catalogue_is_refused_when_opened_or_read_and_left_alone(tmp_path):
    file = made(tmp_path, 3000)
    sound = file.read_bytes()
    damaged = sound[:100] + b"\xff" * 4000 + sound[4100:]
    file.write_bytes(damaged)
    assert "is damaged" in refusal(tmp_path)
    assert file.read_bytes() == damaged

    damaged = sound[:8192] + b"\xff" * (len(sound) - 8192)
    file.write_bytes(damaged)
    with (
        pytest.raises(CatalogueError, match="is damaged") as caught,
        heron.open(tmp_path, discover=False) as workspace,
    ):
        list(workspace.items.list())
    assert len(str(caught.value).splitlines()) == 1
    assert file.read_bytes() == damaged


def test_a_catalogue_of_a_newer_heron_is_refused_and_left_alone(tmp_path):
    file = made(tmp_path)
    with closing(sqlite3.connect(file)) as plain, plain:
        plain.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('heron', 'of_2031', '2031-01-01')"
        )
    before = file.read_bytes()
    text = refusal(tmp_path)
    assert f"{file} was written by a newer Heron (it knows of_2031)" in text
    assert "pip install --upgrade heron" in text
    assert file.read_bytes() == before


def test_migrations_of_another_program_in_the_same_table_do_not_disturb(tmp_path):
    with closing(sqlite3.connect(made(tmp_path))) as plain, plain:
        plain.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('other', 'x', '2031-01-01')"
        )
    with heron.open(tmp_path, discover=False) as workspace:
        assert workspace.items.count() == 10


def test_a_workspace_cannot_be_made_where_a_file_stands(tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "no workspace can be made in" in refusal(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


OPENER = """
import sys, heron
try:
    workspace = heron.open(sys.argv[1], discover=False)
    workspace.folders.create("B")
except heron.HeronError as error:
    print(type(error).__name__, error)
else:
    print("opened")
"""


def without_override():
    """The beginning of a command that gives up root's right to write everywhere."""
    if os.getuid() != 0:
        return []
    command = [shutil.which("setpriv") or "setpriv", "--bounding-set=-dac_override"]
    try:
        subprocess.run([*command, "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root cannot give up its right to write everywhere here (setpriv is needed)")
    return command


@pytest.mark.parametrize("there", [True, False])
def test_a_read_only_directory_is_refused_in_one_line(tmp_path, there):
    command = without_override()
    root = tmp_path / "lake"
    root.mkdir()
    if there:
        made(root)
    before = file_of(root).read_bytes() if there else b""
    closed = [path for path in (root / ".heron", root) if path.exists()]
    for path in closed:
        path.chmod(0o555)
    try:
        answer = subprocess.run(
            [*command, sys.executable, "-c", OPENER, str(root)],
            capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(CORE)},
        )  # fmt: skip
    finally:
        for path in closed:
            path.chmod(0o755)
    assert answer.stderr == ""
    assert answer.stdout.startswith("CatalogueError ")
    assert str(root) in answer.stdout
    assert len(answer.stdout.splitlines()) == 1
    assert not there or file_of(root).read_bytes() == before
