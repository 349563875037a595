"""Asks the processes in which PDFium runs. PDFium is not thread-safe, cannot be interrupted, and may take gigabytes for a small hostile file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import heron
from heron.isolation.channel import Message
from heron.isolation.pool import Pool
from heron.isolation.process import Ended, Limits

LIMITS = Limits(seconds=20, wait=120, memory=1024**3)
"""What opening a document, drawing a page or reading its text may take."""

_WORKER = ("heron_media_pdf.worker",)


class Locked(heron.MediaError):
    """A document that is encrypted, and cannot be opened without a password."""


class Documents:
    """Reads documents in as many processes as documents are read at once."""

    def __init__(self) -> None:
        self._pool = Pool(LIMITS)

    def ask(self, file: heron.MediaFile, do: str, **arguments: Any) -> Iterator[tuple[Message, bytes]]:
        """The answers to a request of `worker.py`; one for a broken page has `failed`, for which there is `error`.

        Raises Locked for a document that needs a password, and MediaError for one that cannot be read.
        """
        path = None if file.path is None else str(file.path.absolute())
        request = {"do": do, "path": path, "file_size": file.size, **arguments}
        try:
            with closing(self._pool.stream(_WORKER, request, file=file)) as answers:  # type: ignore[type-var]
                for answer, content in answers:
                    if "failed" in answer and "number" not in answer:
                        raise error(file.name, answer)
                    yield answer, content
        except Ended as ended:
            if ended.exited:
                hint = "check that Python can import pypdfium2"
                raise heron.PluginError(f"plugin media_pdf: {ended}", hint=hint) from ended
            raise heron.MediaError(f"{file.name} cannot be read: {ended}") from ended
        except (OSError, EOFError) as found:
            raise heron.MediaError(f"{file.name} cannot be read: {found}") from found


def error(name: str, answer: Message) -> heron.MediaError:
    """The error that an answer tells; its `code` is that of FPDF_GetLastError."""
    match answer.get("code"):
        case 4:
            return Locked(f"{name} needs a password")
        case 5:
            return Locked(f"{name} is encrypted in a way that is not supported")
        case 3:
            return heron.MediaError(f"{name} is not a PDF, or is damaged or cut short beyond repair")
    return heron.MediaError(f"{name} cannot be read: {answer['failed']}")
