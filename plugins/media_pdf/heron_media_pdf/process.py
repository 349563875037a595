"""Starts and uses the processes in which PDFium runs: one for each open document, replaced if it crashes.

PDFium is not thread-safe, cannot be interrupted, and may take gigabytes for a small hostile file. In a
separate process, the system limits its time and memory, several documents are read at once, and a crash
affects one file only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, BinaryIO

import heron
from heron_media_pdf.channel import Channel

SECONDS = 20
"""The most processor seconds of one operation: opening a document, drawing a page or reading its text."""

MEMORY = 1024**3
"""The most bytes of address space of a process, which ends if it needs more."""

_MOST_IDLE = 4
"""The most idle processes that are kept for the next documents."""


class Locked(heron.MediaError):
    """A document that is encrypted, and cannot be opened without a password."""


class BrokenPage(heron.MediaError):
    """A page that cannot be read, though others may be readable."""


class Worker:
    """One process; it ends with the object. `is_waiting` says that it has not answered its last request."""

    def __init__(self) -> None:
        places = [place for place in sys.path if place]
        self.is_waiting = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "heron_media_pdf.worker", str(SECONDS), str(MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        )
        self._channel = Channel(self._process.stdout, self._process.stdin)  # type: ignore[arg-type]
        self.end = weakref.finalize(self, _end, self._process, os.getpid())

    def ask(
        self, file: heron.MediaFile, stream: BinaryIO | None, **request: Any
    ) -> tuple[dict[str, Any], bytes]:
        """Send a request, and meanwhile read from the stream what the process asks for; raises MediaError."""
        self.is_waiting = True
        answer, payload = self._exchange(file, request)
        while stream is not None and "read" in answer:
            start, count = answer["read"]
            stream.seek(start)
            answer, payload = self._exchange(file, {}, stream.read(count))
        self.is_waiting = False
        if "error" in answer:
            raise _error(file.name, **answer)
        return answer, payload

    def _exchange(
        self, file: heron.MediaFile, message: dict[str, Any], content: bytes = b""
    ) -> tuple[dict[str, Any], bytes]:
        try:
            self._channel.send(message, content)
            return self._channel.receive()
        except (OSError, EOFError) as error:
            raise _ending(file.name, self._process.wait()) from error


class Document:
    """A document that is open in a process."""

    def __init__(self, worker: Worker, file: heron.MediaFile, stream: BinaryIO | None) -> None:
        self._worker = worker
        self._file = file
        self._stream = stream
        path = None if stream is not None else str(file.path)
        self.pages: int = self.ask("open", path=path, size=file.size)[0]["pages"]

    def ask(self, do: str, **arguments: Any) -> tuple[dict[str, Any], bytes]:
        """Request `facts`, `text` or `draw`, see `reading.py`; raises Locked, BrokenPage or MediaError."""
        return self._worker.ask(self._file, self._stream, do=do, **arguments)

    def close(self) -> None:
        """Release the process for the next document."""
        self.ask("close")


class Workers:
    """The pool of processes: one for each open document; idle ones are used again."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._owner = os.getpid()

    @contextmanager
    def opened(self, file: heron.MediaFile) -> Iterator[Document]:
        """Open a document; raises Locked if it needs a password, and MediaError if it is not a PDF."""
        worker = self._borrow()
        try:
            with nullcontext() if file.path is not None else file.open() as stream:
                document = Document(worker, file, stream)
                try:
                    yield document
                finally:
                    if not worker.is_waiting:
                        document.close()
        except (OSError, EOFError) as error:
            raise heron.MediaError(f"{file.name} cannot be read: {error}") from error
        finally:
            self._give_back(worker)

    def _borrow(self) -> Worker:
        if self._owner != os.getpid():  # after a fork, they belong to the parent
            self._idle, self._owner = [], os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return Worker()
        except OSError as error:
            raise heron.PluginError(f"plugin media_pdf cannot start a process: {error}") from error

    def _give_back(self, worker: Worker) -> None:
        if worker.is_waiting or len(self._idle) >= _MOST_IDLE:
            worker.end()
        else:
            self._idle.append(worker)


def _error(name: str, error: str, code: int | None = None, page: int | None = None) -> heron.MediaError:
    """The error for a failed request; `code` is that of FPDF_GetLastError."""
    match code:
        case 4:
            return Locked(f"{name} needs a password")
        case 5:
            return Locked(f"{name} is encrypted in a way that is not supported")
        case 3:
            return heron.MediaError(f"{name} is not a PDF, or is damaged or cut short beyond repair")
    sort = heron.MediaError if page is None else BrokenPage
    return sort(f"{name} cannot be read: {error}")


def _ending(name: str, code: int) -> heron.HeronError:
    """The error for a process that ended while it was reading; `code` is its `Popen.returncode`."""
    if code >= 0:
        return heron.PluginError(
            f"plugin media_pdf: the process of PDFium ended by itself with code {code}",
            hint="check that Python can import pypdfium2",
        )
    bound = (
        f"more than {SECONDS} seconds"
        if code == -signal.SIGPROF
        else f"more than {MEMORY >> 30} GB of memory, or crashes the PDF reader"
    )
    return heron.MediaError(f"{name} is refused: reading it takes {bound}")


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if owner != os.getpid():
        return
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()  # type: ignore[union-attr]
        except BrokenPipeError:
            pass  # the last message cannot be sent
