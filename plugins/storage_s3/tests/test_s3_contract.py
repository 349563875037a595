"""The contract of storage backends, held against SeaweedFS with real signatures: path style and virtual hosts."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from uuid import uuid4

import pytest

import heron
import heron_storage_s3
from heron.testing import StorageContract
from heron_storage_s3.testing import VIRTUAL_HOSTS, S3Server, forget_environment, seaweedfs

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

(BACKEND,) = heron_storage_s3.register_storage()


@pytest.fixture(scope="module")
def bucket() -> str:
    return seaweedfs().bucket()


class TestS3(StorageContract):
    """Path style, and all that people write instead of s3:// URLs."""

    backend = BACKEND
    signed_urls_can_be_fetched = True
    can_be_written = True
    other_forms: ClassVar[dict[str, str]] = {
        "s3a://lake/a/b.jpg": "s3://lake/a/b.jpg",
        "S3://lake/two words.jpg": "s3://lake/two%20words.jpg",
        "s3://lake/what?#1.jpg": "s3://lake/what%3F%231.jpg",
        "s3://lake": "s3://lake/",
        "https://lake.s3.eu-central-1.amazonaws.com/a/b.jpg": "s3://lake/a/b.jpg",
        "https://lake.s3.amazonaws.com/a%20b%2Bc.jpg": "s3://lake/a%20b+c.jpg",
        "https://lake.s3.dualstack.eu-west-1.amazonaws.com/b.jpg": "s3://lake/b.jpg",
        "https://lake.s3-eu-west-1.amazonaws.com/b.jpg": "s3://lake/b.jpg",
        "https://lake.s3.cn-north-1.amazonaws.com.cn/b.jpg": "s3://lake/b.jpg",
        "https://our.lake.s3.us-gov-west-1.amazonaws.com/b.jpg": "s3://our.lake/b.jpg",
        "https://s3.eu-central-1.amazonaws.com/lake/a/b.jpg": "s3://lake/a/b.jpg",
        "https://s3.amazonaws.com/our.lake/b.jpg": "s3://our.lake/b.jpg",
        "https://s3.dualstack.eu-central-1.amazonaws.com/lake/b.jpg": "s3://lake/b.jpg",
        "https://s3-ap-southeast-2.amazonaws.com/lake/b.jpg": "s3://lake/b.jpg",
        "https://lake.s3-accelerate.dualstack.amazonaws.com/b.jpg": "s3://lake/b.jpg",
        "HTTPS://Lake.S3.Amazonaws.com:443/B.jpg": "s3://lake/B.jpg",
    }
    bad_urls = (
        "",
        "no-such-scheme://bucket/key",
        "s3://",
        "s3:///key",
        "s3://bad bucket/key",
        "s3://lake/%FF",
        "https://s3.amazonaws.com/",
        "https://lake.s3.example.com/key",
        "https://lake.s3-website-eu-west-1.amazonaws.com/key",
        "http://lake.s3.amazonaws.com:443/key",
    )

    same_store = (
        {"endpoint": "https://minio.example:9000"},
        {"endpoint": "HTTP://Minio.Example:9000/", "access_key_id": "a", "secret_access_key": "b"},
    )
    other_stores = (
        {},
        {"endpoint": "https://minio.example"},
        {"endpoint": "https://minio.example:9001"},
        {"region": "cn-north-1"},
    )

    @pytest.fixture(autouse=True)
    def server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
        forget_environment(monkeypatch)
        server = seaweedfs()
        type(self).secrets = [server.keys["reader"].secret_access_key]
        yield server

    @pytest.fixture
    def storage(self, server: S3Server) -> heron.Storage:
        return BACKEND.load(server.options("reader"))

    @pytest.fixture
    def writer(self, server: S3Server) -> heron.Storage:
        return BACKEND.load(server.options())

    @pytest.fixture
    def root(self, bucket: str) -> str:
        return f"s3://{bucket}/lake%20no.{uuid4()}/"

    @pytest.fixture
    def put(self, server: S3Server, bucket: str, root: str) -> Callable[[str, bytes], str]:
        client: Any = server.client()
        folder = heron.address_of(root).key

        def put(name: str, content: bytes) -> str:
            key = f"{folder}{name}"
            client.put_object(Bucket=bucket, Key=key, Body=content)
            return heron.object_url("s3", bucket, key)

        return put


class TestVirtualHosts(TestS3):
    """The bucket in the host name, as most stores on the Internet want it. The server stands in for the DNS."""

    @pytest.fixture(autouse=True)
    def server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
        forget_environment(monkeypatch)
        server = seaweedfs()
        type(self).secrets = [server.keys["reader"].secret_access_key]
        monkeypatch.setenv("http_proxy", server.endpoint)
        monkeypatch.setattr(urllib.request, "_opener", None)  # urlopen keeps the proxies of its first call
        yield server

    @pytest.fixture
    def storage(self, server: S3Server) -> heron.Storage:
        return BACKEND.load(
            server.options("reader", endpoint=f"http://{VIRTUAL_HOSTS[0]}", addressing="virtual")
        )

    @pytest.fixture
    def writer(self, server: S3Server) -> heron.Storage:
        return BACKEND.load(server.options(endpoint=f"http://{VIRTUAL_HOSTS[0]}", addressing="virtual"))

    def test_signed_urls_name_the_bucket_in_the_host(
        self, storage: heron.Storage, long: tuple[str, bytes], bucket: str
    ) -> None:
        assert storage.sign(long[0], 60).startswith(f"http://{bucket}.{VIRTUAL_HOSTS[0]}/lake%20no.")
