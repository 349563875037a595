"""Columns pushed to a real S3 server: by an integration, with retries, and with refusals that say which right is missing."""

import json

import pytest

import heron
import heron_storage_s3
from heron.models import MediaFacts, NewItem
from heron.testing.faults import FaultProxy
from heron_storage_s3.testing import forget_environment, seaweedfs

pl = pytest.importorskip("polars")
pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]


@pytest.fixture(scope="module")
def server():
    return seaweedfs()


@pytest.fixture
def plugins():
    return [heron_storage_s3]


@pytest.fixture
def lake(workspace, server, monkeypatch):
    forget_environment(monkeypatch)
    monkeypatch.setattr("heron.storage.retries.LONGEST", 0.01)
    for who in ("admin", "reader"):
        monkeypatch.setenv(f"SECRET_OF_{who}", server.keys[who].secret_access_key)
        workspace.integrations.create(who, "s3", options(server, who))
    facts = [MediaFacts(kind, f"{kind}/x", width=width) for width, kind in enumerate(["image", "video"] * 20)]
    workspace.schema.add_embedding("face", 3)
    workspace.registration.register((NewItem(f"s3://b/{n}", each) for n, each in enumerate(facts)), "A")
    workspace.vectors.add("face", workspace.items.list(), [[n, 0, 1] for n in range(40)])
    return workspace


def options(server, who="admin", **more):
    return server.options(who, secret_access_key=f"env:SECRET_OF_{who}", **more)


@pytest.fixture
def bucket(server):
    return server.bucket()


def keys(server, bucket):
    return {
        found["Key"]: found for found in server.client().list_objects_v2(Bucket=bucket).get("Contents", ())
    }


def content(server, bucket, key):
    return server.client().get_object(Bucket=bucket, Key=key)["Body"].read()


def widths(server, bucket, prefix):
    manifest = json.loads(content(server, bucket, f"{prefix}_heron.json"))
    files = [f"{prefix}{file['path']}" for file in manifest["tables"]["items"]["files"]]
    frames = [pl.read_parquet(content(server, bucket, key)) for key in files]
    return sorted(pl.concat(frames)["width"].to_list())


def test_columns_are_pushed_and_pushed_again(lake, server, bucket):
    place = f"s3://{bucket}/two words/lake"
    pushed = lake.columns.push(place, integration="admin")
    assert pushed.destination == f"s3://{bucket}/two%20words/lake/"
    assert pushed.tables == {"items": 40, "frames": 0, "vectors/key=face": 40}
    assert widths(server, bucket, "two words/lake/") == list(range(40))
    before = keys(server, bucket)
    assert len(before) == pushed.files + 1
    lake.items.delete(lake.items.list()[:1])
    again = lake.columns.push(place, integration="admin")
    assert (again.written, again.removed) == (2, 0)
    assert widths(server, bucket, "two words/lake/") == list(range(1, 40))
    assert lake.columns.push(place, integration="admin").removed == 2
    assert len(keys(server, bucket)) == len(before)


def test_what_is_not_ours_is_refused_and_kept(lake, server, bucket):
    server.client().put_object(Bucket=bucket, Key="photos/a.jpg", Body=b"mine")
    with pytest.raises(heron.InvalidInput, match="they are not pushed columns"):
        lake.columns.push(f"s3://{bucket}/", integration="admin")
    assert [*keys(server, bucket)] == ["photos/a.jpg"]
    lake.columns.push(f"s3://{bucket}/photo", integration="admin")  # another prefix


def test_who_may_only_read_is_told_and_nothing_is_there(lake, server, bucket):
    with pytest.raises(heron.PermissionDenied, match="cannot be written") as refusal:
        lake.columns.push(f"s3://{bucket}/lake", integration="reader")
    assert "s3:PutObject" in refusal.value.hint
    assert keys(server, bucket) == {}


def test_a_missing_bucket_is_named(lake):
    with pytest.raises(heron.NoSuchBucket):
        lake.columns.push("s3://no-such-bucket-here/lake", integration="admin")


def test_a_store_that_fails_is_asked_again_and_in_the_end_the_state_before_stays(lake, server, bucket):
    def is_put(seen):
        return seen.method == "PUT"

    with FaultProxy(server.endpoint) as proxy:
        lake.integrations.create("shaky", "s3", options(server, endpoint=proxy.endpoint))
        proxy.fault("throttle", matching=is_put, times=2)
        proxy.fault("reset", matching=is_put, after=3, times=2)
        lake.columns.push(f"s3://{bucket}/lake", integration="shaky")
        proxy.heal()
        lake.items.delete(lake.items.list()[:1])
        proxy.fault("error", matching=is_put, after=1)
        with pytest.raises(heron.Unreachable):
            lake.columns.push(f"s3://{bucket}/lake", integration="shaky")
    assert widths(server, bucket, "lake/") == list(range(40))
    assert (
        lake.columns.push(f"s3://{bucket}/lake", integration="admin").written == 1
    )  # the other one is there
    assert widths(server, bucket, "lake/") == list(range(1, 40))
