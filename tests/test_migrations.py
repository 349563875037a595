"""Catalogues that were written before there were media tables: they open, keep what they hold, and get what is new."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import sqlite_utils

import heron
from heron.catalog.migrations import (
    cloud_tables,
    first_tables,
    migrations,
)
from heron.models import MediaFacts, NewFrame, NewItem
from tests.conftest import draw


def columns(database, table):
    return {row["name"] for row in database.rows(f"PRAGMA table_info({table})")}


@pytest.fixture
def before(tmp_path):
    """A workspace as it was: its tables, a group of two pictures with a thumbnail, and two frames of it."""
    pictures = [draw(tmp_path / "in" / f"{number}.png", seed=number).as_uri() for number in range(2)]
    folder = tmp_path / "lake" / ".heron"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "catalog.db", isolation_level=None)) as plain:
        plain.execute("PRAGMA journal_mode = WAL")
        db = sqlite_utils.Database(plain)
        old = sqlite_utils.Migrations("heron")
        old()(first_tables)
        old()(cloud_tables)
        old.apply(db)
        uuids = [f"00000000-0000-7000-8000-00000000000{number}" for number in range(2)]
        when = "2026-01-31T12:00:00.000000Z"
        db["folders"].insert(
            {"uuid": uuids[0], "name": "A", "path": "A", "created_at": when, "created_by": "owner@localhost"}
        )
        db["items"].insert(
            {
                "uuid": uuids[1], "folder_id": 1, "name": "pair", "url": pictures[0] + "#image_group-1",
                "kind": "image_group", "media_type": "image/png", "width": 64, "height": 48, "frame_count": 2,
                "metadata": '{"city": "Oran", "keyframes": [1]}', "created_at": when, "updated_at": when,
                "created_by": "owner@localhost",
            }
        )  # fmt: skip
        db["members"].insert_all({"item_id": 1, "position": n, "url": url} for n, url in enumerate(pictures))
        db["frames"].insert_all(
            {"item_id": 1, "number": n, "seconds": n / 2, "is_key": n, "metadata": '{"speed": 4}'}
            for n in range(2)
        )
        db["thumbnails"].insert({"item_id": 1, "jpeg": b"jpeg"})
    return tmp_path / "lake"


def test_a_catalogue_of_before_opens_and_keeps_what_it_holds(before):
    for _ in range(2):
        with heron.open(before, discover=False, create=False) as workspace:
            [item] = workspace.items.list()
            assert (item.name, item.metadata) == ("pair", {"city": "Oran", "keyframes": [1]})
            frames = list(workspace.frames.list(item))
            assert [(f.number, f.seconds, f.is_key, f.metadata, f.metrics) for f in frames] == [
                (0, 0.0, False, {"speed": 4}, {}), (1, 0.5, True, {"speed": 4}, {}),
            ]  # fmt: skip
            assert workspace.thumbnails.find(item) == b"jpeg"
            assert [member.frame_count for member in workspace.items.members(item)] == [1, 1]
            assert workspace._database.value("PRAGMA integrity_check") == "ok"
            assert list(workspace._database.rows("PRAGMA foreign_key_check")) == []
            applied = "SELECT name FROM _sqlite_migrations ORDER BY id"
            assert [row["name"] for row in workspace._database.rows(applied)] == migrations.names


def test_keys_with_a_null_character_are_forgotten(before):
    with closing(sqlite3.connect(before / ".heron" / "catalog.db")) as plain:
        plain.executemany("INSERT INTO unknown_keys VALUES (?)", [("a\0b",), ("kept",)])
        plain.commit()
    with heron.open(before, discover=False, create=False) as workspace:
        assert workspace.schema.unknown_keys() == []  # "kept" is the key of no item
        assert [row[0] for row in workspace._database.rows("SELECT name FROM unknown_keys")] == ["kept"]


def test_a_catalogue_of_before_has_the_tables_of_a_new_one(before, tmp_path):
    with heron.open(before, discover=False) as old, heron.open(tmp_path / "new", discover=False) as new:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        names = [row["name"] for row in new._database.rows(tables)]
        assert [row["name"] for row in old._database.rows(tables)] == names
        for name in names:
            assert columns(old._database, name) == columns(new._database, name)


def test_a_catalogue_of_before_works_on(before, tmp_path):
    with heron.open(before, discover=False) as workspace:
        [item] = workspace.items.list()
        assert workspace.pictures.make([item], frames=True).frames == 2
        assert workspace.search.count_frames(where="metric.width = 64 AND frame.is_key") == 1
        assert workspace.search.count_frames(where="frame.number = 1 AND metric.brightness > 0") == 1
        facts = MediaFacts("video", "video/mp4")
        new = NewItem("s3://lake/v.mp4", facts, frames=[NewFrame(3)], metadata={"keyframes": [5]})
        workspace.registration.register([new], "A")
        assert [frame.number for frame in workspace.frames.list(list(workspace.items.list())[1])] == [3, 5]


def test_a_backed_dataset_of_before_gets_the_items_of_the_folders_below(before):
    with closing(sqlite3.connect(before / ".heron" / "catalog.db", isolation_level=None)) as plain:
        plain.execute(
            "INSERT INTO folders (uuid, parent_id, name, path, created_at, created_by) VALUES ('f', 1, 'B', 'A/B', 'now', 'me')"
        )
        for number, folder in ((2, 2), (3, 2)):
            plain.execute(
                "INSERT INTO items (uuid, folder_id, name, url, kind, media_type, created_at, updated_at, created_by) "
                "SELECT 'i' || ?, ?, 'n' || ?, 's3://lake/' || ?, kind, media_type, created_at, updated_at, created_by FROM items WHERE id = 1",
                [number, folder, number, number],
            )
        plain.execute("UPDATE items SET deleted_at = created_at WHERE id = 3")
        plain.execute(
            "INSERT INTO datasets (uuid, title, backing_folder_id, created_at, created_by) VALUES ('d', 'd', 1, '2026-01-31T12:00:00.000000Z', 'me')"
        )
        plain.execute("INSERT INTO dataset_rows (dataset_id, item_id) VALUES (1, 1)")
    with heron.open(before, discover=False) as workspace:
        assert [row.item.name for row in workspace.datasets.rows("d")] == ["pair", "n2"]
        workspace.folders.create("C")
        workspace.items.move(["n2"], "C")
        assert [row.item.name for row in workspace.datasets.rows("d")] == ["pair"]


@pytest.mark.slow
def test_only_a_catalogue_that_lacks_tables_is_opened_with_sqlite_utils(before):
    code = (
        "import heron, sys; heron.open(sys.argv[1], discover=False).close(); "
        "print([name in sys.modules for name in ('sqlite_utils', 'numpy')])"
    )
    found = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, before], capture_output=True, text=True, check=True
        )
        found.append(done.stdout.strip())
    assert found == ["[True, True]", "[False, False]"]
