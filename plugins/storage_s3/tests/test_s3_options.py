"""The options of an integration: which contradict, and where the credentials come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import heron
import heron_storage_s3
from heron_storage_s3.testing import forget_environment, seaweedfs

pytestmark = pytest.mark.xdist_group("s3")

(BACKEND,) = heron_storage_s3.register_storage()
PAIR = {"access_key_id": "some-key", "secret_access_key": "some-secret-text"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"anonymous": True, **PAIR}, "anonymous and access_key_id"),
        ({"anonymous": True, "profile": "p"}, "anonymous and profile"),
        ({"anonymous": True, "role_arn": "arn:aws:iam::123456789012:role/r"}, "anonymous and role_arn"),
        ({"anonymous": True, "requester_pays": True}, "anonymous and requester_pays"),
        ({"profile": "p", **PAIR}, "profile and access_key_id"),
        ({"access_key_id": "some-key"}, "access_key_id needs secret_access_key"),
        ({"secret_access_key": "some-secret-text"}, "secret_access_key needs access_key_id"),
        ({"session_token": "some-secret-text"}, "session_token needs access_key_id"),
        ({"external_id": "x"}, "external_id needs role_arn"),
        ({"addressing": "dns"}, "auto, path or virtual"),
        ({"bucket": "b"}, "no option bucket"),
        ({"endpoint": "minio.example:9000"}, "endpoint"),
        ({"endpoint": "https://minio.example/some/path"}, "endpoint"),
        ({"endpoint": "https://me:some-secret-text@minio.example"}, "endpoint"),
        ({"endpoint": "https://minio.example:port"}, "endpoint"),
    ],
)
def test_options_that_contradict_are_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(heron.InvalidInput) as caught:
        BACKEND.load(options)
    assert named in caught.value.message
    assert "secret-text" not in str(caught.value)


def test_what_is_false_contradicts_nothing() -> None:
    BACKEND.load({"anonymous": False, "requester_pays": False, **PAIR})


def test_options_show_no_secret() -> None:
    storage = BACKEND.load({**PAIR, "session_token": "some-secret-text-2"})
    assert "secret-text" not in f"{storage!r} {storage.options!r}"


def test_urls_of_the_endpoint_are_read_by_the_storage_alone() -> None:
    storage = BACKEND.load({"endpoint": "https://Minio.example:9000", **PAIR})
    assert (
        storage.normalise("https://minio.example:9000/lake/two%20words+1.jpg")
        == "s3://lake/two%20words+1.jpg"
    )
    assert storage.normalise("https://our.lake.minio.example:9000/a.jpg") == "s3://our.lake/a.jpg"
    assert storage.normalise("https://lake.s3.amazonaws.com/a.jpg") == "s3://lake/a.jpg"
    for url in (
        "http://minio.example:9000/lake/a.jpg",
        "https://minio.example/lake/a.jpg",
        "https://minioXexample:9000/lake/a.jpg",
        "https://minio.example:9000/",
    ):
        with pytest.raises(heron.InvalidInput):
            storage.normalise(url)
    with pytest.raises(heron.InvalidInput):
        BACKEND.normalise("https://minio.example:9000/lake/a.jpg")


def test_a_plain_endpoint_has_plain_urls() -> None:
    storage = BACKEND.load({"endpoint": "http://minio.example", **PAIR})
    assert storage.normalise("http://minio.example:80/lake/a.jpg") == "s3://lake/a.jpg"


@pytest.mark.slow
def test_without_options_the_chain_of_aws_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = seaweedfs()
    url = f"s3://{server.bucket()}/"
    pair = server.keys["reader"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", pair.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", pair.secret_access_key)
    assert list(BACKEND.load({}).list(url)) == []
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(heron.BadCredentials):
        list(BACKEND.load({}).list(url))
    file = tmp_path / "credentials"
    file.write_text(
        f"[trip]\naws_access_key_id={pair.access_key_id}\naws_secret_access_key={pair.secret_access_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert list(BACKEND.load({"profile": "trip"}).list(url)) == []
