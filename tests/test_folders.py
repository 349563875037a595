"""Folders: how they nest, move, are renamed and deleted, and which names they can have."""

from __future__ import annotations

import threading

import pytest

import heron
from heron.answers import FolderContents
from heron.errors import AlreadyExists, InvalidInput, MetadataError, NotFound
from heron.models import MediaFacts, NewItem


def paths(workspace, parent=None, **options):
    return [folder.path for folder in workspace.folders.list(parent, **options)]


def fill(workspace, folder, *names):
    facts = MediaFacts("image", "image/jpeg")
    workspace.registration.register((NewItem(f"file:///lake/{name}", facts) for name in names), folder)
    return [item for item in workspace.items.list(folder=folder, recursive=False) if item.name in names]


def test_a_path_creates_the_folders_above_it(workspace):
    leaf = workspace.folders.create("Driving/2026/January")
    assert paths(workspace) == ["Driving", "Driving/2026", "Driving/2026/January"]
    parent = workspace.folders.get("Driving/2026")
    assert (leaf.name, leaf.parent_id) == ("January", parent.id)
    assert workspace.folders.get("Driving").parent_id is None


def test_description_and_metadata_belong_to_the_last_folder_of_a_path(workspace):
    leaf = workspace.folders.create("a/b", description="night drives", metadata={"city": "Algiers"})
    assert (leaf.description, leaf.metadata) == ("night drives", {"city": "Algiers"})
    above = workspace.folders.get("a")
    assert (above.description, above.metadata) == ("", {})


def test_slashes_at_the_ends_of_a_path_do_not_matter(workspace):
    assert workspace.folders.create("/a/b/").path == "a/b"
    assert workspace.folders.get("/a/b/") == workspace.folders.get("a/b")


def test_a_folder_is_found_by_path_uuid_and_record(workspace):
    folder = workspace.folders.create("a/b")
    assert workspace.folders.get("a/b") == workspace.folders.get(folder.uuid) == workspace.folders.get(folder)


def test_creating_a_folder_twice_is_refused(workspace):
    workspace.folders.create("a/b")
    with pytest.raises(AlreadyExists, match="'a/b' is there already"):
        workspace.folders.create("a/b")


def test_ensure_creates_a_missing_folder_and_finds_an_old_one(workspace):
    made = workspace.folders.ensure("a/b")
    assert workspace.folders.ensure("a/b") == workspace.folders.ensure(made) == made
    assert paths(workspace) == ["a", "a/b"]


def test_a_deleted_folder_is_not_made_anew_by_its_record(workspace):
    gone = workspace.folders.create("a")
    workspace.folders.delete("a")
    with pytest.raises(NotFound, match="'a'"):
        workspace.folders.ensure(gone)


def test_equal_names_may_stand_in_different_folders_and_case_matters(workspace):
    for path in ("a/x", "b/x", "a/X"):
        workspace.folders.create(path)
    assert paths(workspace) == ["a", "a/X", "a/x", "b", "b/x"]


def test_an_unknown_folder_is_answered_with_the_nearest_name(workspace):
    workspace.folders.create("Driving")
    with pytest.raises(NotFound) as refusal:
        workspace.folders.get("Drivin")
    assert refusal.value.hint == "did you mean 'Driving'?"
    assert workspace.folders.find("Drivin") is None


@pytest.mark.parametrize(
    "name", ["Zürich 東京", "🚌" * 300, "100%_done", "a'b\"c", " leading", "x" * 300, "$", "..."]
)
def test_a_folder_can_be_named_in_any_script(workspace, name):
    assert workspace.folders.create(f"top/{name}").name == name
    assert paths(workspace, "top") == [f"top/{name}"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "cannot be empty"), ("/", "cannot be empty"), ("   ", "cannot be empty"), ("a//b", "cannot be empty"),
        ("a/ /b", "cannot be empty"), (".", r"cannot be '\.'"), ("..", r"'\.\.'"), ("a/../b", r"'\.\.'"),
        ("x" * 301, "301 characters, at most 300"), ("a/" + "é" * 301, "301 characters, at most 300"),
        ("a\nb", "line break"), ("a\0b", "null character"), ("caf\ud800", "not valid Unicode"), (None, "empty"),
    ],
)  # fmt: skip
def test_an_illegal_folder_name_is_refused_and_nothing_is_made(workspace, path, reason):
    with pytest.raises(InvalidInput, match=reason):
        workspace.folders.create(path)
    assert paths(workspace) == []


