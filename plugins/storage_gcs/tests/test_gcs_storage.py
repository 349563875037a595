"""The contract of storage backends, against fake-gcs-server; and how many requests it takes."""

from __future__ import annotations

import gzip
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

import heron
import heron_storage_gcs
from heron.testing import StorageContract
from heron_storage_gcs.testing import PRIVATE_KEY_ID, TOKEN, FakeGcs, Front, fake_gcs, write_account

pytestmark = [pytest.mark.xdist_group("gcs"), pytest.mark.slow]

BACKEND = next(iter(heron_storage_gcs.register_storage()))


@pytest.fixture(scope="module")
def server() -> FakeGcs:
    return fake_gcs()


@pytest.fixture
def bucket(server: FakeGcs) -> str:
    name = f"bucket-{uuid.uuid4().hex}"
    server.make_bucket(name)
    return name


@pytest.fixture
def front(server: FakeGcs) -> Iterator[Front]:
    front = Front(server.endpoint)
    yield front
    front.stop()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The key file of an account that can sign in."""
    front = Front("")
    yield write_account(tmp_path_factory.mktemp("account") / "key.json", front.token_uri)
    front.stop()


@pytest.fixture
def storage(front: Front) -> heron.Storage:
    """A storage whose requests are noted."""
    return BACKEND.load({"anonymous": True, "endpoint": front.endpoint})


class Contract(StorageContract):
    backend = BACKEND
    can_be_written = True
    same_store = (
        {},
        {"anonymous": True},
        {"endpoint": "https://storage.googleapis.com/"},
        {"endpoint": "https://lab.p.googleapis.com"},
    )
    other_stores = ({"endpoint": "http://127.0.0.1:4443"}, {"endpoint": "http://127.0.0.1:4444"})
    bad_urls = ("", "no-such-scheme://bucket/key", "https://storage.googleapis.com/b/k?X-Goog-Signature=x")
    other_forms = {  # noqa: RUF012 - a class variable of the contract
        "gcs://bucket/a": "gs://bucket/a",
        "GS://bucket/a b": "gs://bucket/a%20b",
        "gs://bucket": "gs://bucket/",
        "gs://bucket/no#1?": "gs://bucket/no%231%3F",
        "https://storage.googleapis.com/bucket/a%20b": "gs://bucket/a%20b",
        "https://storage.cloud.google.com/bucket/a": "gs://bucket/a",
        "https://bucket.storage.googleapis.com/a": "gs://bucket/a",
    }

    @pytest.fixture
    def root(self, bucket: str) -> str:
        return f"gs://{bucket}/"

    @pytest.fixture
    def put(self, bucket: str, server: FakeGcs):  # type: ignore[no-untyped-def]
        def put(name: str, content: bytes) -> str:
            server.put(bucket, name, content)
            return heron.object_url("gs", bucket, name)

        return put


class TestAnonymous(Contract):
    """Without credentials; nothing can be signed."""

    @pytest.fixture
    def storage(self, server: FakeGcs) -> heron.Storage:
        return BACKEND.load({"anonymous": True, "endpoint": server.endpoint})


class TestServiceAccount(Contract):
    """With the key of a service account, which signs in first."""

    secrets = (TOKEN, PRIVATE_KEY_ID, "BEGIN " + "PRIVATE KEY")
    signed_urls_can_be_fetched = True

    @pytest.fixture
    def storage(self, server: FakeGcs, account: Path) -> heron.Storage:
        return BACKEND.load({"credentials_file": str(account), "endpoint": server.endpoint})


def test_each_way_of_reading_takes_one_request(
    server: FakeGcs, bucket: str, front: Front, storage: heron.Storage
) -> None:
    server.put(bucket, "a/b.bin", bytes(100_000))
    url = f"gs://{bucket}/a/b.bin"
    stored = storage.stat(url)
    for read in (
        lambda: storage.stat(url),
        lambda: storage.peek(url, 1024),
        lambda: storage.peek(url, 1_000_000),
        lambda: storage.read(url),
        lambda: storage.read(url, 10, 20, etag=stored.etag),
        lambda: storage.read(url, 99_000),
        lambda: list(storage.list(f"gs://{bucket}/a/")),
        lambda: list(storage.list(url)),
    ):
        front.asked.clear()
        read()
        assert len(front.asked) == 1, front.asked


def test_a_list_comes_in_pages_as_it_is_asked_for(
    server: FakeGcs, bucket: str, front: Front, storage: heron.Storage
) -> None:
    names = [f"{number % 7}/{number:05}" for number in range(2100)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: server.put(bucket, name, b"x"), names))
    stream = storage.list(f"gs://{bucket}/")
    first = next(stream)
    assert len(front.asked) == 1
    found = [first, *stream]
    assert [heron.address_of(stored.url).key for stored in found] == sorted(names)
    assert len(front.asked) == 3
    front.asked.clear()
    assert list(storage.list(f"gs://{bucket}/", after=found[1499].url)) == found[1500:]
    assert len(front.asked) == 1


def test_a_list_asks_for_no_more_than_it_needs(bucket: str, front: Front, storage: heron.Storage) -> None:
    assert list(storage.list(f"gs://{bucket}/a/")) == []
    (asked,) = front.asked
    assert "fields=items(name,size,generation,updated),nextPageToken" in asked.path.replace("%2C", ",")


def test_times_are_whole_seconds_in_utc(server: FakeGcs, bucket: str, storage: heron.Storage) -> None:
    server.put(bucket, "a", b"x")
    (listed,) = storage.list(f"gs://{bucket}/")
    peeked, _ = storage.peek(f"gs://{bucket}/a", 1)
    assert listed.modified_at == storage.stat(listed.url).modified_at == peeked.modified_at
    assert listed.modified_at is not None
    assert (listed.modified_at.microsecond, listed.modified_at.utcoffset()) == (0, timedelta(0))


def test_reading_makes_the_generation_a_condition(
    server: FakeGcs, bucket: str, front: Front, storage: heron.Storage
) -> None:
    server.put(bucket, "a", b"x")
    etag = storage.stat(f"gs://{bucket}/a").etag
    storage.read(f"gs://{bucket}/a", 0, 1, etag=etag)
    assert front.asked[-1].headers["x-goog-if-generation-match"] == etag


def test_reading_behind_the_end_notices_a_change_too(
    server: FakeGcs, bucket: str, storage: heron.Storage
) -> None:
    server.put(bucket, "a", b"long")
    etag = storage.stat(f"gs://{bucket}/a").etag
    server.put(bucket, "a", b"s")
    with pytest.raises(heron.ObjectChanged):
        storage.read(f"gs://{bucket}/a", 2, 4, etag=etag)


def test_what_is_stored_compressed_is_read_as_stored(
    server: FakeGcs, bucket: str, storage: heron.Storage
) -> None:
    packed = gzip.compress(b"text " * 1000)
    server.put(bucket, "a.txt", packed, encoding="gzip")
    url = f"gs://{bucket}/a.txt"
    assert storage.stat(url).size == len(packed)
    assert storage.read(url) == packed
    assert storage.read(url, 3, 9) == packed[3:9]


def test_thirty_two_threads_share_a_storage(server: FakeGcs, bucket: str, storage: heron.Storage) -> None:
    content = os.urandom(200_000)
    server.put(bucket, "a", content)
    starts = [number * 997 for number in range(150)]
    with ThreadPoolExecutor(32) as threads:
        found = list(threads.map(lambda start: storage.read(f"gs://{bucket}/a", start, start + 5000), starts))
    assert found == [content[start : start + 5000] for start in starts]


def test_missing_bucket_is_told_from_missing_object(bucket: str, storage: heron.Storage) -> None:
    with pytest.raises(heron.NotFound) as missing:
        storage.stat(f"gs://{bucket}/nothing")
    assert type(missing.value) is heron.NotFound
    for ask in (
        storage.stat,
        storage.read,
        lambda url: storage.peek(url, 1),
        lambda url: list(storage.list(url)),
    ):
        with pytest.raises(heron.NoSuchBucket, match="bucket no-such-bucket does not exist"):
            ask("gs://no-such-bucket/a")
    with pytest.raises(heron.NoSuchBucket):
        list(storage.list("gs://no-such-bucket/"))


def test_who_pays_is_in_every_request(server: FakeGcs, bucket: str, front: Front, account: Path) -> None:
    server.put(bucket, "a", b"x")
    options = {"credentials_file": str(account), "endpoint": front.endpoint, "requester_pays": True}
    for payer, more in (("throw-away-project", {}), ("another-project", {"project": "another-project"})):
        storage = BACKEND.load({**options, **more})
        front.asked.clear()
        storage.stat(f"gs://{bucket}/a")
        storage.read(f"gs://{bucket}/a")
        list(storage.list(f"gs://{bucket}/"))
        assert len(front.asked) == 3
        assert all(f"userProject={payer}" in asked.path for asked in front.asked)
        assert f"userProject={payer}" in storage.sign(f"gs://{bucket}/a", 60)


def test_the_proxy_of_the_environment_is_used(
    server: FakeGcs, bucket: str, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(bucket, "a", b"x")
    monkeypatch.setenv("http_proxy", front.endpoint)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    storage = BACKEND.load({"anonymous": True, "endpoint": "http://gcs.invalid"})
    assert storage.read(f"gs://{bucket}/a") == b"x"
    assert front.asked[-1].path == f"http://gcs.invalid/{bucket}/a"
