"""A small HTTP relay for tests in front of a real store: it records each request, and can answer itself."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_OF_ONE_HOP = {"connection", "proxy-connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Asked:
    """A received request; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def host(self) -> str:
        """The requested host, without its port."""
        return self.headers.get("host", "").partition(":")[0].lower()


@dataclass(frozen=True)
class Answer:
    """An answer. `announced` overrides the length in the headers; `raw` is sent unchanged."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    raw: bytes | None = None


Judge = Callable[[Asked], Answer | None]
"""A function of a request that gives an answer, or None to pass the request on."""


def refusal(status: int, code: str, message: str = "refused", **more: str) -> Answer:
    """An error as S3 writes it."""
    details = "".join(f"<{name}>{value}</{name}>" for name, value in more.items())
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>{details}</Error>"
    return Answer(status, text.encode(), {"content-type": "application/xml"})


class Relay:
    """A server on a free port of this machine, also usable as an HTTP proxy. Use it in a `with` statement."""

    def __init__(self, target: str | None, judge: Judge = lambda asked: None) -> None:
        """Pass requests on to the http:// address `target`, except those that `judge` answers."""
        self.judge = judge
        self.asked: list[Asked] = []
        self._target = urlsplit(target).netloc if target else None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the relay."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer(self, asked: Asked) -> Answer:
        """The answer of the judge, or else of the target."""
        self.asked.append(asked)
        return self.judge(asked) or self._passed_on(asked)

    def _passed_on(self, asked: Asked) -> Answer:
        if self._target is None:
            return refusal(501, "NotImplemented")
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers.items():
                if name not in _OF_ONE_HOP:
                    connection.putheader(name, value)
            connection.endheaders(asked.body)
            given = connection.getresponse()
            headers = {name.lower(): value for name, value in given.getheaders()}
            length = headers.pop("content-length", None)
            body = given.read()
            announced = int(length) if length and asked.method == "HEAD" else None
            kept = {name: value for name, value in headers.items() if name not in _OF_ONE_HOP}
            return Answer(given.status, body, kept, announced)
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return self._do
                raise AttributeError(name)

            def _do(self) -> None:
                place = urlsplit(self.path)
                path = f"{place.path}?{place.query}" if place.query else place.path
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                self._send(relay.answer(Asked(self.command, path or "/", headers, body)))

            def _send(self, answer: Answer) -> None:
                if answer.raw is not None:
                    self.wfile.write(answer.raw)
                    self.close_connection = True
                    return
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                length = len(answer.body) if answer.announced is None else answer.announced
                self.send_header("content-length", str(length))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
                    self.close_connection = length != len(answer.body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler
