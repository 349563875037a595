"""Registration: which new items are added, which are skipped, and what an error says."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import heron
from heron.answers import Added
from heron.errors import InvalidInput, MetadataError
from heron.media.kinds import BUILT_IN as KINDS
from heron.models import MAX_METADATA, MediaFacts, NewItem

IMAGE = MediaFacts("image", "image/jpeg")


def new_items(count, start=0):
    return (NewItem(f"file:///lake/{number}.jpg", IMAGE) for number in range(start, start + count))


def names(workspace):
    return [item.name for item in workspace.items.list()]


def test_the_folder_is_made_when_it_is_missing(workspace):
    workspace.registration.register(new_items(1), "A/B")
    assert workspace.items.count(folder="A/B") == 1


def test_an_empty_stream_adds_nothing(workspace):
    assert workspace.registration.register([], "A") == Added(0, 0)


def test_duplicate_urls_are_added_again_unless_told_otherwise(workspace):
    workspace.registration.register(new_items(3), "A")
    assert workspace.registration.register(new_items(3), "A") == Added(3, 0)
    assert workspace.items.count() == 6


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_duplicate_urls_are_skipped_across_and_within_batches(workspace, batch):
    workspace.registration.register(new_items(3), "A")
    again = [*new_items(5), *new_items(5)]
    assert workspace.registration.register(again, "A", skip_duplicates=True, batch=batch) == Added(2, 8)
    assert names(workspace) == [f"{number}.jpg" for number in range(5)]


@pytest.mark.parametrize("batch", [1, 100])
def test_of_two_items_with_one_url_the_first_stays(workspace, batch):
    twice = [NewItem("s3://lake/1.jpg", IMAGE, name=name) for name in ("first", "second")]
    assert workspace.registration.register(twice, "A", skip_duplicates=True, batch=batch) == Added(1, 1)
    assert names(workspace) == ["first"]


def test_the_same_record_given_twice_is_one_item_when_duplicates_are_skipped(workspace):
    record = NewItem("s3://lake/1.jpg", IMAGE)
    assert workspace.registration.register([record, record], "A", skip_duplicates=True) == Added(1, 1)


def test_a_url_of_another_folder_is_no_duplicate(workspace):
    workspace.registration.register(new_items(2), "A")
    assert workspace.registration.register(new_items(2), "B", skip_duplicates=True) == Added(2, 0)


def test_known_items_are_told_for_more_than_fit_into_one_statement(workspace):
    workspace.registration.register(new_items(1200), "A")
    folder = workspace.folders.get("A")
    urls = [item.url for item in new_items(1300)]
    assert set(workspace.registration._known(urls, folder)) == set(urls[:1200])


@pytest.mark.parametrize(
    "url", ["", " ", "s3://lake/a b.jpg", "s3://lake/a\tb", "s3://lake/\n", "s3://lake/\u00a0"]
)
def test_a_url_with_a_blank_is_refused(workspace, url):
    with pytest.raises(InvalidInput, match="is empty or contains a space") as refusal:
        workspace.registration.register([*new_items(2), NewItem(url, IMAGE)], "A")
    assert refusal.value.hint == "write a space as %20"
    assert workspace.items.count() == 0


def test_a_url_of_any_script_is_kept_as_it_is(workspace):
    url = "file:///lake/Zürich-東京-🚌.jpg"
    workspace.registration.register([NewItem(url, IMAGE)], "A")
    assert next(workspace.items.stream()).url == url


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (NewItem("s3://lake/\ud800", IMAGE), "not valid Unicode"),
        (NewItem("s3://lake/1", IMAGE, name=""), "s3://lake/1: item name cannot be empty"),
        (NewItem("s3://lake/1", IMAGE, name=" \t"), "cannot be empty"),
        (NewItem("s3://lake/1", IMAGE, name="x" * 301), "301 characters, at most 300"),
        (NewItem("s3://lake/" + "x" * 301, IMAGE), "301 characters, at most 300"),
        (NewItem("s3://lake/1", IMAGE, name="a\nb"), "line break"),
        (NewItem("s3://lake/1", IMAGE, name="\ud800"), "not valid Unicode"),
        (NewItem("s3://lake/1", MediaFacts("picture", "image/jpeg")), "'picture' is not a kind of item"),
        (NewItem("s3://lake/1", IMAGE, size=2**63), "too large"),
        (NewItem("s3://lake/1", MediaFacts("image", "image/jpeg", extra={"exif": {"a": object()}})), "JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_illegal_item_is_refused_with_its_whole_batch(workspace, item, reason):
    with pytest.raises(InvalidInput, match=reason) as refusal:
        workspace.registration.register([*new_items(2), item], "A")
    assert len(str(refusal.value).splitlines()) == 1
    assert workspace.items.count() == 0


def test_every_kind_of_item_is_taken(workspace):
    workspace.registration.register((NewItem(f"s3://lake/{k}", MediaFacts(k, "x/y")) for k in KINDS), "A")
    assert [item.kind for item in workspace.items.list()] == list(KINDS)


def test_a_name_of_300_characters_is_taken(workspace):
    workspace.registration.register([NewItem("s3://lake/1", IMAGE, name="🚌" * 300)], "A")
    assert names(workspace) == ["🚌" * 300]


def test_batches_before_a_faulty_item_stay(workspace):
    faulty = [*new_items(25), NewItem("a b", IMAGE), *new_items(10, 30)]
    with pytest.raises(InvalidInput):
        workspace.registration.register(faulty, "A", batch=10)
    assert names(workspace) == [f"{number}.jpg" for number in range(20)]


def test_metadata_is_checked_and_the_url_named(workspace):
    workspace.schema.add_scalar("speed", "number")
    item = NewItem("s3://lake/1.mp4", IMAGE, metadata={"speed": "fast"})
    with pytest.raises(MetadataError, match=r"s3://lake/1\.mp4.*'speed'.*expected a number.*'fast'"):
        workspace.registration.register([item], "A")
    assert workspace.items.count() == 0


def test_metadata_beyond_10_mb_is_refused_and_the_limit_named(workspace):
    fits = NewItem("s3://lake/1", IMAGE, metadata={"t": "x" * (MAX_METADATA - len('{"t":""}'))})
    workspace.registration.register([fits], "A")
    over = NewItem("s3://lake/2", IMAGE, metadata={"t": "x" * (MAX_METADATA - len('{"t":""}') + 1)})
    with pytest.raises(MetadataError, match=r"10,485,761 bytes, at most 10,485,760"):
        workspace.registration.register([over], "A")
    assert workspace.items.count() == 1


def test_keys_that_the_schema_does_not_know_are_remembered_for_filters(workspace):
    workspace.registration.register([NewItem("s3://lake/1", IMAGE, metadata={"odd key!": "x"})], "A")
    assert workspace.schema.unknown_keys() == ["odd key!"]


def test_a_batch_that_fails_leaves_no_unknown_keys(workspace):
    with pytest.raises(InvalidInput):
        workspace.registration.register(
            [NewItem("s3://l/1", IMAGE, metadata={"x": 1}), NewItem("", IMAGE)], "A"
        )
    assert workspace.schema.unknown_keys() == []


# A process that is killed in the middle

VICTIM = """
import os, sys
import heron
from heron.models import MediaFacts, NewItem

