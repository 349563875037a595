"""Syncs that are stopped, or meet each other: nothing is lost, nothing is added twice, nothing is marked as deleted by mistake."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from contextlib import closing
from types import SimpleNamespace

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron.errors import BadCredentials, ImportCancelled, Unreachable
from heron.ingest.syncing import Seen
from heron.storage.filesystem import FilesystemStorage
from tests.children import end_of
from tests.memory_storage import LakePlugin
from tests.synced_places import BucketPlace, FolderPlace, catalogue, counts, item, names


@pytest.fixture
def bucket():
    return BucketPlace()


@pytest.fixture
def plugins(bucket, monkeypatch):
    monkeypatch.setenv("HERON_RETRIES", "1")
    monkeypatch.setattr("heron.storage.retries.LONGEST", 0.01)
    return [LakePlugin(bucket.lake)]


@pytest.fixture
def synced(workspace, bucket):
    """Folder `Runs`, synced with a bucket that holds seven objects, which are listed three at a time."""
    for number in range(7):
        bucket.put(f"{number}.txt")
    workspace.ingest.follow("Runs", bucket.prefix)
    assert counts(workspace.ingest.sync("Runs")) == {"added": 7}
    return bucket


# A listing that fails

ERRORS = (
    heron.Unreachable("cut off"),
    heron.Throttled("slow down"),
    heron.NoSuchBucket("bucket does not exist"),
    heron.NotFound("it is not there"),
    heron.PermissionDenied("cannot be listed: permission denied"),
    heron.BadCredentials("expired"),
    heron.HeronError("something else"),
    ValueError("a fault of the plugin"),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_listing_that_breaks_off_marks_nothing_as_deleted(workspace, synced, error, pages):
    synced.put("00.txt"), synced.remove("1.txt"), synced.put("8.txt")
    before = workspace.items.count()
    synced.lake.faults["list"] = [None] * pages + [error] * 3
    text = getattr(error, "message", str(error))
    with pytest.raises(heron.HeronError, match=text):
        workspace.ingest.sync("Runs")
    [job, *_] = workspace.imports.list()
    may_pass = isinstance(error, Unreachable | BadCredentials)
    assert (job.state, job.removed) == ("interrupted" if may_pass else "failed", 0)
    assert text in workspace.imports.report(job).problems[0].reason
    assert set(names(workspace)) >= {f"{number}.txt" for number in range(7)}
    assert workspace.items.count() - before <= 1
    assert workspace.synced.get("Runs").synced_at < job.started_at

    synced.lake.faults.clear()
    done = counts(workspace.ingest.sync("Runs"))
    assert done.pop("added", 0) + job.added == 2
    assert done == {"removed": 1, "skipped": 6 + job.added}
    assert sorted(names(workspace)) == sorted(["00.txt", "8.txt", *(f"{n}.txt" for n in range(7) if n != 1)])


def test_a_listing_that_is_cut_off_and_tried_again_goes_on_where_it_was(workspace, synced):
    synced.put("8.txt")
    synced.lake.faults["list"] = [None, heron.Unreachable("cut off"), None, heron.Throttled("slow down")]
    assert counts(workspace.ingest.sync("Runs")) == {"added": 1, "skipped": 7}


class CutOff(FilesystemStorage):
    """A filesystem in memory whose list is once cut off, and of which the object before the cut then vanishes."""

    is_due = False

    def _list(self, prefix):
        for number, stored in enumerate(super()._list(prefix)):
            yield stored
            if self.is_due and number == 2:
                self.is_due = False
                self.filesystem.rm(self.path_of(stored.url))
                raise Unreachable("cut off")


def test_a_listing_that_cannot_go_on_behind_a_vanished_object_marks_nothing(tmp_path):
    storage = CutOff(MemoryFileSystem())
    plugin = SimpleNamespace(
        register_storage=heron.hookimpl(
            lambda: [
                heron.StorageBackend(name="memory", summary="it", schemes=["memory"], load=lambda _: storage)
            ]
        )
    )
    for number in range(8):
        storage.filesystem.pipe(f"/cut-off/{number}.txt", b"words\n")
    with heron.open(tmp_path / "lake", plugins=[plugin], discover=False) as workspace:
        workspace.ingest.follow("Runs", "memory:///cut-off")
        assert counts(workspace.ingest.sync("Runs")) == {"added": 8}
        storage.is_due = True
        with pytest.raises(heron.HeronError, match="changed while it was listed"):
            workspace.ingest.sync("Runs")
        assert len(names(workspace)) == 8
        assert counts(workspace.ingest.sync("Runs")) == {"removed": 1, "skipped": 7}


def test_a_folder_of_this_machine_that_is_gone_marks_nothing_as_deleted(workspace, tmp_path):
    place = FolderPlace(tmp_path / "inbox")
    place.put("a.txt"), place.put("deep/b.txt")
    workspace.ingest.follow("Inbox", place.prefix)
    workspace.ingest.sync("Inbox")
    place.root.rename(tmp_path / "elsewhere")
    for options in ({}, {"allow_empty": True}):
        with pytest.raises(heron.NotFound, match="inbox is not there"):
            workspace.ingest.sync("Inbox", **options)
    assert workspace.items.count() == 2
    (tmp_path / "elsewhere").rename(place.root)
    assert counts(workspace.ingest.sync("Inbox")) == {"skipped": 2}


def test_objects_that_do_not_answer_are_not_taken_for_vanished(workspace, synced):
    before = {found.url: found for found in workspace.items.list()}
    for number in range(7):
        synced.put(f"{number}.txt", b"changed\n")
    synced.lake.broken["get"] = heron.Unreachable("cut off")
    report = workspace.ingest.sync("Runs")
    assert (report.job.state, report.waiting, report.job.removed) == ("incomplete", 7, 0)
    assert {found.url: found for found in workspace.items.list()} == before
    synced.lake.broken.clear()
    assert counts(workspace.ingest.sync("Runs")) == {"updated": 7}


def test_an_outage_leaves_a_sync_incomplete_and_marks_only_what_has_vanished(workspace, synced, monkeypatch):
    monkeypatch.setenv("HERON_CONCURRENCY", "4")
    for number in range(60):
        synced.put(f"new {number:02}.txt")
    synced.remove("3.txt")
    synced.lake.broken["get"] = heron.BadCredentials("expired")
    report = workspace.ingest.sync("Runs")
    assert (report.job.state, report.waiting) == ("incomplete", 60)
    assert counts(report) == {"removed": 1, "skipped": 6}
    synced.lake.broken.clear()
    synced.lake.asked.clear()
    assert counts(workspace.ingest.resume(report.job)) == {"added": 60, "removed": 1, "skipped": 6}
    assert {what for what, *_ in synced.lake.asked} == {"get"}, "nothing is listed again"
    assert counts(workspace.ingest.sync("Runs")) == {"skipped": 66}


def test_a_sync_that_is_resumed_goes_on_in_its_folder_though_that_was_renamed(workspace, synced):
    synced.put("8.txt")
    synced.lake.faults["list"] = [heron.Unreachable("cut off")] * 3
    with pytest.raises(heron.Unreachable):
        workspace.ingest.sync("Runs")
    synced.lake.faults.clear()
    workspace.folders.rename("Runs", "Trips")
    assert counts(workspace.ingest.resume(workspace.imports.list()[0])) == {"added": 1, "skipped": 7}
    assert [folder.path for folder in workspace.folders.list()] == ["Trips"]


def test_a_sync_that_is_cancelled_marks_nothing_as_deleted(workspace, synced):
    synced.remove("3.txt")

    def cancel(progress):
        workspace.imports.cancel(workspace.imports.list()[0])

    with pytest.raises(ImportCancelled, match="was cancelled"):
        workspace.ingest.sync("Runs", progress=cancel)
    assert workspace.items.count() == 7
    assert counts(workspace.ingest.sync("Runs")) == {"removed": 1, "skipped": 6}


# Nothing there at all


def test_an_empty_listing_is_refused_until_it_is_allowed(workspace, synced):
    kept = dict(synced.objects)
    synced.objects.clear()
    synced.lake.put("mem://bucket/runs/10/other.txt")
    before = catalogue(workspace)
    with pytest.raises(heron.InvalidInput) as refusal:
        workspace.ingest.sync("Runs")
    assert str(refusal.value) == (
        "there is nothing below mem://bucket/runs/1/ any more, but folder 'Runs' has 7 items of it "
        "(--allow-empty marks all of them as deleted)"
    )
    assert catalogue(workspace) == before
    assert workspace.imports.list()[0].state == "failed"
    assert counts(workspace.ingest.sync("Runs", allow_empty=True)) == {"removed": 7}
    assert workspace.items.count() == 0
    assert counts(workspace.ingest.sync("Runs")) == {}, "nothing is left that could be marked"
    synced.objects.update(kept)
    assert counts(workspace.ingest.sync("Runs")) == {"restored": 7}


def test_a_folder_that_never_held_anything_may_be_empty(workspace, bucket):
    workspace.ingest.follow("Runs", bucket.prefix)
    assert counts(workspace.ingest.sync("Runs")) == {}
    assert workspace.synced.get("Runs").synced_at is not None


# Two at once, and killed

SLOW = """
import sys, time, heron
from heron.ingest import pipeline
pipeline.BATCH, pipeline.SECONDS = 8, 0
def slowly(progress):
    print(progress.done, flush=True)
    seconds, last = map(float, sys.argv[2:])
    time.sleep(600 if progress.done >= last else seconds)
