"""The facts of a file that a manifest gives: how they are spelt, which ones can be stored, and their record."""

from __future__ import annotations

import json
from mimetypes import guess_type
from operator import attrgetter
from typing import Any, Optional

from attrs import Attribute, Factory, define, fields_dict, resolve_types

from heron.convert import dumps
from heron.errors import InvalidInput
from heron.hooks import MediaKind
from heron.media.kinds import plain
from heron.metadata.keys import is_unicode, printable
from heron.models import FACT_FIELDS, Json, MediaFacts

_GIVEN = {"size": ("filesize", "size"), **{name: field.given_as for name, field in FACT_FIELDS.items()}}
_FACTS = {key: name for name, keys in _GIVEN.items() for key in keys}
_FACTS.update({"fileSize": "size", "file_size": "size", "mimeType": "media_type", "mime_type": "media_type"})

_PATHS = {field: f"facts.{field}" for field in _FACTS.values()}
"""How errors name a fact."""

_LARGEST = 2**63 - 1
"""The largest value of a fact that is a number."""


def _of_media(record: type, own: list[Attribute[Any]]) -> list[Attribute[Any]]:
    """The attributes of `MediaFacts` that a manifest can give, each optional, and the record's own attributes."""
    known, there = fields_dict(resolve_types(MediaFacts)), {attribute.name for attribute in own}
    given = [
        known[field.attribute]
        for field in FACT_FIELDS.values()
        if field.given_as and field.attribute not in there
    ]
    return [*(fact.evolve(type=Optional[fact.type], default=None) for fact in given), *own]  # noqa: UP045


@define(field_transformer=_of_media)
class Facts:
    """What a manifest says of a file: its size in bytes, media type, attributes of `MediaFacts`, and other facts."""

    size: int | None = None
    media_type: str | None = None
    more: dict[str, Any] = Factory(dict)


_NAMES = [name for name in fields_dict(Facts) if name not in ("size", "media_type", "more")]
_values = attrgetter(*_NAMES)
_WHOLE = {name for name, field in fields_dict(resolve_types(Facts)).items() if field.type == int | None}
"""The facts that are whole numbers."""

_EXACT = 2**53
"""Up to here, a whole number that was written as a float is the one that was meant."""


def known_facts(raw: Json, place: str, given: dict[str, str]) -> dict[str, Any]:
    """The facts by the attributes of `Facts`, and other facts by their own names; `given` gets each key's spelling.

    Raises InvalidInput for a fact that cannot be stored.
    """
    if not isinstance(raw, dict):
        raise InvalidInput(f"{place}: expected an object, got {printable(raw)}")
    found: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for key, value in raw.items():
        field = _FACTS.get(key) or _FACTS.get(plain(key))
        if field is None:
            more[key] = value
        elif field in found:
            raise InvalidInput(f"{place}.{key} is given twice, {given[_PATHS[field]]} is it too")
        elif value is not None:
            is_plain = (
                0 <= value <= _LARGEST if type(value) is int else type(value) is str and value.isascii()
            )
            if type(value) is float and field in _WHOLE and value.is_integer() and 0 <= value <= _EXACT:
                found[field] = int(value)  # as columns with gaps are written: 1920.0
            else:
                found[field] = value if is_plain else _fact(value, f"{place}.{key}")
            given[_PATHS[field]] = key
    if more:
        found["more"] = _kept(more, place)
    return found


def _fact(value: Json, place: str) -> Json:
    """A fact that the catalogue can store; its type is validated later, by cattrs."""
    if isinstance(value, int | float) and not 0 <= value <= _LARGEST:
        raise InvalidInput(f"{place}: expected a number from 0 to {_LARGEST:,}, got {printable(value)}")
    if isinstance(value, str) and not is_unicode(value):
        raise InvalidInput(f"{place}: {printable(value)} is not valid Unicode")
    return value


def _kept(more: dict[str, Any], place: str) -> dict[str, Any]:
    """Facts that have no attribute of their own, if JSON can store them unchanged."""
    try:
        json.dumps(more, allow_nan=False)
        dumps(more)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{place} cannot be stored: {error}") from error
    return more


def media_facts(facts: Facts, kind: MediaKind, url: str) -> MediaFacts:
    """The facts as the catalogue stores them; facts without an attribute are stored under the name of the kind."""
    known = dict(zip(_NAMES, _values(facts), strict=True))
    media_type = facts.media_type or guess_type(url)[0] or kind.media_type
    return MediaFacts(kind.name, media_type, extra={kind.name: facts.more} if facts.more else {}, **known)


def picture_size(facts: Facts) -> tuple[int, int] | None:
    """Width and height in pixels, if both are given."""
    known = dict(zip(_NAMES, _values(facts), strict=True))
    width, height = known["width"], known["height"]
    return (width, height) if width is not None and height is not None else None
