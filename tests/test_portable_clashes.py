"""Merging an export into a workspace that has something already: nothing is overwritten without a word."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import heron
from tests.portable_lakes import bits, fill, seen


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake, and its export."""
    with heron.open(tmp_path_factory.mktemp("clashes") / "lake", discover=False) as opened:
        fill(opened)
        opened.portable.export(opened.root.parent / "ex")
        yield opened


@pytest.fixture
def export(lake):
    return lake.root.parent / "ex"


@pytest.fixture(scope="module")
def restored(lake, tmp_path_factory):
    """The folder of a workspace that was restored from the export."""
    place = tmp_path_factory.mktemp("restored") / "here"
    with heron.open(place, discover=False) as opened:
        opened.portable.merge(lake.root.parent / "ex")
    return place


@pytest.fixture
def here(restored, tmp_path):
    """A workspace that was restored from the export."""
    shutil.copytree(restored, tmp_path / "here")
    with heron.open(tmp_path / "here", discover=False) as opened:
        yield opened


@pytest.fixture
def empty(tmp_path):
    with heron.open(tmp_path / "empty", discover=False) as opened:
        yield opened


def change(ws, what):
    """Change one thing of a workspace; returns the kind and the reason of the clash that this makes."""
    if what == "item metadata":
        ws.metadata.merge({ws.items.get("film.mp4"): {"city": "Paris"}})
        return "items", "other metadata"
    if what == "item name":
        ws.items.rename("film.mp4", "movie.mp4")
        return "items", "other name"
    if what == "item folder":
        ws.items.move("film.mp4", "Pictures")
        return "items", "other folder"
    if what == "frames":
        ws.frames.set_metadata("film.mp4", 5, {"weather": "sun"})
        return "items", "other frames"
    if what == "folder":
        ws.folders.set_metadata("Empty", {"city": "Rome"})
        return "folders", "other metadata"
    if what == "option":
        ws.schema.set_from_dict(
            ws.schema.to_dict() | {"weather": {"type": "enum", "options": ["sun", "snow"]}}
        )
        return "keys", "has no option 'rain' here"
    if what == "type":
        ws.schema.set_from_dict(ws.schema.to_dict() | {"story": "varchar"})
        return "keys", "of type varchar here, and of type text in the export"
    if what == "deleted key":
        ws.schema.delete_key("city")
        return "keys", "it is deleted here"
    if what == "vectors":
        ws.vectors.add("look", [ws.items.list()[0]], [[5, 5, 5]])
        return "vectors", "other numbers"
    if what == "collection":
        ws.collections.update("Best", description="not the best")
        return "collections", "other description"
    if what == "rows":
        ws.datasets.remove("rows", ["p 0.png"])
        return "datasets", "other rows"
    if what == "preset":
        ws.presets.create(
            "algiers", heron.Query(where="city = 'Oran'"), description="of Algiers", replace=True
        )
        return "presets", "other query"
    raise AssertionError(what)


CHANGES = [
    "item metadata", "item name", "item folder", "frames", "folder", "option", "type", "deleted key", "vectors", "collection",
    "rows", "preset",
]  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_clash_is_told_and_what_is_here_is_kept_or_what_comes_is_taken(lake, export, here, what):
    kind, reason = change(here, what)
    before = seen(here)
    plan = here.portable.merge(export, dry_run=True)
    assert plan.clashing == {kind: 1}
    assert (plan.clashes[0].kind, plan.clashes[0].reason, plan.clashes[0].choice) == (kind, reason, "refuse")
    with pytest.raises(
        heron.InvalidInput, match=rf"clashes with this workspace in 1 {kind[:-1]}, and nothing was changed"
    ):
        here.portable.merge(export)
    assert seen(here) == before
    done = here.portable.merge(export, clashes={kind: "keep"})
    assert done.clashes[0].choice == "keep"
    after = seen(here)
    assert (drop_counts(after)) == drop_counts(before)
    here.portable.merge(export, clashes="take")
    assert drop_counts(seen(here)) == drop_counts(at(lake, here))


def drop_counts(found):
    """What a workspace says of itself, without the times of changes and the order of rows of vectors."""
    found = dict(found)
    found["items"] = [
        {name: value for name, value in item.items() if name not in ("updated_at", "url", "path")}
        for item in found["items"]
    ]
    found["vectors"] = sorted(
        (key, item, frame, tuple(np.frombuffer(numbers, np.float32).reshape(len(items), -1)[row]))
        for key, _, items, frames, numbers in found["vectors"]
        for row, (item, frame) in enumerate(zip(items, [frame or -1 for frame in frames], strict=True))
    )
    found["schema"] = sorted(
        (key["name"], key["type"], key["state"], sorted(key["parameters"].get("options", [])))
        for key in found["schema"]
    )
    for name in ("unknown", "not_fitting", "thumbnails"):
        del found[name]
    return found