facts = MediaFacts("image", "image/jpeg")

def stream():
    for number in range(10**9):
        if number == 2345:
            print("ready", flush=True)
            sys.stdin.read()   # the test kills this process here, in the midst of a bundle
        yield NewItem(f"file:///lake/{number}.jpg", facts, metadata={"n": number})

class Slow(dict):
    '''Facts whose reading stops half way through an open transaction.'''

    def __bool__(self):
        print("ready", flush=True)
        sys.stdin.read()
        return False

def in_transaction():
    for number in range(3000):
        extra = Slow() if number == 2345 else {}
        yield NewItem(f"file:///lake/{number}.jpg", MediaFacts("image", "image/jpeg", extra=extra))

workspace = heron.open(sys.argv[1], discover=False)
items = in_transaction() if sys.argv[2] == "transaction" else stream()
workspace.registration.register(items, "A", batch=1000)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["stream", "transaction"])
def test_a_killed_registration_leaves_whole_batches_and_a_sound_file(tmp_path, moment):
    core = Path(heron.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(tmp_path), moment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(core)},
    ) as victim:
        assert victim.stdout.readline() == b"ready\n"
        victim.send_signal(signal.SIGKILL)
        assert victim.wait(120) == -signal.SIGKILL
    with heron.open(tmp_path, discover=False, create=False) as workspace:
        assert workspace._database.value("PRAGMA integrity_check") == "ok"
        assert names(workspace) == [f"{number}.jpg" for number in range(2000)]
        assert workspace.registration.register(new_items(3000), "A", skip_duplicates=True) == Added(
            1000, 2000
        )
    with sqlite3.connect(tmp_path / ".heron/catalog.db") as plain:
        assert plain.execute("PRAGMA foreign_key_check").fetchall() == []
    plain.close()
