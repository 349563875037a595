"""The process in which PDFium reads untrusted files, with limits on time and memory."""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError

from heron.isolation.channel import Message
from heron.isolation.serving import Packed, Service, run
from heron_media_pdf import reading

_BLOCK = 64 * 1024
_BLOCKS = 64
"""The size of the blocks that are requested, and how many are cached."""


class AskedFile(io.RawIOBase):
    """A file that only the other process can read."""

    def __init__(self, service: Service, size: int) -> None:
        super().__init__()
        self._service = service
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
        return self._service.fetch(start, min(self._size, start + _BLOCK))


def answers(service: Service, request: Message, content: bytes) -> Iterator[Packed]:
    """The answers about one document: its `facts`, or the `text` or drawing (`draw`) of its pages, after their count.

    What PDFium refuses is `failed`, with a `code`; with a `number`, it is that page alone.
    """
    do, path, size = (request[name] for name in ("do", "path", "file_size"))
    document: PdfDocument | None = None

    def opened() -> Packed:
        nonlocal document
        document = PdfDocument(AskedFile(service, size) if path is None else path)
        return {"pages": len(document)}, b""

    first, _ = _tried(service, opened)
    if document is None:
        yield {**first, "is_last": True}, b""
        return
    try:
        if do == "facts":
            found, _ = _tried(service, lambda: (reading.facts(document), b""))
            yield {**found, "is_last": True}, b""
            return
        yield first, b""
        numbers = request.get("numbers")
        if numbers is None:
            numbers = range(min(first["pages"], request["most"]))
        for number in numbers:
            if do == "draw":
                work = partial(reading.draw, document, number, request["size"])
            else:
                work = partial(_text, document, number)
            answer, payload = _tried(service, work)
            yield {**answer, "number": number}, payload
    finally:
        with service.clock.running():
            document.close()


def _tried(service: Service, work: Callable[[], Packed]) -> Packed:
    """The answer of some work within the limits, or what PDFium says against it."""
    with service.clock.running():
        try:
            return work()
        except PdfiumError as error:
            return {"failed": str(error), "code": error.err_code}, b""


def _text(document: PdfDocument, number: int) -> Packed:
    return {}, reading.text(document, number).encode(errors="replace")


if __name__ == "__main__":
    run(lambda service: partial(answers, service), *sys.argv[1:])
