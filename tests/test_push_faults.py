"""Pushes that are refused, interrupted, doubled or without space: half a push is never seen."""

import errno
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

import heron
from heron.export.pushed import service
from heron.storage import local_files
from tests.test_push import files, frame, lake, manifest  # noqa: F401 - fixtures


def test_a_place_with_something_else_is_refused(lake, tmp_path):
    other = tmp_path / "other"
    (other / "deep").mkdir(parents=True)
    (other / "deep" / "notes.txt").write_text("mine")
    with pytest.raises(heron.InvalidInput, match="they are not pushed columns"):
        lake.columns.push(other)
    assert [path.name for path in other.rglob("*")] == ["deep", "notes.txt"]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(heron.HeronError):
        lake.columns.push(tmp_path / "file")
    for place in (lake.root / ".heron", lake.root / ".heron" / "columns" / "out"):
        with pytest.raises(heron.InvalidInput, match="part of a workspace"):
            lake.columns.push(place)


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "damaged"), ("[1]", "damaged"), ('{"format": 2}', "newer Heron"), ('{"format": 1}', "damaged")],
)
def test_a_manifest_that_cannot_be_read_is_refused(lake, tmp_path, text, says):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_heron.json").write_text(text)
    with pytest.raises(heron.HeronError, match=says):
        lake.columns.push(tmp_path / "out")
    assert (tmp_path / "out" / "_heron.json").read_text() == text


def test_the_columns_of_another_workspace_are_refused(lake, tmp_path):
    with heron.open(tmp_path / "lake2", discover=False) as other:
        other.columns.push(tmp_path / "out")
    with pytest.raises(heron.AlreadyExists, match="columns of another workspace"):
        lake.columns.push(tmp_path / "out")


def test_an_interrupted_push_is_not_seen_and_goes_on(lake, tmp_path, monkeypatch):
    place = tmp_path / "out"
    write, count = local_files.LocalStorage.write, 0

    def interrupted(storage, url, content):
        nonlocal count
        count += 1
        if count == 5:
            raise KeyboardInterrupt
        write(storage, url, content)

    with monkeypatch.context() as patch:
        patch.setattr(local_files.LocalStorage, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lake.columns.push(place)
    assert (manifest(place)["shown_at"], manifest(place)["tables"], len(files(place))) == (None, {}, 3)
    done = lake.columns.push(place)
    assert done.written == done.files - 3
    state = (place / "_heron.json").read_text()
    lake.metadata.merge_all(lake.items.list(), {"city": "Oslo"})
    count = 2
    with monkeypatch.context() as patch:
        patch.setattr(local_files.LocalStorage, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lake.columns.push(place)
    assert (place / "_heron.json").read_text() == state
    assert "Oslo" not in frame(place, "items")["metadata.city"].to_list()  # all files of that state are there


def test_leftovers_of_interrupted_pushes_go_after_a_day(lake, tmp_path):
    place = tmp_path / "out"
    lake.columns.push(place)
    old, new = (place / "items" / f"{digit * 32}.parquet" for digit in "ab")
    foreign = place / "items" / "mine.parquet"
    for path in (old, new, foreign):
        path.write_bytes(b"x")
    past = (datetime.now() - service.LEFTOVER - timedelta(minutes=1)).timestamp()
    for path in (old, foreign):
        os.utime(path, (past, past))
    assert lake.columns.push(place).removed == 1
    assert (old.exists(), new.exists(), foreign.exists()) == (False, True, True)


def test_a_full_disk_is_said_and_the_state_stays(lake, tmp_path, monkeypatch):
    place = tmp_path / "out"
    lake.columns.push(place)
    state = (place / "_heron.json").read_text()
    lake.metadata.merge_all(lake.items.list(), {"city": "Oslo"})

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(local_files.os, "fsync", full)
        with pytest.raises(heron.HeronError, match="cannot be written: No space left on device") as said:
            lake.columns.push(place)
    assert said.value.hint == "free some space there"
    assert (place / "_heron.json").read_text() == state
    assert not [path for path in place.rglob("*") if path.name.endswith(".part")]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_named(lake, tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(heron.PermissionDenied, match="cannot be written"):
        lake.columns.push(tmp_path / "out")


def test_two_pushes_of_a_workspace_at_once_are_one_after_the_other(lake, tmp_path):
    code = (
        "import sys, heron\n"
        "with heron.open(sys.argv[1], discover=False) as ws:\n"
        "    try: ws.columns.push(sys.argv[2])\n"
        "    except heron.CatalogueBusy as error: print(error)\n"
    )
    said = []

    def other(done, total):
        if not said:
            run = [sys.executable, "-c", code, str(lake.root), str(tmp_path / "out")]
            said.append(subprocess.run(run, capture_output=True, text=True, check=True).stdout)

    lake.columns.push(tmp_path / "out", progress=other)
    assert "another process pushes the columns of this workspace" in said[0]
    assert frame(tmp_path / "out", "items").height == 60


def test_of_two_copies_of_a_workspace_that_push_at_once_one_is_told(lake, tmp_path):
    shutil.copytree(lake.root, tmp_path / "copy")
    with heron.open(tmp_path / "copy", discover=False) as copy:
        copy.items.delete(copy.items.list()[0])
        pushed = []

        def other(done, total):
            if not pushed:
                pushed.append(copy.columns.push(tmp_path / "out"))

        with pytest.raises(heron.HeronError, match="another process has pushed"):
            lake.columns.push(tmp_path / "out", progress=other)
    assert frame(tmp_path / "out", "items").height == 59
    assert lake.columns.push(tmp_path / "out").tables["items"] == 60


def test_files_that_somebody_deletes_meanwhile_are_noticed(lake, tmp_path):
    place = tmp_path / "out"

    def delete(done, total):
        for path in place.rglob("*.parquet"):
            path.unlink()
            return

    with pytest.raises(heron.HeronError, match="or deleted files there"):
        lake.columns.push(place, progress=delete)
    assert lake.columns.push(place).files == len(files(place))
