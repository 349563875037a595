"""Datasets: rows in their order, what happens to duplicates, folders that back them, and export."""

from __future__ import annotations

import pytest

import heron
from heron.answers import Added
from heron.errors import AlreadyExists, InvalidInput, MetadataError, NotFound
from heron.models import MediaFacts, NewItem

UNKNOWN = "01a1fc7f-6634-7b8f-8ffa-50166ba72775"


def register(workspace, count=3, folder="A", **fields):
    facts = MediaFacts("image", "image/jpeg")
    new = [NewItem(f"s3://lake/{folder}/{n}.jpg", facts, **fields) for n in range(count)]
    workspace.registration.register(new, folder)
    return list(workspace.items.list(folder=folder))[-count:]


def rows(workspace, ref):
    return [(row.position, row.item.url.removeprefix("s3://lake/")) for row in workspace.datasets.rows(ref)]


# Rows


def test_rows_stand_in_the_order_given_and_count_from_zero(workspace):
    items = register(workspace)
    made = workspace.datasets.create("train", items=[items[2], items[0].uuid], description="first half")
    workspace.datasets.add(made, [items[1]])
    assert (
        rows(workspace, "train")
        == rows(workspace, made.uuid)
        == [(0, "A/2.jpg"), (1, "A/0.jpg"), (2, "A/1.jpg")]
    )
    dataset = workspace.datasets.get("train")
    assert (dataset.row_count, dataset.description, dataset.backing_folder_id) == (3, "first half", None)


def test_positions_close_up_after_a_removal(workspace):
    items = register(workspace)
    workspace.datasets.create("train", items=items)
    assert workspace.datasets.remove("train", [items[1]]) == 1
    assert rows(workspace, "train") == [(0, "A/0.jpg"), (1, "A/2.jpg")]


def test_rows_carry_metadata_and_tags(workspace):
    items = register(workspace, 1, metadata={"city": "Oran"})
    workspace.collections.create("Night", items=items)
    workspace.datasets.create("train", items=items)
    (row,) = workspace.datasets.rows("train")
    assert (row.item.metadata, row.item.tags) == ({"city": "Oran"}, ("Night",))


def test_a_dataset_of_more_rows_than_a_bundle_is_listed_whole(workspace):
    items = register(workspace, 2100)
    workspace.datasets.create("train", items=reversed(items))
    assert rows(workspace, "train") == [(n, f"A/{2099 - n}.jpg") for n in range(2100)]


def test_a_dataset_comes_from_a_collection_and_from_items(workspace):
    items = register(workspace)
    workspace.collections.create("Night", items=items[1:])
    workspace.datasets.create("night", collection="Night")
    workspace.datasets.create("both", collection="Night", items=items[:2])
    assert rows(workspace, "night") == [(0, "A/1.jpg"), (1, "A/2.jpg")]
    assert rows(workspace, "both") == [(0, "A/1.jpg"), (1, "A/2.jpg"), (2, "A/0.jpg")]


def test_a_dataset_does_not_follow_its_collection(workspace):
    items = register(workspace)
    workspace.collections.create("Night", items=items[:1])
    workspace.datasets.create("night", collection="Night")
    workspace.collections.add("Night", items)
    workspace.collections.delete("Night")
    assert rows(workspace, "night") == [(0, "A/0.jpg")]


def test_an_item_can_be_in_many_datasets(workspace):
    items = register(workspace)
    for title in ("train", "test", "all"):
        workspace.datasets.create(title, items=items)
    workspace.datasets.delete("train")
    assert rows(workspace, "test") == rows(workspace, "all") == [(n, f"A/{n}.jpg") for n in range(3)]
    assert workspace.items.count() == 3


# Duplicates


def test_a_duplicate_is_skipped_unless_told_otherwise(workspace):
    items = register(workspace)
    workspace.datasets.create("train", items=[items[0], items[0]])
    assert workspace.datasets.add("train", [items[0], items[1], items[1]]) == Added(1, 2)
    assert rows(workspace, "train") == [(0, "A/0.jpg"), (1, "A/1.jpg")]


