"""Storages that raise, exit, and answer with anything: what was read before stays, and the plugin is named."""

from __future__ import annotations

import sys

import pytest
from attrs import evolve

import heron
from tests.memory_storage import Lake, LakePlugin, LakeStorage


class Panic(BaseException):
    """What an extension in Rust raises."""


class Wrong(LakePlugin):
    """The storage of a lake with one verb that answers as a test says; `after` so many good answers."""

    def __init__(self, verb, answer, after=0):
        super().__init__(Lake(page=100))
        self.verb, self.answer, self.left = verb, answer, after

    def load(self, options):
        storage = LakeStorage(self.lake, **options)
        asked = getattr(storage, self.verb, None)

        def verb(*arguments, **named):
            if self.left:
                self.left -= 1
                return asked(*arguments, **named)
            return self.answer(asked, *arguments, **named)

        setattr(storage, self.verb, verb)
        return storage


@pytest.fixture
def opened(tmp_path):
    made = []

    def make(plugin):
        for number in range(20):
            plugin.lake.put(f"mem://b/{number:02}.txt", b"words")
        made.append(heron.open(tmp_path / "lake", plugins=[plugin], discover=False))
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


def leaving(error):
    """A listing that ends with an error after half of its objects."""

    def listing(asked, *arguments):
        for number, stored in enumerate(asked(*arguments)):
            if number == 10:
                raise error
            yield stored

    return listing


def changed(change):
    """A listing in which the tenth object is something else."""
    return lambda asked, *arguments: (change(s) if n == 10 else s for n, s in enumerate(asked(*arguments)))


LISTINGS = {
    "an exception": (leaving(ValueError("page 2")), "ValueError: page 2"),
    "SystemExit": (leaving(SystemExit(4)), "SystemExit: 4"),
    "a panic": (leaving(Panic("unwrap")), "Panic: unwrap"),
    "a URL": (changed(lambda stored: stored.url), "expected a StoredObject"),
    "no size": (changed(lambda stored: heron.StoredObject(stored.url, None)), "size of an object is None"),
    "a size below zero": (changed(lambda stored: heron.StoredObject(stored.url, -1)), "size of an object is -1"),
    "no URL": (changed(lambda stored: heron.StoredObject(None, 1)), "it gave None, expected text"),
    "an ETag in bytes": (changed(lambda stored: heron.StoredObject(stored.url, 1, b"x")), "expected text"),
}  # fmt: skip


@pytest.mark.parametrize("what", LISTINGS)
def test_a_listing_that_goes_wrong_keeps_what_it_gave(opened, what):
    listing, reason = LISTINGS[what]
    workspace = opened(Wrong("list", listing))
    with pytest.raises(heron.HeronError) as refusal:
        workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
    assert reason in str(refusal.value)
    assert "storage mem (plugin Wrong" in str(refusal.value)
    assert workspace.items.count() == 10
    [job] = workspace.imports.list()
    assert (job.state, job.added) == ("failed", 10)


PEEKS = {
    "an exception": lambda *_: 1 / 0,
    "SystemExit": lambda *_: sys.exit(2),
    "nothing": lambda *_: None,
    "no object": lambda *_: ("mem://b/x", b"words"),
    "text in place of bytes": lambda asked, url, count: (asked(url, count)[0], "words"),
    "more than was asked for": lambda asked, url, count: (asked(url, count)[0], b"x" * (count + 1)),
}


@pytest.mark.parametrize("what", PEEKS)
def test_objects_that_cannot_be_read_cost_themselves(opened, what):
    workspace = opened(Wrong("peek", PEEKS[what]))
    report = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
    assert (report.added, report.failed) == (0, 20)
    assert all("storage mem (plugin Wrong" in problem.reason for problem in report.problems)


TOGETHER = {
    "an exception": lambda *_: 1 / 0,
    "too few": lambda asked, urls, count: [],
    "nothing": lambda asked, urls, count: None,
    "nothing for each": lambda asked, urls, count: [None] * len(urls),
}


@pytest.mark.parametrize("what", TOGETHER)
def test_objects_that_cannot_be_read_together_are_read_one_by_one(opened, what):
    workspace = opened(Wrong("peek_all", TOGETHER[what]))
    report = workspace.ingest.files(["mem://b/"], folder="A", ignore_errors=True)
    assert (report.added, report.failed) == (20, 0)


READS = {"text": "words", "too much": b"x" * 100_000, "nothing": None}


@pytest.mark.parametrize("what", READS)
def test_a_read_that_gives_something_else_is_refused(opened, what):
    workspace = opened(Wrong("read", lambda *_, **__: READS[what]))
    workspace.ingest.files(["mem://b/"], folder="A")
    storage = workspace.storage.open("mem://b/01.txt")
    with pytest.raises(
        heron.PluginError, match=r"mem://b/01\.txt: storage mem \(plugin Wrong.* failed in read: it gave"
    ):
        storage.read("mem://b/01.txt", 0, 3)


@pytest.mark.parametrize("verb", ["normalise", "store", "store_of_url"])
def test_functions_of_the_record_that_fail_are_named(tmp_path, verb):
    def fail(*_):
        raise RuntimeError("no luck")

    plugin = LakePlugin(**({} if verb == "normalise" else {"store": lambda _: None} | {verb: fail}))
    if verb == "normalise":
        plugin.record = evolve(plugin.record, normalise=fail)
    plugin.lake.put("mem://b/01.txt")
    refused = pytest.raises(
        heron.PluginError, match=rf"storage mem.* failed in {verb} with RuntimeError: no luck"
    )
    with heron.open(tmp_path / "lake", plugins=[plugin], discover=False) as workspace, refused:
        workspace.ingest.files(["https://mem.example/b/01.txt"], folder="A")
