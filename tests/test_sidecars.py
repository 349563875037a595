"""Sidecars in synced folders: `clip.mp4.metadata.json` is the metadata of `clip.mp4`, and no item."""

import json
import shlex

import pytest

import heron
from heron.catalog.paths import path_of
from heron.cli.main import status
from heron.errors import ImportAborted
from heron.metadata.sidecars import SUFFIX
from heron.models import MAX_METADATA
from tests.memory_storage import LakePlugin
from tests.synced_places import BucketPlace, FolderPlace, catalogue, counts, item, names


@pytest.fixture
def bucket():
    return BucketPlace()


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path):
    return FolderPlace(tmp_path / "inbox") if request.param == "folder" else request.getfixturevalue("bucket")


@pytest.fixture
def plugins(bucket):
    return [LakePlugin(bucket.lake)]


@pytest.fixture
def sync(workspace, place):
    """Sync the folder `Runs`, which follows the place; returns what was done."""
    workspace.ingest.follow("Runs", place.prefix)
    return lambda: counts(workspace.ingest.sync("Runs"))


def put_sidecar(place, name, suffix=SUFFIX, **metadata):
    return place.put(name + suffix, json.dumps(metadata).encode())


def metadata(workspace):
    return {found.name: found.metadata for found in workspace.items.list()}


def test_a_sidecar_is_metadata_and_no_item(workspace, place, sync):
    place.put("a.txt"), place.put("b c.txt"), place.put("deep/größe.txt"), place.put("plain.json", b"{}")
    put_sidecar(place, "a.txt", city="Oslo", tags=["x", 1], nested={"deep": None})
    put_sidecar(place, "b c.txt", city="Bern"), put_sidecar(place, "deep/größe.txt", größe=3)
    assert sync() == {"added": 4}
    assert metadata(workspace) == {
        "a.txt": {"city": "Oslo", "tags": ["x", 1], "nested": {"deep": None}},
        "b c.txt": {"city": "Bern"},
        "größe.txt": {"größe": 3},
        "plain.json": {},
    }
    assert [found.name for found in workspace.search.all(where="city = 'Oslo'")] == ["a.txt"]
    before = catalogue(workspace)
    assert sync() == {"skipped": 4}
    assert catalogue(workspace) == before


def test_a_sidecar_that_changed_is_merged_and_between_its_changes_people_have_their_way(
    workspace, place, sync
):
    url = place.put("a.txt")
    put_sidecar(place, "a.txt", city="Oslo", mood="good", score=1)
    sync()
    workspace.metadata.merge({item(workspace, url).uuid: {"mood": "bad", "mine": True}})
    assert sync() == {"skipped": 1}
    assert metadata(workspace)["a.txt"] == {"city": "Oslo", "mood": "bad", "score": 1, "mine": True}
    put_sidecar(place, "a.txt", mood="best", score=None)
    assert sync() == {"updated": 1, "skipped": 1}
    assert metadata(workspace)["a.txt"] == {"city": "Oslo", "mood": "best", "mine": True}
    assert sync() == {"skipped": 1}


def test_a_changed_object_keeps_the_metadata_and_its_sidecar_is_not_read_again(workspace, place, sync):
    url = place.put("a.txt")
    put_sidecar(place, "a.txt", city="Oslo")
    sync()
    before = item(workspace, url)
    workspace.metadata.merge({before.uuid: {"city": "Bern"}})
    place.put("a.txt", b"changed\n")
    assert sync() == {"updated": 1}
    assert (item(workspace, url).uuid, metadata(workspace)) == (before.uuid, {"a.txt": {"city": "Bern"}})


def test_a_sidecar_that_vanished_leaves_the_metadata(workspace, place, sync):
    place.put("a.txt"), put_sidecar(place, "a.txt", city="Oslo")
    sync()
    place.remove("a.txt" + SUFFIX)
    before = catalogue(workspace)
    assert sync() == {"skipped": 1}
    assert catalogue(workspace) == before
    put_sidecar(place, "a.txt", city="Bern")
    assert sync() == {"updated": 1, "skipped": 1}


