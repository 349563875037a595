"""SQLite gives the inner id of the newest row that was deleted to the next one: what was made of the old one is not stored with that."""

from importlib import import_module

import pytest

from heron.catalog import listed
from heron.catalog.columns import kept
from heron.catalog.derived import Values
from heron.catalog.findings import Findings
from heron.convert import dumps, unstructure
from heron.errors import NotFound
from heron.ingest.landing import Landing
from tests.toy_vectors import register


@pytest.fixture
def replaced(workspace):
    """An item with a frame that was deleted, and the item that has their ids now."""

    [old] = register(workspace, 1, kind="video", frames=1)
    [frame_of_old] = workspace.frames.list(old)
    workspace.items.delete(old)
    [new] = register(workspace, 1, kind="video", frames=1, start=1)
    [frame_of_new] = workspace.frames.list(new)
    assert (old.id, frame_of_old.id) == (new.id, frame_of_new.id) and old.uuid != new.uuid
    return old, frame_of_old, new


def test_what_was_made_of_a_deleted_item_is_not_stored_with_the_next_one(workspace, replaced):
    old, frame, new = replaced
    assert workspace.thumbnails._keep([(old, b"jpeg", {"sharpness": 1.0})]) == 0
    assert workspace.frames._keep_pictures([(frame, b"jpeg", {"sharpness": 1.0})]) == 0
    for of, id in (("items", old.id), ("frames", frame.id)):
        made = Values(id, old.uuid, "print", {"light": "day"})
        assert workspace.derive._store._keep("light", ["light"], [made], of) == 0
    findings = Findings(workspace._database, workspace.access)
    findings.keep_hashes([(old, "0" * 64)])
    findings.keep_uniqueness([(old.id, old.uuid, 0.5)])
    now = workspace.items.get(new)
    assert (now.facts.extra, now.metadata, now.content_hash) == ({}, {}, None)
    [there] = workspace.frames.list(new)
    assert (there.metadata, there.metrics) == ({}, {})
    assert workspace.thumbnails.find(new) is workspace.frames.thumbnail(there) is None


def test_what_was_derived_of_a_frame_is_not_stored_with_another_one_of_its_item(workspace):
    [item] = register(workspace, 1, kind="video", frames=1)
    [frame] = workspace.frames.list(item)
    made = [
        Values(frame.id, item.uuid, "print", {"light": "day"}, number)
        for number in (frame.number + 1, frame.number)
    ]
    assert [workspace.derive._store._keep("light", ["light"], [each], "frames") for each in made] == [0, 1]
    assert workspace.frames.list(item)[0].metadata == {"light": "day"}


def test_a_sync_does_not_write_the_facts_of_a_changed_file_into_another_item(
    workspace, tmp_path, monkeypatch
):
    """The item of the file is deleted while the file is read."""
    file = tmp_path / "in" / "a.txt"
    file.parent.mkdir()
    file.write_text("first")
    workspace.synced.bind("S", file.parent.as_uri())
    workspace.ingest.sync("S")
    file.write_text("changed, and longer")
    [old] = workspace.items.list()
    decide = Landing.decide

    def deleted_meanwhile(self, units, folder):
        decided = decide(self, units, folder)
        assert [action for action, _ in decided] == ["refresh"]
        workspace.items.delete(old)
        assert [item.id for item in register(workspace, 1)] == [old.id]
        return decided

    monkeypatch.setattr(Landing, "decide", deleted_meanwhile)
    report = workspace.ingest.sync("S")
    monkeypatch.undo()
    [other, *_] = workspace.items.list()
    assert (other.name, other.kind, other.size) == ("0.image", "image", None)
    assert report.job.added == 1
    assert [(item.name, item.size) for item in workspace.items.list()][1:] == [("a.txt", 19)]


@pytest.mark.parametrize("kind", ["datasets", "collections"])
def test_an_item_that_was_deleted_before_the_lock_does_not_stand_for_the_next_one(
    workspace, kind, monkeypatch
):
    first, old = register(workspace, 2)
    service = getattr(workspace, kind)
    service.create("C", items=[first, old])
    doing = type(workspace._database).doing

    def deleted_meanwhile(database, *of):
        monkeypatch.undo()
        workspace.items.delete(old)
        [new] = register(workspace, 1, start=5)
        assert new.id == old.id
        service.add("C", [new])
        return doing(database, *of)

    monkeypatch.setattr(type(workspace._database), "doing", deleted_meanwhile)
    assert service.remove("C", [first, old]) == 1
    [_, old] = workspace.items.list()
    monkeypatch.setattr(type(workspace._database), "doing", deleted_meanwhile)
    with pytest.raises(NotFound, match="1 of the items were deleted"):
        service.add("C", [old])


COMPUTED = {
    "heron.curation.duplicates.close_pairs": lambda lake: lake.curation.near_duplicates("look"),
    "heron.curation.leaks.close_pairs": lambda lake: lake.curation.leakage("all", "last", "look"),
    "heron.curation.service.nearest_cosines": lambda lake: lake.curation.uniqueness("look"),
    "heron.curation.service.spread": lambda lake: lake.curation.diverse("look", 3),
    "heron.curation.service.sampled": lambda lake: lake.curation.sample("random", 3, key="look"),
}
"""What curation computes, by a step after its vectors are read."""


@pytest.mark.parametrize("step", COMPUTED)
def test_curation_names_no_item_that_came_while_it_computed(workspace, monkeypatch, step):
    workspace.schema.add_embedding("look", 2)
    items = register(workspace, 3)
    workspace.vectors.add("look", items, [[1, 0]] * 3)
    workspace.datasets.create("all", items=items)
    workspace.datasets.create("last", items=items[2:])
    module, _, name = step.rpartition(".")
    compute, new = getattr(import_module(module), name), []

    def meanwhile(*given, **more):
        workspace.items.delete(items[2])
        new.extend(register(workspace, 1, start=5))
        return compute(*given, **more)

    monkeypatch.setattr(step, meanwhile)
    told = dumps(unstructure(COMPUTED[step](workspace)))
    assert new[0].id == items[2].id
    assert new[0].uuid not in told
    assert ("leaks" in step) != (items[0].uuid in told)  # the only item that leaked is gone


@pytest.mark.parametrize("similar", [False, True])
def test_a_stream_of_items_leaves_out_what_was_deleted_though_another_one_has_its_id(
    workspace, monkeypatch, similar
):
    monkeypatch.setattr(listed, "BUNDLE", 2)
    monkeypatch.setattr(kept, "MANY", 1)
    items = register(workspace, 7)
    workspace.schema.add_embedding("look", 2)
    workspace.vectors.add("look", items, [[1, place / 10] for place in range(7)])
    parts = {"like": [1, 0], "key": "look", "limit": 6} if similar else {"where": "kind = 'image'"}
    stream = workspace.search.all(**parts)
    found = [next(stream), next(stream)]
    workspace.items.delete([items[3], items[5], items[6]])
    new = register(workspace, 3, kind="video", start=10)
    assert {item.id for item in new} == {items[5].id, items[6].id, items[6].id + 1}
    found += stream
    assert [item.uuid for item in found] == [items[place].uuid for place in (0, 1, 2, 4)]
