"""Merges beside other writers, and of folders that were renamed here: what is found out before the transaction, and what within it."""

from __future__ import annotations

import pytest

import heron
from heron.catalog.portable.matching import Matching
from heron.catalog.portable.staging import Staging

FACTS = heron.MediaFacts("image", "image/png", 4, 4)


def new(name, **more):
    return heron.NewItem(f"s3://lake/{name}", FACTS, name=name, **more)


@pytest.fixture
def lake(workspace):
    """Two items in `F`."""
    workspace.registration.register([new("1", metadata={"k": 1}), new("2")], "F")
    return workspace


@pytest.fixture
def other(tmp_path):
    with heron.open(tmp_path / "other", discover=False) as opened:
        yield opened


def exported(lake, tmp_path):
    place = tmp_path / f"export-{len(list(tmp_path.iterdir()))}"
    lake.portable.export(place)
    return place


def test_what_is_new_and_clashing_is_found_out_while_others_may_write(lake, other, tmp_path, monkeypatch):
    found, was = [], Matching.find
    monkeypatch.setattr(Matching, "find", lambda self: found.append(self._database.is_writing) or was(self))
    export = exported(lake, tmp_path)
    assert other.portable.merge(export).new["items"] == 2
    assert other.portable.merge(export).same["items"] == 2
    assert found == [False, False]


def test_what_another_process_writes_before_the_transaction_is_seen(lake, other, tmp_path, monkeypatch):
    export = exported(lake, tmp_path)
    other.portable.merge(export)
    settled = Staging.settled

    def and_then(self, work):
        done = settled(self, work)
        with heron.open(other.root, discover=False) as beside:
            beside.items.delete("1")
            beside.items.rename("2", "two")
        return done

    monkeypatch.setattr(Staging, "settled", and_then)
    with pytest.raises(heron.InvalidInput, match="clashes with this workspace in 1 item"):
        other.portable.merge(export)
    assert [item.name for item in other.items.list()] == ["two"]
    monkeypatch.setattr(Staging, "settled", settled)
    done = other.portable.merge(export, clashes="keep")
    assert (done.new["items"], done.clashing) == (1, {"items": 1})
    assert sorted(item.name for item in other.items.list()) == ["1", "two"]


def test_true_is_not_one(lake, other, tmp_path):
    other.portable.merge(exported(lake, tmp_path))
    lake.metadata.merge({"1": {"k": True}})
    export = exported(lake, tmp_path)
    with pytest.raises(heron.InvalidInput, match="1: other metadata"):
        other.portable.merge(export)
    other.portable.merge(export, clashes="take")
    assert other.items.get("1").metadata == {"k": True}


def test_a_version_tells_of_true_in_the_place_of_one(lake):
    lake.datasets.create("d", items=["1", "2"])
    lake.versions.freeze("d")
    lake.metadata.merge({"1": {"k": True}})
    assert [change.metadata for change in lake.versions.diff("d@1", "d").changed] == [{"k": (1, True)}]


@pytest.mark.parametrize("choice", ["refuse", "keep", "take"])
def test_two_folders_of_an_export_that_come_to_one_place_are_one(workspace, other, tmp_path, choice):
    workspace.folders.create("Z")
    other.portable.merge(exported(workspace, tmp_path))  # the folder is called Z there
    workspace.folders.rename("Z", "A")
    workspace.folders.create("A/b", metadata={"k": "first"})
    workspace.folders.create("Z/b", metadata={"k": "first" if choice == "refuse" else "second"})
    workspace.registration.register([new("1")], "A/b/c")
    workspace.registration.register([new("2")], "Z/b")
    workspace.registration.register([new("3")], "Z/b/c")
    done = other.portable.merge(exported(workspace, tmp_path), clashes=choice)
    assert {item.name: item.folder_path for item in other.items.list()} == {
        "1": "Z/b/c",
        "2": "Z/b",
        "3": "Z/b/c",
    }
    assert [folder.path for folder in other.folders.list()] == ["Z", "Z/b", "Z/b/c"]
    assert done.new["folders"] == 2
    assert done.clashing == ({} if choice == "refuse" else {"folders": 1})
    assert other.folders.get("Z/b").metadata == {"k": "second" if choice == "take" else "first"}
