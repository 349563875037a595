"""The contract of storage backends, held against SeaweedFS behind a gate that takes only what OBS takes."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import pytest

import heron
import heron_storage_otc
from heron.testing import StorageContract
from heron_storage_otc.testing import HOST, ObsGate, obs_gate
from heron_storage_s3.testing import forget_environment

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

(BACKEND,) = heron_storage_otc.register_storage()


@pytest.fixture(scope="module")
def bucket() -> str:
    return obs_gate().server.bucket()


class TestOBS(StorageContract):
    """By its real host name, through the gate."""

    backend = BACKEND
    signed_urls_can_be_fetched = True
    can_be_written = True
    other_forms: ClassVar[dict[str, str]] = {
        "OBS://lake/two words.jpg": "obs://lake/two%20words.jpg",
        "obs://lake/what?#1.jpg": "obs://lake/what%3F%231.jpg",
        "obs://lake": "obs://lake/",
        "https://lake.obs.eu-de.otc.t-systems.com/a/b.jpg": "obs://lake/a/b.jpg",
        "https://obs.eu-de.otc.t-systems.com/lake/a/b.jpg": "obs://lake/a/b.jpg",
        "https://our.lake.obs.eu-nl.otc.t-systems.com/a+b%2Bc.jpg": "obs://our.lake/a+b+c.jpg",
        "https://lake.obs.eu-ch2.sc.otc.t-systems.com/a.jpg": "obs://lake/a.jpg",
        "https://obs.eu-ch2.sc.otc.t-systems.com/lake/a.jpg": "obs://lake/a.jpg",
        "HTTPS://Lake.OBS.eu-de.otc.t-systems.com:443/B.jpg": "obs://lake/B.jpg",
    }
    same_store = (
        {},
        {"region": "eu-de", "project": "p"},
        {"endpoint": "https://OBS.eu-de.otc.t-systems.com:443/"},
    )
    other_stores = ({"region": "eu-nl"}, {"endpoint": "https://obs.example"})
    bad_urls = (
        "",
        "no-such-scheme://bucket/key",
        "obs://",
        "s3://lake/key",
        "https://obs.eu-de.otc.t-systems.com/",
        "https://lake.obs.eu-de.example.com/key",
        "https://lake.s3.amazonaws.com/key",
        "https://lake.obs.eu-de.otc.t-systems.com/key?Signature=abc",
    )

    @pytest.fixture(autouse=True)
    def gate(self, monkeypatch: pytest.MonkeyPatch) -> ObsGate:
        forget_environment(monkeypatch)
        gate = obs_gate()
        for name, value in gate.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(urllib.request, "_opener", None)  # urlopen keeps the proxies of its first call
        type(self).secrets = [gate.server.keys["reader"].secret_access_key]
        return gate

    @pytest.fixture
    def storage(self, gate: ObsGate) -> heron.Storage:
        return BACKEND.load(gate.options("reader"))

    @pytest.fixture
    def writer(self, gate: ObsGate) -> heron.Storage:
        return BACKEND.load(gate.options())

    @pytest.fixture
    def root(self, bucket: str) -> str:
        return f"obs://{bucket}/lake%20no.{uuid4()}/"

    @pytest.fixture
    def put(self, gate: ObsGate, bucket: str, root: str) -> Callable[[str, bytes], str]:
        client: Any = gate.server.client()
        folder = heron.address_of(root).key

        def put(name: str, content: bytes) -> str:
            key = f"{folder}{name}"
            client.put_object(Bucket=bucket, Key=key, Body=content)
            return heron.object_url("obs", bucket, key)

        return put

    def test_signed_urls_name_the_bucket_in_the_host(
        self, storage: heron.Storage, long: tuple[str, bytes], bucket: str
    ) -> None:
        signed = storage.sign(long[0], 60)
        assert signed.startswith(f"http://{bucket}.{HOST}/lake%20no.")
        assert "%2Feu-de%2Fs3%2Faws4_request" in signed
