"""What goes wrong is told apart, by what SeaweedFS answers and by answers that only Amazon or a broken net gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import heron
import heron_storage_s3
from heron.testing import servers
from heron_storage_s3.relay import Answer, Relay, refusal
from heron_storage_s3.testing import PUBLIC, S3Server, forget_environment, seaweedfs

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.slow]

(BACKEND,) = heron_storage_s3.register_storage()
KEYS = {"access_key_id": "some-key", "secret_access_key": "some-secret-text"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture(scope="module")
def server() -> S3Server:
    return seaweedfs()


@pytest.fixture(scope="module")
def url(server: S3Server) -> str:
    """An object of 5 bytes in a bucket of its own."""
    bucket = server.bucket()
    server.client().put_object(Bucket=bucket, Key="photos/a.txt", Body=b"hello")
    return f"s3://{bucket}/photos/a.txt"


def root_of(url: str) -> str:
    return f"s3://{heron.address_of(url).bucket}/"


def listed(storage: heron.Storage, url: str) -> list[heron.StoredObject]:
    return list(storage.list(root_of(url)))


def ways_to_ask(storage: heron.Storage) -> list[Callable[[str], Any]]:
    return [storage.stat, storage.read, lambda url: storage.peek(url, 3), lambda url: listed(storage, url)]


def refused(ask: Callable[[], Any], kind: type[heron.HeronError]) -> heron.HeronError:
    """The error of an attempt, which has to be of that kind and no finer one."""
    with pytest.raises(kind) as caught:
        pytest.fail(f"gave {ask()!r}")
    assert type(caught.value) is kind
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert "secret-text" not in text
    return caught.value


def test_who_may_only_read_is_told_which_rights_writing_needs(server: S3Server) -> None:
    storage = BACKEND.load(server.options("reader"))
    assert isinstance(storage, heron.WritableStorage)
    url = f"s3://{server.bucket()}/a"
    for change in (lambda: storage.write(url, b"1"), lambda: storage.delete(url)):
        with pytest.raises(heron.PermissionDenied, match="cannot be written") as refusal:
            change()
        assert refusal.value.hint == "the credentials need s3:PutObject and s3:DeleteObject on it"


def test_a_missing_bucket_is_named_however_it_is_asked_for(server: S3Server) -> None:
    storage = BACKEND.load(server.options("reader"))
    for bucket in ("no-such-lake", "No_Lake!"):
        for ask in ways_to_ask(storage):
            error = refused(lambda ask=ask, bucket=bucket: ask(f"s3://{bucket}/a.txt"), heron.NoSuchBucket)
            assert error.message == f"bucket {bucket} does not exist"
            assert error.hint


def test_a_missing_object_is_not_a_missing_bucket(server: S3Server, url: str) -> None:
    storage = BACKEND.load(server.options("reader"))
    for ask in ways_to_ask(storage)[:3]:
        assert refused(lambda ask=ask: ask(f"{url}x"), heron.NotFound).message == f"{url}x is not there"


def test_who_may_only_list_is_told_the_right_to_read(server: S3Server, url: str) -> None:
    storage = BACKEND.load(server.options("lister"))
    assert [found.url for found in listed(storage, url)] == [url]
    for ask in ways_to_ask(storage)[:3]:
        error = refused(lambda ask=ask: ask(url), heron.PermissionDenied)
        assert error.message == f"{url} cannot be read: permission denied"
        assert "s3:GetObject" in str(error.hint)


def test_who_may_only_read_is_told_the_right_to_list(server: S3Server, url: str) -> None:
    storage = BACKEND.load(server.options("getter"))
    assert storage.read(url) == b"hello"
    error = refused(lambda: listed(storage, url), heron.PermissionDenied)
    assert error.message == f"{root_of(url)} cannot be listed: permission denied"
    assert "s3:ListBucket" in str(error.hint)


def test_who_may_list_below_a_folder_need_not_be_able_to_look_the_folder_up(
    server: S3Server, url: str
) -> None:
    storage = BACKEND.load(server.options("lister"))
    folder = url.removesuffix("/a.txt")
    assert [found.url for found in storage.list(folder)] == [url]
    refused(lambda: list(storage.list(f"{folder}-nothing")), heron.PermissionDenied)


def test_who_may_nothing_is_told_so_and_not_that_the_credentials_are_bad(server: S3Server, url: str) -> None:
    for ask in ways_to_ask(BACKEND.load(server.options("nobody"))):
        refused(lambda ask=ask: ask(url), heron.PermissionDenied)


def test_an_unknown_key_is_told_from_a_wrong_secret(server: S3Server, url: str) -> None:
    unknown = BACKEND.load(server.options(access_key_id="nobody-knows-me"))
    wrong = BACKEND.load(server.options(secret_access_key="not-the-secret-text"))
    for ask in ways_to_ask(unknown):
        assert "access key is unknown" in refused(lambda ask=ask: ask(url), heron.BadCredentials).message
    for ask in ways_to_ask(wrong):
        assert "secret does not belong" in refused(lambda ask=ask: ask(url), heron.BadCredentials).message


def test_no_credentials_at_all(server: S3Server, url: str) -> None:
    storage = BACKEND.load({"endpoint": server.endpoint})
    for ask in ways_to_ask(storage):
        assert "no credentials" in refused(lambda ask=ask: ask(url), heron.BadCredentials).message
    refused(lambda: storage.sign(url, 60), heron.BadCredentials)


def test_a_missing_profile_is_named(server: S3Server, url: str) -> None:
    storage = BACKEND.load({"endpoint": server.endpoint, "profile": "field-trip"})
    assert "no profile field-trip" in refused(lambda: storage.stat(url), heron.BadCredentials).message


def test_what_a_credential_program_prints_is_not_repeated(
    server: S3Server, url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ncredential_process = sh -c 'echo some-secret-text >&2; exit 1'\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    error = refused(lambda: BACKEND.load({"endpoint": server.endpoint}).stat(url), heron.BadCredentials)
    assert "gives no credentials" in error.message


def test_anonymous_reads_what_is_public_and_nothing_else(server: S3Server, url: str) -> None:
    server.client().put_object(Bucket=PUBLIC, Key="anybody.txt", Body=b"free")
    storage = BACKEND.load({"endpoint": server.endpoint, "anonymous": True})
    assert storage.read(f"s3://{PUBLIC}/anybody.txt") == b"free"
    assert f"s3://{PUBLIC}/anybody.txt" in [found.url for found in storage.list(f"s3://{PUBLIC}/")]
    for ask in ways_to_ask(storage):
        assert "not public" in str(refused(lambda ask=ask: ask(url), heron.PermissionDenied).hint)
    refused(lambda: storage.sign(f"s3://{PUBLIC}/anybody.txt", 60), heron.InvalidInput)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "no-such-host.invalid"])
def test_who_does_not_answer_is_told_soon(host: str) -> None:
    storage = BACKEND.load({**KEYS, "endpoint": f"http://{host.format(port=servers.free_port())}"})
    storage.filesystem.connect()  # reading the driver's own data files is not part of the time
    start = time.monotonic()
    for ask in ways_to_ask(storage):
        refused(
            lambda ask=ask: ask("s3://lake/a.txt"),
            heron.NoSuchHost if host.endswith(".invalid") else heron.Unreachable,
        )
    assert time.monotonic() - start < 20, "with the pauses of the driver, each way takes 7 s"


ANSWERS = {
    "throttled": (refusal(503, "SlowDown"), heron.Throttled, "fewer requests"),
    "throttled without a word": (Answer(429), heron.Throttled, "fewer requests"),
    "a broken store": (refusal(500, "InternalError"), heron.Unreachable, "answers with an error"),
    "a gateway without its store": (Answer(502, b"<html>bad gateway</html>"), heron.Unreachable, "502"),
    "a slow gateway": (Answer(504), heron.Unreachable, "504"),
    "no HTTP": (Answer(0, raw=b"SSH-2.0-OpenSSH_9.2\r\n"), heron.Unreachable, "S3"),
    "nothing": (Answer(0, raw=b""), heron.Unreachable, "cut"),
    "a web page": (Answer(200, b"<html><body>Log in!</body></html>"), heron.Unreachable, "S3"),
    "no XML": (Answer(200, b"\x89PNG\r\n"), heron.Unreachable, "cannot be reached"),
    "an expired token": (refusal(400, "ExpiredToken"), heron.BadCredentials, "expired"),
    "a bad token": (refusal(400, "InvalidToken"), heron.BadCredentials, "token"),
    "a wrong clock": (refusal(403, "RequestTimeTooSkewed"), heron.BadCredentials, "clock"),
    "not logged in": (Answer(401), heron.BadCredentials, "refused"),
    "a suspended account": (refusal(403, "AccountProblem"), heron.PermissionDenied, "AccountProblem"),
    "a redirect": (
        Answer(307, headers={"location": "http://elsewhere.invalid/"}),
        heron.NoSuchHost,
        "no host elsewhere.invalid",
    ),
    "a moved bucket": (refusal(301, "PermanentRedirect"), heron.InvalidInput, "at another endpoint"),
    "another region, told twice": (
        refusal(400, "AuthorizationHeaderMalformed", Region="eu-north-1"),
        heron.InvalidInput,
        "region=eu-north-1",
    ),
    "the bucket belongs in the host": (
        refusal(403, "SecondLevelDomainForbidden", "Please use virtual hosted style to access."),
        heron.InvalidInput,
        "set the option addressing=virtual",
    ),
    "the requester pays": (
        refusal(403, "AccessDenied", "Access denied for requester pay bucket"),
        heron.PermissionDenied,
        "set the option requester_pays=true",
    ),
    "something new": (refusal(418, "Teapot", "I am\na teapot"), heron.HeronError, "Teapot I am a teapot"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_has_its_meaning(name: str) -> None:
    answer, kind, words = ANSWERS[name]
    with Relay(None, lambda asked: answer) as relay:
        storage = BACKEND.load({**KEYS, "endpoint": relay.url})
        for ask in ways_to_ask(storage):
            assert words in str(refused(lambda ask=ask: ask("s3://lake/a.txt"), kind))


def test_amazon_says_only_that_there_is_no_right_so_the_hint_names_who_pays() -> None:
    with Relay(None, lambda asked: refusal(403, "AccessDenied")) as relay:
        for options, is_named in (({}, True), ({"requester_pays": True}, False)):
            storage = BACKEND.load({**KEYS, **options})
            storage.filesystem.client_kwargs["endpoint_url"] = relay.url  # Amazon itself cannot be asked here
            hint = str(
                refused(lambda storage=storage: storage.read("s3://lake/a.txt"), heron.PermissionDenied).hint
            )
            assert ("requester_pays=true" in hint) == is_named


def test_a_store_that_wants_the_bucket_in_the_path_is_told_by_its_host() -> None:
    storage = BACKEND.load({**KEYS, "endpoint": "http://no-such-host.invalid", "addressing": "virtual"})
    assert "addressing=path" in str(refused(lambda: storage.read("s3://lake/a.txt"), heron.NoSuchHost).hint)


def test_an_archived_object_is_said_to_be_archived() -> None:
    with Relay(None, lambda asked: refusal(403, "InvalidObjectState")) as relay:
        storage = BACKEND.load({**KEYS, "endpoint": relay.url})
        assert "archived" in refused(lambda: storage.read("s3://lake/a.txt"), heron.HeronError).message


@pytest.mark.parametrize("end", [None, 3])
def test_a_body_that_is_cut_is_noticed(server: S3Server, url: str, end: int | None) -> None:
    headers = {"etag": '"abc"', "last-modified": "Sat, 31 Jan 2026 12:00:00 GMT"}
    part = {**headers, "content-range": "bytes 0-2/5"}
    cut = Answer(200, b"he", headers, announced=5) if end is None else Answer(206, b"he", part, announced=3)
    with Relay(None, lambda asked: cut) as relay:
        storage = BACKEND.load({**KEYS, "endpoint": relay.url})
        refused(lambda: storage.read("s3://lake/a.txt", 0, end), heron.Unreachable)


def test_a_part_shorter_than_its_range_is_noticed() -> None:
    headers = {
        "etag": '"abc"',
        "last-modified": "Sat, 31 Jan 2026 12:00:00 GMT",
        "content-range": "bytes 0-2/5",
    }
    with Relay(None, lambda asked: Answer(206, b"he", headers)) as relay:
        storage = BACKEND.load({**KEYS, "endpoint": relay.url})
        error = refused(lambda: storage.read("s3://lake/a.txt", 0, 3), heron.Unreachable)
        assert "2 of 3 bytes" in error.message


def test_a_bucket_in_another_region_is_found_by_the_region_that_the_answer_tells(
    server: S3Server, url: str
) -> None:
    def other_region(asked: Any) -> Answer | None:
        if "/eu-north-1/s3/" in f"{asked.headers.get('authorization')} {asked.path.replace('%2F', '/')}":
            return None
        return Answer(301, headers={"x-amz-bucket-region": "eu-north-1"})

    with Relay(server.endpoint, other_region) as relay:
        storage = BACKEND.load(server.options("reader", endpoint=relay.url))
        signed = storage.sign(url, 60)
        assert "%2Feu-north-1%2Fs3%2F" in signed
        assert storage.read(url) == b"hello"
        assert storage.stat(url).size == 5
