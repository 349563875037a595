"""Retries: unreachable or throttled requests are repeated, and a listing continues where it stopped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron.errors import HeronError
from heron.storage.buckets import object_url
from heron.storage.retries import FIRST, LONGEST, RETRIES, PatientStorage, configured_retries
from tests.memory_storage import Lake, LakeStorage

URL = "mem://b/a"

ASKS = {
    "stat": lambda storage: storage.stat(URL).size,
    "peek": lambda storage: storage.peek(URL, 3)[1],
    "read": lambda storage: storage.read(URL, 1, 3),
    "sign": lambda storage: storage.sign(URL, 60),
    "open": lambda storage: storage.open(URL).read(),
    "list": lambda storage: [found.url for found in storage.list("mem://b/")],
    "peek_all": lambda storage: [answer[1] for answer in storage.peek_all([URL, URL], 2)],
}
"""Each way to ask, made to give something that can be compared."""

REQUEST = {"peek": "get", "read": "get", "peek_all": "get", "open": "stat"}
"""The request that is made for it, where that is called otherwise."""


@pytest.fixture
def lake():
    lake = Lake()
    lake.put(URL, b"content")
    return lake


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def storage(lake, pauses):
    """A storage that tries three times more, and does not really wait."""
    return PatientStorage(LakeStorage(lake), retries=3, pause=pauses.append)


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(
    "error", [heron.Unreachable("gone"), heron.Throttled("slow"), ConnectionResetError("cut")]
)
def test_what_is_unreachable_or_throttled_is_asked_again(lake, storage, pauses, ask, error):
    expected = ASKS[ask](storage)
    lake.faults[REQUEST.get(ask, ask)] += [error] * 3
    assert ASKS[ask](storage) == expected
    assert len(pauses) == 3


@pytest.mark.parametrize("ask", sorted(set(ASKS) - {"peek_all"}))
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_after_the_last_retry_the_error_is_told(lake, pauses, ask, retries):
    storage = PatientStorage(LakeStorage(lake), retries=retries, pause=pauses.append)
    request = REQUEST.get(ask, ask)
    lake.broken[request] = error = heron.Throttled("slow down")
    with pytest.raises(heron.Throttled) as raised:
        ASKS[ask](storage)
    assert raised.value is error
    assert [what for what, *_ in lake.asked] == [request] * (retries + 1)
    assert len(pauses) == retries


@pytest.mark.parametrize("ask", sorted(set(ASKS) - {"peek_all"}))
@pytest.mark.parametrize(
    "error",
    [
        heron.NotFound("no"), heron.NoSuchBucket("no"), heron.BadCredentials("no"), heron.PermissionDenied("no"),
        heron.ObjectChanged("no"), heron.InvalidInput("no"), HeronError("no"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_no_other_error_is_tried_again(lake, storage, pauses, ask, error):
    lake.broken[REQUEST.get(ask, ask)] = error
    with pytest.raises(type(error)) as raised:
        ASKS[ask](storage)
    assert raised.value is error
    assert len(lake.asked) == 1
    assert pauses == []


def test_each_range_of_an_open_file_is_tried_again(lake, storage, pauses):
    content = bytes(range(256)) * 2000
    lake.put(URL, content)
    with storage.open(URL) as file:
        lake.faults["get"] += [heron.Unreachable("cut")] * 2
        assert file.read(10) == content[:10]
        file.seek(400_000)
        lake.faults["get"] += [heron.Throttled("slow")] * 3
        assert file.read(10) == content[400_000:400_010]
    assert len(pauses) == 5


def test_an_open_file_notices_that_the_object_was_replaced(lake, storage):
    with storage.open(URL) as file:
        lake.put(URL, b"another")
        with pytest.raises(heron.ObjectChanged):
            file.read()


def test_normalising_asks_nobody(lake, storage):
    assert storage.normalise("https://mem.example/b/a b") == "mem://b/a%20b"
    assert lake.asked == []


# Pauses


def pauses_of(lake, retries):
    pauses = []
    lake.broken["stat"] = heron.Unreachable("gone")
    with pytest.raises(heron.Unreachable):
        PatientStorage(LakeStorage(lake), retries=retries, pause=pauses.append).stat(URL)
    return pauses


def test_pauses_vary_below_a_limit_that_doubles_up_to_a_longest(lake):
    runs = [pauses_of(lake, 9) for _ in range(200)]
    for number, found in enumerate(zip(*runs, strict=True)):
        limit = min(LONGEST, FIRST * 2**number)
        assert all(0 <= pause <= limit for pause in found)
        assert max(found) > limit / 2, "of 200 one is in the upper half"
        assert min(found) < limit / 2
        assert len(set(found)) > 100


def test_very_many_retries_pause_no_longer(lake):
    pauses = pauses_of(lake, 3000)
    assert len(pauses) == 3000
    assert LONGEST / 2 < max(pauses) <= LONGEST


def test_a_list_that_came_on_pauses_shortly_again(lake, storage, pauses):
    lake.page = 1
    for number in range(40):
        lake.put(f"mem://b/{number:02}")
    lake.faults["list"] += [heron.Unreachable("cut"), None] * 40
    assert len(list(storage.list("mem://b/"))) == 41
    assert len(pauses) == 40
    assert max(pauses) <= FIRST


# Lists that break off


@pytest.mark.slow
@given(
    keys=st.lists(st.from_regex("[ab/ é%#]{0,4}[ab é%#]", fullmatch=True), unique=True, max_size=25),
    page=st.integers(1, 4),
    failures=st.lists(st.integers(0, 3), max_size=30),
    prefix=st.sampled_from(["", "a", "a/", "b"]),
)
def test_a_list_goes_on_behind_the_last_object_however_often_it_breaks_off(keys, page, failures, prefix):
    lake, pauses = Lake(page), []
    lake.buckets["b"] = {}
    for key in keys:
        lake.put(object_url("mem", "b", key))
    url = object_url("mem", "b", prefix)
    expected = [found.url for found in LakeStorage(lake).list(url)]
    errors = [heron.Unreachable("cut"), heron.Throttled("slow"), ConnectionError("reset")]
    for count in failures:
        lake.faults["list"] += [*errors[:count], None]
    planned = sum(failures)
    storage = PatientStorage(LakeStorage(lake), retries=3, pause=pauses.append)
    assert [found.url for found in storage.list(url)] == expected
    left = sum(fault is not None for fault in lake.faults["list"])
    assert len(pauses) == planned - left


def test_a_page_of_markers_of_folders_alone_brings_a_list_no_further(lake, storage, pauses):
    lake.page = 1
    for key in ("b/", "c/", "d"):
        lake.put(f"mem://b/{key}")
    slow = heron.Throttled("slow")
    lake.faults["list"] += [None, slow, None, slow, None, slow]
    assert [found.url for found in storage.list("mem://b/")] == [URL, "mem://b/d"]
    lake.faults["list"] += [None, slow, None, slow, None, slow, None, slow]
    with pytest.raises(heron.Throttled):
        list(storage.list("mem://b/"))


def test_a_list_asks_for_what_is_behind_the_last_object_that_it_gave(lake, storage):
    for key in "bcdefg":
        lake.put(f"mem://b/{key}")
    lake.faults["list"] += [None, heron.Unreachable("cut")]
    assert [found.url[-1] for found in storage.list("mem://b/", after="mem://b/a")] == list("bcdefg")
    assert [after for what, _, after in lake.asked if what == "list"] == ["a", "a", "d"]


def test_a_list_that_never_comes_on_ends_after_the_last_retry_with_what_it_gave(lake, storage, pauses):
    for key in "bcdef":
        lake.put(f"mem://b/{key}")
    lake.faults["list"] += [None]
    lake.broken["list"] = heron.Unreachable("gone for good")
    stream = storage.list("mem://b/")
    assert [next(stream).url[-1] for _ in range(3)] == list("abc")
    with pytest.raises(heron.Unreachable, match="gone for good"):
        next(stream)
    assert len(pauses) == 3


def test_a_list_is_not_begun_before_it_is_asked_for(lake, storage):
    stream = storage.list("mem://b/")
    assert lake.asked == []
    next(stream)
    assert len(lake.asked) == 1


# Several objects at once


class Together(LakeStorage):
    """A storage that looks at several objects at once."""

    def peek_all(self, urls, count):
        answers = []
        for url in urls:
            try:
                answers.append(self.peek(url, count))
            except HeronError as error:
                answers.append(error)
        return answers


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_of_several_objects_each_is_tried_as_often_as_one_and_errors_stand_in_their_place(
    lake, pauses, retries
):
    storage = PatientStorage(Together(lake), retries=retries, pause=pauses.append)
    gone, slow = heron.NotFound("gone"), heron.Throttled("slow")
    lake.faults["get"] += [None, gone, *[slow] * (retries + 1)]
    found = storage.peek_all([URL, URL, URL], 3)
    assert found[0][1] == b"con"
    assert found[1:] == [gone, slow]
    assert len(lake.asked) == 2 + retries + 1
    assert len(pauses) == retries


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_backend_that_cannot_ask_for_several_is_asked_by_threads_at_once(lake, pauses, retries):
    storage = PatientStorage(LakeStorage(lake), retries=retries, pause=pauses.append)
    assert [content for _, content in storage.peek_all([URL, URL, URL], 3)] == [b"con"] * 3
    assert len(lake.asked) == 3
    lake.broken["get"] = slow = heron.Throttled("slow")
    assert storage.peek_all([URL, URL], 3) == [slow, slow]
    assert len(lake.asked) == 3 + 2 * (retries + 1)
    assert len(pauses) == 2 * retries


# How often


@pytest.mark.parametrize(("given", "retries"), [(None, RETRIES), ("0", 0), ("7", 7), ("007", 7)])
def test_the_environment_says_how_often(lake, pauses, monkeypatch, given, retries):
    if given is not None:
        monkeypatch.setenv("HERON_RETRIES", given)
    assert configured_retries() == retries
    lake.broken["stat"] = heron.Unreachable("gone")
    with pytest.raises(heron.Unreachable):
        PatientStorage(LakeStorage(lake), pause=pauses.append).stat(URL)
    assert len(pauses) == retries


@pytest.mark.parametrize("given", ["", "-1", "often", "1.5", "²"])
def test_what_is_no_number_of_times_is_refused(lake, monkeypatch, given):
    monkeypatch.setenv("HERON_RETRIES", given)
    with pytest.raises(heron.InvalidInput, match=r"HERON_RETRIES is .*, expected a number of retries"):
        PatientStorage(LakeStorage(lake))


def test_its_text_is_that_of_the_storage(lake):
    class Shown(LakeStorage):
        def __repr__(self):
            return "<lake>"

    assert repr(PatientStorage(Shown(lake))) == "<PatientStorage <lake>>"
