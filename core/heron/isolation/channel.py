"""Messages over two pipes: JSON, followed by bytes. What a decoder answers is never unpickled, since it may be taken over."""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any

Message = dict[str, Any]

MOST_TEXT, MOST_BYTES = 64 * 1024**2, 2 * 1024**3
"""The longest JSON and the most bytes of one message."""

_SIZES = struct.Struct(">II")
_STEP = 1024**2


class BrokenMessage(ValueError):
    """What has arrived is no message."""


class Channel:
    """Sends and receives messages. With `wait`, in seconds, sending and receiving raise TimeoutError when it has passed."""

    def __init__(self, incoming: int, outgoing: int, wait: float | None = None) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._wait = wait
        if wait is not None:
            os.set_blocking(incoming, False)
            os.set_blocking(outgoing, False)

    def send(self, message: Message, content: bytes | memoryview = b"") -> None:
        """Send a message; raises OSError if the other side has closed."""
        until = self._until()
        text = json.dumps(message).encode()
        for part in (_SIZES.pack(len(text), len(content)) + text, content):
            left = memoryview(part)
            while left:
                self._ready(self._outgoing, select.POLLOUT, until)
                try:
                    left = left[os.write(self._outgoing, left[:_STEP]) :]
                except BlockingIOError:
                    continue

    def receive(self) -> tuple[Message, bytes]:
        """Wait for a message; raises EOFError if the other side has closed, and BrokenMessage."""
        until = self._until()
        text, content = _SIZES.unpack(self._read(_SIZES.size, until))
        if text > MOST_TEXT or content > MOST_BYTES:
            raise BrokenMessage("a message of this size is none")
        try:
            message = json.loads(self._read(text, until))
        except (ValueError, RecursionError) as error:
            raise BrokenMessage(str(error)) from error
        if not isinstance(message, dict):
            raise BrokenMessage("a message is an object")
        return message, self._read(content, until)

    def _read(self, count: int, until: float | None) -> bytes:
        found = bytearray()
        while len(found) < count:
            self._ready(self._incoming, select.POLLIN, until)
            try:
                piece = os.read(self._incoming, min(_STEP, count - len(found)))
            except BlockingIOError:
                continue
            if not piece:
                raise EOFError("the other side has closed")
            found += piece
        return bytes(found)

    def _until(self) -> float | None:
        return None if self._wait is None else time.monotonic() + self._wait

    def _ready(self, descriptor: int, event: int, until: float | None) -> None:
        if until is None:
            return
        waiting = select.poll()
        waiting.register(descriptor, event)
        if not waiting.poll(1000 * max(0.0, until - time.monotonic())):
            raise TimeoutError
