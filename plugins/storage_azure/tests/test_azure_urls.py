"""URLs of Azure in all their forms."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heron
from heron_storage_azure.urls import account_at, account_of, normalise

EMULATOR = "http://127.0.0.1:10000/devstoreaccount1"

accounts = st.from_regex(r"[a-z0-9]{3,24}", fullmatch=True)
containers = st.from_regex(r"[a-z0-9](-?[a-z0-9]){2,20}", fullmatch=True)
keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@pytest.mark.slow
@given(containers, keys)
def test_canonical_urls_stay_and_give_back_their_key(container: str, key: str) -> None:
    url = heron.object_url("az", container, key)
    assert normalise(url) == url
    address = heron.address_of(url)
    assert (address.bucket, address.key) == (container, key)


@pytest.mark.slow
@given(accounts, containers, keys)
def test_all_forms_lead_to_one(account: str, container: str, key: str) -> None:
    url, path = heron.object_url("az", container, key), quote(key, safe="/")
    for host in (f"{account}.blob.core.windows.net", f"{account}.dfs.core.windows.net"):
        for form in (
            f"https://{host}/{container}/{path}",
            f"HTTPS://{host.upper()}:443/{container}/{path}",
            f"abfss://{container}@{host}/{path}",
            f"wasbs://{container}@{host.upper()}/{path}",
            f"az://{host}/{container}/{path}",
        ):
            assert normalise(form) == url
            assert account_of(form) == account
    for scheme in ("az", "AZ", "abfs", "abfss", "wasb", "wasbs"):
        assert normalise(f"{scheme}://{container}/{path}") == url
        assert account_of(f"{scheme}://{container}/{path}") is None


@pytest.mark.slow
@given(containers, keys)
def test_an_emulator_is_known_by_its_endpoint(container: str, key: str) -> None:
    url = f"{EMULATOR}/{container}/{quote(key, safe='/')}"
    assert normalise(url, EMULATOR) == heron.object_url("az", container, key)
    assert account_of(url, EMULATOR) is None
    with pytest.raises(heron.InvalidInput):
        pytest.fail(normalise(url))


@given(
    st.text(max_size=60),
    st.sampled_from(["", "az://", "https://", "abfss://c@", "https://a.blob.core.windows.net/"]),
)
def test_anything_else_is_refused_with_one_line(text: str, begin: str) -> None:
    try:
        url = normalise(begin + text)
    except heron.InvalidInput as refusal:
        assert len(str(refusal).splitlines()) == 1
    else:
        assert normalise(url) == url


@pytest.mark.parametrize(
    ("form", "canonical"),
    [
        ("az://c", "az://c/"),
        ("az://c/", "az://c/"),
        ("az://c/a b", "az://c/a%20b"),
        ("az://c/no#1?.txt", "az://c/no%231%3F.txt"),
        ("az://c//a", "az://c//a"),
        ("az://$web/index.html", "az://$web/index.html"),
        ("https://acc.blob.core.windows.net/c", "az://c/"),
        ("https://acc.blob.core.windows.net/%24root/a.jpg", "az://$root/a.jpg"),
        ("abfss://c@acc.dfs.core.windows.net", "az://c/"),
    ],
)
def test_special_forms(form: str, canonical: str) -> None:
    assert normalise(form) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "",
        "c/k",
        "s3://c/k",
        "az://",
        "az:///k",
        "az://a b/k",
        "az://c\ud800/k",
        "az://größe/k",
        "az://c/a%00b",
        "az://c/%ff",
        "az://c@example.com/k",
        "az://@acc.blob.core.windows.net/k",
        "https://acc.blob.core.windows.net",
        "https://acc.blob.core.windows.net/",
        "https://example.com/c/k",
        "https://acc.blob.core.windows.net.example.com/c/k",
        "https://acc.blob.core.windows.net:8443/c/k",
        "http://acc.blob.core.windows.net:443/c/k",
        f"{EMULATOR}/c/k",
        " az://c/k",
    ],
)
def test_foreign_urls_are_refused(url: str) -> None:
    with pytest.raises(heron.InvalidInput):
        pytest.fail(normalise(url))


def test_an_object_of_the_root_container_has_a_form_of_its_own() -> None:
    with pytest.raises(heron.InvalidInput) as refusal:
        normalise("https://acc.blob.core.windows.net/photo.jpg")
    assert "az://$root/KEY" in str(refusal.value.hint)
    assert normalise("az://$root/photo.jpg") == "az://$root/photo.jpg"


@pytest.mark.parametrize(
    "url",
    [
        "https://acc.blob.core.windows.net/c/k?sv=2024&sig=s3cr3t",
        "https://acc.blob.core.windows.net/c/k#s3cr3t",
        "https://example.com/c/k?sig=s3cr3t",
        "https://user:s3cr3t@acc.blob.core.windows.net/c/k",
        "s3://s3cr3t@bucket/k",
    ],
)
def test_a_refusal_shows_no_secret(url: str) -> None:
    with pytest.raises(heron.InvalidInput) as refusal:
        normalise(url)
    assert "s3cr3t" not in str(refusal.value)


@pytest.mark.parametrize(
    ("endpoint", "account"),
    [
        ("https://acc.blob.core.windows.net", "acc"),
        ("https://acc.blob.core.chinacloudapi.cn", "acc"),
        ("https://acc.z12.blob.storage.azure.net", "acc"),
        ("https://acc.privatelink.blob.core.windows.net", "acc"),
        (EMULATOR, "devstoreaccount1"),
        ("http://localhost:10000/devstoreaccount1/", "devstoreaccount1"),
        ("http://[::1]:10000/devstoreaccount1", "devstoreaccount1"),
        ("https://images.example.com", None),
        ("http://127.0.0.1:10000", None),
    ],
)
def test_an_endpoint_tells_its_account(endpoint: str, account: str | None) -> None:
    assert account_at(endpoint) == account