def test_a_faulty_name_at_the_end_leaves_no_folders_above(workspace):
    with pytest.raises(InvalidInput):
        workspace.folders.create("a/b/" + "x" * 301)
    assert paths(workspace) == []


def test_looking_up_invalid_unicode_is_refused_in_our_words(workspace):
    with pytest.raises(InvalidInput, match="surrogates not allowed"):
        workspace.folders.get("caf\udcff")


# Lists


def test_list_is_recursive_unless_told_otherwise(workspace):
    for path in ("a/b/c", "a/d", "e"):
        workspace.folders.create(path)
    assert paths(workspace) == ["a", "a/b", "a/b/c", "a/d", "e"]
    assert paths(workspace, recursive=False) == ["a", "e"]
    assert paths(workspace, "a") == ["a/b", "a/b/c", "a/d"]
    assert paths(workspace, "a", recursive=False) == ["a/b", "a/d"]


def test_wildcards_in_a_name_stand_for_themselves_in_lists(workspace):
    for path in ("a_c/x", "abc/y", "100%/x", "100 and more/y"):
        workspace.folders.create(path)
    assert paths(workspace, "a_c") == ["a_c/x"]
    assert paths(workspace, "100%") == ["100%/x"]


def test_a_folder_is_not_below_another_that_only_begins_alike(workspace):
    workspace.folders.create("a/x")
    workspace.folders.create("ab/y")
    assert paths(workspace, "a") == ["a/x"]


# Rename and move


def test_rename_changes_the_paths_below_and_no_others(workspace):
    for path in ("a/b/c", "a/bb/c", "x/a/b"):
        workspace.folders.create(path)
    renamed = workspace.folders.rename("a/b", "new")
    assert renamed.path == "a/new"
    assert paths(workspace) == ["a", "a/bb", "a/bb/c", "a/new", "a/new/c", "x", "x/a", "x/a/b"]


@pytest.mark.parametrize(
    ("name", "alike"), [("a_c", "abc"), ("100%", "100 more"), ("A", "a"), ("é%_", "é12")]
)
def test_rename_takes_wildcards_in_names_literally(workspace, name, alike):
    workspace.folders.create(f"{name}/below")
    workspace.folders.create(f"{alike}/below")
    workspace.folders.rename(name, "new")
    assert paths(workspace) == sorted(["new", "new/below", alike, f"{alike}/below"])


def test_rename_to_the_same_name_changes_nothing(workspace):
    folder = workspace.folders.create("a/b")
    assert workspace.folders.rename("a/b", "b") == folder


def test_rename_keeps_identity_items_and_metadata(workspace):
    folder = workspace.folders.create("a/b", metadata={"city": "Algiers"})
    fill(workspace, "a/b", "1.jpg")
    renamed = workspace.folders.rename("a", "z")
    below = workspace.folders.get("z/b")
    assert (below.uuid, below.metadata, renamed.name) == (folder.uuid, {"city": "Algiers"}, "z")
    assert [item.name for item in workspace.items.list(folder="z")] == ["1.jpg"]


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "x" * 301])
def test_rename_to_an_illegal_name_is_refused(workspace, name):
    workspace.folders.create("a/b")
    with pytest.raises(InvalidInput, match="folder name"):
        workspace.folders.rename("a", name)
    assert paths(workspace) == ["a", "a/b"]


