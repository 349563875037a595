"""The catalogue file: how it is opened and refused, shared between processes, and what it survives."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import heron
from heron.catalog.migrations import APPLICATION_ID
from heron.errors import AlreadyExists, CatalogueBusy, CatalogueError, InvalidInput, NotFound
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
        process.wait(20)


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
    environment = {**os.environ, "PYTHONPATH": str(CORE)}
    makers = [subprocess.Popen([*command, f"folder {number}"], env=environment) for number in range(4)]
    assert [maker.wait(30) for maker in makers] == [0] * 4
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


# Transactions


def test_an_error_within_a_transaction_undoes_all_of_it(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        with pytest.raises(RuntimeError), workspace._database.write():
            workspace.folders.create("A")
            workspace.registration.register(new_items(3), "A")
            raise RuntimeError
        assert workspace.folders.list() == []
        workspace.folders.create("A")
        assert workspace.items.count() == 0


def test_an_error_within_an_inner_block_undoes_that_block_alone(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        with workspace._database.write():
            workspace.folders.create("kept")
            with pytest.raises(RuntimeError), workspace._database.write():
                workspace.folders.create("gone")
                raise RuntimeError
        assert [folder.path for folder in workspace.folders.list()] == ["kept"]


def test_nothing_is_written_after_an_error_that_has_ended_the_transaction(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        workspace._database.execute(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON folders WHEN NEW.name = 'bad' "
            "BEGIN SELECT RAISE(ROLLBACK, 'refused'); END"
        )
        with pytest.raises(heron.CatalogueError, match="transaction has ended"), workspace._database.write():
            workspace.folders.create("A")
            with pytest.raises(heron.CatalogueError, match="refused"):
                workspace.folders.create("bad")
            workspace.folders.create("B")
        assert workspace.folders.list() == []


def test_threads_of_one_workspace_write_one_after_the_other(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        threads = [
            threading.Thread(target=workspace.registration.register, args=(new_items(50, start), f"F{start}"))
            for start in range(0, 400, 50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert workspace.items.count() == 400


def test_another_connection_reads_the_state_before_a_transaction_until_it_ends(tmp_path):
    made(tmp_path)
    with heron.open(tmp_path, discover=False) as writer, heron.open(tmp_path, discover=False) as reader:
        with writer._database.write():
            writer.items.delete(writer.items.list())
            assert (writer.items.count(), reader.items.count()) == (0, 10)
        assert reader.items.count() == 0


# Two writers

HOLDER = """
import sys, heron
workspace = heron.open(sys.argv[1], discover=False)
with workspace._database.write():
    workspace.folders.create("of the holder")
    print("ready", flush=True)
    sys.stdin.read()
"""

FOREIGN_HOLDER = """
import sys, sqlite3
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_waits_and_is_then_told_who_holds_the_catalogue(tmp_path, monkeypatch):
    made(tmp_path)
    monkeypatch.setenv("HERON_BUSY_SECONDS", "0.5")
    with running(HOLDER, tmp_path) as holder, heron.open(tmp_path, discover=False) as workspace:
        assert workspace.items.count() == 10
        began = time.monotonic()
        with pytest.raises(CatalogueBusy) as caught:
            workspace.folders.create("B")
        assert 0.4 < time.monotonic() - began < 5
        text = str(caught.value)
        assert f"(process {holder.pid} on " in text
        assert "is being written by a Python program" in text
        assert "HERON_BUSY_SECONDS" in text
        assert len(text.splitlines()) == 1
        holder.stdin.close()
        holder.wait(10)
        workspace.folders.create("B")
        assert [folder.path for folder in workspace.folders.list()] == ["A", "B", "of the holder"]


def test_a_second_writer_goes_on_when_the_first_ends_in_time(tmp_path, monkeypatch):
    made(tmp_path)
    monkeypatch.setenv("HERON_BUSY_SECONDS", "20")
    with running(HOLDER, tmp_path) as holder, heron.open(tmp_path, discover=False) as workspace:
        timer = threading.Timer(0.3, holder.stdin.close)
        timer.start()
        workspace.folders.create("B")
        timer.join()
        assert [folder.path for folder in workspace.folders.list()] == ["A", "B", "of the holder"]


