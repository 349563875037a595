"""Reading through obstore and the quick reader of listings give what botocore gives, and botocore is asked wherever they might not."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

import heron
import heron_storage_s3
from heron.testing import servers
from heron_storage_s3.native import DOUBTS, IS_INSTALLED
from heron_storage_s3.pages import ENTRIES, take_entries
from heron_storage_s3.relay import Answer, Relay, refusal
from heron_storage_s3.session import PATIENCE, parse_moment
from heron_storage_s3.storage import S3Storage
from heron_storage_s3.testing import PUBLIC, S3Server, forget_environment, moto, rclone, seaweedfs

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

(BACKEND,) = heron_storage_s3.register_storage()
ODD = [
    "a", "a/", "b//c", "/lead", "x%20y", "x y", "ü.jpg", "a#b", "a?b", "a+b", "a~b", "a*b", "d/../e", "./f", "g/.", "q\\r",
    "[z]", "{y}", "a&b<c>", "a=b", "a:b", "a@b", "a'b(1)!$", 'q"r', "100%", "...", "z/", "z/z",
]  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    if not IS_INSTALLED:
        servers.server_missing('obstore is not installed: pip install "heron[s3]"')
    forget_environment(monkeypatch)


def load(server: S3Server, **options: Any) -> S3Storage:
    storage = BACKEND.load(server.options(**options))
    assert isinstance(storage, S3Storage)
    return storage


def through_botocore(server: S3Server, **options: Any) -> S3Storage:
    storage = load(server, **options)
    storage.native.is_allowed = False
    return storage


def outcome(ask: Any, *arguments: Any, **more: Any) -> Any:
    try:
        return ask(*arguments, **more)
    except heron.HeronError as error:
        return type(error), error.message, error.hint


@pytest.mark.parametrize("server", [moto, seaweedfs, rclone])
def test_keys_of_every_kind_are_listed_and_read_alike(server: Any) -> None:
    server = server()
    bucket = server.bucket()
    for key in ODD:
        if server is moto() or key not in ("/lead", "d/../e", "./f", "g/.", "b//c", "a/", "z/", "a", "q\\r"):
            server.client().put_object(Bucket=bucket, Key=key, Body=key.encode())
    native, plain = load(server), through_botocore(server)
    listed = list(native.list(f"s3://{bucket}/"))
    keys = [found["Key"] for found in server.client().list_objects_v2(Bucket=bucket)["Contents"]]
    assert [heron.address_of(stored.url).key for stored in listed] == [k for k in keys if not k.endswith("/")]
    assert listed == list(plain.list(f"s3://{bucket}/"))
    for stored in listed:
        for ask in ("stat", "read", "peek"):
            arguments = (stored.url, 2) if ask == "peek" else (stored.url,)
            same = [outcome(getattr(one, ask), *arguments) for one in (native, plain)]
            assert same[0] == same[1]
        assert native.read(stored.url) == heron.address_of(stored.url).key.encode()
    assert native.native.answered > 2 * len(listed) - 20 and plain.native.answered == 0


def test_ranges_ends_and_pinned_reads_are_alike() -> None:
    server = seaweedfs()
    bucket = server.bucket()
    server.client().put_object(Bucket=bucket, Key="a", Body=b"0123456789")
    server.client().put_object(Bucket=bucket, Key="empty", Body=b"")
    server.client().put_object(Bucket=bucket, Key="packed", Body=b"not gzip", ContentEncoding="gzip")
    native, plain = load(server), through_botocore(server)
    etag = native.stat(f"s3://{bucket}/a").etag
    for key in ("a", "empty", "packed", "gone"):
        for start, end in [(0, None), (0, 4), (3, 7), (5, None), (8, 100), (10, 12), (10, None), (50, 60)]:
            for pinned in (None, etag, "another"):
                url = f"s3://{bucket}/{key}"
                asked = [outcome(one.read, url, start, end, etag=pinned) for one in (native, plain)]
                assert asked[0] == asked[1], (key, start, end, pinned)
        assert outcome(native.peek, url, 4) == outcome(plain.peek, url, 4)
    with pytest.raises(heron.ObjectChanged):
        native.read(f"s3://{bucket}/a", etag="another")
    for one in (native, plain):
        assert outcome(one.read, "s3://no-such-lake/a")[0] is heron.NoSuchBucket
        urls = [f"s3://{bucket}/{key}" for key in ("a", "gone", "empty", "no/such/")]
        assert [type(found) for found in one.peek_all(urls, 3)] == [
            tuple,
            heron.NotFound,
            tuple,
            heron.NotFound,
        ]


def test_the_current_version_of_a_versioned_object_is_read() -> None:
    server = moto()
    bucket, client = server.bucket(), server.client()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = client.put_object(Bucket=bucket, Key="a", Body=b"one")
    client.put_object(Bucket=bucket, Key="a", Body=b"second")
    storage = load(server)
    assert storage.read(f"s3://{bucket}/a") == b"second" and storage.native.answered == 1
    with pytest.raises(heron.ObjectChanged):
        storage.read(f"s3://{bucket}/a", etag=first["ETag"].strip('"'))
    client.delete_object(Bucket=bucket, Key="a")
    with pytest.raises(heron.NotFound):
        storage.read(f"s3://{bucket}/a")


def test_variables_of_the_environment_lead_to_no_other_store_and_no_other_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two stores answer for one bucket name: the options of the integration say which one is meant."""
    north, south, west = seaweedfs(), moto(), rclone()
    bucket = north.bucket()
    for server, content in ((north, b"north"), (south, b"south"), (west, b"west")):
        if server is not north:
            server.bucket(bucket)
        server.client().put_object(Bucket=bucket, Key="a", Body=content)
    for name, value in {
        "AWS_ENDPOINT_URL": south.endpoint, "AWS_ENDPOINT_URL_S3": south.endpoint, "AWS_ACCESS_KEY_ID": "another",
        "AWS_SECRET_ACCESS_KEY": "other-secret-text", "AWS_SESSION_TOKEN": "token", "AWS_SKIP_SIGNATURE": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true", "AWS_REGION": "eu-west-9", "AWS_BUCKET": "other", "AWS_REQUEST_PAYER": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with Relay(north.endpoint) as relay:
        storage = load(north, endpoint=relay.url)
        assert storage.read(f"s3://{bucket}/a") == b"north" and storage.native.answered == 1
        [asked] = relay.asked
    assert north.keys["admin"].access_key_id in asked.headers["authorization"]
    assert "x-amz-security-token" not in asked.headers and "x-amz-request-payer" not in asked.headers
    assert load(south).read(f"s3://{bucket}/a") == b"south"
    assert load(west).read(f"s3://{bucket}/a") == b"west"


def test_who_pays_and_who_is_nobody_is_said_as_botocore_says_it() -> None:
    server = seaweedfs()
    server.client().put_object(Bucket=PUBLIC, Key="native.txt", Body=b"free")
    for options, header, value in (
        ({"requester_pays": True}, "x-amz-request-payer", "requester"),
        ({}, "authorization", None),
    ):
        with Relay(server.endpoint) as relay:
            given = (
                {"endpoint": relay.url, "anonymous": True}
                if value is None
                else server.options(endpoint=relay.url, **options)
            )
            storage = BACKEND.load(given)
            assert isinstance(storage, S3Storage)
            assert storage.read(f"s3://{PUBLIC}/native.txt") == b"free" and storage.native.answered == 1
            assert relay.asked[0].headers.get(header) == value


def test_a_store_that_only_botocore_reads_is_soon_not_asked_twice() -> None:
    server = seaweedfs()
    bucket = server.bucket()
    server.client().put_object(Bucket=bucket, Key="a", Body=b"hello")

    def judge(asked: Any) -> Answer | None:
        return None if "amz-sdk-request" in asked.headers else refusal(403, "AccessDenied")

    with Relay(server.endpoint, judge) as relay:
        storage = load(server, endpoint=relay.url)
        for _ in range(DOUBTS + 3):
            assert storage.read(f"s3://{bucket}/a") == b"hello"
        assert len(relay.asked) == 2 * DOUBTS + 3 and storage.native.answered == 0


@pytest.mark.parametrize(
    ("status", "kind"), [(503, heron.Throttled), (404, heron.NotFound), (500, heron.Unreachable)]
)
def test_a_failure_that_would_only_repeat_is_asked_for_once(
    status: int, kind: type[heron.HeronError]
) -> None:
    code = {503: "SlowDown", 404: "NoSuchKey", 500: "InternalError"}[status]
    with Relay(None, lambda asked: refusal(status, code)) as relay:
        storage = BACKEND.load(
            {"access_key_id": "key", "secret_access_key": "secret-text", "endpoint": relay.url}
        )
        with pytest.raises(kind) as caught:
            storage.read("s3://lake/a")
        assert len(relay.asked) == 1 and "obstore" not in str(caught.value)


# Listings


_MODEL = ServiceModel(Loader().load_service_model("s3", "service-2"))
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def parsed(body: bytes) -> Any:
    """What botocore reads of a page, with the entries that were taken before."""
    response: dict[str, Any] = {"status_code": 200, "headers": {}, "body": body}
    taken: dict[str, Any] = {}
    take_entries(response_dict=response, customized_response_dict=taken)
    shape = _MODEL.operation_model("ListObjectsV2").output_shape
    parser = create_parser("rest-xml")
    parser._timestamp_parser = parse_moment
    return (
        parser.parse(response, shape),
        taken.get(ENTRIES, ()),
        parser.parse({**response, "body": body}, shape),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(_TEXT, st.integers(0, 2**40), st.sampled_from(["", ".123"]), st.permutations(range(6))), max_size=6),
    st.sampled_from(["&quot;", "&#34;", '"', ""]), st.sampled_from(["", "\n  "]),
)  # fmt: skip
def test_entries_that_are_taken_are_those_that_botocore_reads(
    entries: list[Any], quote: str, gap: str
) -> None:
    from xml.sax.saxutils import escape

    text = ""
    for key, size, fraction, order in entries:
        parts = [
            f"<Key>{escape(key)}</Key>", f"<Size>{size}</Size>", f"<ETag>{quote}abc-2{quote}</ETag>",
            f"<LastModified>2026-01-31T12:00:59{fraction}Z</LastModified>", "<StorageClass>STANDARD</StorageClass>",
            "<Owner><ID>me</ID><DisplayName>I &amp; me</DisplayName></Owner>",
        ]  # fmt: skip
        text += f"<Contents>{gap.join(parts[place] for place in order)}</Contents>{gap}"
    body = f"<?xml version='1.0'?><ListBucketResult><IsTruncated>false</IsTruncated>{text}<KeyCount>9</KeyCount></ListBucketResult>"
    rest, taken, whole = parsed(body.encode())
    said = [
        (e["Key"], e["Size"], e["ETag"].strip('"'), e["LastModified"].replace(microsecond=0))
        for e in whole.get("Contents", [])
    ]
    assert list(taken) == said and "Contents" not in rest and rest["IsTruncated"] is False


