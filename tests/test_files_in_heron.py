"""What lies in `.heron` may come from a stranger: nothing is written through links, and no pipe is waited for."""

import os
import sqlite3

import pytest

import heron
from heron.cli.main import status
from heron.errors import CatalogueError
from heron.inside import child, open_file

SECRET = "export PATH=mine"


@pytest.fixture
def mine(tmp_path):
    """A file of the user's outside of the workspace."""
    file = tmp_path / "bashrc"
    file.write_text(SECRET)
    return file


@pytest.fixture
def lake(tmp_path, pictures):
    with heron.open(tmp_path / "lake", discover=False) as opened:
        opened.ingest.files([pictures], folder="P")
        opened.schema.add_embedding("v", 3)
        opened.vectors.add("v", opened.items.list(folder="P"), [[1, 2, 3]] * 6)
        return opened


@pytest.mark.parametrize("name", ["writer.json", ".gitignore"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_link_in_heron_is_not_written_through(tmp_path, pictures, mine, name, dry_run):
    directory = tmp_path / "lake" / ".heron"
    directory.mkdir(parents=True)
    (directory / name).symlink_to(mine)
    with heron.open(tmp_path / "lake", discover=False) as opened:
        opened.ingest.files([pictures], folder="P", dry_run=dry_run)
        opened.folders.create("Q")
    assert mine.read_text() == SECRET


def test_a_pipe_in_the_place_of_writer_json_is_taken_away(lake):
    os.mkfifo(lake.root / ".heron" / "writer.json")
    with heron.open(lake.root, discover=False) as opened:
        opened.folders.create("Q")
    assert not os.path.lexists(lake.root / ".heron" / "writer.json")


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
@pytest.mark.parametrize("name", ["catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.db-journal", ""])
def test_a_catalogue_that_is_no_regular_file_is_refused(lake, mine, kind, name):
    path = lake.root / ".heron" / name if name else lake.root / ".heron"
    if name == "" and kind == "folder":
        pytest.skip("that is what it should be")
    if os.path.lexists(path):
        path.rename(lake.root / "away")
    if kind == "link":
        path.symlink_to(lake.root / "away" if (lake.root / "away").exists() else mine)
    else:
        os.mkfifo(path) if kind == "pipe" else path.mkdir()
    before = mine.read_bytes()
    with pytest.raises(heron.HeronError):
        heron.open(lake.root, discover=False, create=False).items.list(limit=1)
    assert mine.read_bytes() == before
    assert status(["--no-plugins", "-w", str(lake.root), "items"]) == 1


@pytest.mark.parametrize("file", ["../../x", "/tmp/x", "..", "a/b", "", None, 7, b"x"])
def test_a_set_whose_file_leads_out_is_refused(lake, tmp_path, file):
    with sqlite3.connect(lake.root / ".heron" / "catalog.db") as raw:
        raw.execute("PRAGMA ignore_check_constraints = ON")
        try:
            raw.execute("UPDATE vector_sets SET file = ?", [file])
        except sqlite3.IntegrityError:
            pytest.skip("the table takes no NULL")
    before = {path for path in tmp_path.rglob("*") if ".heron" not in path.parts}
    with heron.open(lake.root, discover=False) as opened:
        items = list(opened.items.list(folder="P"))
        if file == 7:
            return  # a number is text in this column, and leads nowhere
        with pytest.raises(heron.HeronError):
            opened.vectors.add("v", items, [[3, 2, 1]] * 6)
    assert {path for path in tmp_path.rglob("*") if ".heron" not in path.parts} == before


@pytest.mark.parametrize("second", ["link", "hard link", "pipe"])
def test_vectors_are_not_written_to_another_file(lake, mine, second):
    matrix = next((lake.root / ".heron" / "vectors").glob("*.f32"))
    data = matrix.read_bytes() + SECRET.encode()
    mine.write_bytes(data)
    matrix.unlink()
    {"link": matrix.symlink_to, "hard link": matrix.hardlink_to, "pipe": lambda _: os.mkfifo(matrix)}[second](
        mine
    )
    with heron.open(lake.root, discover=False) as opened, pytest.raises(CatalogueError):
        opened.vectors.add("v", list(opened.items.list(folder="P")), [[3, 2, 1]] * 6)
    assert mine.read_bytes() == data


def test_a_folder_of_vectors_that_is_a_link_is_not_used(lake, tmp_path):
    vectors = lake.root / ".heron" / "vectors"
    vectors.rename(tmp_path / "elsewhere")
    vectors.symlink_to(tmp_path / "elsewhere")
    before = {path: path.read_bytes() for path in (tmp_path / "elsewhere").iterdir()}
    with heron.open(lake.root, discover=False) as opened, pytest.raises(CatalogueError):
        opened.vectors.add("v", list(opened.items.list(folder="P")), [[3, 2, 1]] * 6)
    assert {path: path.read_bytes() for path in (tmp_path / "elsewhere").iterdir()} == before


def test_caches_that_are_links_are_left_aside(lake, mine):
    with heron.open(lake.root, discover=False) as opened:
        opened.vectors.rebuild("v")
    for path in (lake.root / ".heron" / "vectors").iterdir():
        if path.suffix != ".f32":
            path.unlink()
            path.symlink_to(mine)
    with heron.open(lake.root, discover=False) as opened:
        assert len(opened.search(like=[1, 2, 3], key="v", limit=3)) == 3
    assert mine.read_text() == SECRET


def test_a_name_that_leads_out_is_no_child(tmp_path):
    for name in ("..", ".", "a/b", "/etc/x", "", "a\0b", "a\n", None):
        with pytest.raises(CatalogueError):
            child(tmp_path, name)
    assert child(tmp_path, "m1.f32") == tmp_path / "m1.f32"


def test_a_file_is_opened_to_be_made_only_where_there_is_none(tmp_path, mine):
    (tmp_path / "x").symlink_to(tmp_path / "not there")
    with pytest.raises(OSError, match="x"):
        open_file(tmp_path / "x", "xb")
    assert not (tmp_path / "not there").exists()
