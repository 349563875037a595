"""OBS is not Amazon: what it refuses, where its credentials come from, and what is said of missing rights."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

import heron
import heron_storage_otc
import heron_storage_s3
from heron_storage_otc.testing import HOST, ObsGate, obs_gate
from heron_storage_s3.native import IS_INSTALLED
from heron_storage_s3.testing import PUBLIC, forget_environment

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

(BACKEND,) = heron_storage_otc.register_storage()
VIRTUAL = {"addressing_style": "virtual"}
QUIET = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> ObsGate:
    forget_environment(monkeypatch)
    gate = obs_gate()
    for name, value in gate.environment.items():
        monkeypatch.setenv(name, value)
    return gate


@pytest.fixture(scope="module")
def url() -> str:
    """An object of 5 bytes in a bucket of its own."""
    server = obs_gate().server
    bucket = server.bucket()
    server.client().put_object(Bucket=bucket, Key="a.txt", Body=b"hello")
    return f"obs://{bucket}/a.txt"


def plain_client(gate: ObsGate, region: str = "eu-de", **config: Any) -> Any:
    """botocore as people would set it up."""
    pair = gate.server.keys["admin"]
    return Session().create_client(
        "s3",
        region_name=region,
        endpoint_url=f"http://{HOST}",
        aws_access_key_id=pair.access_key_id,
        aws_secret_access_key=pair.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def code_of(refusal: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refusal.value.response["Error"]["Code"])


class TestGate:
    """Without these refusals, a test behind the gate would prove nothing."""

    def test_what_obs_takes_passes(self, gate: ObsGate, url: str) -> None:
        client = plain_client(gate, s3=VIRTUAL, **QUIET)
        bucket = heron.address_of(url).bucket
        assert client.get_object(Bucket=bucket, Key="a.txt")["Body"].read() == b"hello"
        client.put_object(Bucket=bucket, Key="b.txt", Body=b"x")

    def test_the_defaults_of_botocore_are_refused(self, gate: ObsGate, url: str) -> None:
        with pytest.raises(ClientError) as refusal:
            plain_client(gate).get_object(Bucket=heron.address_of(url).bucket, Key="a.txt")
        assert code_of(refusal) == "VirtualHostDomainRequired"

    def test_the_default_checksums_of_botocore_are_refused(self, gate: ObsGate, url: str) -> None:
        bucket = heron.address_of(url).bucket
        for ask in (
            lambda client: client.get_object(Bucket=bucket, Key="a.txt"),
            lambda client: client.put_object(Bucket=bucket, Key="b.txt", Body=b"x"),
        ):
            with pytest.raises(ClientError) as refusal:
                ask(plain_client(gate, s3=VIRTUAL))
            assert code_of(refusal) == "InvalidRequest"

    def test_path_style_is_refused(self, gate: ObsGate, url: str) -> None:
        with pytest.raises(ClientError) as refusal:
            plain_client(gate, s3={"addressing_style": "path"}, **QUIET).get_object(
                Bucket=heron.address_of(url).bucket, Key="a.txt"
            )
        assert code_of(refusal) == "VirtualHostDomainRequired"

    def test_another_region_is_refused(self, gate: ObsGate, url: str) -> None:
        with pytest.raises(ClientError) as refusal:
            plain_client(gate, region="eu-nl", s3=VIRTUAL, **QUIET).get_object(
                Bucket=heron.address_of(url).bucket, Key="a.txt"
            )
        assert code_of(refusal) == "SignatureDoesNotMatch"

    def test_a_wrong_secret_does_not_pass_the_server(self, gate: ObsGate, url: str) -> None:
        storage = BACKEND.load(gate.options(secret_access_key="not-the-secret-text"))
        with pytest.raises(heron.BadCredentials):
            storage.read(url)


@pytest.mark.skipif(not IS_INSTALLED, reason="obstore is not installed")
def test_obs_is_read_through_obstore_too(gate: ObsGate, url: str) -> None:
    storage = BACKEND.load(gate.options())
    assert storage.read(url) == b"hello" and storage.peek(url, 2)[1] == b"he"
    assert storage.native.answered == 2  # type: ignore[attr-defined]


def test_the_backend_for_s3_names_the_option_that_obs_needs(gate: ObsGate, url: str) -> None:
    (s3,) = heron_storage_s3.register_storage()
    there = url.replace("obs://", "s3://")
    options = {**gate.options(), "region": "eu-de"}
    storage = s3.load(options)
    for ask in (storage.stat, storage.read, lambda there: list(storage.list(f"{there}/"))):
        with pytest.raises(heron.InvalidInput) as refusal:
            ask(there)
        assert refusal.value.hint == "set the option addressing=virtual"
    assert s3.load({**options, "addressing": "virtual"}).read(there) == b"hello"


def test_a_missing_right_is_named_as_obs_names_it_with_the_project(gate: ObsGate, url: str) -> None:
    storage = BACKEND.load(gate.options("nobody", project="eu-de_photos"))
    with pytest.raises(
        heron.PermissionDenied, match="obs:object:GetObject on it in the project eu-de_photos"
    ):
        storage.read(url)
    with pytest.raises(heron.PermissionDenied, match="obs:bucket:ListBucket"):
        list(storage.list(url.removesuffix("a.txt")))


def test_the_project_can_stand_in_the_environment(
    gate: ObsGate, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PROJECT_NAME", "eu-de_lake")
    with pytest.raises(heron.PermissionDenied, match="in the project eu-de_lake"):
        BACKEND.load(gate.options("nobody")).stat(url)


def test_a_missing_bucket_and_a_missing_object(gate: ObsGate, url: str) -> None:
    storage = BACKEND.load(gate.options("reader"))
    with pytest.raises(heron.NoSuchBucket, match="bucket no-such-lake does not exist"):
        storage.stat("obs://no-such-lake/a.txt")
    with pytest.raises(heron.NotFound) as caught:
        storage.stat(f"{url}x")
    assert type(caught.value) is heron.NotFound


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("OTC_ACCESS_KEY_ID", "OTC_SECRET_ACCESS_KEY"),
        ("OBS_ACCESS_KEY_ID", "OBS_SECRET_ACCESS_KEY"),
        ("OS_ACCESS_KEY", "OS_SECRET_KEY"),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_credentials_are_found_in_the_environment(
    gate: ObsGate, url: str, monkeypatch: pytest.MonkeyPatch, key: str, secret: str
) -> None:
    endpoint = {"endpoint": f"http://{HOST}"}
    with pytest.raises(heron.BadCredentials):
        BACKEND.load(endpoint).read(url)
    monkeypatch.setenv(key, gate.server.keys["reader"].access_key_id)
    monkeypatch.setenv(secret, gate.server.keys["reader"].secret_access_key)
    assert BACKEND.load(endpoint).read(url) == b"hello"


def test_anonymous_leaves_the_environment_alone(
    gate: ObsGate, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTC_ACCESS_KEY_ID", "some-key")
    monkeypatch.setenv("OTC_SECRET_ACCESS_KEY", "some-secret-text")
    gate.server.client().put_object(Bucket=PUBLIC, Key="obs.txt", Body=b"free")
    storage = BACKEND.load({"endpoint": f"http://{HOST}", "anonymous": True})
    assert storage.read(f"obs://{PUBLIC}/obs.txt") == b"free"
    with pytest.raises(heron.PermissionDenied):
        storage.read(url)


@pytest.mark.parametrize(
    ("options", "endpoint"),
    [
        ({}, "https://obs.eu-de.otc.t-systems.com"),
        ({"region": "eu-nl"}, "https://obs.eu-nl.otc.t-systems.com"),
        ({"region": "eu-ch2"}, "https://obs.eu-ch2.sc.otc.t-systems.com"),
        ({"endpoint": "https://obs.example"}, "https://obs.example"),
    ],
)
def test_the_endpoint_follows_from_the_region(options: dict[str, str], endpoint: str) -> None:
    assert BACKEND.load(options).options.endpoint == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "https://lake.obs.otc.t-systems.com/a.jpg",
        "https://obs.otc.t-systems.com/lake/a.jpg",
        "http://lake.obs.eu-de.otc.t-systems.com/a.jpg",
    ],
)
def test_hosts_without_a_region_and_http_urls_are_read(url: str) -> None:
    assert BACKEND.normalise is not None and BACKEND.store_of_url is not None
    assert BACKEND.normalise(url) == "obs://lake/a.jpg"
    assert BACKEND.store_of_url(url) == ("obs.eu-de.otc.t-systems.com" if "eu-de" in url else None)


def test_urls_of_an_endpoint_of_ones_own_are_read() -> None:
    storage = BACKEND.load({"endpoint": "https://obs.example"})
    assert storage.normalise("https://lake.obs.example/a.jpg") == "obs://lake/a.jpg"
    with pytest.raises(heron.InvalidInput):
        storage.normalise("s3://lake/a.jpg")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"anonymous": True, "access_key_id": "k", "secret_access_key": "some-secret-text"}, "anonymous"),
        ({"access_key_id": "k"}, "access_key_id needs secret_access_key"),
        ({"session_token": "some-secret-text"}, "session_token needs access_key_id"),
        ({"profile": "p"}, "no option profile"),
        ({"endpoint": "obs.example"}, "endpoint"),
    ],
)
def test_options_that_contradict_are_named(
    options: dict[str, Any], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_environment(monkeypatch)
    with pytest.raises(heron.InvalidInput, match=named) as caught:
        BACKEND.load(options)
    assert "secret-text" not in str(caught.value)