with heron.open(sys.argv[1], discover=False) as workspace:
    workspace.ingest.sync("Inbox", progress=slowly)
"""


@pytest.fixture
def inbox(workspace, tmp_path):
    """A folder on disk, of which every third file is known, every third vanished and every third new."""
    place = FolderPlace(tmp_path / "inbox")
    for number in range(60):
        place.put(f"{number:02}.txt")
    workspace.ingest.follow("Inbox", place.prefix)
    workspace.ingest.sync("Inbox")
    workspace.metadata.merge_all(workspace.items.list(), {"kept": 1})
    for number in range(0, 60, 3):
        place.remove(f"{number:02}.txt")
        place.put(f"{number + 1:02}.txt", b"changed\n")
        place.put(f"new {number:02}.txt")
    return place


def start(workspace, seconds, last=1000):
    """A sync that rests some seconds after each batch, and goes no further once so many files are done."""
    arguments = [sys.executable, "-c", SLOW, workspace.root, str(seconds), str(last)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check(workspace, place):
    """Every file is there as one item that is not marked, with the metadata that it had, and no other is."""
    listed = Counter(found.url for found in workspace.items.list())
    assert listed == Counter(path.as_uri() for path in place.root.iterdir())
    every = list(workspace.items.list(deleted=True))
    assert Counter(found.url for found in every).most_common(1)[0][1] == 1
    assert {found.name for found in every if not found.metadata} == {
        f"new {n:02}.txt" for n in range(0, 60, 3)
    }
    assert item(workspace, place.url("01.txt")).size == len(b"changed\n")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
@pytest.mark.parametrize("way", ["sync again", "resume"])
def test_a_sync_that_is_killed_is_completed_by_the_next(workspace, inbox, number, way):
    process = start(workspace, 0, last=20)
    done = 0
    while done < 20:
        done = int(process.stdout.readline())
    process.send_signal(number)
    process.wait(timeout=120)
    process.stdout.close(), process.stderr.close()
    time.sleep(0.05)
    with closing(sqlite3.connect(workspace._database.path)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    [job, *_] = workspace.imports.list()
    assert (job.state, job.removed) == ("interrupted", 0)
    assert 0 < job.added + job.updated < 40, "it was in the middle"
    assert len(list(workspace.items.list(deleted=True))) == 60 + job.added
    if way == "resume":
        report = workspace.ingest.resume(job)
        assert (report.added, report.job.updated, report.job.removed) == (20, 20, 20)
    else:
        report = workspace.ingest.sync("Inbox")
        assert (report.added, report.job.updated) == (20 - job.added, 20 - job.updated)
        assert report.job.removed == 20
    check(workspace, inbox)


@pytest.mark.slow
def test_two_syncs_at_once_neither_fail_nor_add_anything_twice(workspace, inbox):
    processes = [start(workspace, seconds) for seconds in (0.01, 0.015)]
    for process in processes:
        _, said = end_of(process)
        assert process.returncode == 0, said
    check(workspace, inbox)
    jobs = workspace.imports.list()[:2]
    assert [job.state for job in jobs] == ["done", "done"]
    assert (
        min(job.started_at for job in jobs)
        < max(job.started_at for job in jobs)
        < min(job.finished_at for job in jobs)
    )
    assert sum(job.added for job in jobs) == sum(job.removed for job in jobs) == 20
    assert all(job.failed == 0 for job in jobs)
    assert counts(workspace.ingest.sync("Inbox")) == {"skipped": 60}


# Memory


@given(ids=st.sets(st.integers(0, 3000)))
def test_what_was_seen_is_remembered(ids):
    seen = Seen()
    for id in ids:
        seen.add(id)
    assert {id for id in range(3100) if id in seen} == ids


def test_ten_million_items_that_were_seen_take_little_memory():
    seen = Seen()
    tracemalloc.start()
    seen.add(10_000_000)
    for id in range(0, 10_000_000, 999):
        seen.add(id)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert 10_000_000 in seen and 10_000_001 not in seen and 123_456_789 not in seen


LARGE = """
import resource, sys, heron
from heron.hooks import StoredObject
from heron.models import MediaFacts, NewItem
count, prefix = int(sys.argv[2]), "mem://bucket/"

