"""Imports that land as a whole: their rows are made before the catalogue is locked, and what changes meanwhile counts."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog.staged import StagedItems
from heron.catalog.stores import HERE
from heron.errors import CatalogueError, ImportAborted
from heron.ingest import pipeline
from heron.ingest.staging import Staging
from heron.models import MediaFacts, NewItem
from tests.conftest import draw
from tests.killed import copied_before_each

IMAGE = {"type": "image", "imageMetadata": {"mimeType": "image/jpeg", "width": 1, "height": 1, "fileSize": 1}}
VIDEO = {
    "type": "video",
    "videoMetadata": {
        "mimeType": "video/mp4",
        "fps": 10,
        "duration": 3,
        "width": 1,
        "height": 1,
        "fileSize": 1,
    },
}


@pytest.fixture
def workspace(workspace):
    workspace.schema.add_scalar("speed", "number")
    workspace.schema.add_scalar("note", "text")
    workspace.schema.add_embedding("look", 2)
    return workspace


@pytest.fixture(params=[2, 4096])
def small(request, monkeypatch):
    """Batches of two outcomes, or of all."""
    monkeypatch.setattr(pipeline, "MOST", request.param)


def url(number):
    return f"file:///lake/{number % 3}/{number}.jpg"


def manifest(path, entries):
    path.write_text("\n".join(map(json.dumps, entries)))
    return path


ENTRIES = [
    *(
        {**IMAGE, "objectUrl": url(n), "clientMetadata": {"speed": n, "note": "rain", "other": n}}
        for n in range(5)
    ),
    {**IMAGE, "objectUrl": url(5), "clientMetadata": {"look": [1, n] if (n := 2) else None, "more": True}},
    {
        **VIDEO,
        "objectUrl": url(6),
        "clientMetadata": {"keyframes": [3, 1], "$heron": {"frames": {"2": {"speed": 7, "look": [3, 4]}}}},
    },
    {
        "type": "image_group",
        "objectUrl_0": url(7),
        "objectUrl_1": url(8),
        "title": "two",
        **{"imageMetadata": IMAGE["imageMetadata"]},
    },
    {**IMAGE, "objectUrl": url(1), "clientMetadata": {"speed": 100}},
    {**IMAGE, "objectUrl": url(9), "title": "last", "strange": 1},
]


def everything(workspace):
    """What the catalogue has of items, their parts and the report, without what differs from one import to the next."""
    tables = {
        "items": "folder_id, name, url, kind, media_type, size, width, frame_count, fps, facts, metadata, content_hash, integration_id, store_id, note, id, created_by, deleted_at",
        "members": "*", "frames": "*", "thumbnails": "*", "vectors": "*", "vector_sets": "key, row_count", "unknown_keys": "*",
        "folders": "id, path", "dataset_rows": "*", "import_problems": "*",
        "imports": "position, added, updated, skipped, failed, warnings, restored, removed",
    }  # fmt: skip
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        return {
            name: plain.execute(f"SELECT {columns} FROM {name}").fetchall()
            for name, columns in tables.items()
        }


def same_in_batches(tmp_path, prepare, run):
    """What a strict import leaves, after it was compared with what one in batches of the same leaves."""
    found = []
    for name, ignore_errors in (("whole", False), ("batches", True)):
        with heron.open(tmp_path / name, discover=False) as workspace:
            prepare(workspace)
            run(workspace, ignore_errors)
            found.append(everything(workspace))
    for table in found[0]:
        assert found[0][table] == found[1][table], table
    return found[0]


@pytest.mark.parametrize("options", [{}, {"upsert_metadata": True}, {"skip_duplicates": True}], ids=str)
def test_all_kinds_of_entries_land_as_in_batches(tmp_path, small, options):
    file = manifest(tmp_path / "m.jsonl", ENTRIES)

    def prepare(workspace):
        workspace.schema.add_scalar("speed", "number")
        workspace.schema.add_embedding("look", 2)
        workspace.datasets.create("D", backing_folder="M")
        workspace.registration.register([NewItem(url(3), MediaFacts("image", "image/jpeg"))], "M")

    def run(workspace, ignore_errors):
        workspace.ingest.manifest(file, folder="M", tree="/lake", ignore_errors=ignore_errors, **options)

    found = same_in_batches(tmp_path, prepare, run)
    assert len(found["members"]) == 2 and len(found["vectors"]) == 2 and len(found["folders"]) == 4
    assert [row[2] for row in found["frames"]][:4] == [0, 1, 2, 3] and len(found["dataset_rows"]) == len(
        found["items"]
    )


@pytest.mark.parametrize("options", [{}, {"skip_identical": True}, {"flat": True}], ids=str)
def test_files_with_sidecars_thumbnails_and_equal_content_land_as_in_batches(tmp_path, small, options):
    lake = tmp_path / "lake"
    for number in range(4):
        draw(lake / f"f{number % 2}" / f"{number}.jpg", seed=number)
    shutil.copy(lake / "f0" / "0.jpg", lake / "f1" / "same.jpg")
    (lake / "f0" / "2.jpg.metadata.json").write_text('{"speed": 3}')
    (lake / "f1" / "none.jpg.metadata.json").write_text('{"speed": 3}')

    def prepare(workspace):
        workspace.schema.add_scalar("speed", "number")
        workspace.ingest.files([lake / "f1" / "3.jpg"], folder="P")

    def run(workspace, ignore_errors):
        for _ in range(2):
            workspace.ingest.files(
                [lake], folder="P", ignore_errors=ignore_errors, thumbnails=True, content_hash=True, **options
            )

    found = same_in_batches(tmp_path, prepare, run)
    count = 5 + (not options.get("skip_identical"))
    assert len(found["items"]) == count and len(found["thumbnails"]) == count - 1


def test_staging_locks_nothing_and_leaves_no_tables(workspace):
    items = [NewItem(url(n), MediaFacts("image", "image/jpeg")) for n in range(3)]
    with closing(sqlite3.connect(workspace._database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with StagedItems(workspace.registration) as staged:
            found = staged.stage(items, [((), HERE)] * 3, {1: b"jpeg"}, lambda place, error: None)
            assert (found.first, found.last) == (1, 3)
            assert staged.thumbnails(found) == {1: b"jpeg"}
            assert not workspace._database.connection.in_transaction
    assert workspace._database.rows("SELECT name FROM sqlite_temp_master") == []
    assert workspace.items.count() == 0


def test_a_full_folder_for_temporary_files_is_said(workspace):
    items = [NewItem(url(n), MediaFacts("image", "image/jpeg")) for n in range(300)]
    with StagedItems(workspace.registration) as staged:
        workspace._database.connection.execute("PRAGMA temp.max_page_count = 12")
        with pytest.raises(CatalogueError, match="temporary files: it is full") as caught:
            staged.stage(items, [((), HERE)] * 300, {}, lambda place, error: None)
    assert "TMPDIR" in caught.value.hint


@pytest.fixture
def run(workspace, tmp_path, monkeypatch):
    """Import a manifest, and do something once its rows are made, before the catalogue is locked."""

    def run(entries, meanwhile, **options):
        keep = Staging.keep

        def kept(self, outcomes):
            found = keep(self, outcomes)
            meanwhile()
            return found

        monkeypatch.setattr(Staging, "keep", kept)
        return workspace.ingest.manifest(manifest(tmp_path / "m.jsonl", entries), folder="M", **options)

    return run


IMAGES = [{**IMAGE, "objectUrl": url(n), "clientMetadata": {"speed": n}} for n in range(3)]


def test_what_another_import_added_meanwhile_is_skipped(workspace, run):
    def add():
        workspace.registration.register([NewItem(url(1), MediaFacts("image", "image/jpeg"))], "M")

    report = run(IMAGES, add, skip_duplicates=True)
    assert (report.job.added, report.job.skipped, report.job.position) == (2, 1, 3)
    assert sorted(item.url for item in workspace.items.list()) == [url(0), url(1), url(2)]


def test_a_schema_that_changed_meanwhile_checks_again(workspace, run):
    entries = [{**IMAGE, "objectUrl": url(n), "clientMetadata": {"level": "high"}} for n in range(3)]
    with pytest.raises(ImportAborted, match="'level'"):
        run(entries, lambda: workspace.schema.add_scalar("level", "number"))
    assert workspace.items.count() == 0 and workspace.folders.list() == []


def test_an_invalid_entry_stops_before_the_rest_is_read_and_nothing_is_there(workspace, run):
    entries = [*IMAGES, {**IMAGE, "objectUrl": url(4), "clientMetadata": {"speed": "fast"}}]
    with pytest.raises(ImportAborted, match="'speed'") as caught:
        run(entries, lambda: None)
    assert caught.value.url == url(4)
    assert workspace.items.count() == 0 and workspace.folders.list() == []
    assert workspace._database.rows("SELECT name FROM sqlite_temp_master") == []


def test_a_dry_run_says_the_same_and_changes_nothing(workspace, run):
    entries = [*IMAGES, {**IMAGE, "objectUrl": url(4), "clientMetadata": {"speed": "fast"}}]
    report = run(entries, lambda: None, dry_run=True)
    assert (report.job.added, report.job.failed) == (3, 1)
    assert workspace.items.count() == 0 and workspace.imports.list() == []


def test_others_are_told_how_far_it_is(workspace, run, monkeypatch):
    told = []
    monkeypatch.setattr(pipeline, "MOST", 2)
    monkeypatch.setattr(type(workspace._database._holder), "tell", lambda self, work: told.append(work))
    entries = [{**IMAGE, "objectUrl": url(n)} for n in range(3)]
    run(entries, lambda: None)
    assert told == ["import 1, 2 of 3 files", "import 1, 3 of 3 files"]


def test_kill_9_at_any_step_leaves_nothing_half_there(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "MOST", 3)
    file, lake = manifest(tmp_path / "m.jsonl", ENTRIES), tmp_path / "lake"
    with heron.open(lake, discover=False) as workspace:
        workspace.schema.add_embedding("look", 2)
        workspace.datasets.create("D", backing_folder="M")
        before = everything(workspace)
    with (
        copied_before_each(is_commit_or_file, lake, tmp_path / "left") as left,
        heron.open(lake, discover=False) as workspace,
    ):
        workspace.ingest.manifest(file, folder="M")
        after = everything(workspace)
    seen = []
    for copy, _ in left.copies:
        with heron.open(copy, discover=False) as workspace:
            found = everything(workspace)
            others = [table for table in before if table not in ("imports", "import_problems")]
            seen.append([found[table] == after[table] for table in others])
            assert all(seen[-1]) or [found[table] for table in others] == [before[table] for table in others]
            workspace.folders.create("Next")  # the next writer is not held up
            assert not list((copy / ".heron").glob("writer.json*"))
            if not all(seen[-1]):
                assert workspace.ingest.manifest(file, folder="M").job.added == 10
            assert workspace._database.value("PRAGMA integrity_check") == "ok"
    assert len(left.copies) > 10 and not all(seen[0]) and all(seen[-1])


def is_commit_or_file(frame, function):
    """Whether a call is the COMMIT of `Database.write`, or changes a file that SQLite does not write."""
    name = function.__name__
    return name in ("unlink", "replace", "write") or (name == "execute" and frame.f_code.co_name == "write")
