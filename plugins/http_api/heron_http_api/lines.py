"""Streams of an answer: a thread of the server writes into a file without waiting for the client, who reads as it goes."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any

import heron

if TYPE_CHECKING:
    from starlette.requests import Request

    from heron import Site

IN_MEMORY = 4 * 1024 * 1024
"""The bytes of an answer that are kept in memory before a temporary file is used."""

_PIECE = 256 * 1024


class _Gone(heron.HeronError):
    """The client has gone away."""


class Spool:
    """Bytes on their way from the thread that makes them to the client."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._grown = asyncio.Event()
        self._written = 0
        self.is_abandoned = False

    def write(self, piece: bytes) -> None:
        """Add bytes, in the thread that makes them; raises if the client has gone away."""
        if self.is_abandoned:
            raise _Gone("the client has gone away")
        with self._lock:
            self._file.seek(self._written)
            self._file.write(piece)
            self._written += len(piece)
        self.tell()

    def tell(self) -> None:
        """Wake the reader."""
        self._loop.call_soon_threadsafe(self._grown.set)

    async def read(self, making: asyncio.Task[Any]) -> AsyncIterator[bytes]:
        """The bytes as they come, until what makes them has ended; raises its error if it ended before the first one."""
        place = 0
        making.add_done_callback(lambda _: self._grown.set())
        try:
            while True:
                self._grown.clear()
                with self._lock:
                    self._file.seek(place)
                    piece = self._file.read(_PIECE)
                if piece:
                    place += len(piece)
                    yield piece
                elif making.done():
                    await making
                    return
                else:
                    await self._grown.wait()
        finally:
            self.is_abandoned = True
            if not making.done():
                await asyncio.wait([making], timeout=60)
            self._file.close()


async def begun(request: Request, site: Site, make: Callable[[Any, Spool], None]) -> AsyncIterator[bytes]:
    """The bytes that `make` writes in a thread; raises the error of `make` if nothing was written before it."""
    spool = Spool()
    making = asyncio.ensure_future(site.call(request, lambda workspace: make(workspace, spool)))
    pieces = spool.read(making)
    try:
        first = await anext(pieces)
    except StopAsyncIteration:
        first = b""

    async def all_of_them() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return all_of_them()


def write_lines(lines: Iterable[bytes], spool: Spool, told: Callable[[heron.HeronError], bytes]) -> None:
    """Write lines; an error after the first of them is the last line, as `{"error": …}`."""
    waiting: list[bytes] = []
    is_begun = False
    try:
        for line in lines:
            waiting.append(line)
            if len(waiting) == 256:
                spool.write(b"\n".join(waiting) + b"\n")
                waiting.clear()
                is_begun = True
    except _Gone:
        raise
    except heron.HeronError as error:
        if not is_begun and not waiting:
            raise
        waiting.append(told(error))
    if waiting:
        spool.write(b"\n".join(waiting) + b"\n")
