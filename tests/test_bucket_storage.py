"""The base class of bucket storages: addresses and their escapes, lists, and errors that become sentences."""

from __future__ import annotations

import string
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron.storage.buckets import address_of, is_canonical, object_url
from heron.testing import StorageContract
from tests.memory_storage import Lake, LakePlugin, LakeStorage


@pytest.fixture
def lake():
    return Lake()


@pytest.fixture
def storage(lake):
    return LakeStorage(lake)


class TestContract(StorageContract):
    backend = LakePlugin().record
    other_forms: ClassVar = {
        "https://MEM.example/b/a%20b": "mem://b/a%20b",
        "MEM://b/a b": "mem://b/a%20b",
        "mem://b": "mem://b/",
        "mem://b/no#1?": "mem://b/no%231%3F",
    }

    @pytest.fixture
    def storage(self, lake):
        return LakeStorage(lake)

    @pytest.fixture
    def root(self, lake):
        lake.buckets.setdefault("bucket", {})
        return "mem://bucket/"

    @pytest.fixture
    def put(self, lake):
        return lambda name, content: lake.put(object_url("mem", "bucket", name), content)


# Addresses


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("a.jpg", "mem://b/a.jpg"),
        ("a b.jpg", "mem://b/a%20b.jpg"),
        ("100%.jpg", "mem://b/100%25.jpg"),
        ("a%20b", "mem://b/a%2520b"),
        ("#1?x=y&z", "mem://b/%231%3Fx=y&z"),
        ("größe/数据", "mem://b/gr%C3%B6%C3%9Fe/%E6%95%B0%E6%8D%AE"),
        ("a//b/../c", "mem://b/a//b/../c"),
        ("/leading", "mem://b//leading"),
        ("tab\tand\nline", "mem://b/tab%09and%0Aline"),
        ("[a]{b}|c^`\"<>\\", "mem://b/%5Ba%5D%7Bb%7D%7Cc%5E%60%22%3C%3E%5C"),
        ("", "mem://b/"),
    ],
)  # fmt: skip
def test_a_key_has_one_url_and_the_url_leads_back(key, url):
    assert object_url("mem", "b", key) == url
    assert address_of(url) == heron.ObjectAddress("b", key)


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
BUCKETS = st.text(string.ascii_letters + string.digits + ".-_~", min_size=1, max_size=20)


@given(bucket=BUCKETS, key=KEYS)
def test_every_key_survives_being_a_url(bucket, key):
    url = object_url("mem", bucket, key)
    assert address_of(url) == heron.ObjectAddress(bucket, key)
    assert url.isascii()
    assert url.isprintable()
    assert not set(" #?\t\n") & set(url)


@given(first=KEYS, second=KEYS)
def test_different_keys_have_different_urls(first, second):
    assert (object_url("mem", "b", first) == object_url("mem", "b", second)) == (first == second)


@given(key=KEYS)
def test_what_is_called_canonical_at_a_glance_is(key):
    for url in (f"mem://b/{key}", object_url("mem", "b", key)):
        if is_canonical(url, "mem"):
            address = address_of(url)
            assert object_url("mem", address.bucket, address.key) == url


@pytest.mark.parametrize(
    "url", ["s3://b/a", "mem://b", "mem://b/a b", "mem://b/a%20b", "mem:/b/a", "mem://u@b/a"]
)
def test_other_urls_are_looked_at_closely(url):
    assert not is_canonical(url, "mem")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("mem://b", ""),
        ("mem://b/a#1?2", "a#1?2"),
        ("mem://b/50% off.jpg", "50% off.jpg"),
        ("mem://b/%zz", "%zz"),
        ("mem://b/a\nb", "a\nb"),
    ],
)
def test_urls_as_people_write_them_are_read_too(url, key):
    assert address_of(url) == heron.ObjectAddress("b", key)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "names no bucket"),
        ("b/a", "names no bucket"),
        ("mem:///a", "names no bucket"),
        ("mem://?/a", "names no bucket"),
        ("mem://a b/c", "names no bucket"),
        ("mem://b/a%00b", "not valid Unicode"),
        ("mem://b/a\0b", "not valid Unicode"),
        ("mem://b/%ff", "not valid Unicode"),
        ("mem://b/a\ud800", "not valid Unicode"),
        ("mem://b/%ED%A0%80", "not valid Unicode"),
    ],
)
def test_a_url_without_bucket_or_with_an_impossible_key_is_refused_in_one_line(url, said):
    with pytest.raises(heron.InvalidInput, match=said) as refusal:
        address_of(url)
    assert refusal.value.message.isprintable()


def test_a_password_before_the_bucket_is_not_shown():
    with pytest.raises(heron.InvalidInput, match="the URL names no bucket") as refusal:
        address_of("mem://me:hunter2@bucket/key")
    assert "hunter2" not in str(refusal.value)


# Lists


def listed(storage, prefix, after=None):
    return [address_of(found.url).key for found in storage.list(prefix, after)]


@pytest.fixture
def many(lake):
    for key in ("a", "a-b", "a/", "a/1", "a/2/", "a/2/3", "ab/c", "b/", "c/1", "c/2"):
        lake.put(object_url("mem", "b", key))
    return lake


