"""Files that commands write, and files that cannot be written."""

import json
import os
import subprocess

import pytest

from tests.test_catalogue_file import without_override
from tests.test_cli import (
    EXE,
    lake,  # noqa: F401 - a fixture
    run,  # noqa: F401 - a fixture
)

# Written files


def test_a_written_file_leaves_those_beside_it_alone(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    (tmp_path / "keep.csv.part").write_text("mine")
    lake("datasets", "export", "D", "-o", "keep.csv")
    assert (tmp_path / "keep.csv.part").read_text() == "mine"
    assert not list(tmp_path.glob(".heron-*"))


def test_a_link_stays_a_link_and_the_rights_of_a_file_stay(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "d.csv"
    target.write_text("old")
    target.chmod(0o604)
    (tmp_path / "d.csv").symlink_to(target)
    lake("datasets", "export", "D", "-o", "d.csv")
    assert (tmp_path / "d.csv").is_symlink()
    assert target.read_text().count("\n") == 4
    assert target.stat().st_mode & 0o777 == 0o604


def test_a_pipe_is_written_to_and_stays(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    os.mkfifo(tmp_path / "d.csv")
    with subprocess.Popen(["cat", tmp_path / "d.csv"], stdout=subprocess.PIPE) as reader:
        lake("datasets", "export", "D", "-o", "d.csv")
        assert reader.communicate(timeout=120)[0].count(b"\n") == 4
    assert (tmp_path / "d.csv").is_fifo()


def test_a_dash_is_standard_output(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    assert len(json.loads(lake("datasets", "export", "D", "-o", "-", "--format", "json"))) == 3
    assert lake("imports", "report", "1", "-o", "-").splitlines() == ["severity,place,url,reason"]
    assert not (tmp_path / "-").exists()


def test_what_cannot_be_written_is_one_line(lake, tmp_path):
    lake("datasets", "create", "D", "--folder", "P")
    (tmp_path / "there.csv").mkdir()
    for target in ("nowhere/d.csv", "in/p0.jpg/d.csv"):
        assert "cannot be written" in lake("datasets", "export", "D", "-o", target, exit_status=1)
    assert "is a directory" in lake("datasets", "export", "D", "-o", "there.csv", exit_status=2)


def test_an_export_needs_a_format(lake):
    lake("datasets", "create", "D", "--folder", "P")
    assert "json, jsonl, csv" in lake("datasets", "export", "D", "-o", "d.doc", exit_status=2)
    lake("datasets", "export", "D", "-o", "d.doc", "--format", "csv")


# Files that cannot be written, or are empty


def test_an_empty_catalogue_file_is_damaged(lake, tmp_path):
    (tmp_path / ".heron" / "catalog.db").write_bytes(b"")
    assert "is damaged" in lake("items", exit_status=1)
    assert (tmp_path / ".heron" / "catalog.db").stat().st_size == 0


@pytest.mark.slow
@pytest.mark.parametrize("in_use", [False, True])
def test_a_workspace_without_the_right_to_write_is_read(lake, tmp_path, in_use):
    command = without_override()
    home = tmp_path / ".heron"
    before = sorted(path.name for path in home.iterdir())

    def call(*arguments):
        return subprocess.run(
            [*command, *EXE, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    import heron

    user = heron.open(tmp_path, discover=False) if in_use else None
    if user:
        user.folders.create("While open")
    files = list(home.iterdir())
    for path in (*files, home, tmp_path):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for line in ("items", "folders", "search --where width>0", "schema", "imports", "metadata verify"):
            assert (done := call(*line.split())).returncode == 0, done.stderr
        assert "p0.jpg" in call("items").stdout
        assert ("While open" in call("folders").stdout) == in_use
        refused = call("folders", "create", "New")
    finally:
        for path in (tmp_path, home, *files):
            path.chmod(0o755)
        if user:
            user.close()
    assert refused.returncode == 1
    assert "can be read, but not written" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert sorted(path.name for path in home.iterdir()) == before


@pytest.mark.slow
def test_a_kept_projection_is_plotted_without_the_right_to_write(lake, tmp_path, tmp_path_factory):
    pytest.importorskip("matplotlib")
    lake("embed")
    lake("plot", "visual", "-o", str(tmp_path / "before.png"))
    home, out = tmp_path / ".heron", tmp_path_factory.mktemp("plots")
    paths = [*home.rglob("*"), home, tmp_path]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for name, options in (("map.png", ["--thumbnails"]), ("map.csv", ["--color", "width"])):
            done = subprocess.run(
                [*without_override(), *EXE, "plot", "visual", "-o", out / name, *options],
                cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert (done.returncode, done.stderr) == (0, "")
            assert (out / name).stat().st_size
        refused = subprocess.run(
            [*without_override(), *EXE, "plot", "visual", "--again", "-o", out / "again.png"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        for path in reversed(paths):
            path.chmod(0o755)
    assert refused.returncode == 1 and "not written" in refused.stderr


def test_a_table_fits_the_screen_by_leaving_out_empty_columns_then_shortening(monkeypatch, capsys):
    from heron.cli import tables

    monkeypatch.setattr(tables.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "50")
    tables.print_table(["name", "id", "tags"], [(f"a-{'very-' * 20}long-name.jpg", "0123ab", "")], "none")
    head, row = capsys.readouterr().out.splitlines()
    assert "tags" not in head
    assert row.endswith("0123ab") and "…" in row and len(row) == 50


def test_a_key_that_the_schema_does_not_know_is_pointed_out(lake):
    lake("schema", "add", "city", "varchar")
    assert "ciyt is not in the schema, it is stored as given (did you mean city?)" in lake(
        "metadata", "merge", "ciyt=Oslo", "--folder", "P"
    )
    assert "not in the schema" not in lake("metadata", "merge", "city=Oslo", "--folder", "P")


def test_a_key_named_like_a_field_is_pointed_out(lake):
    assert "item.size is the field of the item" in lake("schema", "add", "size", "varchar")
