"""The bucket of the quickstart answers real S3 clients, can only be read, and never leaves its folder."""

import http.client
import os
import socket
import time
from datetime import UTC, datetime
from urllib.parse import quote

import botocore.session
import pytest
import s3fs
from botocore.config import Config
from botocore.exceptions import ClientError

from heron.quickstart.bucket import LakeBucket

pytestmark = pytest.mark.slow

NAMES = (
    "a.txt", "b-side/f.txt", "b.txt", "b/c.bin", "b/d/e.txt", "empty", "z/100%25.txt", "z/a+b&c=d.txt", "z/größe.txt",
    "z/no#1.txt", "z/really?.txt", "z/two words.txt", "z/<&>.txt", "z/new\nline.txt", "z/bell\a.txt", "z/\U0001f426.txt", "z/\uffee.txt",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A lake, beside a secret that is none of its objects however it is asked for."""
    lake = tmp_path / "lake"
    for name in NAMES:
        path = lake / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name == "empty" else f"this is {name}".encode())
    (lake / ".heron").mkdir()
    for secret in (tmp_path / "secret.txt", lake / ".hidden", lake / ".heron" / "catalogue"):
        secret.write_text("secret")
    (lake / "link.txt").symlink_to(tmp_path / "secret.txt")
    (lake / "way-out").symlink_to(tmp_path)
    (lake / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(lake / "pipe")
    (lake / "hollow").mkdir()
    return lake


@pytest.fixture
def bucket(folder):
    with LakeBucket(folder, "lake") as bucket:
        yield bucket


@pytest.fixture
def client(bucket):
    return botocore.session.Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=bucket.endpoint,
        aws_access_key_id="anybody",
        aws_secret_access_key="anything",
        config=Config(s3={"addressing_style": "path"}, proxies={}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def filesystem(bucket):
    return s3fs.S3FileSystem(
        anon=True, endpoint_url=bucket.endpoint, skip_instance_cache=True, use_listings_cache=False
    )


def raw(bucket, target, method="GET", body=None):
    """Status and body for a request target that goes over the wire as it stands."""
    connection = http.client.HTTPConnection(bucket.endpoint.removeprefix("http://"), timeout=10)
    connection.request(method, target, body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    response = refusal.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def pages(client, **arguments):
    paginator = client.get_paginator("list_objects_v2")
    size = arguments.pop("page", 1000)
    return [
        [found["Key"] for found in page.get("Contents", ())]
        for page in paginator.paginate(Bucket="lake", PaginationConfig={"PageSize": size}, **arguments)
    ]


def test_all_objects_are_listed_in_the_order_of_their_keys(client):
    (listed,) = pages(client)
    assert listed == sorted(NAMES, key=str.encode)


def test_a_list_comes_in_pages(client):
    found = pages(client, page=7)
    assert [len(page) for page in found] == [7, 7, 3]
    assert [key for page in found for key in page] == sorted(NAMES)


def test_a_list_begins_where_it_is_told(client):
    assert pages(client, Prefix="b/") == [["b/c.bin", "b/d/e.txt"]]
    assert pages(client, Prefix="b") == [["b-side/f.txt", "b.txt", "b/c.bin", "b/d/e.txt"]]
    assert pages(client, StartAfter="b.txt", Prefix="b") == [["b/c.bin", "b/d/e.txt"]]
    assert pages(client, StartAfter="b", Prefix="b", page=3)[0] == ["b-side/f.txt", "b.txt", "b/c.bin"]
    assert pages(client, Prefix="none/") == [[]]
    assert pages(client, Prefix="z/a+b&c") == [["z/a+b&c=d.txt"]]


def test_a_page_says_how_it_was_asked_for(client):
    page = client.list_objects_v2(Bucket="lake", Prefix="b", MaxKeys=2)
    assert (page["Name"], page["Prefix"], page["MaxKeys"], page["KeyCount"], page["IsTruncated"]) == (
        "lake", "b", 2, 2, True,
    )  # fmt: skip
    last = client.list_objects_v2(Bucket="lake", Prefix="b", ContinuationToken=page["NextContinuationToken"])
    assert (last["KeyCount"], last["IsTruncated"]) == (2, False)
    none = client.list_objects_v2(Bucket="lake", MaxKeys=0)
    assert (none["KeyCount"], none["IsTruncated"]) == (0, False)


def test_no_page_has_more_than_a_thousand_keys(tmp_path):
    for number in range(1001):
        (tmp_path / f"{number:04}").touch()
    with LakeBucket(tmp_path, "lake") as bucket:
        sizes = [
            raw(bucket, f"/lake?list-type=2&max-keys={most}")[1].count(b"<Contents>") for most in (999, 2000)
        ]
    assert sizes == [999, 1000]


def test_folders_are_rolled_up_where_a_delimiter_is_given(client):
    found = [
        client.list_objects_v2(Bucket="lake", Delimiter="/", MaxKeys=2, **token)
        for token in ({}, {"StartAfter": "b.txt"}, {"StartAfter": "b/c.bin"})
    ]
    names = [
        ([c["Key"] for c in page.get("Contents", ())], [p["Prefix"] for p in page.get("CommonPrefixes", ())])
        for page in found
    ]
    assert names == [(["a.txt"], ["b-side/"]), (["empty"], ["b/"]), (["empty"], ["b/"])]
    following = client.list_objects_v2(
        Bucket="lake", Delimiter="/", MaxKeys=2, ContinuationToken=found[1]["NextContinuationToken"]
    )
    assert following["CommonPrefixes"] == [{"Prefix": "z/"}]


def test_s3fs_finds_all_objects(filesystem):
    assert sorted(filesystem.find("lake")) == sorted(f"lake/{name}" for name in NAMES)


def test_s3fs_lists_pages_and_reads(filesystem):
    first = filesystem.call_s3("list_objects_v2", Bucket="lake", MaxKeys=7)
    again = filesystem.call_s3(
        "list_objects_v2", Bucket="lake", MaxKeys=7, ContinuationToken=first["NextContinuationToken"]
    )
    assert [found["Key"] for page in (first, again) for found in page["Contents"]] == sorted(NAMES)[:14]
    assert filesystem.cat_file("lake/z/größe.txt") == "this is z/größe.txt".encode()
    assert filesystem.cat_file("lake/a.txt", start=5, end=7) == b"is"
    assert filesystem.info("lake/b.txt")["size"] == 13
    assert sorted(filesystem.ls("lake", detail=False)) == [
        "lake/a.txt", "lake/b", "lake/b-side", "lake/b.txt", "lake/empty", "lake/z",
    ]  # fmt: skip
    with pytest.raises(FileNotFoundError):
        filesystem.cat_file("lake/none.txt")
    with pytest.raises(FileNotFoundError):
        filesystem.call_s3("list_objects_v2", Bucket="sea")


@pytest.mark.parametrize("name", NAMES)
def test_objects_are_given_whole(client, name):
    answer = client.get_object(Bucket="lake", Key=name)
    assert answer["Body"].read() == (b"" if name == "empty" else f"this is {name}".encode())
    assert "ContentRange" not in answer


@pytest.mark.parametrize(
    ("asked", "found", "where"),
    [
        ("bytes=0-3", b"this", "bytes 0-3/13"),
        ("bytes=8-", b"b.txt", "bytes 8-12/13"),
        ("bytes=12-99", b"t", "bytes 12-12/13"),
        ("bytes=-3", b"txt", "bytes 10-12/13"),
        ("bytes=-99", b"this is b.txt", "bytes 0-12/13"),
        ("bytes=5-2", b"this is b.txt", None),
        ("bytes=-", b"this is b.txt", None),
        ("bytes=0-1,4-5", b"this is b.txt", None),
        ("lines=0-1", b"this is b.txt", None),
    ],
)
def test_a_range_gives_a_part(client, asked, found, where):
    answer = client.get_object(Bucket="lake", Key="b.txt", Range=asked)
    assert answer["Body"].read() == found
    assert answer.get("ContentRange") == where
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == (206 if where else 200)


@pytest.mark.parametrize(
    ("name", "asked"), [("b.txt", "bytes=13-20"), ("b.txt", "bytes=-0"), ("empty", "bytes=0-0")]
)
def test_a_range_behind_the_end_is_invalid(client, name, asked):
    assert code_of(client.get_object, Bucket="lake", Key=name, Range=asked) == (416, "InvalidRange")


def test_list_head_and_get_agree(client, folder):
    os.utime(folder / "b.txt", (1_700_000_000.75, 1_700_000_000.75))
    listed = client.list_objects_v2(Bucket="lake", Prefix="b.txt")["Contents"][0]
    head = client.head_object(Bucket="lake", Key="b.txt")
    got = client.get_object(Bucket="lake", Key="b.txt")
    assert listed["ETag"] == head["ETag"] == got["ETag"]
    assert listed["Size"] == head["ContentLength"] == got["ContentLength"] == 13
    moments = {listed["LastModified"], head["LastModified"], got["LastModified"]}
    assert moments == {datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}
    assert (head["ContentType"], head["AcceptRanges"]) == ("text/plain", "bytes")


def test_another_object_has_another_etag_and_the_condition_fails(client, folder):
    before = client.head_object(Bucket="lake", Key="a.txt")["ETag"]
    for condition in (before, before.strip('"'), f'"x", {before}', "*"):
        assert client.get_object(Bucket="lake", Key="a.txt", IfMatch=condition)["Body"].read()
    (folder / "a.txt").write_bytes(b"this is b.txt")
    for call in (client.get_object, client.head_object):
        assert code_of(call, Bucket="lake", Key="a.txt", IfMatch=before)[0] == 412
    assert code_of(client.get_object, Bucket="lake", Key="a.txt", IfMatch=before)[1] == "PreconditionFailed"


def test_what_is_missing_is_told_apart(client):
    assert code_of(client.get_object, Bucket="lake", Key="none") == (404, "NoSuchKey")
    assert code_of(client.get_object, Bucket="lake", Key="b/") == (404, "NoSuchKey")
    assert code_of(client.get_object, Bucket="lake", Key="b") == (404, "NoSuchKey")
    assert code_of(client.get_object, Bucket="sea", Key="a.txt") == (404, "NoSuchBucket")
    assert code_of(client.list_objects_v2, Bucket="sea") == (404, "NoSuchBucket")
    assert code_of(client.head_object, Bucket="lake", Key="none")[0] == 404
    assert code_of(client.head_bucket, Bucket="sea")[0] == 404
    client.head_bucket(Bucket="lake")


def test_nothing_can_be_written(client, filesystem, bucket, folder):
    before = {path: path.lstat() for path in folder.rglob("*")}
    refused = (405, "MethodNotAllowed")
    assert code_of(client.put_object, Bucket="lake", Key="a.txt", Body=b"x") == refused
    assert code_of(client.put_object, Bucket="lake", Key="new.txt", Body=b"") == refused
    assert code_of(client.delete_object, Bucket="lake", Key="a.txt") == refused
    assert code_of(client.create_multipart_upload, Bucket="lake", Key="a.txt") == refused
    assert code_of(client.delete_objects, Bucket="lake", Delete={"Objects": [{"Key": "a.txt"}]}) == refused
    assert raw(bucket, "/lake/a.txt", "PUT", bytes(20_000_000))[0] == 405
    with pytest.raises(OSError, match="can only be read"):
        filesystem.pipe_file("lake/new.txt", b"x")
    assert client.get_object(Bucket="lake", Key="a.txt")["Body"].read() == b"this is a.txt"
    assert {path: path.lstat() for path in folder.rglob("*")}.keys() == before.keys()


def test_whatever_else_is_asked_is_refused(client, bucket):
    unknown = (501, "NotImplemented")
    assert code_of(client.list_buckets) == unknown
    assert code_of(client.list_objects, Bucket="lake") == unknown
    assert code_of(client.list_object_versions, Bucket="lake") == unknown
    assert code_of(client.get_bucket_location, Bucket="lake") == unknown
    assert code_of(client.get_object_tagging, Bucket="lake", Key="a.txt") == unknown
    assert code_of(client.get_object, Bucket="lake", Key="a.txt", VersionId="1") == unknown
    assert raw(bucket, "/lake?list-type=2&max-keys=-1")[0] == 400
    assert raw(bucket, "/lake/a.txt", "BREW")[0] == 501


def test_a_presigned_url_can_be_fetched(client, bucket):
    url = client.generate_presigned_url("get_object", {"Bucket": "lake", "Key": "z/größe.txt"}, 60)
    assert raw(bucket, url.removeprefix(bucket.endpoint)) == (200, "this is z/größe.txt".encode())


@pytest.mark.parametrize(
    "key",
    [
        "../secret.txt", "%2e%2e/secret.txt", "..%2Fsecret.txt", "b/../../secret.txt", "b/%2E%2E/%2E%2E/secret.txt",
        "b/../a.txt", "./a.txt", "b//c.bin", "/a.txt", "a.txt/", "a.txt/.", "b\\c.bin", "link.txt", "way-out/secret.txt",
        "way-out/lake/a.txt", "gone", ".hidden", ".heron/catalogue", "hollow", "pipe", "%00", "a.txt%00", "%FF",
        "%ED%A0%80", "x" * 300, "x/" * 3000,
    ],
)  # fmt: skip
def test_no_key_leads_out_of_the_folder_or_to_what_is_no_object(bucket, key):
    for method in ("GET", "HEAD"):
        status, body = raw(bucket, f"/lake/{key}", method)
        assert status == 404
        assert body == b"" or b"<Code>NoSuchKey</Code>" in body


def test_absolute_paths_lead_nowhere(bucket, tmp_path):
    secret = tmp_path / "secret.txt"
    for target in (
        f"/lake/{secret}",
        f"/lake/{quote(str(secret), safe='')}",
        f"/lake/%2F{secret}",
        f"/lake{secret}",
    ):
        assert raw(bucket, target)[0] == 404
    assert raw(bucket, f"/..{secret}")[0] == 404
    assert raw(bucket, str(secret))[0] == 404


def test_prefixes_find_nothing_outside(client):
    for prefix in ("../", "/", ".", "way-out/", "link", "gone", ".heron/", "b/../"):
        assert pages(client, Prefix=prefix) == [[]]
        assert pages(client, Prefix=prefix, StartAfter="../") == [[]]


def test_files_with_names_that_are_no_unicode_are_no_objects(client, folder):
    try:
        (folder / os.fsdecode(b"\xff.txt")).touch()
    except OSError:
        pytest.skip("this filesystem takes no such name")
    assert pages(client) == [sorted(NAMES)]


def test_a_folder_named_through_a_link_is_served(folder, tmp_path):
    (tmp_path / "alias").symlink_to(folder)
    with LakeBucket(tmp_path / "alias", "lake") as bucket:
        assert raw(bucket, "/lake/a.txt") == (200, b"this is a.txt")


def test_a_connection_serves_many_requests(bucket):
    connection = http.client.HTTPConnection(bucket.endpoint.removeprefix("http://"), timeout=10)
    for method, target in (("GET", "/lake/a.txt"), ("HEAD", "/lake/a.txt"), ("GET", "/lake/none")) * 3:
        connection.request(method, target)
        answer = connection.getresponse()
        assert (b"a.txt" in answer.read()) == (method == "GET" and target == "/lake/a.txt")
        assert not answer.will_close
    connection.close()


def test_leaving_closes_port_and_connections_without_a_word(folder, capfd):
    with LakeBucket(folder, "lake") as bucket:
        kept = http.client.HTTPConnection(bucket.endpoint.removeprefix("http://"), timeout=10)
        kept.request("GET", "/lake/a.txt")
        kept.getresponse().read()
        begun = time.monotonic()
    assert kept.sock.recv(1) == b""
    kept.close()
    with pytest.raises(ConnectionRefusedError):
        raw(bucket, "/lake/a.txt")
    assert time.monotonic() - begun < 30
    assert capfd.readouterr() == ("", "")


def test_a_client_that_leaves_early_is_no_trouble(bucket, folder, capfd):
    with (folder / "large").open("wb") as file:
        file.truncate(50_000_000)
    host, port = bucket.endpoint.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /lake/large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert raw(bucket, "/lake/a.txt")[0] == 200
    time.sleep(0.2)
    assert capfd.readouterr() == ("", "")


def test_only_this_machine_can_ask(bucket):
    assert bucket.endpoint.startswith("http://127.0.0.1:")
