"""Reads DOCX and ODT documents: their text, and what they say of themselves, by the zip and XML parsers of Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from xml.parsers import expat

from PIL.Image import Image

from heron.errors import MediaError
from heron.hooks import MediaFile
from heron.media.archives import ZipMember, member_of
from heron.media.text_picture import draw_text
from heron.metadata.keys import ARCHIVE_MARK
from heron.models import MediaFacts

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"

_PLACES = {WORD: ("word/document.xml", "docProps/core.xml"), ODT: ("content.xml", "meta.xml")}
"""The members of the archive with the text, and with the facts (ECMA-376-1, 11.3.10; ODF 1.3, part 2, 3.1)."""

_MOST_XML = 64 << 20
_MOST_ABOUT = 1 << 20
"""Most bytes of XML that are read of a text, and of the facts."""

_CHUNK = 64 << 10
_BEGINNING = 32 << 10
_EXCERPT = 300
"""Bytes of XML that are parsed at once, characters of the text that a picture shows, and those of a fact."""

_MOST_BLANKS = 80
"""Most blanks that one element of an ODT stands for."""

_ABOUT = {
    "title": "title",
    "subject": "subject",
    "keywords": "keywords",
    "keyword": "keywords",
    "initial-creator": "author",
    "creator": "author",
    "created": "created",
    "creation-date": "created",
    "modified": "modified",
    "date": "modified",
}
"""Facts by the local names of their elements; in an ODT, `initial-creator` comes before `creator`, who wrote last."""

_HIDDEN = ("Fallback", "tracked-changes", "annotation")
"""Elements whose text is a second copy of other text, was deleted, or is a comment."""

_HIDDEN_IN_WORD = ("del", "moveFrom")
"""Elements of Word whose text was deleted, or moved to another place (ECMA-376-1, 17.13.5), with changes tracked."""


class OfficeDecoder:
    """Reads DOCX and ODT as text; a `Decoder` and a `TextReader`."""

    def probe(self, file: MediaFile) -> MediaFacts:
        """Lines and characters of the text, title, author and times; raises MediaError for damaged or hostile files."""
        lines = characters = 0
        beginning = ""
        for piece in self.text(file):
            lines += piece.count("\n")
            characters += len(piece)
            if len(beginning) < _BEGINNING:
                beginning += piece
        about: dict[str, Any] = {"lines": lines, "characters": characters, "excerpt": _line(beginning)}
        found: dict[str, str] = {}
        note = None
        try:
            found = _about(file)
        except MediaError as error:
            note = f"title, author and times cannot be read: {error}"
        extra = {"text": about} | ({"office": found} if found else {})
        return MediaFacts(
            kind="text",
            media_type=file.media_type,
            captured_at=found.get("created"),
            extra=extra,
            note=note,
        )

    def picture(self, file: MediaFile, size: int) -> Image:
        """The beginning of the text as a page."""
        beginning = ""
        for piece in self.text(file):
            beginning += piece
            if len(beginning) >= _BEGINNING:
                break
        return draw_text(beginning[:_BEGINNING], "text/plain", file.name, size, whole=False)

    def text(self, file: MediaFile) -> Iterator[str]:
        """The text in pieces, a line for each paragraph; raises MediaError."""
        parsed = _Text(is_word=file.media_type == WORD)
        for _ in _parsed(_member(file, _PLACES[file.media_type][0]), parsed.parser, _MOST_XML):
            if piece := parsed.taken():
                yield piece


def _member(file: MediaFile, name: str) -> ZipMember:
    try:
        return member_of(file, f"{file.url}{ARCHIVE_MARK}{name}")
    except MediaError as error:
        if isinstance(error.__cause__, KeyError):
            raise MediaError(f"{file.name} is a zip archive without {name}") from error
        raise


def _parsed(member: ZipMember, parser: expat.XMLParserType, most: int) -> Iterator[None]:
    """Parse XML step by step. Declarations of a document type, which these formats have not, are refused, since
    they can define entities that grow without bound or name other files.
    """
    place = f"{member.member} in {member.archive.name}"

    def refuse(*_: object) -> None:
        raise MediaError(f"{place} is refused: it declares a document type, which can hide an entity bomb")

    if member.size > most:
        raise MediaError(f"{place} has {member.size:,} bytes, more than the {most:,} that are read")
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    with member.open() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
                yield
            parser.Parse(b"", True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise MediaError(f"{place} is not well-formed XML: {error}") from error
    yield


class _Text:
    """Collects the text of paragraphs, with a line break after each, while its `parser` reads."""

    def __init__(self, *, is_word: bool) -> None:
        self._is_word = is_word
        self._pieces: list[str] = []
        self._open = 0
        self._hidden = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._letters

    def taken(self) -> str:
        """The text since the last call."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        in_word = self._is_word and "wordprocessingml" in space
        if self._hidden or local in _HIDDEN or (in_word and local in _HIDDEN_IN_WORD):
            self._hidden += 1
        elif in_word:
            self._open_word(local)
        elif not self._is_word and space.endswith(":text:1.0"):
            self._open_odt(local, attributes, space)

    def _open_word(self, local: str) -> None:
        if local == "t":
            self._open += 1
        elif local in ("br", "cr"):
            self._pieces.append("\n")
        elif local == "noBreakHyphen":
            self._pieces.append("-")
        elif local == "ptab":
            self._pieces.append("\t")
        elif local == "tabs":
            self._hidden += 1  # the stops of a paragraph have the name of the letter
        elif local == "tab":
            self._pieces.append("\t")

    def _open_odt(self, local: str, attributes: dict[str, str], space: str) -> None:
        if local in ("p", "h"):
            self._open += 1
        elif local == "tab":
            self._pieces.append("\t")
        elif local == "line-break":
            self._pieces.append("\n")
        elif local == "s":
            count = attributes.get(f"{space} c", "1")
            blanks = int(count) if count.isdecimal() and len(count) < 9 else 1
            self._pieces.append(" " * min(blanks, _MOST_BLANKS))

    def _end(self, name: str) -> None:
        space, _, local = name.rpartition(" ")
        if self._hidden:
            self._hidden -= 1
        elif self._is_word and "wordprocessingml" in space:
            if local == "t":
                self._open -= 1
            elif local == "p":
                self._pieces.append("\n")
        elif not self._is_word and space.endswith(":text:1.0") and local in ("p", "h"):
            self._open -= 1
            self._pieces.append("\n")

    def _letters(self, text: str) -> None:
        if self._open and not self._hidden:
            self._pieces.append(text)


def _about(file: MediaFile) -> dict[str, str]:
    """What a document says of itself, each on one line, with times in UTC; empty if it says nothing."""
    try:
        member = member_of(file, f"{file.url}{ARCHIVE_MARK}{_PLACES[file.media_type][1]}")
    except MediaError as error:
        if isinstance(error.__cause__, KeyError):
            return {}
        raise
    found: dict[str, list[str]] = {}
    path: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, _: path.append(name.rpartition(" ")[2])
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = lambda text: found.setdefault(path[-1], []).append(text)
    for _ in _parsed(member, parser, _MOST_ABOUT):
        pass
    about: dict[str, str] = {}
    for element, name in _ABOUT.items():
        if name not in about and (
            value := _line((", " if element == "keyword" else "").join(found.get(element, ())))
        ):
            about[name] = value
    for name in ("created", "modified"):
        if name in about and (moment := _in_utc(about.pop(name))):
            about[name] = moment
    return about


def _in_utc(text: str) -> str | None:
    """A time of XML in UTC; a time without an offset counts as UTC. None if it is no time."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
    return None


def _line(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(islice(text.split(), _EXCERPT))[:_EXCERPT]
    return "".join(letter if letter.isprintable() else " " for letter in line).strip()
