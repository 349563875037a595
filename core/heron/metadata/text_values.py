"""Reads values given as text, on the command line or in a CSV cell: text for text keys, JSON for other keys."""

from __future__ import annotations

from heron.convert import loads_given
from heron.errors import InvalidInput
from heron.metadata.keyframes import BLOCKS
from heron.metadata.keys import RESERVED
from heron.metadata.schema import Schema, SchemaKey
from heron.models import Json


def from_text(key: str, text: str, schema: Schema) -> Json:
    """The value of a text for a key; an empty text means no value."""
    if text == "":
        return None
    known = schema.get(key)
    is_block = key == RESERVED or key in BLOCKS
    if (known is None and not is_block) or (known is not None and schema.type_of(known).affinity == "text"):
        return text
    if known is not None and schema.decoder(known) is not None and _takes(schema, known, text):
        return text
    if text in ("True", "False"):  # as Python and pandas write them
        return text == "True"
    try:
        return loads_given(text)
    except InvalidInput:
        return text


def _takes(schema: Schema, key: SchemaKey, text: str) -> bool:
    """Whether a text itself is a valid value of a key, for instance if its type is shown as text but stored as a number."""
    try:
        schema.encoder(key)(text)
    except ValueError:
        return False
    return True
