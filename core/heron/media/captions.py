"""What people wrote about a picture: title, description, creator, keywords and rating, from XMP and IPTC.

XMP is XML with the properties of RDF (ISO 16684-1); IPTC is a run of records in a resource block of Photoshop (IPTC-NAA
Information Interchange Model 4.2, 1.5; Adobe Photoshop File Formats, image resource 1028).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from xml.etree import ElementTree

from heron.models import Json

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
"""How a segment of a JPEG with XMP begins (ISO 16684-3, 1.1.3)."""

PHOTOSHOP_MARK = b"Photoshop 3.0\0"
"""How a segment of a JPEG with resource blocks of Photoshop begins."""

_LARGEST = 1 << 20
"""Bytes of the largest block that is read."""

_MOST, _LONGEST = 100, 1000
"""The most keywords or creators, and the most characters of a text, that are kept."""

_DC, _XMP = "{http://purl.org/dc/elements/1.1/}", "{http://ns.adobe.com/xap/1.0/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LISTS = {"creator": f"{_DC}creator", "keywords": f"{_DC}subject"}
_TEXTS = {"title": f"{_DC}title", "description": f"{_DC}description", "rights": f"{_DC}rights"}

_RECORDS = {5: "title", 25: "keywords", 80: "creator", 116: "rights", 120: "description"}
"""Data sets of record 2."""

_RESOURCE = 1028
_UTF_8 = b"\x1b%G"


def caption_facts(xmp: bytes, iptc: bytes) -> dict[str, Json]:
    """The facts of both blocks by name; those of XMP count, where both have one. Broken blocks are left out."""
    found: dict[str, Json] = {}
    if 0 < len(iptc) <= _LARGEST:
        with suppress(struct.error, IndexError):
            found.update(_of_iptc(iptc))
    if 0 < len(xmp) <= _LARGEST and b"<!DOCTYPE" not in xmp and b"<!ENTITY" not in xmp:
        with suppress(ElementTree.ParseError, ValueError):
            found.update(_of_xmp(xmp))
    return found


def _of_xmp(xmp: bytes) -> dict[str, Json]:
    root = ElementTree.fromstring(xmp.strip(b"\0 \r\n\t"))  # noqa: S314 - without document types, so without entities
    found: dict[str, Json] = {}
    for description in root.iter(f"{_RDF}Description"):
        for name, tag in _LISTS.items():
            if (element := description.find(tag)) is not None and (texts := _texts(element)):
                found[name] = texts
        for name, tag in _TEXTS.items():
            if (element := description.find(tag)) is not None and (texts := _texts(element)):
                found[name] = texts[0]
        rating = description.get(f"{_XMP}Rating") or description.findtext(f"{_XMP}Rating")
        with suppress(TypeError, ValueError):
            number = float(rating or "")
            if -1 <= number <= 5:
                found["rating"] = int(number) if number.is_integer() else number
    return found


def _texts(element: ElementTree.Element) -> list[Json]:
    """The items of a bag, a sequence or alternatives, the default one first; or the text itself."""
    items = sorted(element.iter(f"{_RDF}li"), key=lambda item: not _is_default(item)) or [element]
    texts = [(item.text or "").strip()[:_LONGEST] for item in items[:_MOST]]
    return [text for text in texts if text]


def _is_default(item: ElementTree.Element) -> bool:
    return item.get("{http://www.w3.org/XML/1998/namespace}lang") == "x-default"


def _of_iptc(block: bytes) -> dict[str, Json]:
    found: dict[str, Json] = {}
    encoding = "latin-1"
    for record, number, value in _data_sets(_resource(block)):
        if (record, number) == (1, 90) and value == _UTF_8:
            encoding = "utf-8"
        name = _RECORDS.get(number) if record == 2 else None
        text = value.decode(encoding, "replace").strip("\0 ")[:_LONGEST]
        if not name or not text:
            continue
        if name in _LISTS:
            listed = found.setdefault(name, [])
            if isinstance(listed, list) and len(listed) < _MOST:
                listed.append(text)
        else:
            found.setdefault(name, text)
    return found


def _resource(block: bytes) -> bytes:
    """The IPTC records among resource blocks; a block without these is taken for records."""
    at = len(PHOTOSHOP_MARK) if block.startswith(PHOTOSHOP_MARK) else 0
    if block[at : at + 4] != b"8BIM":
        return block
    while block[at : at + 4] == b"8BIM":
        (kind,) = struct.unpack_from(">H", block, at + 4)
        name = block[at + 6] + 1
        at += 6 + name + name % 2
        (size,) = struct.unpack_from(">I", block, at)
        if kind == _RESOURCE:
            return block[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def _data_sets(records: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 5 <= len(records) and records[at] == 0x1C:
        record, number, size = struct.unpack_from(">BBH", records, at + 1)
        if size & 0x8000:
            return  # of more than 32,767 bytes: none of these texts
        yield record, number, records[at + 5 : at + 5 + size]
        at += 5 + size