def test_a_duplicate_can_be_added_again(workspace):
    items = register(workspace)
    workspace.datasets.create("train", items=items[:2])
    assert workspace.datasets.add("train", [items[0], items[0]], duplicates="add") == Added(2, 0)
    assert rows(workspace, "train") == [(0, "A/0.jpg"), (1, "A/1.jpg"), (2, "A/0.jpg"), (3, "A/0.jpg")]
    assert workspace.datasets.remove("train", [items[0]]) == 3


def test_a_duplicate_can_be_refused_with_all_that_came_along(workspace):
    items = register(workspace, 1500)
    workspace.datasets.create("train", items=items[:1])
    with pytest.raises(AlreadyExists, match="1 of the items are in dataset 'train' already"):
        workspace.datasets.add("train", [*items[1:], items[0]], duplicates="fail")
    assert workspace.datasets.get("train").row_count == 1
    assert workspace.datasets.add("train", items[1:], duplicates="fail") == Added(1499, 0)


def test_an_unknown_item_adds_nothing(workspace):
    items = register(workspace)
    with pytest.raises(NotFound, match=UNKNOWN):
        workspace.datasets.create("train", items=[*items, UNKNOWN])
    assert workspace.datasets.list() == []
    workspace.datasets.create("train")
    with pytest.raises(NotFound, match=UNKNOWN):
        workspace.datasets.add("train", [*items, UNKNOWN])
    assert rows(workspace, "train") == []


# Titles


@pytest.mark.parametrize("title", ["", " ", "x" * 301, "a\nb", "\ud800"])
def test_an_illegal_title_is_refused(workspace, title):
    workspace.datasets.create("train")
    with pytest.raises(InvalidInput, match="dataset title"):
        workspace.datasets.create(title)
    with pytest.raises(InvalidInput, match="dataset title"):
        workspace.datasets.update("train", title=title)


def test_a_taken_title_is_refused_and_leaves_no_folder_behind(workspace):
    workspace.datasets.create("train")
    workspace.datasets.create("test")
    with pytest.raises(AlreadyExists, match="'train'"):
        workspace.datasets.create("train", backing_folder="New")
    with pytest.raises(AlreadyExists, match="'train'"):
        workspace.datasets.update("test", title="train")
    assert workspace.folders.list() == []


def test_title_and_description_can_be_changed(workspace):
    workspace.datasets.create("train", description="x")
    assert workspace.datasets.update("train", title="learn").description == "x"
    assert workspace.datasets.update("learn", description="y").title == "learn"
    assert [dataset.title for dataset in workspace.datasets.list()] == ["learn"]
    with pytest.raises(NotFound, match="did you mean 'learn'"):
        workspace.datasets.get("learm")


# Backing folder


def test_a_backed_dataset_begins_with_the_items_of_its_folder_and_those_below(workspace):
    register(workspace, 2, "A")
    register(workspace, 1, "A/B")
    register(workspace, 1, "AB")
    dataset = workspace.datasets.create("train", backing_folder="A")
    assert dataset.backing_folder_id == workspace.folders.get("A").id
    assert rows(workspace, dataset) == [(0, "A/0.jpg"), (1, "A/1.jpg"), (2, "A/B/0.jpg")]