def test_a_foreign_program_is_called_another_program_though_we_wrote_before(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_BUSY_SECONDS", "0.1")
    with heron.open(tmp_path, discover=False) as workspace:
        workspace.folders.create("A")
        with running(FOREIGN_HOLDER, file_of(tmp_path)), pytest.raises(CatalogueBusy) as caught:
            workspace.folders.create("B")
    assert f"{file_of(tmp_path)} is being written by another program" in str(caught.value)


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", json.dumps({"pid": 2**22 + 1, "command": "heron"})])
def test_a_damaged_or_stale_note_of_the_holder_does_no_harm(tmp_path, monkeypatch, note):
    made(tmp_path)
    monkeypatch.setenv("HERON_BUSY_SECONDS", "0")
    with (
        heron.open(tmp_path, discover=False) as workspace,
        closing(sqlite3.connect(file_of(tmp_path))) as plain,
    ):
        plain.isolation_level = None
        plain.execute("BEGIN IMMEDIATE")
        (tmp_path / ".heron" / "writer.json").write_text(note)
        with pytest.raises(CatalogueBusy, match="another program"):
            workspace.folders.create("B")


def test_no_note_of_the_holder_stays_after_a_transaction(tmp_path):
    with heron.open(tmp_path, discover=False) as workspace:
        note = tmp_path / ".heron" / "writer.json"
        with workspace._database.write():
            assert json.loads(note.read_text())["pid"] == os.getpid()
        assert not note.exists()
        with pytest.raises(InvalidInput):
            workspace.registration.register([NewItem("", FACTS)], "A")
        assert not note.exists()


def test_a_waiting_time_that_is_no_number_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HERON_BUSY_SECONDS", "long")
    assert "HERON_BUSY_SECONDS is 'long'" in refusal(tmp_path, InvalidInput)


# A full disk


def assert_sound(root, count):
    with heron.open(root, discover=False) as workspace:
        assert workspace._database.value("PRAGMA integrity_check") == "ok"
        assert workspace.items.count() == count
        assert workspace.items.page(limit=1).rows[0].name == "0.jpg"


def test_a_catalogue_that_cannot_grow_is_one_sentence_and_keeps_what_it_had(tmp_path):
    made(tmp_path)
    with heron.open(tmp_path, discover=False) as workspace:
        pages = workspace._database.value("PRAGMA page_count")
        workspace._database.row(f"PRAGMA max_page_count = {pages + 5}")
        with pytest.raises(CatalogueError, match="the disk is full") as caught:
            workspace.registration.register(new_items(5000, 100, note="x" * 500), "A")
        assert len(str(caught.value).splitlines()) == 1
        assert workspace.items.count() == 10
        workspace._database.row("PRAGMA max_page_count = 1000000")
        workspace.registration.register(new_items(5, 100), "A")
    assert_sound(tmp_path, 15)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.getuid() != 0 or mount is None or unmount is None:
        pytest.skip("mounting a small disk needs root")
    command = [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run([unmount, str(disk)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_keeps_what_was_there(small_disk):
    made(small_disk)
    with heron.open(small_disk, discover=False) as workspace:
        with pytest.raises(CatalogueError, match="the disk is full") as caught:
            workspace.registration.register(new_items(20_000, 100, note="x" * 500), "A", batch=20_000)
        assert len(str(caught.value).splitlines()) == 1
        assert workspace.items.count() == 10
    assert_sound(small_disk, 10)


def test_whole_batches_stay_when_the_disk_fills_up_and_space_heals_it(small_disk):
    (small_disk / "ballast").write_bytes(b"x" * 1_000_000)
    with heron.open(small_disk, discover=False) as workspace:
        with pytest.raises(CatalogueError, match="the disk is full"):
            workspace.registration.register(new_items(20_000, note="x" * 100), "A", batch=100)
        kept = workspace.items.count()
        assert kept > 0
        assert kept % 100 == 0
        (small_disk / "ballast").unlink()
        workspace.registration.register(new_items(100, kept), "A")
    assert_sound(small_disk, kept + 100)


@pytest.mark.slow
def test_an_export_to_a_full_disk_is_one_sentence_and_leaves_no_part(small_disk, tmp_path):
    with heron.open(tmp_path / "lake", discover=False) as workspace:
        workspace.registration.register(new_items(8000, note="x" * 500), "A")
        workspace.datasets.create("train", items=workspace.items.list())
        for format in ("json", "csv"):
            with pytest.raises(heron.HeronError, match="cannot be written: No space left on device"):
                workspace.export("train", small_disk / "train", format=format)
            assert list(small_disk.iterdir()) == []
