"""Checking an item's metadata against the schema, fast enough for millions of items."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from heron.convert import dumps
from heron.errors import InvalidInput, MetadataError
from heron.metadata.keys import RESERVED, is_unicode, printable
from heron.metadata.schema import Schema
from heron.models import MAX_METADATA, Json

if TYPE_CHECKING:
    from heron.hooks.interfaces import Encode


Vectors = Mapping[str, Sequence[float] | None]
"""The vectors of one item, or frame, by the key of the schema."""


class Validator:
    """Checks and encodes metadata; made once for a batch, for it prepares the encoder of each key."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._encoders: dict[str, Encode] = {}
        self._names = set(schema.keys())
        self._vector_keys = schema.vector_keys()
        self.unknown: set[str] = set()
        """Keys met so far that the schema does not know; they are kept as given."""

    def encode(self, metadata: Mapping[str, Any], item: str) -> dict[str, Json]:
        """Return the metadata as it is stored; keys with the value None are left out.

        Raises MetadataError naming item, key, value and the type expected.
        """
        encoders = self._encoders
        encoded = {}
        for key, value in metadata.items():
            encode = encoders.get(key)
            if value is None:
                continue
            if encode is None:
                encode = self._prepare(key, item)
            try:
                encoded[key] = encode(value)
            except ValueError as error:
                known = self._schema.get(key)
                kind = f" (key type: {known.type})" if known else ""
                raise MetadataError(
                    f"{item}: metadata key {key!r}: {error}, got {printable(value)}{kind}"
                ) from error
        return encoded

    def without_vectors(self, encoded: Mapping[str, Json]) -> tuple[Mapping[str, Json], Vectors]:
        """Encoded metadata in two parts: what is kept as JSON, and the vectors by key; None is one to be removed."""
        if self._vector_keys.isdisjoint(encoded):
            return encoded, {}
        vectors = {key: value for key, value in encoded.items() if key in self._vector_keys}
        return {key: value for key, value in encoded.items() if key not in vectors}, vectors

    def removed(self, metadata: Mapping[str, Any]) -> Vectors:
        """Those keys of vectors that are given as None, ready to be kept."""
        return {key: None for key in self._vector_keys if key in metadata and metadata[key] is None}

    def dumps(self, metadata: Mapping[str, Any], item: str) -> str:
        """Encode the metadata and write it as JSON of at most 10 MB."""
        return self.write(self.encode(metadata, item), item)

    def write(self, encoded: Mapping[str, Json], item: str) -> str:
        """Write encoded metadata as JSON of at most 10 MB."""
        return written(encoded, item)

    def _prepare(self, key: Any, item: str) -> Encode:
        if not isinstance(key, str) or not key.strip() or not is_unicode(key):
            raise MetadataError(
                f"{item}: metadata key {printable(key)} is not text, empty, or not valid Unicode"
            )
        if any(unicodedata.category(character) == "Cc" for character in key):
            raise MetadataError(
                f"{item}: metadata key {printable(key)} holds a line break, a null character or another control character"
            )
        if key in self._names:
            encoder = self._schema.encoder(self._schema.require(key))
        else:
            if key != RESERVED and not key.startswith("$"):
                self.unknown.add(key)
            encoder = _keep
        self._encoders[key] = encoder
        return encoder


def written(encoded: Mapping[str, Json], item: str) -> str:
    """Encoded metadata as JSON; raises MetadataError for more than 10 MB."""
    try:
        text = dumps(encoded)
    except InvalidInput as error:
        raise MetadataError(f"{item}: {error.message}") from error
    if len(text) > MAX_METADATA // 4 and len(text.encode()) > MAX_METADATA:
        size = f"{len(text.encode()):,} bytes"
        raise MetadataError(f"{item}: metadata has {size}, at most {MAX_METADATA:,} are allowed")
    return text


def _keep(value: Any) -> Json:
    """Keep a value of an unknown key as given, as long as JSON can hold it unchanged."""
    if type(value) is bool or (type(value) is str and value.isascii()):
        return value
    try:
        json.dumps(
            value, allow_nan=False
        )  # refuses NaN and infinity at any depth, which orjson writes as null
        dumps(value)
    except InvalidInput as error:
        raise ValueError(error.message) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot be kept as JSON ({error})") from error
    return value
