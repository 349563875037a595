"""Synced folders: what a sync adds, refreshes, marks as deleted and restores, and what it never touches."""

import json

import pytest

import heron
from heron.catalog.registration import Known
from heron.hooks import StoredObject
from heron.ingest.manifest.entries import group_url
from heron.ingest.rules import is_same
from heron.ingest.units import Unit
from heron.models import MediaFacts, Member, NewItem
from tests.memory_storage import LakePlugin
from tests.synced_places import BucketPlace, FolderPlace, catalogue, counts, item, names

EARLIER, LATER = "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:01.000000Z"


@pytest.fixture
def bucket():
    return BucketPlace()


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path):
    return FolderPlace(tmp_path / "inbox") if request.param == "folder" else request.getfixturevalue("bucket")


@pytest.fixture
def plugins(bucket, monkeypatch):
    monkeypatch.setenv("HERON_RETRIES", "1")
    return [LakePlugin(bucket.lake, options=[heron.Option("region", "where it is")])]


@pytest.fixture
def sync(workspace, place):
    """Sync the folder `Runs`, which follows the place; returns what was done."""
    workspace.ingest.follow("Runs", place.prefix)
    return lambda **options: counts(workspace.ingest.sync("Runs", **options))


def lines_of(workspace, url):
    return item(workspace, url).facts.extra["text"]["lines"]


# What comes, changes, goes and comes back


def test_new_objects_become_items_once(workspace, place, sync):
    urls = [place.put(f"{number}.txt", b"word\n" * number) for number in range(1, 6)]
    assert sync() == {"added": 5}
    assert [found.url for found in workspace.items.list(folder="Runs")] == urls
    assert [lines_of(workspace, url) for url in urls] == [1, 2, 3, 4, 5]
    before = catalogue(workspace)
    assert sync() == {"skipped": 5}
    assert catalogue(workspace) == before
    urls.append(place.put("deep/er/6.txt"))
    assert sync() == {"added": 1, "skipped": 5}
    assert sorted(found.url for found in workspace.items.list(folder="Runs")) == sorted(urls)


@pytest.mark.parametrize("content", [b"1\n2\n3\n", b"1\n2\n3\nand more\n"], ids=["same size", "other size"])
def test_a_changed_object_is_looked_at_again_and_what_people_added_stays(workspace, place, sync, content):
    url, other = place.put("a.txt", b"12345\n"), place.put("b.txt")
    sync()
    before, aside = item(workspace, url), item(workspace, other)
    workspace.metadata.merge({before.uuid: {"city": "Oslo"}})
    workspace.items.rename(before, "my name")
    workspace.collections.create("best", items=[before])
    workspace.datasets.create("rain", items=[before])
    ids = {item.url: item.id for item in workspace.items.list()}
    workspace.thumbnails._put([(ids[url], b"jpeg"), (ids[other], b"other")])
    with workspace._database.write():
        workspace._database.execute("UPDATE items SET content_hash = 'abc'")

    place.put("a.txt", content)
    assert sync() == {"updated": 1, "skipped": 1}
    after = item(workspace, url)
    assert (after.size, lines_of(workspace, url)) == (len(content), content.count(b"\n"))
    assert (after.etag, after.modified_at) != (before.etag, before.modified_at)
    assert (after.uuid, after.name, after.metadata) == (before.uuid, "my name", {"city": "Oslo"})
    assert (after.tags, after.created_at, after.content_hash) == (("best",), before.created_at, None)
    assert workspace.thumbnails.find(after) is None, "it shows what is not there any more"
    assert [row.item.uuid for row in workspace.datasets.rows("rain")] == [before.uuid]
    assert workspace.thumbnails.find(aside) == b"other"
    assert item(workspace, other).updated_at == aside.updated_at
    assert sync() == {"skipped": 2}


@pytest.mark.parametrize(
    ("size", "etag", "modified_at", "same"),
    [
        (5, "e", EARLIER, True),
        (5, "e", LATER, True),
        (5, "other", EARLIER, False),
        (6, "e", EARLIER, False),
        (5, None, EARLIER, True),
        (5, None, LATER, False),
        (5, None, None, False),
    ],
)
def test_an_object_is_the_same_by_size_and_etag_or_where_it_has_none_by_its_time(
    size, etag, modified_at, same
):
    known = Known(1, "uuid", 5, "e", EARLIER, is_deleted=False)
    stored = StoredObject("mem://b/a", size, etag, modified_at)
    assert is_same(Unit("mem://b/a", "mem://b/a", stored=stored), known) is same


