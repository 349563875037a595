"""The contract of storage backends against Azurite, once with the account's key and once with a SAS token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

import heron
import heron_storage_azure
from heron.testing import StorageContract
from heron_storage_azure.testing import ACCOUNT, azurite

pytestmark = [pytest.mark.xdist_group("azure"), pytest.mark.slow]

(RECORD,) = heron_storage_azure.register_storage()


class TestAzureContract(StorageContract):
    backend = RECORD
    module = "heron_storage_azure"
    signed_urls_can_be_fetched = True
    can_be_written = True
    other_forms: ClassVar[Mapping[str, str]] = {
        "AZ://c/k": "az://c/k",
        "az://c": "az://c/",
        "az://c/two words?#.txt": "az://c/two%20words%3F%23.txt",
        "abfs://c/k": "az://c/k",
        f"abfs://c@{ACCOUNT}.dfs.core.windows.net/k": "az://c/k",
        f"abfss://c@{ACCOUNT}.dfs.core.windows.net/k": "az://c/k",
        f"wasbs://c@{ACCOUNT}.blob.core.windows.net/k": "az://c/k",
        f"https://{ACCOUNT}.blob.core.windows.net/c/a%20b": "az://c/a%20b",
        f"https://{ACCOUNT.upper()}.DFS.core.windows.net/c/gr%C3%B6%C3%9Fe": "az://c/gr%C3%B6%C3%9Fe",
    }
    same_store = (
        {"account": "lab"},
        {"account": "lab", "anonymous": True},
        {"endpoint": "https://LAB.blob.core.windows.net:443/"},
        {"endpoint": "https://lab.dfs.core.windows.net"},
        {"connection_string": "AccountName=lab;AccountKey=eA=="},
    )
    other_stores = (
        {"account": "ward"},
        {"connection_string": "AccountName=lab;AccountKey=eA==;EndpointSuffix=core.chinacloudapi.cn"},
        {"endpoint": "http://127.0.0.1:10000/lab"},
        {"endpoint": "http://127.0.0.1:10000/ward/"},
    )
    bad_urls = (
        "",
        "no-such-scheme://bucket/key",
        "az://",
        "az:///k",
        "https://example.com/c/k",
        f"https://{ACCOUNT}.blob.core.windows.net/",
        f"https://{ACCOUNT}.blob.core.windows.net/photo.jpg",
        f"https://{ACCOUNT}.blob.core.windows.net/c/k?sv=1&sig=2",
        f"https://{ACCOUNT}.blob.core.windows.net/c/k#2",
    )

    @pytest.fixture
    def container(self) -> str:
        return azurite().make_container()

    @pytest.fixture
    def storage(self, container: str) -> heron.Storage:
        type(self).secrets = [azurite().key]
        return self.backend.load({"connection_string": azurite().connection_string})

    @pytest.fixture
    def root(self, container: str) -> str:
        return f"az://{container}/some%20root/"

    @pytest.fixture
    def put(self, container: str) -> Callable[[str, bytes], str]:
        def write(name: str, content: bytes) -> str:
            azurite().put(container, f"some root/{name}", content)
            return heron.object_url("az", container, f"some root/{name}")

        return write


class TestSasContract(TestAzureContract):
    signed_urls_can_be_fetched = False
    can_be_written = False

    def test_a_token_that_may_read_may_not_write(self, storage: heron.Storage, root: str) -> None:
        assert isinstance(storage, heron.WritableStorage)
        for change in (lambda: storage.write(f"{root}a", b"1"), lambda: storage.delete(f"{root}a")):
            with pytest.raises(heron.PermissionDenied, match="cannot be written") as refusal:
                change()
            assert refusal.value.hint and "permissions w and d" in refusal.value.hint

    @pytest.fixture
    def storage(self, container: str) -> heron.Storage:
        token = generate_container_sas(
            ACCOUNT,
            container,
            account_key=azurite().key,
            permission=ContainerSasPermissions(read=True, list=True),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        type(self).secrets = [token, token.rpartition("sig=")[2]]
        return self.backend.load({"endpoint": azurite().endpoint, "sas_token": token})
