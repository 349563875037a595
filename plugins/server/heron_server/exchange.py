"""One exchange with a client: the body that comes and the answer that goes, within limits of length and time."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from heron_server.refusals import Refused
from heron_server.settings import Settings

LIMIT = "heron.body_limit"
"""The key of a route's own limit in the scope of a request, in bytes."""

_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
]
"""The headers that every answer has, unless its route has set them."""


class Exchange:
    """A request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, settings: Settings) -> None:
        self.scope = scope
        self.headers = Headers(scope=scope)
        self.started = time.perf_counter()
        self.id = secrets.token_hex(8)
        self.group = ""
        self.status: int | None = None
        self.sent = 0
        self.has_left = False
        self.closes = False
        self._receive = receive
        self._send = send
        self._settings = settings
        length = self.headers.get("content-length", "0")
        self._length = int(length) if length.isdecimal() else 0
        self._received = 0
        self._is_read = not self._length and "transfer-encoding" not in self.headers

    async def receive(self) -> Message:
        """The next piece of the body; later, that the client has gone. Raises Refused (413, 408)."""
        if self._is_read:
            return await self._receive()
        limit = self.scope.get(LIMIT, self._settings.body_limit)
        if self._length > limit:
            raise _too_long(limit)
        try:
            async with asyncio.timeout(self._settings.idle_seconds):
                message = await self._receive()
        except TimeoutError:
            raise Refused(408, "TooSlow", "the rest of the body did not come in time") from None
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > limit:
                raise _too_long(limit)
            self._is_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a piece; raises ConnectionAbortedError where the client reads nothing for long."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", []))}
        else:
            self.sent += len(message.get("body", b""))
        try:
            async with asyncio.timeout(self._settings.idle_seconds):
                await self._send(message)
        except TimeoutError:
            raise ConnectionAbortedError("the client does not read the answer") from None

    def _headers(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        names = {name.lower() for name, _ in given}
        added = [header for header in _SECURITY if header[0] not in names]
        added.append((b"x-request-id", self.id.encode()))
        if (self.closes or not self._is_read) and b"connection" not in names:
            added.append((b"connection", b"close"))  # the rest of the body is not waited for
        return _framed([*given, *added], self._settings.frame_in)


def _framed(headers: list[tuple[bytes, bytes]], origins: Sequence[str]) -> list[tuple[bytes, bytes]]:
    """The headers, with leave for pages of some origins to show this answer in a frame."""
    if not origins:
        return headers
    allowed = b"frame-ancestors 'self' " + " ".join(origins).encode()
    return [
        (name, value.replace(b"frame-ancestors 'none'", allowed))
        for name, value in headers
        if (name.lower(), value) != (b"x-frame-options", b"DENY")
    ]


def _too_long(limit: int) -> Refused:
    return Refused(413, "TooLong", f"the body is longer than {limit} bytes")