def test_an_item_whose_facts_were_given_by_hand_is_looked_at_by_the_first_sync(workspace, place, sync):
    url = place.put("a.txt", b"1\n2\n")
    workspace.registration.register([NewItem(url, MediaFacts("text", "text/plain"), size=4)], "Runs")
    assert sync() == {"updated": 1}
    assert lines_of(workspace, url) == 2
    assert sync() == {"skipped": 1}


def test_a_vanished_object_is_hidden_but_datasets_and_collections_keep_it(workspace, place, sync, tmp_path):
    url, _ = place.put("a.txt"), place.put("b.txt")
    sync()
    gone = item(workspace, url)
    workspace.metadata.merge({gone.uuid: {"city": "Oslo"}})
    workspace.collections.create("best", items=workspace.items.list())
    workspace.datasets.create("rain", items=workspace.items.list())
    place.remove("a.txt")
    assert sync() == {"removed": 1, "skipped": 1}

    assert names(workspace) == names(workspace, folder="Runs") == ["b.txt"]
    assert (workspace.items.count(), workspace.search.count()) == (1, 1)
    assert [found.name for found in workspace.search.all(where="city = 'Oslo' OR TRUE")] == ["b.txt"]
    assert [found.name for found in workspace.collections.items("best")] == ["b.txt"]
    assert workspace.items.by_name("a.txt") == []
    assert workspace.collections.match_names(["a.txt"]).unmatched == ("a.txt",)

    kept = workspace.items.get(gone.uuid)
    assert kept.deleted_at is not None
    assert (kept.metadata, kept.tags, kept.facts) == ({"city": "Oslo"}, ("best",), gone.facts)
    assert next(workspace.datasets.rows("rain")).item.uuid == gone.uuid
    assert workspace.datasets.get("rain").row_count == 2
    workspace.export("rain", tmp_path / "rain.json")
    [first, _] = json.loads((tmp_path / "rain.json").read_text())
    assert (first["url"], first["metadata"]) == (url, {"city": "Oslo"})
    before = catalogue(workspace)
    assert sync() == {"skipped": 1}
    assert catalogue(workspace) == before


def test_the_number_of_a_collection_is_that_of_its_list(workspace, place, sync):
    place.put("a.txt"), place.put("b.txt")
    sync()
    workspace.collections.create("best", items=workspace.items.list())
    place.remove("a.txt")
    sync()
    assert workspace.collections.get("best").item_count == len(list(workspace.collections.items("best"))) == 1


@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed"])
def test_an_object_that_comes_back_is_restored_as_it_was_known(workspace, place, sync, changed):
    url, _ = place.put("a.txt", b"12345\n"), place.put("b.txt")
    sync()
    before = item(workspace, url)
    workspace.metadata.merge({before.uuid: {"city": "Oslo"}})
    workspace.collections.create("best", items=[before])
    place.remove("a.txt")
    sync()
    workspace.metadata.merge({before.uuid: {"mood": "sad"}})
    if changed:
        place.put("a.txt", b"1\n2\n3\n")
        assert sync() == {"updated": 1, "restored": 1, "skipped": 1}
    else:
        place.put_back("a.txt")
        assert sync() == {"restored": 1, "skipped": 1}
    after = item(workspace, url)
    assert (after.uuid, after.deleted_at, after.tags) == (before.uuid, None, ("best",))
    assert (after.metadata, lines_of(workspace, url)) == (
        {"city": "Oslo", "mood": "sad"},
        3 if changed else 1,
    )
    assert names(workspace) == ["a.txt", "b.txt"]
    assert sync() == {"skipped": 2}


