"""Items: how they are registered, listed, renamed, moved and deleted, and by what they are known."""

from __future__ import annotations

import time
import tracemalloc
from uuid import RFC_4122, UUID

import pytest
from attrs import evolve

from heron.errors import HeronError, InvalidInput, NotFound
from heron.models import MediaFacts, NewItem
from heron.uuids import new_uuid, new_uuids

UNKNOWN = "01a1fc7f-6634-7b8f-8ffa-50166ba72775"


def new_item(name, **fields):
    return NewItem(f"file:///lake/{name}", MediaFacts("image", "image/jpeg", width=64, height=48), **fields)


def register(workspace, folder, *names):
    """Items of these names in a folder."""
    workspace.registration.register(map(new_item, names), folder)
    return [item for item in workspace.items.list(folder=folder, recursive=False) if item.name in names]


def names(items):
    return [item.name for item in items]


def homes(workspace, uuid):
    """The folders in which an item is listed."""
    folders = workspace.folders.list()
    return [
        folder.path
        for folder in folders
        if uuid in [item.uuid for item in workspace.items.list(folder=folder, recursive=False)]
    ]


# Reading


def test_an_item_reads_back_as_it_was_registered(workspace):
    facts = MediaFacts(
        "video", "video/mp4", width=640, height=480, frame_count=90, fps=30.0, duration=3.0, codec="h264",
        sample_rate=48000, channels=2, pages=None, captured_at="2026-01-31T12:00:00.000000Z",
        extra={"exif": {"Model": "X100"}}, note="odd",
    )  # fmt: skip
    given = NewItem(
        "s3://lake/clip.mp4", facts, name="A clip", size=2**40, etag="e1", modified_at="2026-01-30T00:00:00Z",
        content_hash="ab" * 32, metadata={"city": "Algiers"},
    )  # fmt: skip
    workspace.registration.register([given], "Clips")
    (item,) = workspace.items.list()
    assert item == workspace.items.get(item.uuid)
    assert (item.url, item.facts, item.name, item.size, item.etag) == (
        given.url,
        facts,
        "A clip",
        2**40,
        "e1",
    )
    assert (item.modified_at, item.content_hash) == (given.modified_at, given.content_hash)
    assert (item.metadata, item.tags, item.deleted_at) == ({"city": "Algiers"}, (), None)
    assert item.folder_id == workspace.folders.get("Clips").id
    assert item.created_at == item.updated_at


def test_an_item_is_named_after_its_file_unless_a_name_is_given(workspace):
    facts = MediaFacts("image", "image/jpeg")
    urls = ["file:///lake/a%20b.jpg", "https://h/x/y.jpg?sig=1/2#part", "s3://bucket/prefix/", "s3://bucket"]
    workspace.registration.register([NewItem(url, facts) for url in urls], "A")
    assert names(workspace.items.list()) == ["a b.jpg", "y.jpg", "prefix", "bucket"]


@pytest.mark.parametrize("ref", [UNKNOWN, UNKNOWN.upper(), "not-a-uuid", ""])
def test_an_unknown_uuid_is_refused_by_every_verb(workspace, ref):
    (item,) = register(workspace, "A", "1.jpg")
    verbs = [
        lambda: workspace.items.get(ref),
        lambda: workspace.items.rename(ref, "new"),
        lambda: workspace.items._ids([item, ref]),
        lambda: workspace.items.move([item, ref], "A"),
        lambda: workspace.items.delete([item, ref]),
    ]
    for verb in verbs:
        with pytest.raises(NotFound, match="there is no item"):
            verb()
    assert workspace.items.count() == 1


def test_a_uuid_is_found_in_either_case(workspace):
    (item,) = register(workspace, "A", "1.jpg")
    assert workspace.items.get(item.uuid.upper()) == item
    assert list(workspace.items._ids([item.uuid.upper(), item])) == [item.id, item.id]


def test_by_name_finds_every_item_of_that_name(workspace):
    register(workspace, "A", "1.jpg", "2.jpg")
    register(workspace, "B", "1.jpg")
    assert len(workspace.items.by_name("1.jpg")) == 2
    assert workspace.items.by_name("3.jpg") == []


def test_pages_follow_one_another_without_gap_or_repetition(workspace):
    register(workspace, "A", *(f"{number}.jpg" for number in range(25)))
    seen, after, sizes = [], None, []
    while True:
        page = workspace.items.page(limit=10, cursor=after)
        seen += names(page)
        sizes.append(len(page))
        if page.cursor is None:
            break
        after = page.cursor
    assert seen == [f"{number}.jpg" for number in range(25)]
    assert sizes == [10, 10, 5]