def at(lake, here):
    """What the lake says of itself; an enum here keeps the options that it had."""
    found = seen(lake)
    for key in found["schema"]:
        if key["name"] == "weather":
            options = here.schema.current().require("weather").parameters["options"]
            key["parameters"]["options"] = options
    return found


def test_the_same_file_in_the_same_folder_is_the_same_item(export, lake, empty):
    twin = heron.NewItem("s3://bucket/film.mp4", heron.MediaFacts("video", "video/mp4", 64, 48))
    empty.registration.register([twin], "Far/Away")
    uuid = empty.items.list()[0].uuid
    plan = empty.portable.merge(export, dry_run=True)
    assert plan.clashing == {"items": 1}
    assert plan.new["items"] == 4
    assert "metadata" in plan.clashes[0].reason
    empty.portable.merge(export, clashes={"items": "keep"})
    assert empty.items.get("film.mp4").uuid == uuid
    assert empty.items.get("film.mp4").metadata == {}
    assert empty.items.get("film.mp4").tags == ("Best",)


def test_titles_of_others_clash(export, empty):
    empty.collections.create("Best")
    empty.datasets.create("rows")
    plan = empty.portable.merge(export, dry_run=True)
    assert [clash.reason for clash in plan.clashes] == [
        "another collection here has this title", "another dataset here has this title",
    ]  # fmt: skip
    empty.portable.merge(export, clashes="keep")
    assert empty.collections.get("Best").item_count == 3
    assert empty.datasets.get("rows").row_count == 0


def test_vectors_of_another_revision_clash_as_a_whole(export, lake, here):
    here._database.execute("UPDATE vector_sets SET revision = 'r0'")
    before = bits(here, "look")
    plan = here.portable.merge(export, dry_run=True)
    assert plan.clashes[0].reason == "made by toy model (r0) here, and by toy model (r1) in the export"
    here.portable.merge(export, clashes={"vectors": "keep"})
    assert bits(here, "look") == before
    here.portable.merge(export, clashes={"vectors": "take"})
    assert here._database.value("SELECT revision FROM vector_sets") == "r1"
    assert bits(here, "look") == bits(lake, "look")


def test_a_name_that_is_used_up_stays_so(export, empty):
    empty.schema.add_scalar("city", "varchar")
    empty.schema.delete_key("city", hard=True)
    with pytest.raises(heron.InvalidInput, match="its name cannot be used again"):
        empty.portable.merge(export, clashes="take")
    empty.portable.merge(export, clashes="keep")
    assert "city" in empty.schema.unknown_keys()


def test_vectors_of_another_size_are_left_out_and_told(export, empty):
    empty.schema.add_embedding("look", 7)
    done = empty.portable.merge(export, clashes="keep")
    assert done.notes[0].startswith("the vectors of 'look' are left out")
    assert empty.vectors.status() == []


def test_a_choice_that_is_none(export, empty):
    with pytest.raises(heron.InvalidInput, match="not a kind of clash"):
        empty.portable.merge(export, clashes={"dragons": "keep"})
    with pytest.raises(heron.InvalidInput, match="not a choice for clashes"):
        empty.portable.merge(export, clashes="maybe")


def test_two_lakes_become_one(tmp_path, export, lake, empty):
    with heron.open(tmp_path / "second", discover=False) as second:
        fill(second)
        second.collections.update("Best", title="Second best")
        second.datasets.update("rows", title="second rows")
        second.datasets.delete("mirror")
        second.collections.delete("None yet")
        second.presets.delete("algiers")
        second.portable.export(tmp_path / "second.zip")
        one, two = lake.items.list(), second.items.list()
    empty.portable.merge(export)
    done = empty.portable.merge(tmp_path / "second.zip", clashes={"items": "keep"})
    assert done.same["items"] + done.clashing.get("items", 0) == 5  # the same files in the same folders
    assert {item.uuid for item in empty.items.list()} == {item.uuid for item in one}
    assert [item.name for item in empty.collections.items("Second best")] == [item.name for item in two[1:4]]


def test_a_member_merges_only_where_they_may(export, empty):
    empty.users.add("ada@example.org")
    empty.folders.create("Far")
    with heron.open(empty.root, user="ada@example.org", discover=False) as ada:
        with pytest.raises(heron.PermissionDenied, match=r"ada@example\.org may not"):
            ada.portable.merge(export)
        assert ada.items.count() == 0
    empty.portable.merge(export)
    with heron.open(empty.root, user="ada@example.org", discover=False) as ada:
        with pytest.raises(heron.PermissionDenied, match=r"may not read all of these"):
            ada.portable.merge(export, dry_run=True)
        assert ada.portable.export(empty.root.parent / "hers").items == 0
