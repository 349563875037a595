"""Outages of a storage: jobs wait for a store that does not answer, and give up an object that fails alone."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron.storage import retries, waiting
from heron.storage.retries import PatientStorage
from heron.storage.waiting import Patience, Stopped, current, patiently, waited_for
from tests.memory_storage import Lake, LakeStorage

URL, OTHER = "mem://b/a", "mem://b/other"
DOWN = heron.Unreachable("mem://b/a cannot be reached: connection refused")


class Clock:
    """A clock that moves on by the pauses alone, and by a little for each request."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def pause(self, seconds):
        self.now += seconds


class Flaky(LakeStorage):
    """Objects that cannot be read while `fails(now, key)` says so."""

    def __init__(self, lake, clock, fails):
        super().__init__(lake)
        self.clock, self.fails = clock, fails

    def _get(self, address, start, end, etag):
        self.clock.now += 0.01
        if self.fails(self.clock.now - 1000, address.key):
            self.lake.asked.append(("get", address.key))
            raise heron.Unreachable(f"mem://b/{address.key} cannot be reached")
        return super()._get(address, start, end, etag)

    def _pages(self, address, after):
        for page in super()._pages(address, after):
            self.clock.now += 0.01
            if self.fails(self.clock.now - 1000, "list"):
                raise heron.Unreachable("the list broke off")
            yield page


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lake():
    lake = Lake(page=1)
    for number in range(30):
        lake.put(f"mem://b/{number:02}", b"%02d" % number)
    lake.put(URL, b"content")
    lake.put(OTHER, b"other")
    return lake


def job(clock, **options):
    return patiently(Patience(clock=clock, pause=clock.pause, **options))


@pytest.mark.parametrize("seconds", [3, 6, 15, 60, 115])
@pytest.mark.parametrize("begin", [0, 0.5])
def test_an_outage_is_waited_out(lake, clock, seconds, begin):
    store = PatientStorage(Flaky(lake, clock, lambda now, key: begin <= now < begin + seconds))
    with job(clock):
        for number in range(30):
            assert store.read(f"mem://b/{number:02}") == b"%02d" % number
            clock.now += 0.05
    assert seconds <= clock.now - 1000 < seconds + 15


@pytest.mark.parametrize("seconds", [3, 15, 60])
def test_a_list_waits_too_and_goes_on_after_its_last_object(lake, clock, seconds):
    store = PatientStorage(Flaky(lake, clock, lambda now, key: 0.1 <= now < 0.1 + seconds))
    with job(clock):
        assert [found.url for found in store.list("mem://b/")] == sorted(
            f"mem://b/{key}" for key in lake.buckets["b"]
        )


def test_a_store_that_stays_down_is_given_up_after_the_patience_and_then_fails_at_once(lake, clock):
    store = PatientStorage(Flaky(lake, clock, lambda now, key: now > 1), name="the mem store")
    with job(clock):
        clock.now += 0.5
        assert store.read(OTHER) == b"other"
        clock.now += 1
        begin = clock.now
        with pytest.raises(heron.Unreachable, match="cannot be reached"):
            store.read(URL)
        assert waiting.SILENCE <= clock.now - begin < waiting.SILENCE + 15
        asked, now = len(lake.asked), clock.now
        for _ in range(100):
            with pytest.raises(heron.Unreachable, match="the mem store does not answer"):
                store.read(URL)
        assert len(lake.asked) <= asked + 1, "at most one looks whether it is back"
        assert clock.now - now < 1


def test_a_store_that_is_back_after_it_was_given_up_is_found_to_be_back(lake, clock):
    store = PatientStorage(Flaky(lake, clock, lambda now, key: now < 200))
    with job(clock):
        with pytest.raises(heron.Unreachable):
            store.read(URL)
        clock.now = 1000 + 201 + waiting.AGAIN
        assert store.read(URL) == b"content"


def test_an_object_that_always_fails_alone_is_given_up_soon_and_others_keep_their_retries(lake, clock):
    broken = lambda now, key: key == "a" or 20 < now < 26  # noqa: E731
    store = PatientStorage(Flaky(lake, clock, broken))
    with job(clock):
        assert store.read(OTHER) == b"other"
        begin = clock.now
        with pytest.raises(heron.Unreachable):
            store.read(URL)
        assert waiting.OBJECT <= clock.now - begin < waiting.OBJECT + 11
        clock.now = 1000 + 20.5
        assert store.read("mem://b/07") == b"07", "an outage of 5.5 s"


def test_outside_of_jobs_too_an_object_that_fails_alone_does_not_turn_off_the_retries_of_others(lake):
    pauses = []
    lake.buckets["b"]["broken"] = b"x"
    flaky = Flaky(lake, Clock(), lambda now, key: key == "broken")
    store = PatientStorage(flaky, pause=pauses.append)
    store.read(OTHER)
    with pytest.raises(heron.Unreachable):
        store.read("mem://b/broken")
    lake.faults["get"] = [heron.Unreachable("cut")] * 2
    assert store.read(URL) == b"content"


def test_an_object_of_a_job_without_a_second_round_is_tried_longer(lake, clock):
    store = PatientStorage(Flaky(lake, clock, lambda now, key: key == "a" and now < 25))
    with job(clock, single=waiting.ALONE):
        store.read(OTHER)
        assert store.read(URL) == b"content"


def test_many_objects_that_fail_alone_are_each_tried_shortly(lake, clock):
    store = PatientStorage(Flaky(lake, clock, lambda now, key: key.isdigit()))
    with job(clock):
        store.read(OTHER)
        for _ in range(4):
            for number in range(30):
                with pytest.raises(heron.Unreachable):
                    store.read(f"mem://b/{number:02}")
    assert clock.now - 1000 < 20 * (waiting.OBJECT + 11) + 100 * 8


