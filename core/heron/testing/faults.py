"""A proxy in front of a real server that breaks answers on purpose: throttled, cut off, silent, garbled, replaced.
It is for the tests of storage plugins. Nothing is mocked: requests are passed to the server byte for byte, including the
Host header, so the signatures of a client that signs for `proxy.endpoint` are valid.

```python
with FaultProxy("http://127.0.0.1:9000") as proxy:
    storage = BACKEND.load({"endpoint": proxy.endpoint})
    proxy.fault("throttle", matching="a.jpg", times=2)  # 503 twice, then the answers of the server
    with pytest.raises(Throttled):
        storage.stat("s3://bucket/a.jpg")
    proxy.heal()
    proxy.requests.clear()
    storage.read("s3://bucket/a.jpg", 0, 100)
    assert [(seen.method, seen.status, seen.sent) for seen in proxy.requests] == [("GET", 206, 100)]
```

Benchmarks count requests and bytes with it: bodies are streamed, and each connection has its own thread and
its own connection to the server, both kept alive. It uses HTTP/1.1 without TLS.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Literal, Self, get_args
from urllib.parse import urlsplit

from attrs import Factory, define, frozen

FaultKind = Literal[
    "throttle", "too_many", "error", "missing", "no_bucket", "forbidden", "expired",
    "stall", "cut", "reset", "garbage", "nonsense", "replace",
]  # fmt: skip
"""The kinds of faults; `FaultProxy.fault` describes each."""

_REFUSALS = {
    "throttle": (503, "SlowDown", "Please reduce your request rate."),
    "too_many": (429, "TooManyRequests", "Please reduce your request rate."),
    "error": (500, "InternalError", "We encountered an internal error. Please try again."),
    "missing": (404, "NoSuchKey", "The specified key does not exist."),
    "no_bucket": (404, "NoSuchBucket", "The specified bucket does not exist."),
    "forbidden": (403, "AccessDenied", "Access Denied"),
    "expired": (400, "ExpiredToken", "The provided token has expired."),
}
_NO_HTTP = b"SSH-2.0-no_web_server\r\n" + bytes(range(128, 256))
_PIECE = 128 * 1024

_Pieces = Iterable[tuple[bytes, int]]
"""The pieces of a raw body, each with its number of content bytes (0: framing of a chunk)."""


@define
class SeenRequest:
    """A request and its result so far.

    `path` is percent-escaped and includes the query; `range` is the Range header. `status` is None if there
    was no HTTP answer, and `sent` counts the bytes of content sent to the client.
    """

    method: str
    path: str
    range: str | None = None
    status: int | None = None
    sent: int = 0


class FaultProxy:
    """Passes requests on to the server at `upstream`, breaks some of them, and records all in `requests`."""

    def __init__(self, upstream: str) -> None:
        """Listen on a free port of this machine in front of the server at a URL such as `http://127.0.0.1:9000`."""
        parts = urlsplit(upstream)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{upstream!r} is not the http:// URL of a server")
        self._server = _Server(self, (parts.hostname, parts.port or 80))
        self._faults: list[_Fault] = []
        self._failed: list[Exception] = []
        self.requests: list[SeenRequest] = []
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault(
        self,
        kind: FaultKind,
        *,
        matching: str | Callable[[SeenRequest], bool] = "",
        times: int | None = None,
        after: int = 0,
        share: float | None = None,
        seed: int = 0,
        seconds: float = 60.0,
        hook: Callable[[SeenRequest], object] | None = None,
    ) -> None:
        """Break the requests that match: by a text that is part of their path, or by a function. The first
        `after` of them pass; of the others, a random `share` (0 to 1, with `seed`) or all are broken, at most
        `times`. Of several faults, the first one given that applies is used.

        Without asking the server, with the error codes of S3 (drivers of other stores use the status):
        `throttle` is a 503 SlowDown, `too_many` 429, `error` 500, `missing` 404 NoSuchKey, `no_bucket` 404
        NoSuchBucket, `forbidden` 403 AccessDenied, `expired` 400 ExpiredToken; `reset` resets the connection,
        and `nonsense` answers with something that is not HTTP. With the server: `stall` is silent for
        `seconds` before it passes the request on. `cut` announces the whole length, sends half the content
        (if it is chunked, half of the first chunk) and closes the connection. `garbage` keeps status and
        headers, and sends random bytes as content. `replace` calls `hook` and passes the request on, so that
        a test can change an object between two reads; an error of the hook is raised at the end of the `with`
        block.
        """
        if kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault {kind!r}; the faults are {', '.join(get_args(FaultKind))}")
        if (kind == "replace") != (hook is not None):
            raise ValueError("replace, and no other fault, needs a hook")
        matches = matching if callable(matching) else lambda seen: matching in seen.path
        self._faults.append(_Fault(kind, matches, times, after, share, seed, seconds, hook))

    def heal(self) -> None:
        """Remove all faults; requests that stall now continue to stall."""
        self._faults.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: object, error: object, where: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self._failed and error is None:
            raise self._failed[0]

    def _due(self, seen: SeenRequest) -> _Fault | None:
        """The fault that applies to a request; calls the hooks that apply."""
        try:
            for fault in tuple(self._faults):
                if fault.due(seen):
                    if fault.hook is None:
                        return fault
                    fault.hook(seen)
        except Exception as error:
            self._failed.append(error)
            raise ConnectionAbortedError("a function of the test failed") from error
        return None


@define(eq=False)
class _Fault:
    kind: FaultKind
    matches: Callable[[SeenRequest], bool]
    times: int | None
    after: int
    share: float | None
    seed: int
    seconds: float
    hook: Callable[[SeenRequest], object] | None
    _lock: threading.Lock = Factory(threading.Lock)
    _draw: random.Random = Factory(lambda self: random.Random(self.seed), takes_self=True)  # noqa: S311

    def due(self, seen: SeenRequest) -> bool:
        """Whether this request is to be broken; counts it if it matches."""
        if not self.matches(seen):
            return False
        with self._lock:
            if self.after > 0:
                self.after -= 1
                return False
            if self.times == 0 or (self.share is not None and self._draw.random() >= self.share):
                return False
            if self.times is not None:
                self.times -= 1
            return True

    def spoil(self, head: _Head, pieces: _Pieces) -> _Pieces:
        """The body that is sent instead of that of the server."""
        if self.kind == "cut":
            return _half(head, pieces)
        if self.kind == "garbage":
            noise = random.Random(self.seed)  # noqa: S311
            return ((noise.randbytes(count) or raw, count) for raw, count in pieces)
        return pieces


def _half(head: _Head, pieces: _Pieces) -> _Pieces:
    length = head.fields.get("content-length")
    left = int(length) // 2 if length else None
    for raw, count in pieces:
        if left is None and count:
            left = count // 2
        sent = raw if left is None else raw[:left]
        yield sent, min(count, len(sent))
        if left is not None and (left := left - len(sent)) <= 0:
            return


class _Server(ThreadingTCPServer):
    """Accepts connections and keeps a list of the open ones, so that leaving the proxy closes them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, proxy: FaultProxy, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.proxy = proxy
        self.upstream = upstream
        self.open: set[socket.socket] = set()
        self.closing = threading.Event()

    def server_close(self) -> None:
        super().server_close()
        self.closing.set()
        for connection in tuple(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Conversation(BaseRequestHandler):
    """One connection of a client, with its connection to the server."""

    server: _Server

    def setup(self) -> None:
        self.server.open.add(self.request)
        self.client = _Wire(self.request)
        self.upstream: _Wire | None = None

    def finish(self) -> None:
        self._hang_up()
        self.server.open.discard(self.request)
        self.client.close()

    def handle(self) -> None:
        # If one side breaks off, or sends something that is not HTTP (ValueError), the other is closed too.
        with suppress(OSError, ValueError):
            while (head := self.client.head()) and self._answer(head) and head.keeps_alive:
                pass

    def _answer(self, head: _Head) -> bool:
        """Answer a request, with or without a fault; returns False if the connection ends with it."""
        method, path, _ = head.line.split(" ")
        seen = SeenRequest(method, path, head.fields.get("range"))
        self.server.proxy.requests.append(seen)
        fault = self.server.proxy._due(seen)
        kind = fault.kind if fault else None
        if fault and (kind == "reset" or (kind == "stall" and self.server.closing.wait(fault.seconds))):
            self.client.reset()
            return False
        if head.fields.get("expect", "").lower() == "100-continue":
            self.client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.client.body(head)
        if kind not in _REFUSALS and kind != "nonsense":
            return self._pass_on(head, body, seen, fault)
        for _ in body:
            pass
        self.client.send(_NO_HTTP if kind == "nonsense" else _refusal(str(kind), seen))
        return kind != "nonsense"

    def _pass_on(self, head: _Head, body: _Pieces, seen: SeenRequest, fault: _Fault | None) -> bool:
        upstream = self._dial()
        upstream.send(head.raw)
        for raw, _ in body:
            upstream.send(raw)
        while (answer := upstream.head()) and answer.status < 200:
            pass  # interim answer: the client was already told to continue
        if not answer:
            return False
        has_body = seen.method != "HEAD" and answer.status not in (204, 304)
        pieces: _Pieces = upstream.body(answer, to_the_end=True) if has_body else ()
        seen.status = answer.status
        self.client.send(answer.raw)
        for raw, count in fault.spoil(answer, pieces) if fault else pieces:
            seen.sent += count
            self.client.send(raw)
        framed = not has_body or not answer.fields.keys().isdisjoint(("content-length", "transfer-encoding"))
        return framed and answer.keeps_alive and not (fault and fault.kind == "cut")

    def _dial(self) -> _Wire:
        """The connection to the server, opened again if the server has closed it."""
        if self.upstream is None or not self.upstream.is_quiet():
            self._hang_up()
            connection = socket.create_connection(self.server.upstream)
            self.server.open.add(connection)
            self.upstream = _Wire(connection)
        return self.upstream

    def _hang_up(self) -> None:
        if self.upstream is not None:
            self.server.open.discard(self.upstream.socket)
            self.upstream.close()
            self.upstream = None


def _refusal(kind: str, seen: SeenRequest) -> bytes:
    """An error answer as S3 writes it."""
    seen.status, code, message = _REFUSALS[kind]
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    head = (
        f"HTTP/1.1 {seen.status} {HTTPStatus(seen.status).phrase}\r\n"
        f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    seen.sent = 0 if seen.method == "HEAD" else len(body)
    return (head + body[: seen.sent]).encode()


@frozen
class _Head:
    """The first line and the headers of a request or an answer: the raw bytes, and headers by lower-case name."""

    raw: bytes
    line: str
    fields: dict[str, str]

    @classmethod
    def parse(cls, raw: bytes) -> _Head:
        line, *rest = raw.decode("latin-1").split("\r\n")
        named = (field.partition(":") for field in rest)
        return cls(raw, line, {name.lower(): value.strip() for name, colon, value in named if colon})

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])

    @property
    def keeps_alive(self) -> bool:
        return "HTTP/1.1" in self.line and self.fields.get("connection", "").lower() != "close"


