"""SQLite gives the inner id of the newest row that was deleted to the next one: what was made of the old one is not stored with that."""

import pytest

from heron.catalog.derived import Values
from heron.catalog.findings import Findings
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
    Findings(workspace._database, workspace.access).keep_hashes([(old, "0" * 64)])
    now = workspace.items.get(new)
    assert (now.facts.extra, now.metadata, now.content_hash) == ({}, {}, None)
    [there] = workspace.frames.list(new)
    assert (there.metadata, there.metrics) == ({}, {})
    assert workspace.thumbnails.find(new) is workspace.frames.thumbnail(there) is None