def test_a_dataset_that_mirrors_the_folder_follows_and_keeps(workspace, place, sync):
    def rows():
        return sorted(row.item.name for row in workspace.datasets.rows("mirror"))

    place.put("a.txt"), place.put("b.txt"), place.put("c.txt")
    sync()
    place.remove("a.txt"), place.remove("b.txt")
    sync()
    workspace.datasets.create("mirror", backing_folder="Runs")
    assert rows() == ["c.txt"]
    place.put_back("a.txt"), place.put("b.txt", b"it changed meanwhile\n"), place.put("d.txt")
    assert sync() == {"added": 1, "updated": 1, "restored": 2, "skipped": 1}
    assert rows() == ["a.txt", "b.txt", "c.txt", "d.txt"]
    place.remove("a.txt")
    sync()
    assert rows() == ["a.txt", "b.txt", "c.txt", "d.txt"], "what a dataset uses stays"
    place.put_back("a.txt")
    sync()
    assert rows() == ["a.txt", "b.txt", "c.txt", "d.txt"]


def test_an_item_that_was_deleted_by_hand_comes_back_as_a_new_one(workspace, place, sync):
    url = place.put("a.txt")
    sync()
    before = item(workspace, url)
    workspace.items.delete([before])
    assert sync() == {"added": 1}
    assert item(workspace, url).uuid != before.uuid


# What it never touches


def test_items_that_do_not_lie_below_the_prefix_stay(workspace, place, sync):
    place.put("a.txt")
    facts = MediaFacts("image", "image/png")
    elsewhere = [f"{place.prefix[:-1]}{end}" for end in ("0/a.png", ".png", "", "%2Fa.png")]
    elsewhere += ["s3://other/a.png", f"{place.prefix.rpartition('/1/')[0]}a.png"]
    workspace.registration.register([NewItem(url, facts) for url in elsewhere], "Runs")
    workspace.registration.register([NewItem(place.prefix + "x.png", facts)], "Above/Runs")
    workspace.registration.register([NewItem(place.prefix + "x.png", facts)], "Other")
    assert sync() == {"added": 1}
    assert workspace.items.count() == 9
    place.remove("a.txt")
    assert sync(allow_empty=True) == {"removed": 1}
    assert [found.url for found in workspace.items.list()] == [*elsewhere, *[place.prefix + "x.png"] * 2]


def test_an_item_of_several_files_is_no_object_and_does_not_vanish(workspace, place, sync):
    urls = [place.put("a.txt"), place.put("b.txt")]
    group = NewItem(
        group_url("image_group", urls),
        MediaFacts("image_group", "image/png"),
        members=tuple(Member(url, 6) for url in urls),
    )
    workspace.registration.register([group], "Runs")
    assert sync() == {"added": 2}
    assert workspace.items.count() == 3
    place.remove("a.txt"), place.remove("b.txt")
    assert sync(allow_empty=True) == {"removed": 2}
    assert workspace.items.count() == 1
    assert sync() == {}


def test_nested_prefixes_are_told_apart(workspace, bucket):
    for key in ("runs/1/a.txt", "runs/10/b.txt", "runs/1.txt", "runs/1/1/c.txt"):
        bucket.objects[key] = b"words\n"
    prefixes = {"A": "runs/1", "B": "runs/10/", "C": "runs/1/1", "D": "runs", "E": ""}
    for folder, prefix in prefixes.items():
        assert workspace.ingest.follow(folder, f"mem://bucket/{prefix}").prefix.endswith("/")
        workspace.ingest.sync(folder)
    every = ["1.txt", "a.txt", "b.txt", "c.txt"]
    assert {folder: sorted(names(workspace, folder=folder)) for folder in prefixes} == {
        "A": ["a.txt", "c.txt"], "B": ["b.txt"], "C": ["c.txt"], "D": every, "E": every,
    }  # fmt: skip
    del bucket.objects["runs/1/a.txt"]
    done = {folder: counts(workspace.ingest.sync(folder)) for folder in prefixes}
    assert done == {
        "A": {"removed": 1, "skipped": 1}, "B": {"skipped": 1}, "C": {"skipped": 1},
        "D": {"removed": 1, "skipped": 3}, "E": {"removed": 1, "skipped": 3},
    }  # fmt: skip


def test_what_was_imported_before_the_folder_followed_is_not_added_again(workspace, place):
    url = place.put("a.txt")
    source = place.root if isinstance(place, FolderPlace) else place.prefix
    workspace.ingest.files([source], folder="Runs")
    before = item(workspace, url)
    place.put("b.txt")
    workspace.ingest.follow("Runs", place.prefix)
    assert counts(workspace.ingest.sync("Runs")) == {"added": 1, "skipped": 1}
    assert item(workspace, url) == before


