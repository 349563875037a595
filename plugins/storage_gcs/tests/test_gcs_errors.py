"""What goes wrong is told apart. The emulator refuses nobody, so a front answers as the real service does."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import heron
import heron_storage_gcs
from heron.testing import servers
from heron_storage_gcs.testing import Front, reply, write_account

pytestmark = [pytest.mark.xdist_group("gcs"), pytest.mark.slow]

BACKEND = next(iter(heron_storage_gcs.register_storage()))
URL = "gs://bucket/key"

Ask = Callable[[heron.Storage], Any]
each_way = pytest.mark.parametrize(
    "ask",
    [
        lambda storage: storage.stat(URL),
        lambda storage: storage.read(URL),
        lambda storage: storage.peek(URL, 10),
        lambda storage: list(storage.list("gs://bucket/")),
    ],
    ids=["stat", "read", "peek", "list"],
)


def json_error(status: int, reason: str, message: str) -> bytes:
    """A refusal of the JSON API."""
    problem = {"message": message, "domain": "global", "reason": reason}
    body = {"error": {"code": status, "message": message, "errors": [problem]}}
    return reply(status, json.dumps(body).encode(), **{"Content-Type": "application/json"})


def xml_error(status: int, code: str, message: str, details: str = "") -> bytes:
    """A refusal of the XML API."""
    more = f"<Details>{details}</Details>" if details else ""
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    return reply(status, body.encode(), **{"Content-Type": "application/xml"})


def object_answer(body: bytes, **headers: str) -> bytes:
    """An object as the XML API gives it."""
    given = {"X-Goog-Generation": "7", "X-Goog-Stored-Content-Length": str(len(body))}
    return reply(200, body, **{**given, "Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT", **headers})


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front("http://127.0.0.1:9")
    yield front
    front.stop()


@pytest.fixture
def storage(front: Front, tmp_path: Path) -> heron.Storage:
    key = write_account(tmp_path / "key.json", front.token_uri)
    return BACKEND.load({"credentials_file": str(key), "endpoint": front.endpoint})


@pytest.fixture
def anonymous(front: Front) -> heron.Storage:
    return BACKEND.load({"anonymous": True, "endpoint": front.endpoint})


def error_from(ask: Ask, storage: heron.Storage) -> heron.HeronError:
    with pytest.raises(heron.HeronError) as caught:
        pytest.fail(f"got {ask(storage)!r}")
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


DENIED = "nobody@x.iam.gserviceaccount.com does not have storage.objects.{} access to the Google Cloud Storage object."
CASES = {
    "token refused": (401, "authError", "Invalid Credentials", heron.BadCredentials, "unknown, expired or revoked"),
    "right missing": (403, "forbidden", DENIED.format("get"), heron.PermissionDenied, "nobody@x.iam"),
    "rate": (403, "rateLimitExceeded", "Rate Limit Exceeded", heron.Throttled, "fewer requests"),
    "scope": (403, "insufficientPermissions", "insufficient authentication scopes", heron.PermissionDenied, "scope"),
    "bucket missing": (404, "notFound", "The specified bucket does not exist.", heron.NoSuchBucket, "bucket bucket"),
    "bucket impossible": (400, "invalid", "Invalid bucket name: 'b'", heron.NoSuchBucket, "does not exist"),
    "reader pays": (
        400, "required", "Bucket is a requester pays bucket but no user project provided.",
        heron.PermissionDenied, "requester_pays",
    ),
    "payer": (
        403, "forbidden", "nobody does not have serviceusage.services.use access.",
        heron.PermissionDenied, "option project",
    ),
    "too many": (429, "rateLimitExceeded", "Too many requests", heron.Throttled, "fewer requests"),
    "busy": (503, "backendError", "Service Unavailable", heron.Throttled, "fewer requests"),
    "failed": (500, "internalError", "Backend Error", heron.Unreachable, "status 500: Backend Error"),
    "gateway": (502, "badGateway", "", heron.Unreachable, "status 502"),
    "slow": (504, "deadlineExceeded", "", heron.Unreachable, "status 504"),
    "anything else": (418, "teapot", "no coffee", heron.HeronError, "status 418: no coffee"),
}  # fmt: skip


@each_way
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("form", [json_error, xml_error])
def test_refusals_are_told_apart(
    front: Front, storage: heron.Storage, ask: Ask, case: Any, form: Callable[..., bytes]
) -> None:
    status, reason, message, kind, part = case
    front.say(form(status, reason, message))
    error = error_from(ask, storage)
    assert type(error) is kind
    assert part in str(error)


@each_way
def test_a_missing_bucket_takes_no_second_request_when_the_service_names_it(
    front: Front, storage: heron.Storage, ask: Ask
) -> None:
    front.say(xml_error(404, "NoSuchBucket", "The specified bucket does not exist."))
    assert type(error_from(ask, storage)) is heron.NoSuchBucket
    assert len(front.asked) == 1


def test_a_missing_object_is_not_found(front: Front, storage: heron.Storage) -> None:
    front.say(json_error(404, "notFound", "No such object: bucket/key"))
    assert str(error_from(lambda storage: storage.stat(URL), storage)) == f"{URL} is not there"
    front.say(xml_error(404, "NoSuchKey", "The specified key does not exist.", "No such object: bucket/key"))
    assert type(error_from(lambda storage: storage.read(URL), storage)) is heron.NotFound
    assert len(front.asked) == 2


def test_a_missing_right_is_named(front: Front, storage: heron.Storage) -> None:
    front.say(xml_error(403, "AccessDenied", "Access denied.", DENIED.format("get")))
    error = error_from(lambda storage: storage.read(URL), storage)
    assert f"{URL} cannot be read: permission denied" in error.message
    assert "storage.objects.get" in str(error.hint)
    front.say(json_error(403, "forbidden", DENIED.format("list")))
    error = error_from(lambda storage: list(storage.list("gs://bucket/a/")), storage)
    assert "gs://bucket/a/ cannot be listed: permission denied" in error.message
    assert "storage.objects.list" in str(error.hint)


@each_way
@pytest.mark.parametrize(
    "answer",
    [
        json_error(401, "required", "Anonymous caller does not have storage.objects.list access."),
        xml_error(
            403,
            "AccessDenied",
            "Access denied.",
            "Anonymous caller does not have storage.objects.get access.",
        ),
    ],
    ids=["json", "xml"],
)
def test_what_is_not_public_needs_credentials(
    front: Front, anonymous: heron.Storage, ask: Ask, answer: bytes
) -> None:
    front.say(answer)
    error = error_from(ask, anonymous)
    assert type(error) is heron.BadCredentials
    assert "is not public" in error.message
    assert "anonymous" in str(error.hint)


@each_way
@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"",
        reply(200, b"<html>please log in</html>", **{"Content-Type": "text/html"}),
        reply(200, b"[1, 2"),
        reply(200, b'{"items": [{"name": 3}]}'),
        reply(302, b"", Location="http://127.0.0.1:9/login"),
        reply(404, b'{"items": 1}')[:-5],
    ],
    ids=["ssh", "tls", "nothing", "login page", "half", "other json", "redirect", "cut refusal"],
)
def test_what_is_no_answer_of_the_service_is_unreachable(
    front: Front, anonymous: heron.Storage, ask: Ask, answer: bytes
) -> None:
    front.say(answer)
    assert type(error_from(ask, anonymous)) is heron.Unreachable


def test_a_whole_answer_is_read(front: Front, anonymous: heron.Storage) -> None:
    front.say(object_answer(b"content"))
    stored = heron.StoredObject(URL, 7, "7", "2026-01-31T12:00:00.000000Z")
    assert anonymous.peek(URL, 100) == (stored, b"content")
    assert anonymous.read(URL, 2, 4) == b"nt", "a server may take no notice of ranges"


PART = {"X-Goog-Generation": "7", "Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    "answer",
    [
        object_answer(b"content")[:-1],
        object_answer(b"conten", **{"X-Goog-Stored-Content-Length": "7"}),
        object_answer(b"", **{"Content-Length": "7"}),
        object_answer(b"7\r\ncon", **{"Transfer-Encoding": "chunked", "Content-Length": ""}).replace(
            b"Content-Length: \r\n", b""
        ),
        reply(206, b"con", **PART, **{"Content-Range": "bytes 0-6/7"}),
        reply(206, b"conte", **PART, **{"Content-Range": "bytes 0-4/7"}),
        reply(206, b"content", **PART, **{"Content-Range": "bytes 1-7/8"}),
        reply(206, b"content", **PART),
    ],
    ids=["cut", "short", "empty", "cut chunk", "short part", "less", "elsewhere", "no range"],
)
def test_a_short_body_is_never_taken_for_the_whole(
    front: Front, anonymous: heron.Storage, answer: bytes
) -> None:
    front.say(answer)
    assert type(error_from(lambda storage: storage.read(URL), anonymous)) is heron.Unreachable
    assert type(error_from(lambda storage: storage.read(URL, 0, 100), anonymous)) is heron.Unreachable


def test_a_list_that_breaks_off_says_so(front: Front, anonymous: heron.Storage) -> None:
    item = {"name": "a", "size": "1", "generation": "1", "updated": "2026-01-31T12:00:00.123Z"}
    page = reply(200, json.dumps({"items": [item], "nextPageToken": "next"}).encode())
    front.say(page, page[:-10])
    stream = anonymous.list("gs://bucket/")
    assert next(stream) == heron.StoredObject("gs://bucket/a", 1, "1", "2026-01-31T12:00:00.000000Z")
    assert type(error_from(lambda _: next(stream), anonymous)) is heron.Unreachable


def test_a_failed_condition_is_a_changed_object(front: Front, anonymous: heron.Storage) -> None:
    front.say(
        xml_error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
    )
    error = error_from(lambda storage: storage.read(URL, 0, 5, etag="6"), anonymous)
    assert type(error) is heron.ObjectChanged


def test_a_server_without_conditions_is_seen_through(front: Front, anonymous: heron.Storage) -> None:
    front.say(object_answer(b"content"))
    assert anonymous.read(URL, etag="7") == b"content"
    error = error_from(lambda storage: storage.read(URL, etag="6"), anonymous)
    assert type(error) is heron.ObjectChanged


@each_way
def test_a_closed_port_is_told_quickly(ask: Ask) -> None:
    storage = BACKEND.load({"anonymous": True, "endpoint": f"http://127.0.0.1:{servers.free_port()}"})
    begin = time.monotonic()
    assert type(error_from(ask, storage)) is heron.Unreachable
    assert time.monotonic() - begin < 30, "the pauses of the driver would be 31 s"


def test_an_unknown_host_is_unreachable() -> None:
    storage = BACKEND.load({"anonymous": True, "endpoint": "http://no-such-host.invalid"})
    assert type(error_from(lambda storage: storage.stat(URL), storage)) is heron.NoSuchHost


def test_expected_errors_are_not_logged(
    front: Front, storage: heron.Storage, caplog: pytest.LogCaptureFixture
) -> None:
    front.say(json_error(403, "forbidden", "Forbidden"))
    with caplog.at_level(logging.INFO):
        error_from(lambda storage: storage.stat(URL), storage)
    assert caplog.records == []
