"""Messages between Heron and the process of PDFium: JSON, followed by bytes."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

_SIZES = struct.Struct(">II")


class Channel:
    """Sends and receives messages over two pipes."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def send(self, message: dict[str, Any], payload: bytes | memoryview = b"") -> None:
        """Send a message; raises OSError if the other side has closed."""
        text = json.dumps(message).encode()
        self._outgoing.write(_SIZES.pack(len(text), len(payload)) + text)
        self._outgoing.write(payload)
        self._outgoing.flush()

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """Wait for a message; raises EOFError if the other side has closed."""
        text, payload = _SIZES.unpack(self._read(_SIZES.size))
        return json.loads(self._read(text)), self._read(payload)

    def _read(self, count: int) -> bytes:
        found = self._incoming.read(count)
        if len(found) < count:
            raise EOFError("the other side has closed")
        return found