# Sidecars that cannot be applied


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{broken", "not valid JSON"),
        (b"", "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b"[1, 2]", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b'{"dark": "maybe"}', "b c.txt: metadata key 'dark': expected true or false, got 'maybe'"),
        (b'{"": 1}', "key"),
    ],
)  # fmt: skip
def test_a_faulty_sidecar_is_named_and_its_item_stays(workspace, place, sync, content, reason):
    workspace.schema.add_scalar("dark", "boolean")
    url = place.put("b c.txt")
    place.put("a.txt"), put_sidecar(place, "a.txt", city="Oslo")
    place.put("z.txt"), put_sidecar(place, "z.txt", dark=True)
    sidecar = place.put("b c.txt" + SUFFIX, content)
    report = workspace.ingest.sync("Runs")
    assert counts(report) == {"added": 3, "failed": 1}
    for _ in range(2):
        [problem] = report.problems
        assert (problem.url, problem.severity) == (sidecar, "failure")
        assert "c.txt.metadata.json" in problem.reason and "sidecar" in problem.reason
        assert reason in problem.reason
        report = workspace.ingest.sync("Runs")
        assert counts(report) == {"skipped": 3, "failed": 1}
    assert metadata(workspace) == {"a.txt": {"city": "Oslo"}, "b c.txt": {}, "z.txt": {"dark": True}}
    before = item(workspace, url)
    put_sidecar(place, "b c.txt", dark=False)
    assert sync() == {"updated": 1, "skipped": 3}
    assert (item(workspace, url).uuid, item(workspace, url).metadata) == (before.uuid, {"dark": False})


def test_a_sidecar_that_the_schema_refused_is_applied_once_the_schema_is_mended(workspace, place, sync):
    workspace.schema.add_enum("mood", ["good"])
    place.put("a.txt"), put_sidecar(place, "a.txt", mood="bad")
    assert sync() == {"added": 1, "failed": 1}
    workspace.schema.add_enum_options("mood", ["bad"])
    assert sync() == {"updated": 1, "skipped": 1}
    assert metadata(workspace) == {"a.txt": {"mood": "bad"}}


def test_a_sidecar_that_is_too_large_is_refused_unread(workspace, bucket):
    bucket.put("a.txt"), bucket.put("a.txt" + SUFFIX, b'{"a": "' + b"x" * MAX_METADATA + b'"}')
    workspace.ingest.follow("Runs", bucket.prefix)
    report = workspace.ingest.sync("Runs")
    assert counts(report) == {"added": 1, "failed": 1}
    assert report.problems[0].reason.startswith(
        f"sidecar a.txt.metadata.json is larger than {MAX_METADATA:,} bytes"
    )
    assert not any(about[0] == "runs/1/a.txt" + SUFFIX for what, *about in bucket.lake.asked if what == "get")


def test_a_sidecar_may_come_before_its_object(workspace, place, sync):
    url = put_sidecar(place, "a.txt", city="Oslo")
    place.put("other.txt")
    for expected in ({"added": 1, "warnings": 1}, {"skipped": 1, "warnings": 1}):
        report = workspace.ingest.sync("Runs")
        assert counts(report) == expected
        assert report.problems[0].severity == "warning"
        sidecar, owner = path_of(url), path_of(place.url("a.txt"))
        assert report.problems[0].reason == f"{sidecar} belongs to no item: {owner} is not in the folder"
    assert names(workspace) == ["other.txt"]
    place.put("a.txt", b"\x89PNG\r\n\x1a\nbroken")
    assert sync() == {"skipped": 1, "failed": 1, "warnings": 1}
    place.put("a.txt")
    assert sync() == {"added": 1, "skipped": 1}
    assert metadata(workspace)["a.txt"] == {"city": "Oslo"}


def test_a_sidecar_of_a_vanished_object_waits_for_it(workspace, place, sync):
    url = place.put("a.txt")
    place.put("b.txt"), put_sidecar(place, "a.txt", city="Oslo")
    sync()
    place.remove("a.txt")
    assert sync() == {"removed": 1, "skipped": 1}
    assert sync() == {"skipped": 1}
    put_sidecar(place, "a.txt", city="Bern")
    assert sync() == {"skipped": 1, "warnings": 1}
    assert item(workspace, url).metadata == {"city": "Oslo"}, "what a dataset uses is not changed from afar"
    place.put_back("a.txt")
    assert sync() == {"restored": 1, "updated": 1, "skipped": 1}
    assert metadata(workspace)["a.txt"] == {"city": "Bern"}


def test_a_sidecar_of_a_sidecar_belongs_to_no_item(workspace, place, sync):
    place.put("a.txt"), put_sidecar(place, "a.txt", city="Oslo")
    put_sidecar(place, "a.txt" + SUFFIX, city="Bern")
    assert sync() == {"added": 1, "warnings": 1}
    assert metadata(workspace) == {"a.txt": {"city": "Oslo"}}


# Other endings, none at all, and pauses