def test_the_last_page_has_no_cursor_even_when_it_is_full(workspace):
    register(workspace, "A", "1.jpg", "2.jpg")
    assert workspace.items.page(limit=2).cursor is None
    assert workspace.items.page(limit=1).cursor is not None


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_of_nothing_is_refused(workspace, limit):
    register(workspace, "A", "1.jpg")
    with pytest.raises(InvalidInput, match=f"limit is {limit}"):
        workspace.items.page(limit=limit)


def test_a_number_beyond_64_bits_is_refused_in_our_words(workspace):
    with pytest.raises(InvalidInput, match="not a cursor"):
        workspace.items.page(cursor=str(2**64))


def test_a_page_that_went_meanwhile_does_not_disturb_the_next_one(workspace):
    items = register(workspace, "A", *(f"{number}.jpg" for number in range(6)))
    first = workspace.items.page(limit=3)
    workspace.items.delete(items[1:4])
    assert names(workspace.items.page(limit=3, cursor=first.cursor)) == ["4.jpg", "5.jpg"]


def test_list_and_count_take_a_folder_with_or_without_those_below(workspace):
    register(workspace, "A", "1.jpg")
    register(workspace, "A/B", "2.jpg")
    register(workspace, "AB", "3.jpg")
    assert names(workspace.items.list(folder="A")) == ["1.jpg", "2.jpg"]
    assert names(workspace.items.list(folder="A", recursive=False)) == ["1.jpg"]
    assert workspace.items.count() == 3
    assert workspace.items.count(folder="A") == 2
    assert workspace.items.count(folder="A", recursive=False) == 1


def test_listing_an_unknown_folder_is_refused(workspace):
    with pytest.raises(NotFound):
        list(workspace.items.list(folder="nowhere"))


# Changing


def test_rename_changes_the_name_and_nothing_else(workspace):
    (item,) = register(workspace, "A", "1.jpg")
    renamed = workspace.items.rename(item, "Zürich 東京 🚌")
    assert renamed == evolve(item, name="Zürich 東京 🚌", updated_at=renamed.updated_at)
    assert renamed.updated_at >= item.updated_at


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "empty"), ("  ", "empty"), ("x" * 301, "at most 300"), ("a\nb", "line break"), ("\ud800", "Unicode"), (7, "text")],
)  # fmt: skip
def test_rename_to_an_illegal_name_is_refused(workspace, name, reason):
    (item,) = register(workspace, "A", "1.jpg")
    with pytest.raises(InvalidInput, match=reason):
        workspace.items.rename(item, name)
    assert workspace.items.get(item).name == "1.jpg"


def test_an_item_is_in_exactly_one_folder_whatever_happens(workspace):
    (item,) = register(workspace, "A", "1.jpg")
    workspace.folders.create("B/C")
    assert homes(workspace, item.uuid) == ["A"]
    workspace.items.move([item], "B/C")
    assert homes(workspace, item.uuid) == ["B/C"]
    workspace.items.move([item, item], "B/C")
    assert homes(workspace, item.uuid) == ["B/C"]
    workspace.folders.rename("B", "Z")
    assert homes(workspace, item.uuid) == ["Z/C"]
    workspace.folders.move("Z/C", "A")
    assert homes(workspace, item.uuid) == ["A/C"]
    with pytest.raises(NotFound):
        workspace.items.move([item], "nowhere")
    assert homes(workspace, item.uuid) == ["A/C"]


def test_the_database_itself_refuses_an_item_without_a_folder(workspace):
    (item,) = register(workspace, "A", "1.jpg")
    for folder in (None, 999):
        with pytest.raises(HeronError, match="constraint failed"):
            workspace._database.execute("UPDATE items SET folder_id = ? WHERE id = ?", [folder, item.id])
    assert homes(workspace, item.uuid) == ["A"]


def test_a_stream_of_items_can_be_moved_while_it_is_read(workspace):
    register(workspace, "A", *(f"{number}.jpg" for number in range(2500)))
    workspace.folders.create("B")
    assert workspace.items.move(workspace.items.list(folder="A"), "B") == 2500
    assert workspace.items.count(folder="A") == 0
    assert workspace.items.count(folder="B") == 2500


def test_a_bundle_with_an_unknown_item_moves_nothing_of_it(workspace):
    items = register(workspace, "A", *(f"{number}.jpg" for number in range(1500)))
    workspace.folders.create("B")
    with pytest.raises(NotFound):
        workspace.items.move([*items[:1200], UNKNOWN], "B")
    assert workspace.items.count(folder="B") == 1000