def test_a_folder_of_this_machine_is_followed_as_it_is_imported(workspace, tmp_path):
    place = FolderPlace(tmp_path / "inbox")
    place.put("a.txt"), place.put(".hidden.txt"), place.put(".git/b.txt"), place.put("deep/c.txt")
    (place.root / "link.txt").symlink_to(place.root / "a.txt")
    (place.root / "loop").symlink_to(place.root)
    workspace.ingest.files([place.root], folder="Imported")
    workspace.ingest.follow("Synced", place.prefix)
    workspace.ingest.sync("Synced")
    assert sorted(names(workspace, folder="Synced")) == sorted(names(workspace, folder="Imported"))
    assert counts(workspace.ingest.sync("Synced")) == {"skipped": 3}


# Names and contents

ODD = (
    "two words.txt", "100%.txt", "a%20b.txt", "no#1.txt", "really?.txt", "a+b&c=d.txt", "größe.txt", "数据/一.txt",
    "\U0001f426.txt", "e\u0301.txt", "it's (1), [2]; {3}~@!$*.txt", 'quote".txt', "back\\slash.txt",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_objects_of_odd_names_are_found_again(workspace, place, sync, name):
    url, _ = place.put(name), place.put("z.txt")
    assert sync() == {"added": 2}
    before = item(workspace, url)
    assert before.name == name.rpartition("/")[2]
    assert sync() == {"skipped": 2}
    place.put(name, b"changed\n")
    assert sync() == {"updated": 1, "skipped": 1}
    place.remove(name)
    assert sync() == {"removed": 1, "skipped": 1}
    place.put_back(name)
    assert sync() == {"restored": 1, "skipped": 1}
    assert item(workspace, url).uuid == before.uuid


def test_a_name_that_no_item_can_have_is_written_with_escapes(workspace, place, sync):
    place.put("new\nline.txt"), place.put("a.txt")
    assert counts(workspace.ingest.sync("Runs")) == {"added": 2}
    assert counts(workspace.ingest.sync("Runs")) == {"skipped": 2}
    assert sorted(names(workspace)) == ["a.txt", "new%0Aline.txt"]


def test_folder_markers_are_no_items_and_empty_objects_are_reported(workspace, bucket):
    bucket.put("", b""), bucket.put("deep/", b""), bucket.put("deep/a.txt")
    bucket.put("empty.jpg", b""), bucket.put("empty.txt", b"")
    workspace.ingest.follow("Runs", bucket.prefix)
    report = workspace.ingest.sync("Runs")
    assert counts(report) == {"added": 1, "failed": 2}
    reasons = [f"{bucket.url(name)} is empty" for name in ("empty.jpg", "empty.txt")]
    assert [problem.reason for problem in report.problems] == reasons
    bucket.put("empty.txt", b"not any more\n")
    assert counts(workspace.ingest.sync("Runs")) == {"added": 1, "skipped": 1, "failed": 1}
    assert names(workspace) == ["a.txt", "empty.txt"]


def test_an_object_that_cannot_be_read_is_in_every_report_until_it_is_mended(workspace, place, sync):
    place.put("a.txt"), place.put("b.png", b"\x89PNG\r\n\x1a\nbroken")
    for expected in ({"added": 1, "failed": 1}, {"skipped": 1, "failed": 1}):
        report = workspace.ingest.sync("Runs")
        assert counts(report) == expected
        assert report.problems[0].url == place.url("b.png")
        assert "b.png" in report.problems[0].reason
    place.put("b.png", b"it was text\n")
    assert sync() == {"added": 1, "skipped": 1, "warnings": 1}
    assert names(workspace) == ["a.txt", "b.png"]


def test_an_item_whose_object_cannot_be_read_any_more_stays_as_it_was_known(workspace, place, sync):
    url, _ = place.put("b.png", b"it is text\n"), place.put("a.txt")
    sync()
    before = item(workspace, url)
    place.put("b.png", b"\x89PNG\r\n\x1a\nbroken")
    for _ in range(2):
        assert sync() == {"skipped": 1, "failed": 1}
        assert item(workspace, url) == before
    place.remove("b.png")
    assert sync() == {"removed": 1, "skipped": 1}
    place.put("b.png", b"\x89PNG\r\n\x1a\nbroken")
    assert sync() == {"skipped": 1, "failed": 1}
    assert item(workspace, url).deleted_at is not None, "nobody has seen it in good health since"
