"""A proxy in front of a real server that breaks answers on purpose: throttled, cut off, silent, garbled, replaced.

For the tests of storage plugins, Heron's own and those of others. Nothing is mocked: requests go on to the server
byte for byte, Host header included, so a client that signs for `proxy.endpoint` has signatures that hold.

```python
with FaultProxy("http://127.0.0.1:9000") as proxy:
    storage = BACKEND.load({"endpoint": proxy.endpoint})
    proxy.fault("throttle", matching="a.jpg", times=2)  # 503 twice, from then on what the server answers
    with pytest.raises(Throttled):
        storage.stat("s3://bucket/a.jpg")
    proxy.heal()
    proxy.requests.clear()
    storage.read("s3://bucket/a.jpg", 0, 100)
    assert [(seen.method, seen.status, seen.sent) for seen in proxy.requests] == [("GET", 206, 100)]
```

Benchmarks count requests and bytes with it: bodies are streamed, and each connection has one thread and one
connection of its own to the server, both kept alive. It speaks HTTP/1.1 without TLS.
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
"""What can go wrong; `FaultProxy.fault` says what each does."""

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
"""A body as it goes over the wire; with each piece, how many bytes of content it has (0: framing of a chunk)."""


@define
class SeenRequest:
    """A request, and what became of it so far.

    `path` is as on the wire, percent-escaped and with its query; `range` is the Range header. `status` stays None
    where no HTTP answer was given, and `sent` counts the bytes of content that the client was sent.
    """

    method: str
    path: str
    range: str | None = None
    status: int | None = None
    sent: int = 0


class FaultProxy:
    """Passes requests on to the server at `upstream`, breaks some of them, and records all in `requests`."""

    def __init__(self, upstream: str) -> None:
        """Take a free port of this machine for the server at an URL such as `http://127.0.0.1:9000`."""
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
        """Break the requests that match: a text that their path has in it, or a function that says so.

        The first `after` of them pass; of the others, `share` (0 to 1, drawn with `seed`) or all are broken, at most
        `times`. Where several faults were given, they are asked in that order, and the first that is due decides.

        Without asking the server, in the words of S3 (drivers of other stores go by the status): `throttle` is a 503
        SlowDown, `too_many` 429, `error` 500, `missing` 404 NoSuchKey, `no_bucket` 404 NoSuchBucket, `forbidden` 403
        AccessDenied, `expired` 400 ExpiredToken; `reset` resets the connection, and `nonsense` answers no HTTP.
        With the server: `stall` is silent for `seconds` before it passes the request on. `cut` announces the whole
        length, sends half the content (where it comes in chunks, of the first one) and closes the connection.
        `garbage` keeps status and headers, and sends random bytes for content. `replace` calls `hook` and passes the
        request on, so that a test can change an object between two reads; what the hook raises is raised where the
        `with` block ends.
        """
        if kind not in get_args(FaultKind):
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join(get_args(FaultKind))}")
        if (kind == "replace") != (hook is not None):
            raise ValueError("replace, and no other fault, needs a hook")
        matches = matching if callable(matching) else lambda seen: matching in seen.path
        self._faults.append(_Fault(kind, matches, times, after, share, seed, seconds, hook))

    def heal(self) -> None:
        """Remove all faults; what stalls now goes on to stall."""
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
        """The fault that a request meets; hooks that are due on the way are called."""
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
        """Whether this request is broken; counts it where it matches."""
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
        """What is sent for the body of an answer."""
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
    """Accepts connections, and knows those that are open, so that leaving the proxy ends them."""

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
    """One connection of a client, and the one to the server that belongs to it."""

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
        # Where one side breaks off, or sends what is no HTTP (ValueError), the other is cut off too.
        with suppress(OSError, ValueError):
            while (head := self.client.head()) and self._answer(head) and head.keeps_alive:
                pass

    def _answer(self, head: _Head) -> bool:
        """Answer a request in one way or another; False when the connection ends with that."""
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
            pass  # interim: the client has been told to continue
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
        """The connection to the server, made anew where the server has closed it meanwhile."""
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
    """The first line and the headers of a request or of an answer, as read, and by name in lower case."""

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
    """A connection that heads and bodies are read from."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.send = connection.sendall
        self._file = connection.makefile("rb")

    def is_quiet(self) -> bool:
        """Whether it is open and nothing came unasked."""
        try:
            self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        return False

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def reset(self) -> None:
        """Close at once, so that the other side is told by an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def head(self) -> _Head | None:
        """What stands before the next body; None where the other side has closed."""
        raw = b""
        while line := self._file.readline():
            raw += line
            if line == b"\r\n":
                return _Head.parse(raw)
        return None

    def body(self, head: _Head, *, to_the_end: bool = False) -> Iterator[tuple[bytes, int]]:
        """The body behind a head, unchanged; without a length there is none, or it goes `to_the_end`."""
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
