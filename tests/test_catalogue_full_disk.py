"""A catalogue on a full disk: one sentence, and what was there stays."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

import heron
from heron.errors import CatalogueError
from tests.test_catalogue_file import made, new_items


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
