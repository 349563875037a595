"""What takes long is done before the catalogue is locked: another process may write meanwhile."""

import json
import sqlite3
from contextlib import closing

import pytest

import heron
from heron.catalog import datasets
from heron.errors import AlreadyExists, NotFound
from heron.ingest.manifest.reading import Manifest
from tests.toy_vectors import register


def write_elsewhere(workspace):
    """Write to the catalogue as another process does that waits for nobody."""
    with closing(sqlite3.connect(workspace._database.path, timeout=0)) as other:
        other.execute("UPDATE folders SET description = description")
        other.commit()


def while_others_write(workspace, values):
    """The values; while each is read, somebody else writes, which fails where the catalogue is locked."""
    for value in values:
        write_elsewhere(workspace)
        yield value


@pytest.fixture
def items(workspace):
    return register(workspace, 5)


def test_items_of_a_dataset_and_a_collection_are_read_before_the_lock(workspace, items):
    ws = workspace
    ws.datasets.create("D", items=while_others_write(ws, items[:2]))
    ws.datasets.add("D", while_others_write(ws, items[1:4]))
    ws.collections.create("C", items=while_others_write(ws, items[:2]))
    ws.collections.add("C", while_others_write(ws, items[1:4]))
    assert [row.item.uuid for row in ws.datasets.rows("D")] == [item.uuid for item in items[:4]]
    assert len(list(ws.collections.items("C"))) == 4
    assert ws.datasets.remove("D", while_others_write(ws, items[1:3])) == 2
    assert ws.collections.remove("C", while_others_write(ws, items[2:5])) == 2
    assert [row.item.uuid for row in ws.datasets.rows("D")] == [items[0].uuid, items[3].uuid]
    assert [item.uuid for item in ws.collections.items("C")] == [items[0].uuid, items[1].uuid]


def test_a_dataset_of_a_folder_has_its_items_in_their_order_and_tells_how_far_it_is(
    workspace, items, monkeypatch
):
    told = []
    monkeypatch.setattr(datasets, "BUNDLE", 2)
    monkeypatch.setattr(type(workspace._database._holder), "tell", lambda self, work: told.append(work))
    register(workspace, 2, folder="A/deep", start=10)
    register(workspace, 2, folder="B", start=20)
    workspace.datasets.create("D", backing_folder="A")
    assert [row.item.id for row in workspace.datasets.rows("D")] == [1, 2, 3, 4, 5, 6, 7]
    assert told == [f"dataset D, {share}% of the items" for share in (0, 22, 44, 67, 89)]


def test_a_strict_manifest_is_read_before_the_lock(workspace, tmp_path, monkeypatch):
    entry = {
        "type": "image",
        "imageMetadata": {"mimeType": "image/jpeg", "width": 1, "height": 1, "fileSize": 1},
    }
    lines = (json.dumps({**entry, "objectUrl": f"https://example.org/{n}.jpg"}) for n in range(300))
    (tmp_path / "m.jsonl").write_text("\n".join(lines))
    workspace.folders.create("Other")
    units = Manifest.units
    monkeypatch.setattr(Manifest, "units", lambda self: while_others_write(workspace, units(self)))
    report = workspace.ingest.manifest(tmp_path / "m.jsonl", folder="M")
    assert report.job.added == 300


def test_an_item_that_is_deleted_meanwhile_is_no_silent_gap(workspace):
    items = register(workspace, 1001)

    def given():
        yield from items[:1000]  # are found in one step
        workspace.items.delete(items[0])
        yield items[1000]

    with pytest.raises(NotFound, match="1 of the items"):
        workspace.datasets.create("D", items=given())
    assert workspace.datasets.list() == []


def test_what_is_given_twice_is_a_row_once_in_its_first_place_unless_asked_for(workspace, items):
    a, b, c = items[:3]
    workspace.datasets.create("D", items=[b, a, b])
    assert workspace.datasets.add("D", [c, a, c]) == heron.Added(1, 2)
    assert [row.item.uuid for row in workspace.datasets.rows("D")] == [b.uuid, a.uuid, c.uuid]
    with pytest.raises(AlreadyExists, match="1 of the items"):
        workspace.datasets.add("D", [items[3], a], duplicates="fail")
    workspace.datasets.add("D", [a, a], duplicates="add")
    assert [row.item.uuid for row in workspace.datasets.rows("D")] == [b.uuid, a.uuid, c.uuid, a.uuid, a.uuid]


def test_ctrl_c_as_a_transaction_begins_leaves_nothing_locked(workspace, monkeypatch):
    database = workspace._database
    begin = database.waiting.begin

    def pressed(connection, left):
        begin(connection, left)
        raise KeyboardInterrupt

    monkeypatch.setattr(database.waiting, "begin", pressed)
    with pytest.raises(KeyboardInterrupt), database.write():
        pass
    monkeypatch.setattr(database.waiting, "begin", begin)
    write_elsewhere(workspace)
    workspace.folders.create("A")
