"""Series of a kind that a plugin brings: imported, grown, imported again, deleted, listed by manifests."""

import json
import zipfile

import pytest

from tests.toy_media import ToyMedia, scan
from tests.toy_stacks import ToyStacks, slices


@pytest.fixture
def plugins():
    return [ToyStacks(), ToyMedia()]


def members(workspace, item):
    return [member.url.rpartition("/")[2] for member in workspace.items.members(item)]


def test_numbered_files_are_one_item_in_their_order(workspace, tmp_path):
    slices(tmp_path / "in", "bone", [10, 9, 2])
    slices(tmp_path / "in", "skull", [1])
    (tmp_path / "in" / "alone.slice").write_bytes(b"SLICE\x07")
    workspace.ingest.files([tmp_path / "in"], folder="A", thumbnails=True)
    items = {item.name: item for item in workspace.search(where="kind = 'stack'")}
    assert set(items) == {"bone", "skull", "alone.slice"}
    bone = items["bone"]
    assert members(workspace, bone) == ["bone_002.slice", "bone_009.slice", "bone_010.slice"]
    assert bone.url == f"{(tmp_path / 'in').as_uri()}/#stack-series=bone"
    assert workspace.search.count(where="stack.last = 10") == 1
    assert [frame.number for frame in workspace.frames.list(bone)] == [0, 1, 2]
    assert workspace.pictures.picture(bone).getpixel((0, 0)) == (90, 90, 90), "the middle slice"


def test_a_series_grows_and_is_not_added_twice(workspace, tmp_path):
    paths = slices(tmp_path / "in", "bone", range(4))
    workspace.ingest.files(paths[2:], folder="A")
    report = workspace.ingest.files(paths[:3], folder="A")
    assert (report.added, report.job.updated) == (0, 1)
    workspace.ingest.files([tmp_path / "in"], folder="A")
    (item,) = workspace.items.list()
    assert members(workspace, item) == [path.name for path in paths]
    assert workspace.ingest.files([tmp_path / "in"], folder="A").job.skipped == 4
    paths[0].unlink()
    report = workspace.ingest.files(slices(tmp_path / "in", "bone", [7]), folder="A")
    assert "1 of its files are not there any more" in report.problems[0].reason
    (item,) = workspace.items.list()
    assert members(workspace, item) == [*(path.name for path in paths[1:]), "bone_007.slice"]


def test_a_series_that_was_deleted_can_be_imported_again(workspace, tmp_path):
    slices(tmp_path / "in", "bone", range(3))
    workspace.ingest.files([tmp_path / "in"], folder="A")
    workspace.items.delete(workspace.items.list())
    assert list(workspace.items.list()) == []
    assert workspace.ingest.files([tmp_path / "in"], folder="A").added == 1
    (item,) = workspace.items.list()
    assert len(members(workspace, item)) == 3


def test_series_of_two_kinds_with_the_same_identifier_stay_two_items(workspace, tmp_path):
    slices(tmp_path / "in", "one", range(2))
    for position in range(2):
        scan(tmp_path / "in" / f"{position}.scan", "one", position)
    workspace.ingest.files([tmp_path / "in"], folder="A")
    slices(tmp_path / "in", "one", [2])
    scan(tmp_path / "in" / "2.scan", "one", 2)
    workspace.ingest.files([tmp_path / "in"], folder="A")
    found = {item.kind: members(workspace, item) for item in workspace.items.list()}
    assert found == {
        "stack": [f"one_{number:03}.slice" for number in range(3)],
        "dicom": [f"{position}.scan" for position in range(3)],
    }


def test_slices_in_an_archive_are_a_series_too(workspace, tmp_path):
    paths = slices(tmp_path / "in", "bone", [2, 1])
    with zipfile.ZipFile(tmp_path / "bone.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    workspace.ingest.files([tmp_path / "bone.zip"], folder="A")
    (item,) = workspace.items.list()
    names = [name.rpartition("=")[2] for name in members(workspace, item)]
    assert (item.kind, names) == ("stack", ["bone_001.slice", "bone_002.slice"])


def test_a_manifest_lists_the_files_of_a_series_in_any_order(workspace, tmp_path):
    urls = [path.as_uri() for path in slices(tmp_path / "in", "bone", [3, 1])]
    entry = {f"objectUrl_{number}": url for number, url in enumerate(urls)}
    (tmp_path / "m.json").write_text(json.dumps({"stacks": [entry]}))
    workspace.ingest.manifest(tmp_path / "m.json", folder="A")
    (item,) = workspace.items.list()
    assert (item.kind, members(workspace, item)) == ("stack", ["bone_001.slice", "bone_003.slice"])


def test_a_member_of_another_kind_is_refused(workspace, tmp_path):
    urls = [
        slices(tmp_path / "in", "bone", [3])[0].as_uri(),
        scan(tmp_path / "in" / "a.scan", "one").as_uri(),
    ]
    entry = {f"objectUrl_{number}": url for number, url in enumerate(urls)}
    (tmp_path / "m.json").write_text(json.dumps({"stacks": [entry]}))
    report = workspace.ingest.manifest(tmp_path / "m.json", folder="A", ignore_errors=True)
    assert "is application/x-scan, expected a file of the kind stack" in report.problems[0].reason