def test_a_backed_dataset_follows_its_whole_tree(workspace):
    workspace.datasets.create("all", backing_folder="A")
    workspace.datasets.create("cats", backing_folder="A/cats")
    cats, dogs = register(workspace, 2, "A/cats/new"), register(workspace, 1, "A/dogs")
    birds = register(workspace, 1, "B/birds")

    def titles(dataset):
        return [name.rpartition("/")[0] for _, name in rows(workspace, dataset)]

    assert titles("all") == ["A/cats/new", "A/cats/new", "A/dogs"]
    assert titles("cats") == ["A/cats/new", "A/cats/new"]
    workspace.items.move([cats[0]], "A/dogs")
    assert titles("all") == ["A/cats/new", "A/cats/new", "A/dogs"], "within the tree, places stay"
    assert titles("cats") == ["A/cats/new"]
    workspace.folders.move("B/birds", "A/cats")
    assert titles("all")[3:] == titles("cats")[1:] == ["B/birds"]
    workspace.folders.rename("A", "Z")
    assert titles("all") == ["A/cats/new", "A/cats/new", "A/dogs", "B/birds"]
    workspace.folders.move("Z/cats", None)
    assert titles("all") == ["A/cats/new", "A/dogs"], "the first of them is among the dogs"
    assert titles("cats") == ["A/cats/new", "B/birds"]
    workspace.folders.delete("Z/dogs")
    assert titles("all") == []
    assert {dogs[0].uuid, birds[0].uuid} - {item.uuid for item in workspace.items.list()} == {dogs[0].uuid}


def test_a_backed_dataset_follows_what_is_registered(workspace):
    workspace.datasets.create("train", backing_folder="New/Folder")
    register(workspace, 2, "New/Folder")
    register(workspace, 2, "New")
    workspace.registration.register(
        [NewItem("s3://lake/x.jpg", MediaFacts("image", "x"))], "New/Folder", batch=1
    )
    assert rows(workspace, "train") == [(0, "New/Folder/0.jpg"), (1, "New/Folder/1.jpg"), (2, "x.jpg")]


def test_a_registration_that_fails_leaves_no_row(workspace):
    workspace.datasets.create("train", backing_folder="A")
    facts = MediaFacts("image", "image/jpeg")
    with pytest.raises(InvalidInput):
        workspace.registration.register([NewItem("s3://lake/1", facts), NewItem("a b", facts)], "A")
    assert rows(workspace, "train") == []


def test_a_backed_dataset_follows_moves_both_ways(workspace):
    mine = register(workspace, 2, "A")
    others = register(workspace, 2, "B")
    workspace.datasets.create("a", backing_folder="A")
    workspace.datasets.create("b", backing_folder="B")
    workspace.datasets.create("free", items=mine)
    workspace.items.move([mine[0]], "B")
    assert rows(workspace, "a") == [(0, "A/1.jpg")]
    assert rows(workspace, "b") == [(0, "B/0.jpg"), (1, "B/1.jpg"), (2, "A/0.jpg")]
    workspace.items.move([mine[0], others[0]], "A")
    assert rows(workspace, "a") == [(0, "A/1.jpg"), (1, "A/0.jpg"), (2, "B/0.jpg")]
    assert rows(workspace, "b") == [(0, "B/1.jpg")]
    assert rows(workspace, "free") == [(0, "A/0.jpg"), (1, "A/1.jpg")]


def test_moving_an_item_into_the_folder_where_it_is_keeps_its_place(workspace):
    items = register(workspace, 2, "A")
    workspace.datasets.create("a", backing_folder="A")
    workspace.items.move([items[0]], "A")
    assert rows(workspace, "a") == [(0, "A/0.jpg"), (1, "A/1.jpg")]


def test_a_backed_dataset_follows_deletion_and_renaming(workspace):
    items = register(workspace, 3, "A")
    workspace.datasets.create("a", backing_folder="A")
    workspace.items.delete(items[:1])
    workspace.folders.rename("A", "Z")
    register(workspace, 1, "Z")
    assert rows(workspace, "a") == [(0, "A/1.jpg"), (1, "A/2.jpg"), (2, "Z/0.jpg")]
    workspace.folders.delete("Z")
    dataset = workspace.datasets.get("a")
    assert (dataset.row_count, dataset.backing_folder_id) == (0, None)


