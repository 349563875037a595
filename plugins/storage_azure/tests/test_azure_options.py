"""The options of an integration, alone and together."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import heron
from heron_storage_azure.options import access_of
from heron_storage_azure.storage import AzureStorage

KEY = base64.b64encode(b"a key made up for this test").decode()
SAS = "sv=2024-11-04&se=2099-01-01T00:00:00Z&sr=c&sp=rl&sig=c2VjcmV0"
PRINCIPAL = {"tenant_id": "t", "client_id": "i", "client_secret": "s3cr3t"}


@pytest.fixture(autouse=True)
def no_account_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"account_key": KEY, "sas_token": SAS}, "account_key and sas_token exclude"),
        ({"account_key": KEY, "anonymous": True}, "account_key and anonymous exclude"),
        ({"sas_token": SAS, "client_id": "i"}, "sas_token and client_id exclude"),
        ({"connection_string": "x", "account_key": KEY}, "connection_string and account_key exclude"),
        ({"connection_string": "x", "account": "a"}, "connection_string and account exclude"),
        ({"connection_string": "x", "endpoint": "https://e"}, "connection_string and endpoint exclude"),
        ({"account": "acc", "tenant_id": "t", "client_id": "i"}, "needs the option client_secret"),
        ({"account": "acc", "client_secret": "s3cr3t"}, "needs the option tenant_id"),
        ({"account": "acc", "account_key": ""}, "account_key is empty"),
        ({"account": "Not An Account"}, "cannot be the name of a storage account"),
        ({"account": "acc.example.com/"}, "cannot be the name of a storage account"),
        ({"account": "one", "endpoint": "https://two.blob.core.windows.net"}, "belongs to 'two'"),
        ({"endpoint": "https://images.example.com", "account_key": KEY}, "needs the name of its account"),
        ({"account": "acc", "endpoint": "acc.blob.core.windows.net"}, "not the URL of a blob service"),
        ({"account": "acc", "endpoint": "https://e/?sig=s3cr3t"}, "not the URL of a blob service"),
        ({"account": "acc", "endpoint": "http://e", **PRINCIPAL}, "works only with https://"),
        ({"account": "acc", "sas_token": "s3cr3t"}, "is not a SAS token"),
        ({"connection_string": "s3cr3t"}, "connection_string is not complete"),
        ({"connection_string": "AccountKey=s3cr3t"}, "connection_string is not complete"),
        ({"connection_string": "AccountName=acc"}, "connection_string is not complete"),
        ({"anonymous": False}, "no storage account is named"),
        ({}, "no storage account is named"),
    ],
)
def test_what_does_not_fit_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(heron.InvalidInput, match=words) as refusal:
        access_of(options)
    assert refusal.value.hint
    assert "s3cr3t" not in str(refusal.value)


@pytest.mark.parametrize("variable", ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"])
def test_the_environment_names_the_account(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "fromoutside")
    assert access_of({}).endpoint == "https://fromoutside.blob.core.windows.net"
    assert access_of({"account": "acc"}).account == "acc"
    assert access_of({"endpoint": "https://images.example.com", "anonymous": True}).account is None


@pytest.mark.parametrize("sas", [SAS, f"?{SAS}", f"https://acc.blob.core.windows.net/c?{SAS}", f" {SAS}\n"])
def test_a_sas_token_is_taken_as_the_portal_gives_it(sas: str) -> None:
    assert access_of({"account": "acc", "sas_token": sas}).sas == SAS


def test_a_connection_string_says_all() -> None:
    access = access_of(
        {
            "connection_string": f"DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={KEY};EndpointSuffix=core.windows.net"
        }
    )
    assert (access.endpoint, access.account, access.key) == ("https://acc.blob.core.windows.net", "acc", KEY)
    access = access_of(
        {"connection_string": f"BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature={SAS}"}
    )
    assert (access.endpoint, access.account, access.sas) == ("https://acc.blob.core.windows.net", "acc", SAS)


def test_an_endpoint_of_data_lake_is_taken_for_its_blob_service() -> None:
    access = access_of({"endpoint": "https://acc.dfs.core.windows.net", "anonymous": True})
    assert (access.endpoint, access.account) == ("https://acc.blob.core.windows.net", "acc")


def test_expiry_of_a_sas_token_is_read_from_itself() -> None:
    assert access_of({"account": "acc", "sas_token": SAS}).sas_expired_at() is None
    assert access_of({"account": "acc", "sas_token": "sig=x"}).sas_expired_at() is None
    for ended in ("2020-01-01T00:00:00Z", "2020-01-01"):
        access = access_of({"account": "acc", "sas_token": f"se={ended}&sig=x"})
        assert access.sas_expired_at() == ended


@pytest.mark.parametrize("options", [{"account_key": KEY}, {"sas_token": SAS}, PRINCIPAL])
def test_no_secret_is_shown(options: dict[str, str]) -> None:
    access = access_of({"account": "acc", **options})
    storage = AzureStorage({"account": "acc", **options})
    shown = f"{access!r} {access} {storage!r} {storage}"
    assert "acc" in shown
    assert not any(secret in shown for secret in (KEY, "c2VjcmV0", "s3cr3t"))


@pytest.mark.parametrize(
    "options", [{"account_key": KEY}, {"sas_token": SAS}, {"anonymous": True}, PRINCIPAL]
)
def test_adlfs_takes_nothing_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "broken")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "broken")
    storage = AzureStorage({"account": "acc", **options})
    assert storage.filesystem.service_client.primary_hostname == "acc.blob.core.windows.net"


def test_a_url_of_another_account_is_refused() -> None:
    storage = AzureStorage({"account": "acc", "anonymous": True})
    assert storage.normalise("https://acc.blob.core.windows.net/c/k") == "az://c/k"
    assert storage.normalise("az://c/k") == "az://c/k"
    for url in ("https://other.blob.core.windows.net/c/k", "abfss://c@other.dfs.core.windows.net/k"):
        with pytest.raises(heron.InvalidInput, match="names the account other, but this integration has acc"):
            storage.normalise(url)