class _Wire:
    """A connection from which heads and bodies are read."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.send = connection.sendall
        self._file = connection.makefile("rb")

    def is_quiet(self) -> bool:
        """Whether it is open and has no unexpected data."""
        try:
            self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        return False

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def reset(self) -> None:
        """Close at once with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def head(self) -> _Head | None:
        """The head before the next body; None if the other side has closed."""
        raw = b""
        while line := self._file.readline():
            raw += line
            if line == b"\r\n":
                return _Head.parse(raw)
        return None

    def body(self, head: _Head, *, to_the_end: bool = False) -> Iterator[tuple[bytes, int]]:
        """The raw body after a head; without a length it is empty, or with `to_the_end` everything that follows."""
        if "chunked" in head.fields.get("transfer-encoding", "").lower():
            yield from self._chunks()
        elif "content-length" in head.fields:
            yield from self._counted(int(head.fields["content-length"]))
        elif to_the_end:
            while piece := self._file.read1(_PIECE):
                yield piece, len(piece)

    def _chunks(self) -> Iterator[tuple[bytes, int]]:
        while size := int((line := self._file.readline()).partition(b";")[0], 16):
            yield line, 0
            yield from self._counted(size)
            yield self._file.readline(), 0
        yield line, 0
        while line not in (b"\r\n", b""):  # trailers
            line = self._file.readline()
            yield line, 0

    def _counted(self, left: int) -> Iterator[tuple[bytes, int]]:
        while left:
            piece = self._file.read1(min(left, _PIECE))
            if not piece:
                raise ConnectionError("the connection ended within a body")
            left -= len(piece)
            yield piece, len(piece)
