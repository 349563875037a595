"""What goes wrong with a real service is told apart, and said in one sentence without secrets."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas

import heron
from heron_storage_azure.storage import AzureStorage
from heron_storage_azure.testing import ACCOUNT, azurite

pytestmark = [pytest.mark.xdist_group("azure"), pytest.mark.slow]

Ask = Callable[[AzureStorage, str], Any]

LIST: Ask = lambda storage, url: list(storage.list(url.rpartition("/")[0] + "/"))  # noqa: E731
STAT: Ask = lambda storage, url: storage.stat(url)  # noqa: E731
PEEK: Ask = lambda storage, url: storage.peek(url, 3)  # noqa: E731
READ: Ask = lambda storage, url: storage.read(url, 1, 4)  # noqa: E731
READING = [STAT, PEEK, READ]
ALL = [LIST, *READING]


@pytest.fixture(scope="module")
def url() -> str:
    """An object in a private container."""
    container = azurite().make_container()
    azurite().put(container, "k.txt", b"0123456789")
    return f"az://{container}/k.txt"


def storage(**options: Any) -> AzureStorage:
    return AzureStorage({"endpoint": azurite().endpoint, **options})


def by_key() -> AzureStorage:
    return storage(account_key=azurite().key)


def sas(url: str, permission: str, hours: float = 1) -> str:
    return generate_container_sas(
        ACCOUNT,
        heron.address_of(url).bucket,
        account_key=azurite().key,
        permission=ContainerSasPermissions.from_string(permission),
        start=datetime.now(UTC) - timedelta(days=1),
        expiry=datetime.now(UTC) + timedelta(hours=hours),
    )


def refused(kind: type[heron.HeronError], ask: Ask, storage: AzureStorage, url: str) -> heron.HeronError:
    """The refusal, of this class and no subclass, on one line and without the key."""
    with pytest.raises(heron.HeronError) as caught:
        ask(storage, url)
    assert type(caught.value) is kind, repr(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert azurite().key not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("ask", ALL)
@pytest.mark.parametrize("container", ["no-such-container", "No_Such_Container", "ab", "c" * 64])
def test_a_missing_container(ask: Ask, container: str) -> None:
    error = refused(heron.NoSuchBucket, ask, by_key(), f"az://{container}/k.txt")
    assert error.message == f"bucket {container} does not exist"


@pytest.mark.parametrize("ask", READING)
def test_a_missing_object(url: str, ask: Ask) -> None:
    error = refused(heron.NotFound, ask, by_key(), f"{url}.missing")
    assert error.message == f"{url}.missing is not there"


@pytest.mark.parametrize("ask", ALL)
@pytest.mark.parametrize("key", [base64.b64encode(b"another key").decode(), "no key at all"])
def test_a_wrong_key(url: str, ask: Ask, key: str) -> None:
    error = refused(heron.BadCredentials, ask, storage(account_key=key), url)
    assert f"the key for the account {ACCOUNT}" in error.message
    assert key not in str(error)


@pytest.mark.parametrize("ask", ALL)
def test_an_expired_sas_token(url: str, ask: Ask) -> None:
    token = sas(url, "rl", hours=-1)
    error = refused(heron.BadCredentials, ask, storage(sas_token=token), url)
    assert "has expired (20" in error.message
    assert token.rpartition("sig=")[2] not in str(error)


@pytest.mark.parametrize("ask", ALL)
def test_a_sas_token_with_a_wrong_signature(url: str, ask: Ask) -> None:
    error = refused(heron.BadCredentials, ask, storage(sas_token=sas(url, "rl") + "AAAA"), url)
    assert "is not accepted" in error.message


def test_no_right_to_list(url: str) -> None:
    reader = storage(sas_token=sas(url, "r"))
    assert reader.read(url) == b"0123456789"
    error = refused(heron.PermissionDenied, LIST, reader, url)
    assert "cannot be listed: permission denied" in error.message
    assert "permission l (list)" in str(error.hint)


@pytest.mark.parametrize("ask", READING)
def test_no_right_to_read(url: str, ask: Ask) -> None:
    lister = storage(sas_token=sas(url, "l"))
    assert [found.url for found in lister.list(url.removesuffix("k.txt"))] == [url]
    error = refused(heron.PermissionDenied, ask, lister, url)
    assert "cannot be read: permission denied" in error.message
    assert "permission r (read)" in str(error.hint)


@pytest.mark.parametrize("ask", ALL)
def test_a_private_container_without_credentials(url: str, ask: Ask) -> None:
    error = refused(heron.BadCredentials, ask, storage(anonymous=True), url)
    assert "is not public" in error.message


def test_a_public_container_without_credentials() -> None:
    container = azurite().make_container(public="container")
    azurite().put(container, "k.txt", b"0123456789")
    everybody, url = storage(anonymous=True), f"az://{container}/k.txt"
    assert [found.url for found in everybody.list(f"az://{container}/")] == [url]
    assert everybody.read(url) == b"0123456789"
    refused(heron.NotFound, READ, everybody, f"{url}.missing")


def test_a_container_with_public_objects_cannot_be_listed_without_credentials() -> None:
    container = azurite().make_container(public="blob")
    azurite().put(container, "k.txt", b"0123456789")
    everybody, url = storage(anonymous=True), f"az://{container}/k.txt"
    assert everybody.read(url) == b"0123456789"
    refused(heron.BadCredentials, LIST, everybody, url)


@pytest.mark.parametrize("options", [{"anonymous": True}, {"sas_token": "sv=1&sig=x"}])
def test_without_a_key_nothing_is_signed(url: str, options: dict[str, Any]) -> None:
    error = refused(heron.InvalidInput, lambda storage, url: storage.sign(url, 60), storage(**options), url)
    assert "only be signed with an account key" in error.message


@pytest.mark.parametrize("ask", ALL)
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1/acc", "http://acc.blob.invalid"])
def test_a_place_that_does_not_answer_is_told_soon(ask: Ask, endpoint: str) -> None:
    begin = time.monotonic()
    kind = heron.NoSuchHost if endpoint.endswith(".invalid") else heron.Unreachable
    error = refused(kind, ask, AzureStorage({"endpoint": endpoint, "anonymous": True}), "az://c/k")
    assert time.monotonic() - begin < 30, "the pauses of the driver would be 57 s"
    assert endpoint in str(error.hint)


def test_dots_between_slashes_are_refused_for_another_object_would_be_read(url: str) -> None:
    for key in ("a/../k.txt", "./k.txt", ".."):
        for ask in READING:
            refused(heron.InvalidInput, ask, by_key(), url.replace("k.txt", key))