@pytest.mark.parametrize(
    "entry",
    [
        "<Contents xmlns='x'><Key>b</Key></Contents>", "<Contents><Key>b</Key><Size>1</Size></Contents>", "<Contents/>",
        "<Contents><Key a='1'>b</Key><Size>1</Size><ETag>e</ETag><LastModified>2026-01-31T12:00:59Z</LastModified></Contents>",
        "<Contents><Key><![CDATA[b]]></Key><Size>1</Size><ETag>e</ETag><LastModified>2026-01-31T12:00:59Z</LastModified></Contents>",
        "<Contents><Key>b</Key><Size>1</Size><ETag>e</ETag><LastModified>yesterday</LastModified></Contents>",
    ],
)  # fmt: skip
def test_a_page_with_an_unusual_entry_is_left_to_botocore_as_a_whole(entry: str) -> None:
    usual = "<Contents><Key>a</Key><Size>1</Size><ETag>e</ETag><LastModified>2026-01-31T12:00:59Z</LastModified></Contents>"
    body = f"<ListBucketResult>{usual}{entry}{usual}</ListBucketResult>".encode()
    response, taken = {"status_code": 200, "headers": {}, "body": body}, {}
    take_entries(response_dict=response, customized_response_dict=taken)
    assert response["body"] == body and taken == {}


def test_an_answer_that_is_no_listing_is_left_alone() -> None:
    for status, body in (
        (200, b"<html>Log in!</html>"),
        (403, b"<Error/>"),
        (200, b"<ListBucketResult><Contents><Key>a"),
    ):
        response, taken = {"status_code": status, "headers": {}, "body": body}, {}
        take_entries(response_dict=response, customized_response_dict=taken)
        assert response["body"] == body and taken == {}


def test_a_slow_store_is_told_without_asking_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setitem(PATIENCE, "read_timeout", 0.5)

    def judge(asked: Any) -> Answer:
        time.sleep(2)
        return Answer(200)

    with Relay(None, judge) as relay:
        storage = BACKEND.load(
            {"access_key_id": "key", "secret_access_key": "secret-text", "endpoint": relay.url}
        )
        with pytest.raises(heron.Unreachable, match="takes too long to answer"):
            storage.read("s3://lake/a")
        assert len(relay.asked) == 1
