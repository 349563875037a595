"""Options, credentials and signing: who asks, and what is said when that cannot be."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import heron
import heron_storage_gcs
from heron.testing import servers
from heron_storage_gcs.testing import PRIVATE_KEY_ID, TOKEN, Front, reply, write_account

pytestmark = pytest.mark.xdist_group("gcs")

BACKEND = next(iter(heron_storage_gcs.register_storage()))
URL = "gs://bucket/key"


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front("")
    front.say(reply(200, b"{}"))
    yield front
    front.stop()


@pytest.fixture
def key(front: Front, tmp_path: Path) -> Path:
    return write_account(tmp_path / "key.json", front.token_uri)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without credentials."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", True)


def refusal_of(options: dict[str, object]) -> heron.HeronError:
    with pytest.raises(heron.HeronError) as caught:
        BACKEND.load(options)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


@pytest.mark.parametrize(
    "options",
    [
        {"anonymous": True, "credentials_file": "key.json"},
        {"anonymous": True, "requester_pays": True, "project": "p"},
        {"anonymous": True, "endpoint": "storage.googleapis.com"},
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, object]) -> None:
    assert type(refusal_of(options)) is heron.InvalidInput


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "cannot be read: No such file"),
        (b"hidden", "is not JSON"),
        (b"\xff\xfehidden", "is not JSON"),
        (b'["hidden"]', "is not the key of a service account"),
        (b'{"type": "authorized_user", "refresh_token": "hidden"}', "is not the key of a service account"),
        (b'{"type": "service_account", "private_key": "hidden"}', "incomplete or damaged"),
    ],
)
def test_bad_files_are_refused_without_their_content(
    tmp_path: Path, content: bytes | None, part: str
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_bytes(content)
    error = refusal_of({"credentials_file": str(path)})
    assert type(error) is heron.BadCredentials
    assert part in error.message
    assert str(path) in error.message
    assert "hidden" not in str(error)
    assert error.__context__ is None or error.__suppress_context__


def test_damaged_keys_are_refused(key: Path) -> None:
    account = json.loads(key.read_text())
    for private_key in (account["private_key"][:200], "hidden", 3):
        key.write_text(json.dumps({**account, "private_key": private_key}))
        error = refusal_of({"credentials_file": str(key)})
        assert type(error) is heron.BadCredentials
        assert "damaged" in error.message


def test_the_file_of_the_environment_is_the_default(
    bare: None, key: Path, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    assert list(BACKEND.load({"endpoint": front.endpoint}).list("gs://bucket/")) == []
    assert front.asked[-1].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_machine_without_credentials_says_what_to_do(bare: None) -> None:
    error = refusal_of({})
    assert type(error) is heron.BadCredentials
    assert "gcloud auth application-default login" in str(error.hint)
    assert "credentials_file" in str(error.hint)


def test_a_variable_that_names_no_file_is_blamed(
    bare: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    error = refusal_of({})
    assert type(error) is heron.BadCredentials
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.message


def test_paying_needs_a_project(bare: None, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = json.loads(key.read_text())
    del account["project_id"]
    key.write_text(json.dumps(account))
    error = refusal_of({"credentials_file": str(key), "requester_pays": True})
    assert type(error) is heron.InvalidInput
    assert "project" in str(error.hint)


def test_threads_sign_in_once(front: Front, key: Path) -> None:
    storage = BACKEND.load({"credentials_file": str(key), "endpoint": front.endpoint})
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda _: list(storage.list("gs://bucket/")), range(64)))
    assert front.sign_ins == 1
    assert {asked.headers["authorization"] for asked in front.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("Invalid JWT Signature.", "make a new key"),
        ("Invalid grant: account not found", "make a new key"),
        ("Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.", "clock"),
        ("Token has been expired or revoked.", "gcloud auth application-default login` again"),
    ],
)
def test_refused_credentials_are_told_apart(front: Front, key: Path, reason: str, advice: str) -> None:
    front.token_answer = reply(
        400, json.dumps({"error": "invalid_grant", "error_description": reason}).encode()
    )
    storage = BACKEND.load({"credentials_file": str(key), "endpoint": front.endpoint})
    with pytest.raises(heron.BadCredentials) as refusal:
        storage.stat(URL)
    assert reason in refusal.value.message
    assert advice in str(refusal.value.hint)
    assert PRIVATE_KEY_ID not in str(refusal.value)


def test_a_sign_in_page_is_no_refusal(front: Front, key: Path) -> None:
    front.token_answer = reply(400, b"<html>please log in to this network</html>")
    storage = BACKEND.load({"credentials_file": str(key), "endpoint": front.endpoint})
    with pytest.raises(heron.Unreachable) as error:
        storage.stat(URL)
    assert "html" not in str(error.value)


def test_no_sign_in_server_is_unreachable_and_told_quickly(front: Front, tmp_path: Path) -> None:
    key = write_account(tmp_path / "key.json", f"http://127.0.0.1:{servers.free_port()}/token")
    storage = BACKEND.load({"credentials_file": str(key), "endpoint": front.endpoint})
    begin = time.monotonic()
    with pytest.raises(heron.Unreachable):
        storage.stat(URL)
    assert time.monotonic() - begin < 30, "the pauses of the driver would be 31 s"


def test_signed_urls_carry_signature_and_expiry_but_no_key(key: Path) -> None:
    storage = BACKEND.load({"credentials_file": str(key)})
    signed = urlsplit(storage.sign("gs://bucket/a%20b/c%23.jpg", 600))
    query = parse_qs(signed.query)
    assert (signed.scheme, signed.netloc) == ("https", "storage.googleapis.com")
    assert signed.path == "/bucket/a%20b/c%23.jpg"
    assert query["X-Goog-Algorithm"] == ["GOOG4-RSA-SHA256"]
    assert query["X-Goog-Expires"] == ["600"]
    assert len(query["X-Goog-Signature"][0]) == 512
    assert PRIVATE_KEY_ID not in signed.geturl()


def test_signed_urls_last_a_week_at_most(key: Path) -> None:
    storage = BACKEND.load({"credentials_file": str(key)})
    assert storage.sign(URL, 604_800)
    with pytest.raises(heron.InvalidInput, match="at most 604,800 seconds"):
        storage.sign(URL, 604_801)


def test_only_keys_of_service_accounts_sign() -> None:
    with pytest.raises(heron.InvalidInput, match="service account"):
        BACKEND.load({"anonymous": True}).sign(URL, 600)


def test_nothing_shows_what_the_file_holds(key: Path) -> None:
    storage = BACKEND.load({"credentials_file": str(key)})
    private = json.loads(key.read_text())["private_key"][40:80]
    assert private not in f"{storage!r} {vars(storage)!r}"