def urls(start):
    numbers = range(start, start + count)
    return (f"mem://bucket/folder-{number // 1000:06}/object-{number:09}.txt" for number in numbers)

class Large:
    def normalise(self, url):
        return url
    def list(self, prefix, after=None):
        return (StoredObject(url, 6, "etag") for url in urls(count // 10))
    def peek(self, url, count):
        return StoredObject(url, 6, "etag"), b"words\\n"
    def read(self, url, start=0, end=None, *, etag=None):
        return b"words\\n"[start:end]
    @heron.hookimpl
    def register_storage(self):
        yield heron.StorageBackend(name="mem", summary="memory", schemes=["mem"], load=lambda options: self)

large = Large()
with heron.open(sys.argv[1], plugins=[large], discover=False) as workspace:
    workspace._database.connection.execute("PRAGMA cache_size = -4096")  # it is 32 MB otherwise, and fills slowly
    workspace.ingest.follow("Runs", prefix)
    facts = MediaFacts("text", "text/plain")
    known = (NewItem(url, facts, size=6, etag="etag") for url in urls(0))
    workspace.registration.register(known, "Runs")
    job = workspace.ingest.sync("Runs").job
    print(job.added, job.skipped, job.removed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_keys(tmp_path):
    peaks = []
    for count in (5_000, 30_000):
        arguments = [sys.executable, "-c", LARGE, tmp_path / str(count), str(count)]
        done = subprocess.run(
            arguments, capture_output=True, text=True, env={**os.environ, "HERON_CONCURRENCY": "8"}
        )
        assert done.returncode == 0, done.stderr
        *numbers, peak = map(int, done.stdout.split())
        assert numbers == [count // 10, count // 10 * 9, count // 10]
        peaks.append(peak)
    assert peaks[1] < 1.07 * peaks[0], peaks
