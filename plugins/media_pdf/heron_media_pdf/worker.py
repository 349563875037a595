"""The process in which PDFium reads untrusted files, with limits on time and memory; started by `process.py`."""

from __future__ import annotations

import functools
import io
import resource
import signal
import sys
from contextlib import suppress
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError

from heron_media_pdf import reading
from heron_media_pdf.channel import Channel

_BLOCK = 64 * 1024
_BLOCKS = 64
"""The size of the blocks that are requested, and how many are cached."""


class AskedFile(io.RawIOBase):
    """A file that only the other process can read."""

    def __init__(self, channel: Channel, size: int) -> None:
        super().__init__()
        self._channel = channel
        self._size = size
        self._position = 0
        self._block = functools.lru_cache(_BLOCKS)(self._ask)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        self._position = (
            offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        )
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as there is data."""
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and self._position < self._size:
            number, begin = divmod(self._position, _BLOCK)
            part = self._block(number)[begin : begin + len(view) - filled]
            if not part:
                break
            view[filled : filled + len(part)] = part
            filled += len(part)
            self._position += len(part)
        return filled

    def _ask(self, number: int) -> bytes:
        start = number * _BLOCK
        self._channel.send({"read": [start, min(_BLOCK, self._size - start)]})
        return self._channel.receive()[1]


def serve(channel: Channel, seconds: float) -> None:
    """Answer requests about one document after the other, until the other process closes its side."""
    document: PdfDocument | None = None
    while True:
        try:
            request, _ = channel.receive()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer: dict[str, Any] = {}
        payload = b""
        try:
            match request.pop("do"):
                case "open":
                    document = _open(channel, **request)
                    answer = {"pages": len(document)}
                case "close" if document is not None:
                    document.close()
                    document = None
                case "facts":
                    answer = reading.facts(document)
                case "draw":
                    answer, payload = reading.draw(document, **request)
                case "text":
                    answer = {"text": reading.text(document, **request)}
        except PdfiumError as error:
            answer = {"error": str(error), "code": error.err_code, "page": request.get("number")}
        except Exception as error:  # noqa: BLE001 - bindings of C can fail in any way, and the next file waits
            answer = {"error": " ".join(f"{type(error).__name__} {error}".split())}
        signal.setitimer(signal.ITIMER_PROF, 0)
        channel.send(answer, payload)


def _open(channel: Channel, path: str | None, size: int) -> PdfDocument:
    return PdfDocument(AskedFile(channel, size) if path is None else path)


def main(seconds: float, memory: int) -> None:
    """Serve on standard input and output, to which nothing else is written, within these limits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks decides when to stop
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ValueError, OSError):
        pass  # not every system can limit memory
    with suppress(BrokenPipeError):
        serve(Channel(sys.stdin.buffer, sys.stdout.buffer), seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