def test_deletion_takes_items_out_of_collections_and_datasets(workspace):
    items = register(workspace, "A", "1.jpg", "2.jpg", "3.jpg")
    workspace.collections.create("night", items=items)
    workspace.datasets.create("train", items=items)
    assert workspace.items.delete(items[:2]) == 2
    assert names(workspace.items.list()) == ["3.jpg"]
    assert workspace.collections.get("night").item_count == 1
    assert [row.item.name for row in workspace.datasets.rows("train")] == ["3.jpg"]


@pytest.mark.slow
def test_a_stream_of_items_can_be_deleted_while_it_is_read(workspace):
    register(workspace, "A", *(f"{number}.jpg" for number in range(2100)))
    assert workspace.items.delete(workspace.items.list()) == 2100
    assert workspace.items.count() == 0


# Identifiers


def test_uuids_are_of_version_7_and_well_formed():
    for text in new_uuids(2000):
        value = UUID(text)
        assert str(value) == text
        assert (value.version, value.variant) == (7, RFC_4122)


def test_uuids_carry_the_present_millisecond():
    before = time.time_ns() // 1_000_000
    stamp = UUID(new_uuid()).int >> 80
    assert before <= stamp <= time.time_ns() // 1_000_000


def test_uuids_are_unique_within_a_millisecond_and_use_all_their_random_bits():
    made = new_uuids(20_000)
    assert len(set(made)) == 20_000
    ones = zeros = 0
    for value in made:
        ones |= UUID(value).int
        zeros |= ~UUID(value).int
    varying = ones & zeros & ((1 << 80) - 1)
    assert varying.bit_count() == 74


def test_registered_items_have_distinct_uuids_of_version_7(workspace):
    register(workspace, "A", *(f"{number}.jpg" for number in range(3000)))
    uuids = [item.uuid for item in workspace.items.list()]
    assert len(set(uuids)) == 3000
    assert {UUID(uuid).version for uuid in uuids} == {7}


@pytest.mark.slow
def test_a_streamed_registration_keeps_memory_flat(workspace):
    def stream(count, start):
        return (
            new_item(f"{number}.jpg", metadata={"note": "x" * 200}) for number in range(start, start + count)
        )

    def peak(count, start):
        tracemalloc.start()
        workspace.registration.register(stream(count, start), "A", batch=500)
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(500, 0)  # warms caches
    small, large = peak(1000, 1000), peak(10_000, 10_000)
    assert workspace.items.count() == 11_500
    assert large < 1.5 * small


@pytest.mark.parametrize("sort", ["added", "-added", "name", "-name"])
def test_pages_are_sorted_by_name_or_as_added_and_equal_names_are_told_apart(workspace, sort):
    for folder in ("A", "B"):
        register(workspace, folder, "b.jpg", "ä:1.jpg", "a.jpg", "B.jpg")
    workspace.registration.register([new_item("x/b.jpg"), new_item("y/b.jpg")], "A")
    for folder, count in (("A", 6), (None, 10)):
        found, cursor = [], None
        while True:
            page = workspace.items.page(folder=folder, limit=2, cursor=cursor, sort=sort)
            found += page
            if (cursor := page.cursor) is None:
                break
        expected = sorted(found, key=lambda item: (item.name, item.id) if "name" in sort else item.id)
        assert found == (expected[::-1] if sort[0] == "-" else expected)
        assert len(set(found)) == count


@pytest.mark.parametrize(
    ("sort", "cursor"), [("name", "12"), ("added", "12:b"), ("name", "x:b"), ("size", None)]
)
def test_a_cursor_of_another_order_is_refused(workspace, sort, cursor):
    with pytest.raises(InvalidInput, match="is not"):
        workspace.items.page(sort=sort, cursor=cursor)


def test_a_page_of_a_folder_by_name_is_read_from_an_index(workspace):
    register(workspace, "A", "a.jpg")
    plan = workspace._database.rows(
        "EXPLAIN QUERY PLAN SELECT id FROM items WHERE folder_id = 1 AND (name, id) > ('a', 1) ORDER BY name, id"
    )
    (step,) = [row["detail"] for row in plan]  # a second step would sort
    assert "items_folder_name (folder_id=? AND name>?)" in step or "(name,rowid)>(?,?)" in step


def test_many_items_are_got_in_the_order_in_which_they_are_named(workspace):
    one, two, three = register(workspace, "A", "1.jpg", "2.jpg", "3.jpg")
    assert workspace.items.get_all([three.uuid, one, UUID(two.uuid), "3.jpg"]) == [three, one, two, three]
    assert workspace.items.get_all([]) == []
    with pytest.raises(NotFound, match=UNKNOWN):
        workspace.items.get_all([one, UNKNOWN])