def test_two_stores_are_judged_apart(lake, clock):
    dead = PatientStorage(Flaky(lake, clock, lambda now, key: True))
    alive = PatientStorage(Flaky(lake, clock, lambda now, key: False))
    with job(clock):
        alive.read(URL)
        with pytest.raises(heron.Unreachable):
            dead.read(URL)
        assert alive.read(OTHER) == b"other"


@given(
    outages=st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 100)), max_size=5),
    seed=st.integers(0, 3),
)
def test_any_pattern_of_outages_that_ends_is_waited_out(outages, seed):
    spans, begin = [], 0.0
    for gap, length in outages:
        spans.append((begin + gap, begin + gap + length))
        begin += gap + length
    lake, clock = Lake(page=1), Clock()
    for number in range(30):
        lake.put(f"mem://b/{number:02}", b"%02d" % number)
    store = PatientStorage(
        Flaky(lake, clock, lambda now, key: any(start <= now < end for start, end in spans))
    )
    read = []
    with job(clock, silence=60_000.0):
        for found in store.list("mem://b/"):
            read.append(store.read(found.url))
            clock.now += seed
    assert read == [b"%02d" % number for number in range(30)]


def test_refused_credentials_are_not_tried_for_ever(lake, clock):
    store = PatientStorage(LakeStorage(lake))
    lake.broken["get"] = heron.BadCredentials("the session token has expired", hint="fetch new ones")
    with job(clock):
        for _ in range(waiting.REFUSED + 50):
            with pytest.raises(heron.BadCredentials, match="the session token has expired") as refused:
                store.read(URL)
            assert refused.value.hint == "fetch new ones"
    assert len(lake.asked) == waiting.REFUSED
    lake.broken.clear()
    with job(clock):
        assert store.read(URL) == b"content", "the next job tries them again"


def test_the_number_of_retries_of_the_environment_is_the_limit_in_jobs_too(lake, clock, monkeypatch):
    monkeypatch.setenv("HERON_RETRIES", "2")
    pauses = []
    store = PatientStorage(Flaky(lake, clock, lambda now, key: True), pause=pauses.append)
    with job(clock), pytest.raises(heron.Unreachable):
        store.read(URL)
    assert len(pauses) == 2


@pytest.mark.parametrize("given", ["", "-1", "long", "1e9"])
def test_patience_that_is_no_number_of_seconds_is_refused(monkeypatch, given):
    monkeypatch.setenv("HERON_PATIENCE", given)
    with pytest.raises(heron.InvalidInput, match="HERON_PATIENCE is"):
        Patience()


def test_the_environment_sets_the_patience(lake, clock, monkeypatch):
    monkeypatch.setenv("HERON_PATIENCE", "7")
    store = PatientStorage(Flaky(lake, clock, lambda now, key: True))
    with job(clock), pytest.raises(heron.Unreachable):
        store.read(URL)
    assert 7 <= clock.now - 1000 < 20


def test_the_wait_is_told(lake, clock):
    told = []
    patience = Patience(clock=clock)

    def pause(seconds):
        told.append(waited_for())
        clock.now += seconds

    patience._pause = pause
    store = PatientStorage(
        Flaky(lake, clock, lambda now, key: now < 30), name="the mem store of integration lab"
    )
    with patiently(patience):
        store.read(URL)
        assert waited_for() is None
    sentences = [text for text in told if text]
    assert sentences
    assert all(
        text.startswith("the mem store of integration lab does not answer, asked again in ")
        and text.endswith(" s")
        for text in sentences
    )


def test_a_job_that_ends_wakes_its_waiting_threads(lake, monkeypatch):
    monkeypatch.setattr(retries, "FIRST", 600.0)
    monkeypatch.setattr(retries, "LONGEST", 600.0)
    monkeypatch.setattr(retries.random, "uniform", lambda shortest, longest: longest)
    lake.broken["get"] = heron.Unreachable("gone")
    store = PatientStorage(LakeStorage(lake))
    ended = []

    def read():
        with waiting.working_for(patience):
            try:
                store.read(URL)
            except Stopped:
                ended.append(True)

    with patiently() as patience:
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 60
        while len(lake.asked) < 4 and time.monotonic() < end:
            time.sleep(0.01)
    for thread in threads:
        thread.join(60)  # they would wait for 600 s
    assert len(ended) == 4
    assert current() is None


# Hosts whose names are not known

UNKNOWN = heron.NoSuchHost("mem://b/a cannot be reached: there is no host mispelt.example")


@pytest.mark.parametrize("ask", ["read", "list"])
def test_an_unknown_name_is_told_within_seconds(lake, clock, ask):
    lake.broken["get"] = lake.broken["list"] = UNKNOWN
    storage = PatientStorage(LakeStorage(lake))
    begin = clock.now
    with patiently(Patience(clock=clock, pause=clock.pause)), pytest.raises(heron.NoSuchHost):
        storage.read(URL) if ask == "read" else list(storage.list("mem://b/"))
    assert waiting.NAME <= clock.now - begin < waiting.NAME + 12


@pytest.mark.parametrize("before", ["read", "list"])
def test_a_name_that_was_known_before_is_waited_for(lake, clock, before):
    """Whatever the store has answered: its list, or another object."""
    storage = PatientStorage(LakeStorage(lake))
    begin = clock.now
    with patiently(Patience(clock=clock, pause=clock.pause)):
        storage.read(OTHER) if before == "read" else list(storage.list("mem://b/"))
        lake.broken["get"] = UNKNOWN
        with pytest.raises(heron.NoSuchHost):
            storage.read(URL)
        assert clock.now - begin >= waiting.SILENCE
        lake.broken.clear()
        clock.now += waiting.AGAIN
        assert storage.read(URL) == b"content"
