"""How many requests are sent and what is in them: what is slow, and what costs money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import heron
import heron_storage_s3
from heron_storage_s3.relay import Answer, Asked, Relay, refusal
from heron_storage_s3.testing import PUBLIC, S3Server, forget_environment, seaweedfs

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

(BACKEND,) = heron_storage_s3.register_storage()
COUNT = 3_000


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture(scope="module")
def server() -> S3Server:
    return seaweedfs()


@pytest.fixture(scope="module")
def crowd(server: S3Server) -> str:
    """A bucket with 3,000 objects in ten folders."""
    bucket, client = server.bucket(), server.client()
    keys = [f"f{number % 10}/{number:05}.txt" for number in range(COUNT)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: client.put_object(Bucket=bucket, Key=key, Body=key.encode()), keys))
    return f"s3://{bucket}/"


@pytest.fixture
def relay(server: S3Server) -> Iterator[Relay]:
    with Relay(server.endpoint) as relay:
        yield relay


@pytest.fixture
def storage(server: S3Server, relay: Relay) -> heron.Storage:
    return BACKEND.load(server.options("reader", endpoint=relay.url))


def methods(relay: Relay) -> list[str]:
    """The methods of the requests since this was last asked."""
    found = [asked.method for asked in relay.asked]
    relay.asked.clear()
    return found


def test_each_question_is_one_request(storage: heron.Storage, relay: Relay, crowd: str) -> None:
    url = f"{crowd}f7/00007.txt"
    assert storage.read(url) == b"f7/00007.txt"
    assert methods(relay) == ["GET"]
    assert storage.read(url, 3, 8) == b"00007"
    assert methods(relay) == ["GET"]
    stored, head = storage.peek(url, 4)
    assert (stored.size, head) == (12, b"f7/0")
    assert methods(relay) == ["GET"]
    assert storage.stat(url) == stored
    assert methods(relay) == ["HEAD"]


def test_behind_the_end_one_more_request_tells_the_size(
    storage: heron.Storage, relay: Relay, crowd: str, server: S3Server
) -> None:
    bucket = heron.address_of(crowd).bucket
    server.client().put_object(Bucket=bucket, Key="empty/file", Body=b"")
    assert storage.peek(f"{crowd}empty/file", 10) == (storage.stat(f"{crowd}empty/file"), b"")
    assert methods(relay) == ["GET", "HEAD", "HEAD"]
    server.client().delete_object(Bucket=bucket, Key="empty/file")


def test_a_list_is_one_request_for_a_thousand_objects_and_none_for_a_folder(
    storage: heron.Storage, relay: Relay, crowd: str
) -> None:
    found = [stored.url for stored in storage.list(crowd)]
    assert len(set(found)) == len(found) == COUNT
    asked = list(relay.asked)
    assert methods(relay) == ["GET"] * 3
    assert all("list-type=2" in one.path and "delimiter" not in one.path for one in asked)


def test_a_list_asks_for_a_page_when_it_is_needed(storage: heron.Storage, relay: Relay, crowd: str) -> None:
    stream = storage.list(crowd)
    for _ in range(1_000):
        next(stream)
    assert len(methods(relay)) == 1
    next(stream)
    assert len(methods(relay)) == 1


def test_a_list_goes_on_behind_an_object_without_asking_for_those_before(
    storage: heron.Storage, relay: Relay, crowd: str
) -> None:
    found = [stored.url for stored in storage.list(crowd)]
    methods(relay)
    assert [stored.url for stored in storage.list(crowd, after=found[1_999])] == found[2_000:]
    assert len(methods(relay)) == 1


def test_signing_sends_one_request_for_a_bucket_and_none_for_an_object(
    storage: heron.Storage, relay: Relay, crowd: str
) -> None:
    signed = [storage.sign(f"{crowd}f{number}/0000{number}.txt", 60) for number in range(5)]
    assert len(set(signed)) == 5
    assert methods(relay) == ["HEAD"]
    with pytest.raises(heron.InvalidInput, match="604,800"):
        storage.sign(f"{crowd}f1/00001.txt", 8 * 24 * 3600)


def test_list_stat_and_get_agree_on_etag_and_time(storage: heron.Storage, crowd: str) -> None:
    listed = next(storage.list(f"{crowd}f3/"))
    assert listed.etag
    assert '"' not in listed.etag
    assert listed.modified_at
    assert (listed.modified_at.microsecond, listed.modified_at.utcoffset()) == (0, timedelta(0))
    assert storage.stat(listed.url) == storage.peek(listed.url, 1)[0] == listed


def test_a_multipart_object_has_one_etag_too(storage: heron.Storage, server: S3Server, crowd: str) -> None:
    client, bucket = server.client(), server.bucket()
    upload = client.create_multipart_upload(Bucket=bucket, Key="long.bin")["UploadId"]
    where = {"Bucket": bucket, "Key": "long.bin", "UploadId": upload}
    bodies = [b"a" * 5 * 1024 * 1024, b"b" * 1_000]
    parts = [
        {"PartNumber": number, "ETag": client.upload_part(**where, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    (listed,) = storage.list(f"s3://{bucket}/")
    assert str(listed.etag).endswith("-2")
    assert storage.stat(listed.url) == storage.peek(listed.url, 1)[0] == listed
    assert storage.read(listed.url, 5 * 1024 * 1024 - 2, 5 * 1024 * 1024 + 2, etag=listed.etag) == b"aabb"


def test_what_is_read_carries_the_etag_and_no_checksum_of_amazons_own(
    storage: heron.Storage, relay: Relay, crowd: str
) -> None:
    url = f"{crowd}f7/00007.txt"
    etag = storage.stat(url).etag
    storage.read(url, 0, 3, etag=etag)
    last = relay.asked[-1]
    assert last.headers["if-match"] == f'"{etag}"'
    assert last.headers["range"] == "bytes=0-2"
    assert not [name for asked in relay.asked for name in asked.headers if "checksum" in name]


def test_a_store_that_ignores_ranges_is_read_right(server: S3Server, relay: Relay) -> None:
    """The range is signed, so the relay can only take it away where nobody checks: from a public bucket."""
    relay.judge = lambda asked: asked.headers.pop("range", None) and None
    server.client().put_object(Bucket=PUBLIC, Key="whole.txt", Body=b"the whole of it")
    storage = BACKEND.load({"endpoint": relay.url, "anonymous": True})
    assert storage.read(f"s3://{PUBLIC}/whole.txt", 4, 9) == b"whole"
    assert storage.peek(f"s3://{PUBLIC}/whole.txt", 3)[1] == b"the"


def test_thirty_two_threads_share_one_storage(storage: heron.Storage, crowd: str) -> None:
    urls = [stored.url for stored in storage.list(f"{crowd}f5/")]
    with ThreadPoolExecutor(32) as threads:
        contents = list(threads.map(storage.read, urls))
    assert contents == [heron.address_of(url).key.encode() for url in urls]


def test_a_failure_is_told_at_once_and_not_tried_again(server: S3Server, relay: Relay, crowd: str) -> None:
    relay.judge = lambda asked: refusal(503, "SlowDown")
    storage = BACKEND.load(server.options("reader", endpoint=relay.url))
    for ask in (storage.stat, storage.read, lambda url: list(storage.list(crowd))):
        with pytest.raises(heron.Throttled):
            ask(f"{crowd}f7/00007.txt")
    assert Counter(methods(relay)) == {"HEAD": 1, "GET": 2}


def test_requester_pays_is_agreed_to_in_every_request(server: S3Server, crowd: str) -> None:
    """The relay does what Amazon does with a bucket whose requester pays."""

    def agreed(asked: Asked) -> Answer | None:
        agrees = asked.headers.get("x-amz-request-payer") == "requester"
        agrees = agrees or (asked.method == "HEAD" and asked.path.count("/") == 1)  # of a bucket: free
        return None if agrees else refusal(403, "AccessDenied")

    url = f"{crowd}f7/00007.txt"
    with Relay(server.endpoint, agreed) as relay:
        with pytest.raises(heron.PermissionDenied):
            BACKEND.load(server.options("reader", endpoint=relay.url)).stat(url)
        payer = BACKEND.load(server.options("reader", endpoint=relay.url, requester_pays=True))
        assert payer.stat(url).size == 12
        assert payer.read(url, 0, 2) == b"f7"
        assert len(list(payer.list(f"{crowd}f7/"))) == COUNT // 10
        assert "x-amz-request-payer=requester" in payer.sign(url, 60)
        assert "X-Amz-SignedHeaders=host&" in payer.sign(url, 60), "nobody sends a header when he opens a URL"
