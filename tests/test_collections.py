"""Collections: items under a title, which is a tag on each of them."""

from __future__ import annotations

import pytest

from heron.answers import Added
from heron.errors import AlreadyExists, InvalidInput, NotFound
from heron.models import MediaFacts, NewItem

UNKNOWN = "01a1fc7f-6634-7b8f-8ffa-50166ba72775"


def register(workspace, count=3, folder="A"):
    facts = MediaFacts("image", "image/jpeg")
    workspace.registration.register(
        (NewItem(f"s3://lake/{n}.jpg", facts, size=n) for n in range(count)), folder
    )
    return list(workspace.items.list(folder=folder))


def members(workspace, ref):
    return [item.name for item in workspace.collections.items(ref)]


def test_a_collection_holds_its_items_in_the_order_of_the_catalogue(workspace):
    items = register(workspace)
    made = workspace.collections.create("Night", items=[items[2], items[0].uuid], description="dark ones")
    assert (made.title, made.description, made.item_count) == ("Night", "dark ones", 2)
    assert members(workspace, "Night") == members(workspace, made.uuid) == members(workspace, made)
    assert members(workspace, made) == ["0.jpg", "2.jpg"]


def test_a_collection_from_a_search_is_a_snapshot(workspace):
    items = register(workspace)
    workspace.collections.create("Large", items=workspace.search.all(where="size >= 1"))
    workspace.registration.register([NewItem("s3://lake/9.jpg", MediaFacts("image", "x"), size=9)], "A")
    workspace.metadata.merge({items[1].uuid: {"note": "changed"}})
    assert members(workspace, "Large") == ["1.jpg", "2.jpg"]


def test_the_title_is_a_tag_on_every_member_and_on_no_other_item(workspace):
    items = register(workspace)
    workspace.collections.create("Night", items=items[:2])
    workspace.collections.create("Rain, Oran", items=items[1:2])
    assert [set(item.tags) for item in workspace.items.list()] == [{"Night"}, {"Night", "Rain, Oran"}, set()]
    assert set(workspace.items.get(items[1]).tags) == {"Night", "Rain, Oran"}
    assert set(next(workspace.collections.items("Rain, Oran")).tags) == {"Night", "Rain, Oran"}


def test_members_are_found_by_in_collection(workspace):
    items = register(workspace)
    workspace.collections.create("it's night", items=items[:2])
    found = workspace.search(where="in_collection('it''s night') AND size > 0")
    assert [item.name for item in found] == ["1.jpg"]
    assert workspace.search.count(where="NOT in_collection('it''s night')") == 1
    with pytest.raises(NotFound, match="there is no collection 'Rain'"):
        workspace.search(where="in_collection('Rain')")


def test_items_that_are_members_already_are_skipped(workspace):
    items = register(workspace)
    workspace.collections.create("Night", items=items[:1])
    assert workspace.collections.add("Night", [items[0], items[1], items[1]]) == Added(1, 2)
    assert members(workspace, "Night") == ["0.jpg", "1.jpg"]


def test_adding_an_unknown_item_adds_none(workspace):
    items = register(workspace, 1200)
    workspace.collections.create("Night")
    with pytest.raises(NotFound, match=UNKNOWN):
        workspace.collections.add("Night", [*items, UNKNOWN])
    assert workspace.collections.get("Night").item_count == 0


def test_creating_with_an_unknown_item_makes_no_collection(workspace):
    with pytest.raises(NotFound, match=UNKNOWN):
        workspace.collections.create("Night", items=[*register(workspace), UNKNOWN])
    assert workspace.collections.list() == []


def test_a_collection_of_more_items_than_a_bundle_is_listed_whole(workspace):
    register(workspace, 2300)
    workspace.collections.create("All", items=workspace.items.list())
    assert members(workspace, "All") == [f"{number}.jpg" for number in range(2300)]


def test_removal_counts_only_members_and_keeps_the_items(workspace):
    items = register(workspace)
    workspace.collections.create("Night", items=items[:2])
    assert workspace.collections.remove("Night", items[1:]) == 1
    assert members(workspace, "Night") == ["0.jpg"]
    assert workspace.items.count() == 3


def test_names_are_matched_ambiguous_or_unmatched(workspace):
    first = register(workspace, 2, "A")
    second = register(workspace, 1, "B")
    found = workspace.collections.match_names(["1.jpg", "0.jpg", "nope.jpg", "1.jpg", "1.JPG"])
    assert found.matched == {"1.jpg": first[1].uuid}
    assert found.ambiguous == {"0.jpg": (first[0].uuid, second[0].uuid)}
    assert found.unmatched == ("nope.jpg", "1.JPG")


def test_more_names_than_fit_into_one_statement_are_matched(workspace):
    register(workspace, 1300)
    found = workspace.collections.match_names(f"{number}.jpg" for number in range(1400))
    assert (len(found.matched), len(found.unmatched)) == (1300, 100)


def test_a_new_title_is_the_members_new_tag(workspace):
    register(workspace, 1)
    workspace.collections.create("Night", items=workspace.items.list(), description="dark")
    updated = workspace.collections.update("Night", title="Dusk")
    assert (updated.title, updated.description) == ("Dusk", "dark")
    assert next(workspace.items.stream()).tags == ("Dusk",)
    assert workspace.collections.update("Dusk", description="").description == ""
    with pytest.raises(NotFound, match="did you mean 'Dusk'"):
        workspace.collections.get("Dusky")


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("x" * 301, "at most 300"),
        ("a\nb", "line break"),
        ("\ud800", "Unicode"),
    ],
)
def test_an_illegal_title_is_refused(workspace, title, reason):
    workspace.collections.create("Night")
    with pytest.raises(InvalidInput, match=reason):
        workspace.collections.create(title)
    with pytest.raises(InvalidInput, match=reason):
        workspace.collections.update("Night", title=title)
    assert [collection.title for collection in workspace.collections.list()] == ["Night"]


def test_a_taken_title_is_refused(workspace):
    workspace.collections.create("Night")
    workspace.collections.create("Dusk")
    for verb in (
        workspace.collections.create,
        lambda title: workspace.collections.update("Dusk", title=title),
    ):
        with pytest.raises(AlreadyExists, match="there is a collection 'Night' already"):
            verb("Night")
    assert workspace.collections.update("Dusk", title="Dusk").title == "Dusk"


def test_collections_are_listed_by_title(workspace):
    for title in ("b", "a", "C"):
        workspace.collections.create(title)
    assert [collection.title for collection in workspace.collections.list()] == ["C", "a", "b"]


def test_deletion_keeps_the_items_and_takes_their_tag(workspace):
    register(workspace)
    workspace.collections.create("Night", items=workspace.items.list())
    workspace.collections.delete("Night")
    assert workspace.collections.list() == []
    assert [item.tags for item in workspace.items.list()] == [()] * 3
    with pytest.raises(NotFound):
        workspace.collections.delete("Night")
