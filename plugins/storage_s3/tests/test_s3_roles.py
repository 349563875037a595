"""Roles to assume: moto knows users, policies, roles and whom they trust; a relay notes what is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import heron
import heron_storage_s3
from heron_storage_s3.relay import Relay
from heron_storage_s3.testing import S3Server, forget_environment, moto, rights_checked

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

(BACKEND,) = heron_storage_s3.register_storage()
URL = "s3://rented-lake/a.txt"
EXTERNAL_ID = "lake no. 7"
PAIR = {"access_key_id": "some-key", "secret_access_key": "some-secret-text"}
READ_LAKE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::rented-lake"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::rented-lake/*"},
    ],
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture(scope="module")
def server() -> S3Server:
    server = moto()
    server.bucket("rented-lake")
    server.client().put_object(Bucket="rented-lake", Key="a.txt", Body=b"rented")
    return server


@pytest.fixture(scope="module")
def role(server: S3Server) -> str:
    iam = server.client("iam")
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::123456789012:user/guest"},
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    role = iam.create_role(RoleName="tenant", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="tenant", PolicyName="read", PolicyDocument=json.dumps(READ_LAKE))
    return str(role["Role"]["Arn"])


@pytest.fixture(scope="module")
def pair(server: S3Server, role: str) -> dict[str, str]:
    """The key pair of somebody who may do nothing but assume roles."""
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    pair = new_user(server, "guest")
    server.client("iam").put_user_policy(UserName="guest", PolicyName="assume", PolicyDocument=policy)
    return pair


@pytest.fixture(scope="module")
def stranger(server: S3Server) -> dict[str, str]:
    """The key pair of somebody who may do nothing at all."""
    return new_user(server, "stranger")


def new_user(server: S3Server, name: str) -> dict[str, str]:
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


@pytest.fixture
def relay(server: S3Server, role: str, pair: dict[str, str], stranger: dict[str, str]) -> Iterator[Relay]:
    with rights_checked(server), Relay(server.endpoint) as relay:
        yield relay


def options(relay: Relay, pair: dict[str, str], **more: str) -> dict[str, Any]:
    return {"endpoint": relay.url, "region": "us-east-1", "addressing": "path", **pair, **more}


def test_the_role_may_what_its_guest_may_not(relay: Relay, pair: dict[str, str], role: str) -> None:
    guest = BACKEND.load(options(relay, pair))
    with pytest.raises(heron.PermissionDenied) as caught:
        guest.read(URL)
    assert type(caught.value) is heron.PermissionDenied
    tenant = BACKEND.load(options(relay, pair, role_arn=role, external_id=EXTERNAL_ID))
    assert tenant.read(URL) == b"rented"
    assert [found.url for found in tenant.list("s3://rented-lake/")] == [URL]
    assert "X-Amz-Security-Token=" in tenant.sign(URL, 60)


def test_the_role_is_assumed_once(relay: Relay, pair: dict[str, str], role: str) -> None:
    tenant = BACKEND.load(options(relay, pair, role_arn=role, external_id=EXTERNAL_ID))
    for _ in range(3):
        assert tenant.stat(URL).size == 6
    (assumed,) = [asked.body.decode() for asked in relay.asked if asked.body]
    assert "Action=AssumeRole" in assumed


def test_the_role_is_assumed_anew_before_it_expires(
    relay: Relay, pair: dict[str, str], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.credentials.RefreshableCredentials._advisory_refresh_timeout", 2 * 3600)
    tenant = BACKEND.load(options(relay, pair, role_arn=role, external_id=EXTERNAL_ID))
    for _ in range(3):
        assert tenant.stat(URL).size == 6
    assert sum(bool(asked.body) for asked in relay.asked) > 1


def test_a_role_that_may_not_be_assumed_is_named(relay: Relay, stranger: dict[str, str], role: str) -> None:
    with pytest.raises(heron.BadCredentials, match=f"no permission to assume the role {role}"):
        BACKEND.load(options(relay, stranger, role_arn=role, external_id=EXTERNAL_ID)).read(URL)


def test_a_role_wants_its_own_external_id(relay: Relay, pair: dict[str, str], role: str) -> None:
    """moto minds a wrong one; that none is wrong too, it does not know."""
    with pytest.raises(heron.BadCredentials, match="external_id"):
        BACKEND.load(options(relay, pair, role_arn=role, external_id="lake no. 8")).read(URL)


def test_an_unknown_key_is_told_before_the_role(relay: Relay, role: str) -> None:
    with pytest.raises(heron.BadCredentials, match="access key is unknown"):
        BACKEND.load(options(relay, PAIR, role_arn=role, external_id=EXTERNAL_ID)).read(URL)


def test_the_environment_can_name_where_roles_are_assumed(
    relay: Relay, server: S3Server, pair: dict[str, str], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.endpoint)
    tenant = BACKEND.load(options(relay, pair, role_arn=role, external_id=EXTERNAL_ID))
    assert tenant.read(URL) == b"rented"
    assert [asked.method for asked in relay.asked] == ["GET"]


def test_keys_with_odd_segments_stay_as_they_are(server: S3Server) -> None:
    """moto keeps them apart, as Amazon does; SeaweedFS takes them for folders."""
    storage = BACKEND.load(server.options())
    bucket = server.bucket()
    for key in ("a//b", "/a", "a/./b", "a/../b", "a/b/..."):
        server.client().put_object(Bucket=bucket, Key=key, Body=key.encode())
        url = heron.object_url("s3", bucket, key)
        assert storage.normalise(url) == url
        assert storage.read(url) == key.encode()
    assert len(list(storage.list(f"s3://{bucket}/"))) == 5