def test_rename_and_move_onto_another_folder_are_refused(workspace):
    for path in ("a/x", "b", "c/a"):
        workspace.folders.create(path)
    with pytest.raises(AlreadyExists, match="'b' is there already"):
        workspace.folders.rename("a", "b")
    with pytest.raises(AlreadyExists, match="'c/a' is there already"):
        workspace.folders.move("a", "c")
    assert paths(workspace) == ["a", "a/x", "b", "c", "c/a"]


def test_move_takes_everything_below_along(workspace):
    workspace.folders.create("a/b/c")
    workspace.folders.create("z")
    fill(workspace, "a/b/c", "1.jpg")
    moved = workspace.folders.move("a/b", "z")
    assert (moved.path, moved.parent_id) == ("z/b", workspace.folders.get("z").id)
    assert paths(workspace) == ["a", "z", "z/b", "z/b/c"]
    assert workspace.items.count(folder="z") == 1
    assert workspace.items.count(folder="a") == 0


def test_move_to_none_is_to_the_top(workspace):
    workspace.folders.create("a/b/c")
    moved = workspace.folders.move("a/b", None)
    assert moved.parent_id is None
    assert paths(workspace) == ["a", "b", "b/c"]
    assert paths(workspace, recursive=False) == ["a", "b"]


@pytest.mark.parametrize("target", ["a", "a/b", "a/b/c"])
def test_a_folder_cannot_be_moved_into_itself(workspace, target):
    workspace.folders.create("a/b/c")
    with pytest.raises(InvalidInput, match="cannot be moved into itself"):
        workspace.folders.move("a", target)
    assert paths(workspace) == ["a", "a/b", "a/b/c"]


def test_a_folder_can_be_moved_beside_one_that_begins_alike(workspace):
    workspace.folders.create("a")
    workspace.folders.create("ab")
    assert workspace.folders.move("a", "ab").path == "ab/a"


def test_moving_into_an_unknown_folder_changes_nothing(workspace):
    workspace.folders.create("a")
    with pytest.raises(NotFound):
        workspace.folders.move("a", "nowhere")
    assert paths(workspace) == ["a"]


# Contents and deletion


def test_contents_are_what_deletion_removes(workspace):
    inside = fill(workspace, "a/b", "1.jpg", "2.jpg")
    outside = fill(workspace, "other", "3.jpg")
    workspace.folders.create("a/c")
    workspace.collections.create("night", items=[*inside, *outside])
    workspace.datasets.create("train", items=[*inside, *outside])
    workspace.datasets.add("train", inside[:1], duplicates="add")
    contents = workspace.folders.contents("a")
    assert contents == FolderContents(folders=2, items=2, dataset_rows=3, collection_members=2)
    assert workspace.folders.delete("a") == contents
    assert paths(workspace) == ["other"]
    assert [item.name for item in workspace.items.list()] == ["3.jpg"]
    assert [row.item.name for row in workspace.datasets.rows("train")] == ["3.jpg"]
    assert [item.name for item in workspace.collections.items("night")] == ["3.jpg"]


def test_deletion_leaves_nothing_behind_in_any_table(workspace):
    workspace.schema.add_scalar("story", "text")
    (item,) = fill(workspace, "a/b", "1.jpg")
    workspace.metadata.merge({item.uuid: {"story": "a bus at night"}})
    workspace.frames.add(item, [(0, 0.0, True)])
    workspace.thumbnails._put([(item.id, b"jpeg")])
    assert len(workspace.search(where="match(story, 'bus')")) == 1
    workspace.folders.delete("a")
    for table in ("folders", "items", "frames", "thumbnails"):
        assert workspace._database.value(f"SELECT count(*) FROM {table}") == 0
    assert len(workspace.search(where="match(story, 'bus')")) == 0


def test_deleting_an_empty_folder_removes_itself_only(workspace):
    workspace.folders.create("a/b")
    assert workspace.folders.delete("a/b") == FolderContents(0, 0, 0, 0)
    assert paths(workspace) == ["a"]


