"""Connections within limits: a client that sends its request slowly, or without end, is cut off."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 15.0
"""The seconds from the first byte of a connection, or from the end of an answer, within which a request must have come."""

HEADER_BYTES = 64 * 1024
"""The most bytes of a request line with its headers."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for the end of the headers, and keeps headers of any length."""

    _deadline: asyncio.TimerHandle | None = None
    _head = 0
    _in_head = True

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the headers, and send each piece of an answer at once.

        asyncio sets TCP_NODELAY only where the listener was made with the number of the protocol. Without it, the body
        waits for the acknowledgement of the headers: 40 ms for each answer.
        """
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the end of the headers."""
        if self._in_head:
            if self._head == 0 and self._deadline is None:
                self._await_head()
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too long.")

    def on_headers_complete(self) -> None:
        """The request has come, and its body begins."""
        self._stop_waiting()
        self._in_head, self._head = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body has come; the next request may follow."""
        self._in_head, self._head = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, in the form of all errors."""
        error = {"type": "BadRequest", "message": msg, "hint": None}
        content = json.dumps({"error": error}).encode()
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(content), content)
        )
        self.transport.close()

    def shutdown(self) -> None:
        """Tell the application that the server stops, so that its streams end."""
        stop = self.app_state.get("heron.stop")
        if stop is not None:
            stop()
        super().shutdown()

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