@pytest.mark.parametrize(
    "suffix",
    [".json", "-meta", ".meta+json", " meta.json", ".größe", "@m", "#m", ".100%", "&(m)", ".META", "~'m!"],
)
def test_sidecars_can_end_otherwise(workspace, place, suffix):
    workspace.ingest.follow("Runs", place.prefix, sidecar_suffix=suffix)
    place.put("a b.txt"), put_sidecar(place, "a b.txt", suffix, city="Oslo")
    put_sidecar(place, "a b.txt", ".metadata.JSON", city="Bern")
    assert counts(workspace.ingest.sync("Runs")) == {"added": 2}
    assert metadata(workspace) == {"a b.txt": {"city": "Oslo"}, "a b.txt.metadata.JSON": {}}
    assert counts(workspace.ingest.sync("Runs")) == {"skipped": 2}


def test_an_object_that_is_called_like_the_ending_alone_is_an_item(workspace, bucket):
    bucket.put("metadata.json", b"{}"), bucket.put("deep/metadata.json", b"{}"), bucket.put("a.txt")
    put_sidecar(bucket, "a.txt", "metadata.json", city="Oslo")
    workspace.ingest.follow("Runs", bucket.prefix, sidecar_suffix="metadata.json")
    assert counts(workspace.ingest.sync("Runs")) == {"added": 3}
    assert metadata(workspace)["a.txt"] == {"city": "Oslo"}


def test_the_ending_can_be_changed(workspace, place, sync):
    place.put("a.txt"), put_sidecar(place, "a.txt", city="Oslo")
    put_sidecar(place, "a.txt", ".meta", city="Bern")
    assert sync() == {"added": 2}
    assert names(workspace) == ["a.txt", "a.txt.meta"]
    assert workspace.synced.set_sidecars("Runs", ".meta").sidecar_suffix == ".meta"
    assert sync() == {"added": 1, "updated": 1, "removed": 1, "skipped": 1}
    assert names(workspace) == ["a.txt", "a.txt.metadata.json"]
    assert metadata(workspace)["a.txt"] == {"city": "Bern"}
    with pytest.raises(heron.InvalidInput, match="cannot be empty"):
        workspace.synced.set_sidecars("Runs", "")
    with pytest.raises(heron.InvalidInput, match="cannot be empty"):
        workspace.ingest.follow("B", place.prefix, sidecar_suffix="")
    assert workspace.folders.find("B") is None


def test_without_sidecars_they_are_ordinary_files(workspace, place):
    workspace.ingest.follow("Runs", place.prefix, sidecar_suffix=None)
    place.put("a.txt"), put_sidecar(place, "a.txt", city="Oslo")
    assert counts(workspace.ingest.sync("Runs")) == {"added": 2}
    assert metadata(workspace) == {"a.txt": {}, "a.txt.metadata.json": {}}


def test_paused_sidecars_are_neither_read_nor_items(tmp_path, monkeypatch, capsys):
    def run(line):
        assert status(shlex.split(line)) == 0, capsys.readouterr()

    monkeypatch.chdir(tmp_path)
    place = FolderPlace(tmp_path / "inbox")
    place.put("a.txt"), put_sidecar(place, "a.txt", city="Oslo")
    run("init"), run("folders create Runs --sync inbox"), run("sync"), run("folders sidecars Runs --pause")
    put_sidecar(place, "a.txt", city="Bern"), place.put("b.txt"), put_sidecar(place, "b.txt", city="Rome")
    run("sync")
    with heron.open(tmp_path, discover=False) as workspace:
        assert metadata(workspace) == {"a.txt": {"city": "Oslo"}, "b.txt": {}}
    run("folders sidecars Runs --resume"), run("sync")
    with heron.open(tmp_path, discover=False) as workspace:
        assert metadata(workspace) == {"a.txt": {"city": "Bern"}, "b.txt": {"city": "Rome"}}


# Imports of a prefix


def test_an_import_of_a_prefix_reads_sidecars_too(workspace, bucket):
    bucket.put("a.txt"), put_sidecar(bucket, "a.txt", city="Oslo"), bucket.put("b.txt")
    assert counts(workspace.ingest.files([bucket.prefix], folder="A")) == {"added": 2}
    assert metadata(workspace) == {"a.txt": {"city": "Oslo"}, "b.txt": {}}
    bucket.put("b.txt" + SUFFIX, b"{broken")
    before = catalogue(workspace)
    with pytest.raises(ImportAborted, match=r"sidecar b\.txt\.metadata\.json: not valid JSON"):
        workspace.ingest.files([bucket.prefix], folder="B")
    assert catalogue(workspace) == before
    report = workspace.ingest.files([bucket.prefix], folder="B", ignore_errors=True)
    assert counts(report) == {"added": 2, "failed": 1}
    assert counts(workspace.ingest.files([bucket.prefix], folder="C", sidecar_suffix=None)) == {
        "added": 4,
        "warnings": 1,
    }
