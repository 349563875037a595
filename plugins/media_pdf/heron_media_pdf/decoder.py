"""The decoder of PDF documents: facts, pages as pictures, and text page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import Image

import heron
from heron.isolation.channel import Message
from heron_media_pdf.documents import Documents, Locked, error

_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([+-])(\d\d)'?(\d\d)?)?")
"""A date of ISO 32000-1, 7.9.4: D:YYYYMMDDHHmmSSOHH'mm, of which only the year is required."""

_SMALLEST_PAGE = 8
"""The fewest bytes that a page can take, however well it is compressed."""


class PdfDecoder:
    """Reads PDF documents with PDFium. Frames are pages, numbered from 0."""

    def __init__(self) -> None:
        self._documents = Documents()

    def probe(self, file: heron.MediaFile) -> heron.MediaFacts:
        """Facts, and the start of the text. A document that needs a password has few facts, and a note."""
        try:
            [(found, _)] = self._documents.ask(file, "facts")
        except Locked as locked:
            note = locked.message.removeprefix(f"{file.name} ")
            extra: Any = {"pdf": {"is_encrypted": True}}
            return heron.MediaFacts(kind="pdf", media_type=file.media_type, extra=extra, note=note)
        return _facts(file, found)

    def picture(self, file: heron.MediaFile, size: int) -> Image.Image | None:
        """The first page on white; None for a document that needs a password."""
        try:
            _, (answer, rows) = self._documents.ask(file, "draw", numbers=[0], size=size)
        except Locked:
            return None
        if "failed" in answer:
            raise error(file.name, answer)
        return _page(answer, rows)

    def times(self, file: heron.MediaFile, *, whole: bool = True) -> Sequence[float]:
        """Empty: pages have no time."""
        return ()

    def frames(
        self, file: heron.MediaFile, numbers: Sequence[int], size: int | None = None
    ) -> Iterator[tuple[int, Image.Image]]:
        """Pages by number, on white; without `size` at 150 dpi, or less for very large pages. Broken ones are left out.
        Raises MediaError if none can be drawn, and for a number out of range.
        """
        wanted = sorted(set(numbers))
        if not wanted:
            return
        broken: Message | None = None
        drawn = 0
        for answer, rows in self._documents.ask(file, "draw", numbers=wanted, size=size):
            if "number" not in answer:
                _check_range(file.name, wanted, answer["pages"])
            elif "failed" in answer:
                broken = broken or answer
            else:
                drawn += 1
                yield answer["number"], _page(answer, rows)
        if broken and not drawn:
            raise error(file.name, broken)

    def text(self, file: heron.MediaFile) -> Iterator[str]:
        """The text of each page with a line break behind it, in order, without broken pages."""
        for answer, content in self._documents.ask(file, "text", most=file.size // _SMALLEST_PAGE):
            if "number" in answer and "failed" not in answer:
                yield content.decode() + "\n"

    def page_texts(self, file: heron.MediaFile, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        """The texts of pages by number, without broken pages; raises MediaError for a number out of range."""
        wanted = sorted(set(numbers))
        for answer, content in self._documents.ask(file, "text", numbers=wanted) if wanted else ():
            if "number" not in answer:
                _check_range(file.name, wanted, answer["pages"])
            elif "failed" not in answer:
                yield answer["number"], content.decode()


def _check_range(name: str, wanted: Sequence[int], pages: int) -> None:
    for number in (wanted[0], wanted[-1]):
        if not 0 <= number < pages:
            raise heron.MediaError(f"{name} has no page {number:,}: it has {pages:,}")


def _page(answer: Message, rows: bytes) -> Image.Image:
    shape = answer["width"], answer["height"]
    return Image.frombytes("RGB", shape, rows, "raw", "RGB", answer["stride"])


def _facts(file: heron.MediaFile, found: dict[str, Any]) -> heron.MediaFacts:
    about, pages, notes = found["about"], found["pages"], []
    if pages * _SMALLEST_PAGE > file.size:
        notes.append(f"it claims {pages:,} pages, which cannot be in {file.size:,} bytes")
        pages = None
    if not found["is_whole"]:
        notes.append("it is damaged or cut short; what could be read is shown")
    own = {
        "page_width": round(found["width"], 3),
        "page_height": round(found["height"], 3),
        "title": about["Title"],
        "author": about["Author"],
        "subject": about["Subject"],
        "keywords": about["Keywords"],
        "creator": about["Creator"],
        "producer": about["Producer"],
        "pdf_version": found["version"] and f"{found['version'] // 10}.{found['version'] % 10}",
        "is_encrypted": found["is_encrypted"],
        "text": found["text"],
    }
    return heron.MediaFacts(
        kind="pdf",
        media_type=file.media_type,
        pages=pages,
        captured_at=_captured_at(about["CreationDate"]),
        extra={"pdf": {name: value for name, value in own.items() if value not in (None, "")}},
        note="; ".join(notes) or None,
    )


def _captured_at(date: str) -> str | None:
    """A date in UTC; a date without an offset counts as UTC."""
    match = _DATE.match(date)
    if match is None:
        return None
    year, month, day, *time, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    hour, minute, second = (int(part or 0) for part in time)
    try:
        zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(int(year), int(month or 1), int(day or 1), hour, minute, second, tzinfo=zone)
        return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
    except (ValueError, OverflowError):
        return None
