"""Text: encoding, lines and characters, the title of a page, and whether JSON and XML are what they claim."""

from __future__ import annotations

import codecs
import re
from typing import Any
from xml.etree.ElementTree import ParseError, XMLPullParser

import orjson

from heron.hooks import MediaFile
from heron.models import MediaFacts

_CHUNK = 1 << 20
_PARSED = 16 << 20
"""Largest file, in bytes, that is read whole to check its syntax."""

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)


class _NoText(Exception):
    """The file is no text after all."""


class TextDecoder:
    """Reads plain text, Markdown, CSV, JSON, HTML and XML."""

    def probe(self, file: MediaFile) -> MediaFacts:
        """Encoding, lines and characters in one pass of flat memory; what turns out to be no text is of kind other."""
        try:
            lines, characters, encoding = _count(file, _encoding(file.head))
        except _NoText as error:
            return MediaFacts(kind="other", media_type="application/octet-stream", note=str(error))
        about: dict[str, Any] = {"encoding": encoding, "lines": lines, "characters": characters}
        note = None
        if file.size <= _PARSED:
            note = _describe(file, encoding, about)
        return MediaFacts(kind="text", media_type=file.media_type, extra={"text": about}, note=note)

    def picture(self, file: MediaFile, size: int) -> None:
        """Text has no picture yet."""
        return


def _encoding(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8"


def _count(file: MediaFile, encoding: str) -> tuple[int, int, str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = characters = 0
    last = ""
    with file.open() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                text = decoder.decode(chunk)
                lines += text.count("\n")
                characters += len(text)
                last = text[-1:] or last
                if "\0" in text:
                    raise _NoText("begins like text, but holds binary data")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            if encoding == "utf-8":
                return _count(file, "cp1252" if b"\x81" not in file.head else "latin-1")
            if encoding == "cp1252":
                return _count(file, "latin-1")
            raise _NoText(f"begins like text, but is no valid {encoding}: {error.reason}") from error
    return lines + (1 if last and last != "\n" else 0), characters, encoding


def _describe(file: MediaFile, encoding: str, about: dict[str, Any]) -> str | None:
    """Add what the format tells of itself; returns a note when the content breaks the format's rules."""
    with file.open() as stream:
        content = stream.read()
    if file.media_type == "text/html":
        found = _TITLE.search(content.decode(encoding, "replace"))
        if found:
            about["title"] = " ".join(found[1].split())[:300]
    elif file.media_type == "application/json":
        try:
            if file.name.lower().endswith(".jsonl"):
                for line in content.splitlines():
                    if line.strip():
                        orjson.loads(line)
            else:
                about["json_type"] = type(orjson.loads(content.decode(encoding))).__name__
        except (ValueError, RecursionError) as error:
            return f"not valid JSON: {error}"
    elif file.media_type == "application/xml":
        parser: XMLPullParser[Any] = XMLPullParser(events=("start",))
        try:
            for start in range(0, len(content), 4096):
                parser.feed(content[start : start + 4096])
                for event in parser.read_events():
                    about["root"] = str(getattr(event[-1], "tag", ""))[:300]
                    return None
        except ParseError as error:
            return f"not well-formed XML: {error}"
    return None
