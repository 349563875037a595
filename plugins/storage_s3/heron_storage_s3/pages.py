"""Reads the pages of a listing several times faster than botocore's parser, which still reads whatever is unusual."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from botocore.compat import unquote_str

from heron_storage_s3.session import parse_moment

ENTRIES = "HeronEntries"
"""The key of a parsed answer with the entries that were read here."""

Entry = tuple[str, int, str, datetime]
"""A key, its size in bytes, its ETag without quotes, and when it was written, to whole seconds."""

_BETWEEN = re.compile(rb">[^<]*<")
_TAG = re.compile(rb"/?\w+/?")
_WANTED = (b"Key", b"Size", b"ETag", b"LastModified")
_SHAPES = 64
"""The most shapes of entries, which differ in what a store says beside the four wanted values, that are remembered."""

_QUOTED = re.compile(rb"(?:&quot;|&#34;)([^&]*)(?:&quot;|&#34;)")
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_URL_ENCODED = b"<EncodingType>url</EncodingType>"


def take_entries(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the entries out of the body of an answer before botocore parses it. Nothing is taken if any is unusual."""
    body = response_dict.get("body")
    if response_dict.get("status_code") != 200 or not isinstance(body, bytes) or b"<!" in body:
        return
    first, *parts = body.split(b"<Contents>")
    found = [part.partition(b"</Contents>") for part in parts]
    if len(parts) != body.count(b"<Contents") or not all(end for _, end, _ in found):
        return
    is_encoded = _URL_ENCODED in body
    try:
        entries = [_entry(_values(entry), is_encoded) for entry, _, _ in found]
    except (ValueError, ElementTree.ParseError):
        return  # text that is not UTF-8, no time, or an entry of another form: botocore says what is wrong
    if entries:
        response_dict["body"] = b"".join([first, *(rest for _, _, rest in found if rest)])
        customized_response_dict[ENTRIES] = entries


Shape = tuple[re.Pattern[bytes], tuple[int, ...]]
"""A pattern of entries with the same tags in the same order, and the groups of the wanted values."""

_shapes: list[Shape] = []


def _values(entry: bytes) -> Sequence[bytes]:
    """Key, size, ETag and time of an entry, as they are written; raises ValueError if it is unusual."""
    for pattern, places in _shapes:
        found = pattern.fullmatch(entry)
        if found is not None:
            return found.group(*places)
    if len(_shapes) >= _SHAPES:
        raise ValueError
    _shapes.append(_shape_of(entry))
    return _values(entry)


def _shape_of(entry: bytes) -> Shape:
    """The shape of an entry; raises ValueError if a tag has attributes, or one of the values is not there exactly once."""
    tags = _BETWEEN.split(entry.strip()[1:-1])
    if not all(map(_TAG.fullmatch, tags)):
        raise ValueError
    pairs = list(pairwise(tags))
    places = [
        [place for place, pair in enumerate(pairs, start=1) if pair == (name, b"/" + name)]
        for name in _WANTED
    ]
    if any(len(found) != 1 for found in places):
        raise ValueError
    pattern = rb"\s*<" + b">([^<]*)<".join(tags) + rb">\s*"
    return re.compile(pattern), tuple(found[0] for found in places)


def _entry(values: Sequence[bytes], is_encoded: bool) -> Entry:
    key, size, etag, moment = values
    name, quoted = _text(key), _QUOTED.fullmatch(etag)
    if is_encoded and ("%" in name or "+" in name):
        name = unquote_str(name)
    tag = quoted[1].decode() if quoted else _text(etag).strip('"')
    if not name or not tag:
        raise ValueError
    if _MOMENT.fullmatch(moment):
        return name, int(size), tag, datetime.fromisoformat(f"{moment[:19].decode()}+00:00")
    return name, int(size), tag, whole_seconds(parse_moment(_text(moment)))


def _text(raw: bytes) -> str:
    if b"&" not in raw and b"\r" not in raw:
        return raw.decode()
    return ElementTree.fromstring(b"<t>" + raw + b"</t>").text or ""  # noqa: S314 - no tag is in it


def whole_seconds(moment: datetime) -> datetime:
    """A time in UTC without fractions of a second, since only listings have them."""
    return moment.astimezone(UTC).replace(microsecond=0)
