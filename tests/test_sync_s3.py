"""Synced folders over a real S3 server: etags, pages, names, rights and failures as they come over the wire."""

import json
import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest

import heron
import heron_storage_s3
from heron.cli.main import status
from heron.testing.faults import FaultProxy
from heron_storage_s3.testing import forget_environment, seaweedfs
from tests.synced_places import catalogue, counts, item, names
from tests.test_synced_folders import ODD

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]


class S3Place:
    """What lies below `runs/1/` in a bucket of its own."""

    def __init__(self, server):
        self.client, self.bucket = server.client(), server.bucket()
        self.prefix = f"s3://{self.bucket}/runs/1/"

    def put(self, name, content=b"words\n"):
        self.client.put_object(Bucket=self.bucket, Key=f"runs/1/{name}", Body=content)

    def remove(self, name):
        self.client.delete_object(Bucket=self.bucket, Key=f"runs/1/{name}")

    def keys(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", ())}


@pytest.fixture(scope="module")
def server():
    return seaweedfs()


@pytest.fixture
def place(server, monkeypatch):
    forget_environment(monkeypatch)
    monkeypatch.setenv("HERON_RETRIES", "1")
    monkeypatch.setattr("heron.storage.retries.LONGEST", 0.01)
    return S3Place(server)


@pytest.fixture
def proxy(server):
    with FaultProxy(server.endpoint) as proxy:
        yield proxy


@pytest.fixture
def give(server, monkeypatch):
    """Let the integration use the keys of somebody."""

    def give(who):
        monkeypatch.setenv("LAB_KEY", server.keys[who].access_key_id)
        monkeypatch.setenv("LAB_SECRET", server.keys[who].secret_access_key)

    give("reader")
    return give


OPTIONS = {
    "access_key_id": "env:LAB_KEY",
    "secret_access_key": "env:LAB_SECRET",
    "region": "us-east-1",
    "addressing": "path",
}


@pytest.fixture
def plugins():
    return [heron_storage_s3]


@pytest.fixture
def workspace(workspace, place, proxy, give):
    """A workspace whose folder `Runs` follows the place with the right to read, by way of the proxy."""
    workspace.integrations.create("lab", "s3", {**OPTIONS, "endpoint": proxy.endpoint})
    workspace.ingest.follow("Runs", place.prefix, integration="lab")
    return workspace


@pytest.fixture
def sync(workspace):
    """Sync the folder; returns what was done."""
    return lambda **options: counts(workspace.ingest.sync("Runs", **options))


def test_a_bucket_is_followed_through_its_life_from_the_command_line(
    place, proxy, give, tmp_path, monkeypatch, capsys
):
    def run(line):
        assert status(shlex.split(line)) == 0, capsys.readouterr()
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    run("init")
    options = " ".join(
        f"-o {name}={value}" for name, value in {**OPTIONS, "endpoint": proxy.endpoint}.items()
    )
    run(f"integrations add lab --backend s3 {options}")
    run(f"folders create Runs --sync s3://{place.bucket}/runs/1 --integration lab")
    place.put("a.txt", b"12345\n"), place.put("b.txt"), place.put("c.txt")
    place.put("a.txt.metadata.json", b'{"city": "Oslo"}')
    place.client.put_object(Bucket=place.bucket, Key="runs/10/d.txt", Body=b"words\n")
    assert run("sync") == "Synced Runs: 3 new.\n"
    assert run("sync") == "Synced Runs: 0 new, 3 there already.\n"
    run("datasets create all --folder Runs")
    place.put("a.txt", b"1\n2\n3\n"), place.remove("b.txt"), place.remove("c.txt"), place.put("e.txt")
    assert run("sync") == "Synced Runs: 1 new, 1 updated, 2 vanished.\n"
    items = {found["name"]: found for found in json.loads(run("search --json"))["items"]}
    assert items.keys() == {"a.txt", "e.txt"}
    assert (items["a.txt"]["metadata"], items["a.txt"]["facts"]["text"]["lines"]) == ({"city": "Oslo"}, 3)
    run("datasets export all -o all.csv")
    assert (tmp_path / "all.csv").read_text().count("\n") == 4, "what a dataset uses stays"
    place.put("b.txt"), place.put("c.txt", b"changed\n")
    assert run("sync") == "Synced Runs: 0 new, 1 updated, 2 restored, 2 there already.\n"
    assert run("sync") == "Synced Runs: 0 new, 4 there already.\n"


def test_nothing_that_a_sync_does_changes_the_bucket_and_what_is_known_costs_a_listing_alone(
    workspace, place, proxy, sync
):
    for number in range(20):
        place.put(f"{number}.txt"), place.put(f"{number}.txt.metadata.json", b'{"a": 1}')
    before = place.keys()
    assert sync() == {"added": 20}
    assert {seen.method for seen in proxy.requests} <= {"GET", "HEAD"}
    proxy.requests.clear()
    kept = catalogue(workspace)
    assert sync() == {"skipped": 20}
    assert catalogue(workspace) == kept
    assert [(seen.method, "list-type=2" in seen.path) for seen in proxy.requests] == [("GET", True)]
    assert place.keys() == before


def test_an_object_that_was_uploaded_in_parts_is_known_by_its_etag(workspace, place, sync):
    where = {"Bucket": place.bucket, "Key": "runs/1/parts.txt"}
    upload = {**where, "UploadId": place.client.create_multipart_upload(**where)["UploadId"]}
    bodies = [b"a" * (5 << 20) + b"\n", b"last\n"]
    parts = [
        {
            "PartNumber": number,
            "ETag": place.client.upload_part(**upload, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in enumerate(bodies, start=1)
    ]
    place.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert sync() == {"added": 1}
    [found] = workspace.items.list()
    assert found.size == sum(map(len, bodies)) and found.etag.strip('"').endswith("-2")
    assert sync() == {"skipped": 1}


def test_odd_names_empty_objects_and_folder_markers(workspace, place, sync):
    listed = [name for name in ODD if "\\" not in name]
    for name in listed:
        place.put(name)
    place.put("", b""), place.put("deep/", b""), place.put("deep/a.txt"), place.put("empty.txt", b"")
    report = workspace.ingest.sync("Runs")
    assert counts(report) == {"added": len(listed) + 1, "failed": 1}
    assert report.problems[0].reason == f"{place.prefix}empty.txt is empty"
    assert sorted(names(workspace)) == sorted([*(name.rpartition("/")[2] for name in listed), "a.txt"])
    assert sync() == {"skipped": len(listed) + 1, "failed": 1}
    for name in listed:
        place.remove(name)
    assert sync() == {"removed": len(listed), "skipped": 1, "failed": 1}


def test_more_than_a_page_comes_goes_and_comes_back(workspace, place, proxy, sync):
    every = [f"{number:04}.txt" for number in range(1100)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(place.put, every))
        assert sync() == {"added": 1100}
        list(threads.map(place.remove, every[900:]))
        proxy.fault("cut", matching="list-type=2", times=1)
        assert sync() == {"removed": 200, "skipped": 900}
        list(threads.map(place.put, every[900:]))
        proxy.heal()
        proxy.fault("throttle", matching="list-type=2", after=1)  # the second page never comes
        before = {found.url for found in workspace.items.list()}
        with pytest.raises(heron.Throttled):
            sync()
        assert {found.url for found in workspace.items.list()} >= before
        proxy.heal()
        done = sync()
        assert done.keys() == {"restored", "skipped"} and sum(done.values()) == 1100
    assert (
        len({found.uuid for found in workspace.items.list(deleted=True)}) == workspace.items.count() == 1100
    )


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("throttle", heron.Throttled),
        ("error", heron.Unreachable),
        ("cut", heron.Unreachable),
        ("reset", heron.Unreachable),
        ("nonsense", heron.HeronError),
        ("forbidden", heron.PermissionDenied),
        ("expired", heron.BadCredentials),
        ("no_bucket", heron.NoSuchBucket),
    ],
)
def test_a_listing_that_fails_marks_nothing_as_deleted(workspace, place, proxy, sync, fault, error):
    place.put("a.txt"), place.put("b.txt")
    sync()
    place.remove("a.txt")
    before = catalogue(workspace)
    proxy.fault(fault, matching="list-type=2")
    for options in ({}, {"allow_empty": True}):
        with pytest.raises(error):
            sync(**options)
    assert catalogue(workspace) == before
    proxy.heal()
    assert sync() == {"removed": 1, "skipped": 1}


def test_credentials_that_may_not_list_or_not_read_mark_nothing(workspace, place, server, give, tmp_path):
    def sync_as(who):
        give(who)
        with heron.open(tmp_path / "lake", plugins=[heron_storage_s3], discover=False) as again:
            return again.ingest.sync("Runs")

    place.put("a.txt"), place.put("b.txt")
    assert counts(sync_as("reader")) == {"added": 2}
    place.put("a.txt", b"changed\n"), place.remove("b.txt"), place.put("c.txt")
    before = catalogue(workspace)
    for who in ("getter", "nobody"):
        with pytest.raises(heron.PermissionDenied, match=place.bucket):
            sync_as(who)
        assert catalogue(workspace) == before
    report = sync_as("lister")
    assert counts(report) == {"removed": 1, "failed": 2}
    assert all("cannot be read: permission denied" in problem.reason for problem in report.problems)
    assert names(workspace) == ["a.txt"]
    assert counts(sync_as("reader")) == {"added": 1, "updated": 1}


def test_a_bucket_that_is_emptied_or_deleted_takes_nothing_along(workspace, place, sync):
    place.put("a.txt"), place.put("b.txt")
    sync()
    workspace.datasets.create("all", items=workspace.items.list())
    place.remove("a.txt"), place.remove("b.txt")
    with pytest.raises(heron.InvalidInput, match="any more, but folder 'Runs' has 2 items of it"):
        sync()
    place.client.delete_bucket(Bucket=place.bucket)
    for options in ({}, {"allow_empty": True}):
        with pytest.raises(heron.NoSuchBucket, match=place.bucket):
            sync(**options)
    assert names(workspace) == ["a.txt", "b.txt"]
    assert workspace.datasets.get("all").row_count == 2


def test_signed_urls_of_vanished_items_are_still_made(workspace, place, sync):
    place.put("a.txt"), place.put("b.txt")
    sync()
    place.remove("a.txt")
    sync()
    gone = item(workspace, place.prefix + "a.txt")
    assert gone.deleted_at is not None
    assert workspace.storage.of(gone).name == "lab"
    assert "a.txt" in workspace.storage.sign(gone)
