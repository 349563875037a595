"""What goes over the wire: how many requests a thing takes, and what becomes of answers that are none."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

import heron
import heron_storage_azure.storage
from heron_storage_azure.storage import AzureStorage
from heron_storage_azure.testing import ACCOUNT, azurite

pytestmark = [pytest.mark.xdist_group("azure"), pytest.mark.slow]

FACTS: dict[str, Any] = {
    "ETag": '"0x1"',
    "Last-Modified": "Sat, 21 Nov 2026 07:00:00 GMT",
    "x-ms-blob-type": "BlockBlob",
}


class Front(ThreadingHTTPServer):
    """Stands before Azurite: notes the requests and passes them on, or gives the bytes of `answer` instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[str] = []
        self.answer: bytes | None = None
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def storage(self) -> AzureStorage:
        return AzureStorage(
            {
                "endpoint": f"http://127.0.0.1:{self.server_port}/{ACCOUNT}",
                "account_key": azurite().key,
            }
        )


class _Handler(BaseHTTPRequestHandler):
    server: Front

    def do_GET(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        self.close_connection = True
        self.wfile.write(self._passed_on() if self.server.answer is None else self.server.answer)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _passed_on(self) -> bytes:
        behind = http.client.HTTPConnection(urlsplit(azurite().endpoint).netloc)
        behind.request(self.command, self.path, headers=dict(self.headers))
        answer = behind.getresponse()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", "Connection: close"]
        lines += [f"{name}: {text}" for name, text in answer.getheaders() if name.lower() not in _OF_THE_WAY]
        body = answer.read()
        length = len(body) if self.command == "GET" else answer.getheader("Content-Length", "0")
        lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


_OF_THE_WAY = ("connection", "keep-alive", "transfer-encoding", "content-length")
"""Headers that say how one answer travels, not what it is."""


def answer(status: str, body: bytes = b"", length: int | None = None, **headers: str) -> bytes:
    """An answer as it goes over the wire; `length` is the one announced, where that is not the true one."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
    ]
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
def front() -> Iterator[Front]:
    with Front() as front:
        yield front
        front.shutdown()


@pytest.fixture(scope="module")
def container() -> str:
    """A container with `big` of 100,000 bytes, an empty object, and 250 small ones in ten folders."""
    made = azurite().make_container()
    azurite().put(made, "big", bytes(100_000))
    azurite().put(made, "empty", b"")
    for number in range(250):
        azurite().put(made, f"many/{number % 10}/{number:04}.txt", b"x")
    return made


def test_everything_about_one_object_takes_one_request(front: Front, container: str) -> None:
    storage, url = front.storage(), f"az://{container}/big"
    for ask in (
        lambda: storage.stat(url),
        lambda: storage.peek(url, 1024),
        lambda: storage.peek(url, 200_000),
        lambda: storage.read(url),
        lambda: storage.read(url, 5, 10),
        lambda: storage.read(url, 5),
        lambda: storage.read(url, 5, 10, etag=azurite_etag(url)),
    ):
        front.requests.clear()
        ask()
        assert len(front.requests) == 1, front.requests


def azurite_etag(url: str) -> str | None:
    return AzureStorage({"connection_string": azurite().connection_string}).stat(url).etag


def test_a_large_object_is_read_in_one_request(front: Front) -> None:
    made = azurite().make_container()
    azurite().put(made, "huge", bytes(40 * 2**20))
    assert len(front.storage().read(f"az://{made}/huge")) == 40 * 2**20
    assert len(front.storage().read(f"az://{made}/huge", 1)) == 40 * 2**20 - 1
    assert len(front.requests) == 2


def test_only_what_lies_behind_the_end_takes_a_second_request(front: Front, container: str) -> None:
    storage = front.storage()
    assert storage.peek(f"az://{container}/empty", 10)[1] == b""
    assert len(front.requests) == 2
    assert storage.read(f"az://{container}/big", 100_001, 100_002) == b""


def test_a_list_takes_one_request_a_page_and_none_a_folder(
    front: Front, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heron_storage_azure.storage, "PAGE", 100)
    stream = front.storage().list(f"az://{container}/many/")
    assert next(stream).url == f"az://{container}/many/0/0000.txt"
    assert len(front.requests) == 1, "the first page is there before the second is asked for"
    assert len(list(stream)) == 249
    assert len(front.requests) == 3


def test_a_list_that_breaks_off_says_so_after_what_it_had(
    front: Front, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heron_storage_azure.storage, "PAGE", 100)
    stream = front.storage().list(f"az://{container}/many/")
    seen = [next(stream) for _ in range(100)]
    front.answer = answer("200 OK", b"<?xml version='1.0'?><EnumerationResults>", 1000)
    with pytest.raises(heron.Unreachable):
        next(stream)
    front.answer = None
    rest = list(front.storage().list(f"az://{container}/many/", seen[-1].url))
    assert len({found.url for found in [*seen, *rest]}) == len(seen) + len(rest) == 250


HTML = b"<html><body>please <br> log in</body></html>"

NO_ANSWERS = {
    "closed": b"",
    "noise": b"\0\1\2 no protocol at all\r\n\r\n",
    "a page of a portal": answer("200 OK", HTML, Content_Type="text/html"),
    "a page with an etag": answer("200 OK", HTML, Content_Type="text/html", ETag='"1"', Last_Modified="Sat, 21 Nov 2026 07:00:00 GMT"),
    "another document": answer("200 OK", b"<?xml version='1.0'?><html/>", Content_Type="application/xml"),
    "no document": answer("200 OK", b"<?xml version='1.0'?><html>", Content_Type="application/xml"),
    "not found by a proxy": answer("404 Not Found", HTML, Content_Type="text/html"),
    "forbidden by a proxy": answer("403 Forbidden", HTML, Content_Type="text/html"),
    "internal error": answer("500 Internal", x_ms_error_code="InternalError"),
    "bad gateway": answer("502 Bad Gateway", HTML, Content_Type="text/html"),
    "gateway timeout": answer("504 Gateway Timeout"),
    "request timeout": answer("408 Request Timeout"),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_ANSWERS)
def test_what_is_no_answer_of_azure_is_unreachable(front: Front, what: str) -> None:
    front.answer = NO_ANSWERS[what]
    for ask in asks(front.storage()):
        with pytest.raises(heron.Unreachable) as refusal:
            ask()
        assert type(refusal.value) is heron.Unreachable
        assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("status", ["503 Server Busy", "429 Too Many Requests"])
@pytest.mark.parametrize("headers", [{"x_ms_error_code": "ServerBusy"}, {}])
def test_a_service_that_is_busy(front: Front, status: str, headers: dict[str, Any]) -> None:
    front.answer = answer(status, **headers)
    for ask in asks(front.storage()):
        with pytest.raises(heron.Throttled, match="fewer requests"):
            ask()


def asks(storage: AzureStorage) -> list[Any]:
    return [
        lambda: list(storage.list("az://c/")),
        lambda: storage.stat("az://c/k"),
        lambda: storage.peek("az://c/k", 10),
        lambda: storage.read("az://c/k", 0, 10),
    ]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (
            answer("206 Partial", b"abc", 10, Content_Range="bytes 0-9/100", **FACTS),
            "fewer bytes than announced",
        ),
        (answer("206 Partial", b"abc", Content_Range="bytes 0-2/100", **FACTS), "a shorter range"),
        (answer("206 Partial", bytes(30), Content_Range="bytes 0-29/100", **FACTS), "a longer range"),
        (answer("206 Partial", bytes(10), Content_Range="none", **FACTS), "a range that is none"),
        (answer("206 Partial", bytes(10), Content_Range="bytes 0-9/100"), "no facts"),
        (answer("200 OK", bytes(10), **FACTS), "no range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "body",
)
def test_a_body_that_is_not_what_was_asked_for_is_never_returned(
    front: Front, body: bytes, what: str
) -> None:
    front.answer = body
    for ask in asks(front.storage())[2:]:
        with pytest.raises(heron.Unreachable):
            ask()


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        ("401", "NoAuthenticationInformation", heron.BadCredentials, "is not accepted"),
        ("401", "InvalidAuthenticationInfo", heron.BadCredentials, "is not accepted"),
        ("403", "AuthenticationFailed", heron.BadCredentials, "is not accepted"),
        (
            "403",
            "KeyBasedAuthenticationNotPermitted",
            heron.BadCredentials,
            "accepts neither account keys nor SAS",
        ),
        ("409", "PublicAccessNotPermitted", heron.BadCredentials, "is not accepted"),
        ("403", "AuthorizationFailure", heron.PermissionDenied, "firewall"),
        ("403", "AuthorizationPermissionMismatch", heron.PermissionDenied, "Storage Blob Data Reader"),
        ("403", "AuthorizationSourceIPMismatch", heron.PermissionDenied, "AuthorizationSourceIPMismatch"),
        ("404", "ContainerNotFound", heron.NoSuchBucket, "bucket c does not exist"),
        ("404", "ResourceNotFound", heron.NotFound, "is not there"),
        ("409", "ContainerBeingDeleted", heron.NoSuchBucket, "bucket c does not exist"),
        ("409", "BlobArchived", heron.HeronError, "archive tier"),
        ("412", "ConditionNotMet", heron.ObjectChanged, "was replaced"),
        ("400", "SomethingNew", heron.HeronError, "Azure answered 400 SomethingNew"),
    ],
)
def test_codes_that_azurite_does_not_give(
    front: Front, status: str, code: str, kind: type[heron.HeronError], words: str
) -> None:
    front.answer = answer(f"{status} x", x_ms_error_code=code)
    for ask in asks(front.storage())[1:]:
        with pytest.raises(heron.HeronError, match=words) as refusal:
            ask()
        assert type(refusal.value) is kind


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("404", "ResourceNotFound"),
        ("409", "PublicAccessNotPermitted"),
        ("401", "NoAuthenticationInformation"),
    ],
)
def test_a_private_container_hides_from_those_without_credentials(
    front: Front, status: str, code: str
) -> None:
    front.answer = answer(f"{status} x", x_ms_error_code=code)
    everybody = AzureStorage({"endpoint": f"http://127.0.0.1:{front.server_port}/acc", "anonymous": True})
    for ask in asks(everybody):
        with pytest.raises(heron.BadCredentials, match="is not public, or does not exist"):
            ask()


def test_nothing_is_printed_about_it(front: Front, capfd: pytest.CaptureFixture[str]) -> None:
    front.answer = answer("206 Partial", b"abc", 10, Content_Range="bytes 0-9/100", **FACTS)
    with pytest.raises(heron.Unreachable):
        front.storage().read("az://c/k", 0, 10)
    assert "".join(capfd.readouterr()) == ""