def test_a_backed_dataset_is_changed_through_its_folder_only(workspace):
    items = register(workspace, 2, "A")
    others = register(workspace, 1, "B")
    workspace.datasets.create("a", backing_folder="A")
    with pytest.raises(InvalidInput, match="dataset 'a' follows a folder"):
        workspace.datasets.add("a", others)
    with pytest.raises(InvalidInput, match="dataset 'a' follows a folder"):
        workspace.datasets.remove("a", items)
    assert rows(workspace, "a") == [(0, "A/0.jpg"), (1, "A/1.jpg")]


def test_a_folder_backs_one_dataset_and_a_backed_one_takes_no_items(workspace):
    items = register(workspace, 1, "A")
    workspace.datasets.create("a", backing_folder="A")
    with pytest.raises(AlreadyExists, match="folder 'A' backs another dataset"):
        workspace.datasets.create("b", backing_folder="A")
    with pytest.raises(InvalidInput, match="takes its rows from there"):
        workspace.datasets.create("c", backing_folder="B", items=items)
    assert [dataset.title for dataset in workspace.datasets.list()] == ["a"]


# Metadata


def test_metadata_is_written_by_position(workspace):
    items = register(workspace, 3, metadata={"city": "Oran"})
    workspace.datasets.create("train", items=[items[2], items[0]])
    workspace.datasets.set_metadata("train", 0, {"dark": True}, merge=True)
    workspace.datasets.set_metadata("train", 1, {"dark": False})
    assert [row.item.metadata for row in workspace.datasets.rows("train")] == [
        {"city": "Oran", "dark": True},
        {"dark": False},
    ]
    assert [item.metadata for item in workspace.items.list()] == [
        {"dark": False},
        {"city": "Oran"},
        {"city": "Oran", "dark": True},
    ]


@pytest.mark.parametrize("position", [-1, 2, 10**6])
def test_a_position_that_is_not_there_is_refused(workspace, position):
    workspace.datasets.create("train", items=register(workspace, 2))
    with pytest.raises(NotFound, match=f"dataset 'train' has no row {position}, it has 2 rows"):
        workspace.datasets.set_metadata("train", position, {"dark": True})
    assert [item.metadata for item in workspace.items.list()] == [{}, {}]


def test_metadata_through_a_dataset_is_checked_by_the_schema(workspace):
    workspace.schema.add_scalar("speed", "number")
    workspace.datasets.create("train", items=register(workspace, 1))
    with pytest.raises(MetadataError, match=r"0\.jpg.*'speed'.*expected a number"):
        workspace.datasets.set_metadata("train", 0, {"speed": "fast"})


# Events


class Listener:
    """A plugin that notes the datasets that were created."""

    def __init__(self):
        self.seen = []

    @heron.hookimpl
    def dataset_created(self, dataset):
        self.seen.append((dataset.title, dataset.row_count))


class Broken:
    """A plugin whose event always fails."""

    @heron.hookimpl
    def dataset_created(self, dataset):
        raise RuntimeError("out of order")


def test_a_plugin_is_told_of_a_new_dataset_with_its_rows(tmp_path):
    listener = Listener()
    with heron.open(tmp_path, plugins=[listener], discover=False) as workspace:
        workspace.datasets.create("train", items=register(workspace, 2))
        with pytest.raises(AlreadyExists):
            workspace.datasets.create("train")
    assert listener.seen == [("train", 2)]


def test_a_plugin_that_fails_breaks_neither_the_dataset_nor_the_other_plugins(tmp_path):
    listeners = [Listener(), Listener()]
    plugins = [listeners[0], Broken(), listeners[1]]
    with heron.open(tmp_path, plugins=plugins, discover=False) as workspace:
        items = register(workspace, 1)
        with pytest.warns(
            heron.PluginWarning, match="plugin Broken.* dataset_created failed: RuntimeError: out of order"
        ):
            made = workspace.datasets.create("train", items=items)
        assert workspace.datasets.list() == [made]
    assert [listener.seen for listener in listeners] == [[("train", 1)]] * 2