def test_deletion_never_touches_files(workspace, tmp_path):
    picture = tmp_path / "notes.txt"
    picture.write_text("hello")
    facts = MediaFacts("text", "text/plain")
    workspace.registration.register([NewItem(picture.as_uri(), facts)], "a")
    assert workspace.folders.delete("a").items == 1
    assert picture.read_text() == "hello"


def test_deletion_spares_folders_that_match_by_wildcard(workspace):
    for path in ("a_/x", "ab/x", "%/x"):
        workspace.folders.create(path)
    workspace.folders.delete("a_")
    workspace.folders.delete("%")
    assert paths(workspace) == ["ab", "ab/x"]


# Metadata


def test_metadata_is_replaced_or_merged(workspace):
    workspace.folders.create("a", metadata={"city": "Algiers", "dark": True})
    assert workspace.folders.set_metadata("a", {"dark": False}, merge=True).metadata == {
        "city": "Algiers",
        "dark": False,
    }
    assert workspace.folders.set_metadata("a", {"rain": True}).metadata == {"rain": True}


def test_merging_none_takes_a_key_away(workspace):
    workspace.folders.create("a", metadata={"city": "Algiers", "dark": True})
    assert workspace.folders.set_metadata("a", {"dark": None}, merge=True).metadata == {"city": "Algiers"}


def test_folder_metadata_is_checked_against_the_schema(workspace):
    workspace.schema.add_scalar("speed", "number")
    workspace.folders.create("a", metadata={"speed": 3})
    with pytest.raises(MetadataError, match=r"folder 'a'.*'speed'.*expected a number.*'fast'"):
        workspace.folders.set_metadata("a", {"speed": "fast"}, merge=True)
    with pytest.raises(MetadataError, match="folder 'b/c'"):
        workspace.folders.create("b/c", metadata={"speed": "fast"})
    assert workspace.folders.get("a").metadata == {"speed": 3}
    assert paths(workspace) == ["a"]


def test_merging_does_not_stumble_over_an_old_value_that_the_schema_no_longer_takes(workspace):
    workspace.folders.create("a", metadata={"speed": "fast"})
    workspace.schema.add_scalar("speed", "number")
    merged = workspace.folders.set_metadata("a", {"city": "Algiers"}, merge=True)
    assert merged.metadata == {"speed": "fast", "city": "Algiers"}


def test_a_path_has_at_most_100_names_when_it_is_made_and_when_it_is_moved(workspace):
    workspace.folders.create("/".join("a" * 100))
    with pytest.raises(InvalidInput, match="at most 100 names, this one would have 101"):
        workspace.folders.create("/".join("b" * 101))
    workspace.folders.create("top")
    with pytest.raises(InvalidInput, match="this one would have 101"):
        workspace.folders.move("a", "top")
    assert workspace.folders.delete("a").folders == 99


def test_a_verb_waits_for_another_writer_and_sees_what_it_did(tmp_path):
    with heron.open(tmp_path, discover=False) as mine, heron.open(tmp_path, discover=False) as other:
        mine.folders.create("X")
        mine.folders.create("C")
        outcome = []

        def move():
            try:
                outcome.append(other.folders.move("X", "C"))
            except heron.NotFound as error:
                outcome.append(error)

        with mine._database.write():
            mine.folders.rename("X", "X2")
            thread = threading.Thread(target=move)
            thread.start()
            thread.join(0.3)
            assert outcome == [], "it waits"
        thread.join(120)
        assert isinstance(outcome[0], heron.NotFound)
        assert [folder.path for folder in mine.folders.list()] == ["C", "X2"]


def test_the_description_of_a_folder_changes(workspace):
    folder = workspace.folders.create("A/B", description="old", metadata={"a": 1})
    changed = workspace.folders.update(folder, description="new")
    assert (changed, changed.description, changed.path, changed.metadata) == (folder, "new", "A/B", {"a": 1})
