"""Reads text files: encoding, lines and characters, the title of a page, and whether JSON and XML are valid."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError, XMLPullParser

import orjson
from PIL.Image import Image

from heron.errors import MediaError
from heron.hooks import MediaFile
from heron.media.charsets import eight_bit, encoding_of
from heron.media.html_text import visible_text
from heron.media.text_picture import draw_text
from heron.models import MediaFacts

_CHUNK = 1 << 20
_PARSED = 16 << 20
"""Largest file, in bytes, that is loaded as a whole to check its syntax."""

_BEGINNING = 32 << 10
"""Bytes that are read for a picture."""

_EXCERPT = 300
"""Characters of the beginning that are stored with the facts."""


class _NoText(Exception):
    """The file turned out not to be text."""


class TextDecoder:
    """Reads plain text, Markdown, CSV, JSON, HTML and XML."""

    def probe(self, file: MediaFile) -> MediaFacts:
        """Encoding, lines and characters in one pass with constant memory; a file that is not text gets the
        kind `other`.
        """
        try:
            encoding, source = encoding_of(file)
            lines, characters, encoding, beginning = _count(file, encoding)
        except _NoText as error:
            return MediaFacts(kind="other", media_type="application/octet-stream", note=str(error))
        about: dict[str, Any] = {"encoding": encoding, "lines": lines, "characters": characters}
        if source != "unicode":
            about["encoding_source"] = source
        if file.media_type == "text/html":
            title, beginning = visible_text(beginning)
            if title:
                about["title"] = title[:_EXCERPT]
        about["excerpt"] = _excerpt(beginning)
        note = None
        if file.size <= _PARSED:
            note = _describe(file, encoding, about)
        return MediaFacts(kind="text", media_type=file.media_type, extra={"text": about}, note=note)

    def picture(self, file: MediaFile, size: int) -> Image | None:
        """The beginning as a page; only the beginning is read. None if the file is not text."""
        with file.open() as stream:
            beginning = stream.read(_BEGINNING)
        text = "".join(_decoded(io.BytesIO(beginning), encoding_of(file, beginning)[0]))
        if "\0" in text:
            return None
        return draw_text(text, file.media_type, file.name, size, whole=len(beginning) == file.size)

    def text(self, file: MediaFile) -> Iterator[str]:
        """The text in pieces of at most 1 MB, for HTML only the visible text; raises MediaError for binary
        data.
        """
        with file.open() as stream:
            for piece in _decoded(
                stream, encoding_of(file)[0], _PARSED if file.media_type == "text/html" else _CHUNK
            ):
                if "\0" in piece:
                    raise MediaError(f"{file.name} begins like text, but holds binary data")
                yield visible_text(piece)[1] if file.media_type == "text/html" else piece


def _decoded(stream: BinaryIO, encoding: str, size: int = _CHUNK) -> Iterator[str]:
    """The text of a stream in pieces; from the first byte that is not UTF-8 on, it is decoded as 8-bit text."""
    decoder = codecs.getincrementaldecoder(encoding)("strict" if encoding == "utf-8" else "replace")
    at_end = False
    while not at_end:
        chunk = stream.read(size)
        at_end = not chunk
        waiting = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=at_end)
        except UnicodeDecodeError:
            decoder = codecs.getincrementaldecoder(eight_bit(waiting + chunk)[0])("replace")
            text = decoder.decode(waiting + chunk)
        if text:
            yield text


def _excerpt(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split(maxsplit=_EXCERPT)[:_EXCERPT])[:_EXCERPT]
    return "".join(letter if letter.isprintable() else " " for letter in line).strip()


def _count(file: MediaFile, encoding: str) -> tuple[int, int, str, str]:
    """Lines, characters, the encoding that fits, and the beginning."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = characters = 0
    last = beginning = ""
    with file.open() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                text = decoder.decode(chunk)
                lines += text.count("\n")
                characters += len(text)
                last = text[-1:] or last
                beginning = beginning or text[:_BEGINNING]
                if "\0" in text:
                    raise _NoText("begins like text, but holds binary data")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            if not encoding.startswith("utf"):
                return _count(file, "latin-1")
            if encoding == "utf-8":
                return _count(file, "cp1252")
            raise _NoText(f"begins like text, but is not valid {encoding}: {error.reason}") from error
    return lines + (1 if last and last != "\n" else 0), characters, encoding, beginning


def _describe(file: MediaFile, encoding: str, about: dict[str, Any]) -> str | None:
    """Add facts of the format to `about`; returns a note if the content breaks the format's rules."""
    if file.media_type not in ("application/json", "application/xml"):
        return None
    with file.open() as stream:
        content = stream.read()
    if file.media_type == "application/json":
        try:
            if file.name.lower().endswith(".jsonl"):
                for line in content.splitlines():
                    if line.strip():
                        orjson.loads(line)
            else:
                about["json_type"] = type(orjson.loads(content.decode(encoding))).__name__
        except (ValueError, RecursionError) as error:
            return f"not valid JSON: {error}"
    else:
        parser: XMLPullParser[Any] = XMLPullParser(events=("start",))
        source: Any = content if encoding.startswith("utf") else content.decode(encoding, "replace")
        try:
            for start in range(0, len(content), 4096):
                parser.feed(source[start : start + 4096])
                for event in parser.read_events():
                    about["root"] = str(getattr(event[-1], "tag", ""))[:300]
                    return None
        except ParseError as error:
            return f"not well-formed XML: {error}"
    return None
