"""People's work on redundant copies: it decides which one is kept, and can be copied to the kept one."""

import json
import os

import pytest
from PIL import Image

from heron.catalog.work import FOUND
from heron.errors import HeronError


@pytest.fixture
def copies(workspace, tmp_path):
    """Three equal files, `a.png` the oldest; the items by name."""
    (tmp_path / "files").mkdir()
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        Image.linear_gradient("L").save(tmp_path / "files" / name)
        os.utime(tmp_path / "files" / name, (10**9 + number, 10**9 + number))
    workspace.ingest.files([tmp_path / "files"], folder="P", content_hash=True)
    return {item.name: item for item in workspace.items.list()}


@pytest.fixture
def lake(workspace):
    return workspace


def kept(workspace):
    [group] = workspace.curation.exact_duplicates().groups
    return group.items[0].name, group.reason


def metadata(workspace, item):
    return workspace.items.get(item.uuid).metadata


def test_copy_that_people_worked_on_is_kept(workspace, copies):
    assert kept(workspace) == ("a.png", "oldest")
    workspace.metadata.merge({copies["b.png"].uuid: {"label": "cat"}})
    assert kept(workspace) == ("b.png", "most work")
    workspace.collections.create("Reviewed", items=[copies["c.png"]])
    workspace.datasets.create("Train", items=[copies["c.png"]])
    assert kept(workspace) == ("c.png", "most work")
    [group] = workspace.curation.exact_duplicates().groups
    assert [(c.metadata, c.collections, c.datasets) for c in group.items] == [(0, 1, 1), (0, 0, 0), (1, 0, 0)]


def test_collection_of_redundant_items_is_no_work(workspace, copies, run):
    run("duplicates", "--collect-redundant", "Gone")
    assert {item.name for item in workspace.collections.items("Gone")} == {"b.png", "c.png"}
    assert workspace.collections.get("Gone").description == FOUND["redundant"]
    assert kept(workspace) == ("a.png", "oldest")


def test_metadata_of_frames_is_work(workspace, copies):
    workspace.frames.add(copies["b.png"], [(0, None, False)])
    workspace.frames.set_metadata(copies["b.png"], 0, {"label": "cat"})
    assert kept(workspace) == ("b.png", "most work")


def worked_on(workspace, copies):
    """`a.png` is kept, the others hold keys, collections and datasets that it lacks, and two keys that differ."""
    a, b, c = copies.values()
    workspace.metadata.replace(
        {
            a.uuid: {"label": "cat", "w": 1, "x": 1, "y": 1, "z": 1, "v": 1},
            b.uuid: {"label": "dog", "by": "ann", "score": 1, "big": 2**60},
            c.uuid: {"by": "ann", "score": True, "w": 1},
        }
    )
    workspace.collections.create("Both", items=[a, b])
    workspace.collections.create("Reviewed", items=[b, c])
    workspace.datasets.create("Train", items=[c, b])
    workspace.datasets.create("Folder", backing_folder="Q")
    assert kept(workspace)[0] == "a.png"


def test_carry_over_fills_gaps_and_overwrites_nothing(workspace, copies):
    worked_on(workspace, copies)
    before = {name: metadata(workspace, item) for name, item in copies.items()}
    found = workspace.curation.exact_duplicates()
    plan = workspace.curation.carry_over(found, dry_run=True)
    assert (plan.items, plan.values, plan.collections, plan.datasets, plan.written) == (1, 2, 1, 1, False)
    assert {name: metadata(workspace, item) for name, item in copies.items()} == before
    assert workspace.collections.get("Reviewed").item_count == 2
    done = workspace.curation.carry_over(found)
    assert (done.items, done.values, done.collections, done.datasets, done.written) == (1, 2, 1, 1, True)
    assert metadata(workspace, copies["a.png"]) == {**before["a.png"], "by": "ann", "big": 2**60}
    assert {name: metadata(workspace, copies[name]) for name in ("b.png", "c.png")} == {
        name: before[name] for name in ("b.png", "c.png")
    }
    assert {item.name for item in workspace.collections.items("Reviewed")} == {"a.png", "b.png", "c.png"}
    assert [row.item.name for row in workspace.datasets.rows("Train")] == ["c.png", "b.png", "a.png"]
    assert [(c.key, c.name, c.value, c.other_name, c.other_value) for c in done.conflicts] == [
        ("label", "a.png", "cat", "b.png", "dog"),
        ("score", "b.png", 1, "c.png", True),
    ]
    again = workspace.curation.carry_over(workspace.curation.exact_duplicates())
    assert (again.items, again.values, again.collections, again.datasets) == (0, 0, 0, 0)
    assert len(again.conflicts) == 2
    assert {item.name for item in workspace.search(where="by = 'ann'")} == {"a.png", "b.png", "c.png"}


def test_dataset_that_follows_a_folder_is_named_and_not_changed(workspace, copies):
    workspace.metadata.merge({copies["a.png"].uuid: {"one": 1, "two": 2}})
    workspace.folders.create("Q")
    workspace.items.move([copies["b.png"]], "Q")
    workspace.datasets.create("Mirror", backing_folder="Q")
    done = workspace.curation.carry_over(workspace.curation.exact_duplicates())
    assert done.notes == ("dataset 'Mirror' follows a folder, so no row was added to it",)
    assert (done.datasets, workspace.datasets.get("Mirror").row_count) == (0, 1)


def test_carry_over_is_one_transaction(workspace, copies, monkeypatch):
    worked_on(workspace, copies)
    before = metadata(workspace, copies["a.png"])
    found = workspace.curation.exact_duplicates()
    workspace._database.execute(
        "CREATE TEMP TRIGGER stop BEFORE INSERT ON dataset_rows BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(HeronError):
        workspace.curation.carry_over(found)
    assert metadata(workspace, copies["a.png"]) == before
    assert workspace.collections.get("Reviewed").item_count == 2


def test_command_says_what_is_lacking_and_copies_it_on_request(workspace, copies, run):
    worked_on(workspace, copies)
    said = run("duplicates")
    assert (
        "redundant items have 2 metadata values, 1 collection membership, 1 dataset row that the kept ones lack"
        in said
    )
    said = run("duplicates", "--carry-over", "--dry-run")
    assert "A dry run, nothing was changed. Would copy 2 metadata values, 1 collection" in said
    assert 'Conflict, not copied: label is "cat" of a.png, "dog" of b.png' in said
    assert "by" not in metadata(workspace, copies["a.png"])
    plain = json.loads(run("duplicates", "--carry-over", "--json"))
    assert plain["carried_over"]["values"] == 2 and plain["carried_over"]["written"] is True
    assert metadata(workspace, copies["a.png"])["by"] == "ann"
    assert "that the kept ones lack" not in run("duplicates")
    assert "--dry-run goes with --carry-over" in run("duplicates", "--dry-run", code=2)
