"""The tree of folders in buckets, manifests and synced folders."""

import sqlite3

import pytest

import heron
from heron.catalog.migrations import imagine
from tests.conftest import draw
from tests.memory_storage import Lake, LakePlugin
from tests.test_tree import FILES, FLAT, KEPT, data, tree  # noqa: F401 - fixtures


@pytest.fixture
def bucket(data):
    lake = Lake()
    for name in FILES:
        lake.put(f"mem://b/runs/data/{name}", (data / name).read_bytes())
    return lake


@pytest.fixture
def cloud(tmp_path, bucket):
    with heron.open(tmp_path / "cloud", plugins=[LakePlugin(bucket)], discover=False) as opened:
        yield opened


def test_a_prefix_of_a_bucket_is_a_tree_too(cloud):
    for url in ("mem://b/runs/data/", "mem://b/runs/data"):
        cloud.ingest.files([url], folder="P", ignore_errors=True)
        assert tree(cloud) == KEPT
    cloud.ingest.files(["mem://b/runs/data/root.png"], folder="Q", ignore_errors=True)
    assert tree(cloud, "Q") == ["Q: root.png"]


@pytest.mark.parametrize("flat", [False, True])
def test_an_import_that_is_resumed_keeps_its_mode(cloud, bucket, flat, monkeypatch):
    monkeypatch.setenv("HERON_PATIENCE", "0.1")
    bucket.broken["list"] = heron.Unreachable("the network is away")
    bucket.faults["list"] = [None]
    with pytest.raises(heron.HeronError):
        cloud.ingest.files(["mem://b/runs/data/"], folder="P", flat=flat, ignore_errors=True)
    [job] = cloud.imports.list()
    assert job.state == "interrupted" and len(tree(cloud)) < 4
    bucket.broken.clear()
    cloud.ingest.resume(job)
    assert tree(cloud) == (FLAT if flat else KEPT)


def test_a_manifest_keeps_the_tree_where_it_is_said(cloud, tmp_path):
    (tmp_path / "m.csv").write_text(
        "ObjectURL,Image title\n" + "".join(f"mem://b/runs/data/{name},x\n" for name in FILES)
    )
    for options, found in (({}, FLAT), ({"tree": "mem://b/runs/data"}, KEPT)):
        cloud.ingest.manifest(tmp_path / "m.csv", folder="P", ignore_errors=True, **options)
        assert tree(cloud) == found
        cloud.folders.delete("P")


@pytest.mark.parametrize("flat", [False, True])
def test_a_synced_folder_says_whether_it_is_flat(workspace, data, flat):
    synced = workspace.ingest.follow("P", str(data), flat=flat)
    assert synced.flat == workspace.synced.get("P").flat == flat
    workspace.ingest.sync("P")
    assert tree(workspace) == (FLAT if flat else KEPT)
    (data / "val" / "cat" / "1.png").rename(data / "away.png")
    report = workspace.ingest.sync("P").job
    assert (report.added, report.removed, report.skipped) == (1, 1, 3)
    (data / "away.png").rename(data / "val" / "cat" / "1.png")
    assert workspace.ingest.sync("P").job.restored == 1


def test_what_people_move_below_a_synced_folder_stays_and_is_followed(workspace, data):
    workspace.ingest.follow("P", str(data))
    workspace.ingest.sync("P")
    [root] = workspace.items.list(folder="P", recursive=False)
    workspace.items.move(root, workspace.folders.create("P/best"))
    assert workspace.ingest.sync("P").job.skipped == 4
    (data / "root.png").unlink()
    assert workspace.ingest.sync("P").job.removed == 1
    draw(data / "root.png", seed=9)
    assert workspace.ingest.sync("P").job.restored == 1
    assert workspace.items.get(root).folder_path == "P/best"


def test_an_object_with_two_items_in_the_tree_keeps_both(workspace, data):
    workspace.ingest.files([data / "root.png"], folder="P/chosen")
    workspace.ingest.files([data], folder="P", flat=True, skip_duplicates=False)
    workspace.ingest.follow("P", str(data))
    assert workspace.ingest.sync("P").job.removed == 0
    assert workspace.items.count() == 5
    (data / "root.png").unlink()
    assert workspace.ingest.sync("P").job.removed == 2


def test_synced_folders_of_before_stay_flat(tmp_path, data):
    with heron.open(tmp_path / "lake", discover=False) as ws:
        ws.ingest.follow("P", str(data))
        with ws._database.write():
            ws._database.execute("ALTER TABLE synced_folders DROP COLUMN flat")
            ws._database.execute("DELETE FROM _sqlite_migrations WHERE name = 'synced_trees'")
    with heron.open(tmp_path / "lake", discover=False) as ws:
        assert ws.synced.get("P").flat
        ws.ingest.sync("P")
        assert tree(ws) == FLAT


def test_a_catalogue_of_before_that_cannot_be_written_is_read(tmp_path, data):
    with heron.open(tmp_path / "lake", discover=False) as ws:
        ws.ingest.follow("P", str(data))
        with ws._database.write():
            ws._database.execute("ALTER TABLE synced_folders DROP COLUMN flat")
            ws._database.execute("DELETE FROM _sqlite_migrations WHERE name = 'synced_trees'")
        ws._database.connection.execute("PRAGMA journal_mode = DELETE")
    with sqlite3.connect(
        f"file:{tmp_path / 'lake' / '.heron' / 'catalog.db'}?mode=ro&immutable=1", uri=True
    ) as connection:
        imagine(connection, {"synced_trees"})
        assert connection.execute("SELECT prefix LIKE 'file:%', flat FROM synced_folders").fetchall() == [
            (1, 1)
        ]


def test_the_right_to_make_folders_is_asked_for(workspace, data, monkeypatch):
    workspace.folders.create("P")
    may = workspace.access.granted
    monkeypatch.setattr(
        workspace.access,
        "granted",
        lambda verb, noun, *row: "0" if (verb, noun) == ("create", "folder") else may(verb, noun, *row),
    )
    with pytest.raises(heron.PermissionDenied, match="may not create folders in folder 'P'"):
        workspace.ingest.files([data], folder="P")
    assert workspace.items.count() == 0 and [folder.path for folder in workspace.folders.list()] == ["P"]
    assert workspace.ingest.files([data], folder="P", flat=True).added == 4


def test_a_dataset_of_the_folder_has_what_lands_below_it(workspace, data):
    workspace.datasets.create("d", backing_folder="P")
    assert workspace.ingest.files([data], folder="P").job.warnings == 0
    assert [row.item.uuid for row in workspace.datasets.rows("d")] == [
        item.uuid for item in workspace.items.list()
    ]