@pytest.mark.parametrize(
    ("prefix", "keys"),
    [
        ("mem://b/", ["a", "a-b", "a/1", "a/2/3", "ab/c", "c/1", "c/2"]),
        ("mem://b/a/", ["a/1", "a/2/3"]),
        ("mem://b/a/2", ["a/2/3"]),
        ("mem://b/a-b", ["a-b"]),
        ("mem://b/c", ["c/1", "c/2"]),
        ("mem://b/a", ["a"]),
        ("mem://b/b/", []),
        ("mem://b/b", []),
        ("mem://b/nothing", []),
    ],
    ids=["bucket", "folder", "folder without slash", "object", "whole folder without slash", "object and folder",
         "marker alone", "marker without slash", "nothing"],
)  # fmt: skip
def test_a_prefix_is_an_object_or_all_below_it_and_markers_of_folders_are_left_out(
    many, storage, prefix, keys
):
    assert listed(storage, prefix) == keys
    for number, key in enumerate(keys):
        after = object_url("mem", "b", key)
        assert listed(storage, prefix, after) == keys[number + 1 :], f"behind {key}"


def test_listing_with_a_slash_takes_no_look_at_an_object(many, storage):
    listed(storage, "mem://b/a/")
    assert {what for what, *_ in many.asked} == {"list"}
    many.asked.clear()
    listed(storage, "mem://b/c")
    assert [what for what, *_ in many.asked] == ["stat", "list"]


def test_a_list_asks_for_the_next_page_only_when_it_is_needed(many, storage):
    stream = storage.list("mem://b/")
    assert many.asked == []
    next(stream)
    assert len(many.asked) == 1
    assert len(list(stream)) == 6
    assert len(many.asked) == 4


def test_who_may_only_list_lists_and_is_refused_where_nothing_lies_below(many, storage):
    many.broken["stat"] = PermissionError("no")
    assert listed(storage, "mem://b/c") == ["c/1", "c/2"]
    with pytest.raises(heron.PermissionDenied, match="mem://b/a-b cannot be read: permission denied"):
        listed(storage, "mem://b/a-b")


@pytest.mark.parametrize(
    "error", [heron.BadCredentials("no"), heron.Unreachable("no"), heron.NoSuchBucket("no")]
)
def test_a_list_that_cannot_even_look_up_its_prefix_says_so(many, storage, error):
    many.broken["stat"] = error
    with pytest.raises(type(error)) as raised:
        listed(storage, "mem://b/c")
    assert raised.value is error
    assert [what for what, *_ in many.asked] == ["stat"]


# Reading and signing


@pytest.mark.parametrize("url", ["mem://b", "mem://b/", "mem://b/a/"])
def test_a_folder_is_neither_looked_up_nor_read_nor_signed(many, storage, url):
    for ask in (
        storage.stat,
        storage.read,
        storage.open,
        lambda u: storage.peek(u, 1),
        lambda u: storage.sign(u, 9),
    ):
        with pytest.raises(heron.NotFound, match=f"{url} is a folder, not an object"):
            ask(url)
    assert many.asked == []


@pytest.mark.parametrize(("start", "end"), [(0, 0), (5, 5), (7, 3)])
def test_an_empty_range_asks_for_nothing(many, storage, start, end):
    assert storage.read("mem://b/a", start, end) == b""
    assert many.asked == []


def test_an_open_file_notices_that_the_object_was_replaced(lake, storage):
    url = lake.put("mem://b/a", bytes(500_000))
    with storage.open(url) as file:
        assert file.read(10) == bytes(10)
        lake.put(url, b"y" * 500_000)
        file.seek(400_000)
        with pytest.raises(heron.ObjectChanged, match="mem://b/a was replaced"):
            file.read(10)


def test_signing_needs_a_second_at_least(many, storage):
    assert storage.sign("mem://b/a", 1) == "https://mem.example/b/a?expires=1"
    for expires in (0, -5):
        with pytest.raises(heron.InvalidInput, match=f"at least 1 second, not {expires}"):
            storage.sign("mem://b/a", expires)


# Errors


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (FileNotFoundError(2, "gone"), heron.NotFound, "mem://b/a is not there"),
        (PermissionError(13, "no"), heron.PermissionDenied, "mem://b/a cannot be read: permission denied"),
        (
            ConnectionResetError("reset\nby peer"),
            heron.Unreachable,
            "mem://b/a cannot be reached: reset by peer",
        ),
        (TimeoutError(), heron.Unreachable, "mem://b/a cannot be reached: TimeoutError"),
        (KeyError("etag"), heron.HeronError, "mem://b/a cannot be read: KeyError: 'etag'"),
        (heron.Throttled("slow down"), heron.Throttled, "slow down"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_a_driver_raises_becomes_a_sentence_of_its_kind(many, storage, error, kind, said):
    many.broken = dict.fromkeys(("stat", "get", "list", "sign"), error)
    for ask in (
        storage.stat, storage.read, storage.open, lambda u: storage.peek(u, 1), lambda u: storage.sign(u, 9),
        lambda u: listed(storage, u + ("" if kind is not heron.NotFound else "/")),
    ):  # fmt: skip
        with pytest.raises(heron.HeronError) as raised:
            ask("mem://b/a")
        assert type(raised.value) is kind
        assert raised.value.message.replace("a/ ", "a ") == said
