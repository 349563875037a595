"""What uses an item: collections, datasets and versions, projects, what was sent, groups; and deleting says so before."""

from __future__ import annotations

import json

import pytest

import heron
from heron.catalog.versions import blocks
from heron.models import MediaFacts, Member, NewItem

CARL = "carl@example.org"
IMAGE = MediaFacts("image", "image/jpeg", 64, 48)


@pytest.fixture
def used(workspace, tmp_path):
    """Items a, b and c in `P`, and d in `P/Deep`; a is used in every way, b by a dataset, twice, and c by nothing."""
    new = [NewItem(f"file:///lake/{name}.jpg", IMAGE) for name in "abc"]
    workspace.registration.register(new, "P")
    workspace.registration.register([NewItem("file:///lake/d.jpg", IMAGE)], "P/Deep")
    burst = MediaFacts("image_group", "image/jpeg")
    members = [Member("file:///lake/a.jpg"), Member("file:///lake/z.jpg")]
    workspace.registration.register(
        [NewItem("file:///lake/a.jpg#image_group-1", burst, "burst", members=members)], "Q"
    )
    workspace.collections.create("Best", items=["a.jpg", "d.jpg"])
    workspace.datasets.create("train", items=["a.jpg", "b.jpg"])
    workspace.datasets.add("train", ["b.jpg"], duplicates="add")
    workspace.versions.freeze("train")
    workspace.versions.freeze("train")
    workspace.projects.create("Survey", datasets="train")
    workspace.annotation.send("Survey", "Best", tmp_path / "tasks.jsonl", format="jsonl")
    return workspace


@pytest.fixture
def lake(used):
    return used


def shown(uses):
    return [(use.kind, use.name, use.items, use.rows) for use in uses]


OF_A = [
    ("collection", "Best", 1, 1), ("dataset", "train", 1, 1), ("version", "train@1", 1, 1), ("version", "train@2", 1, 1),
    ("project", "Survey", 1, 1), ("sent", "Survey as jsonl", 1, 1), ("group", "burst", 1, 1),
]  # fmt: skip


def test_each_kind_of_use_is_told_with_its_uuid(used):
    uses = used.items.uses("a.jpg")
    assert shown(uses) == OF_A
    assert uses[1].uuid == used.datasets.get("train").uuid
    assert uses[5].uuid == used.annotation.sent()[0].uuid
    assert used.items.uses("c.jpg") == []


def test_uses_of_many_items_count_items_and_rows(used):
    found = shown(used.items.uses(["a.jpg", "b.jpg", "c.jpg"]))
    assert ("dataset", "train", 2, 3) in found
    assert ("version", "train@1", 2, 3) in found
    assert ("collection", "Best", 1, 1) in found


def test_a_folder_tells_what_uses_the_items_in_it_and_below(used):
    assert ("collection", "Best", 2, 2) in shown(used.folders.uses("P"))
    assert shown(used.folders.uses("P/Deep")) == [("collection", "Best", 1, 1)]
    with pytest.raises(heron.NotFound):
        used.folders.uses("Nowhere")


def test_versions_keep_what_was_deleted_and_other_uses_lose_it(used):
    used.items.delete("b.jpg")
    assert [row.item.name for row in used.versions.rows("train@1")] == ["a.jpg", "b.jpg", "b.jpg"]
    assert [row.item.name for row in used.datasets.rows("train")] == ["a.jpg"]


def test_members_are_told_only_of_uses_that_they_see(used):
    used.users.add(CARL)
    used.roles.grant("user", user=CARL, folder="P")
    carl = used.open_as(CARL)
    assert shown(carl.items.uses("a.jpg")) == []
    used.roles.grant("user", user=CARL, dataset="train")
    assert [use.kind for use in carl.items.uses("a.jpg")] == ["dataset", "version", "version"]
    used.roles.grant("user", user=CARL, folder="Q")
    assert shown(carl.items.uses("a.jpg"))[-1] == ("group", "burst", 1, 1)
    used.roles.revoke(user=CARL, folder="P")
    used.roles.revoke(user=CARL, dataset="train")
    with pytest.raises(heron.NotFound):
        carl.items.uses(used.items.get("a.jpg").uuid)


def test_a_file_of_an_equal_url_in_another_store_is_not_the_member(used):
    with used._database.write():
        used._database.execute("INSERT INTO stores (scheme, name) VALUES ('file', 'elsewhere')")
        used._database.execute(
            "UPDATE items SET store_id = (SELECT max(id) FROM stores) WHERE name = 'burst'"
        )
    assert "group" not in [use.kind for use in used.items.uses("a.jpg")]


def test_the_number_of_statements_does_not_grow_with_items_and_versions(workspace, monkeypatch):
    monkeypatch.setattr(blocks, "_FEWEST", 4)
    monkeypatch.setattr(blocks, "_USUAL", 4)
    new = [NewItem(f"file:///lake/{number}.jpg", IMAGE) for number in range(200)]
    workspace.registration.register(new, "P")
    items = workspace.items.list()
    workspace.datasets.create("some", items=items[:150])
    workspace.versions.freeze("some")
    asked = []
    rows = type(workspace._database).rows
    monkeypatch.setattr(
        type(workspace._database), "rows", lambda self, *a: asked.append(a[0]) or rows(self, *a)
    )

    def statements(refs):
        asked.clear()
        workspace.items.uses(refs)
        return len(asked)

    statements(items[0])
    few, many = statements(items[:2]), statements(items)
    assert few == many
    assert shown(workspace.items.uses(items)) == [
        ("dataset", "some", 150, 150),
        ("version", "some@1", 150, 150),
    ]


# The command line


def test_show_prints_what_uses_an_item(used, run):
    text = run("items", "show", "a.jpg")
    assert "frozen versions     train@1, train@2" in text
    assert "sent to annotation  Survey as jsonl" in text
    assert "train (2 rows)" in run("items", "show", "b.jpg")
    found = json.loads(run("items", "show", "a.jpg", "--json"))["uses"]
    assert [(use["kind"], use["name"], use["items"], use["rows"]) for use in found] == OF_A


def test_deleting_says_first_what_uses_the_items(used, run):
    said = run("items", "delete", "a.jpg", "b.jpg", code=2)
    assert "Used by 1 collection (Best), 1 dataset (train), 2 frozen versions (train@1, train@2), " in said
    assert "Frozen versions keep them." in said and "Groups keep their files." in said
    assert "Delete 2 items from the catalogue (a.jpg, b.jpg)?" in said
    assert "Used by" not in run("items", "delete", "c.jpg", code=2)
    assert "Used by 1 collection (Best). Delete all" in run("folders", "delete", "P/Deep", code=2)
    assert used.items.count() == 5
