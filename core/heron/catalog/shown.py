"""Metadata as people see it: values of keys whose type has a decoder get their shown form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from heron.catalog.database import Database
from heron.errors import PluginError
from heron.models import Folder, Frame, Item, Json

if TYPE_CHECKING:
    from heron.hooks.interfaces import Decode
    from heron.metadata.schema import Schema

R = TypeVar("R", Item, Frame, Folder)

PLAIN_TYPES = ("boolean", "datetime", "number", "uuid", "varchar", "text", "enum", "embedding", "geospatial")
"""The built-in types. Their shown form is the stored form, so that listing items needs no plugin."""


class ShownMetadata:
    """Puts the shown form into records."""

    def __init__(self, database: Database, schema: Callable[[], Schema]) -> None:
        self._database = database
        self._schema = schema
        marks = ",".join("?" * len(PLAIN_TYPES))
        self._found: tuple[object, Mapping[str, Decode]] | None = None
        self._others = f"SELECT name FROM schema_keys WHERE state = 'active' AND type NOT IN ({marks})"

    def of(self, records: Iterable[R]) -> list[R]:
        """The records, with metadata in its shown form; a value that cannot be decoded stays in its stored form.

        Such a value was stored before its key was added, or the plugin of its type is missing: `metadata verify` and
        `heron plugins` report this.
        """
        given = list(records)
        decoders = self._decoders() if any(record.metadata for record in given) else {}
        return [_shown(record, decoders) for record in given] if decoders else given

    def differs(self) -> bool:
        """Whether the shown form of any key is not the stored one."""
        return bool(self._decoders())

    def metadata(self, stored: Sequence[dict[str, Json]]) -> Sequence[dict[str, Json]]:
        """Stored metadata in its shown form."""
        decoders = self._decoders()
        return [_shown_values(values, decoders) for values in stored] if decoders else stored

    def has_decoders(self) -> bool:
        """Whether the shown form of a value may differ from the stored one."""
        return bool(self._decoders())

    def _decoders(self) -> Mapping[str, Decode]:
        """The decoders of the keys of the present schema, kept as long as the catalogue stays the same."""
        state, found = self._database.state(), self._found
        if found is not None and found[0] == state:
            return found[1]
        decoders = self._read()
        if not self._database.is_writing:  # what is being written can be undone
            self._found = state, decoders
        return decoders

    def _read(self) -> Mapping[str, Decode]:
        names = [row[0] for row in self._database.rows(self._others, PLAIN_TYPES)]
        found = {}
        schema = self._schema() if names else None
        for name in names:
            key = schema.get(name) if schema is not None else None
            try:
                decode = schema.decoder(key) if schema is not None and key is not None else None
            except PluginError:
                continue
            if decode is not None:
                found[name] = decode
        return found


def _shown(record: R, decoders: Mapping[str, Decode]) -> R:
    shown = _shown_values(record.metadata, decoders)
    return record if shown is record.metadata else evolve(record, metadata=shown)


def _shown_values(values: dict[str, Json], decoders: Mapping[str, Decode]) -> dict[str, Json]:
    changed = {
        key: _decoded(decode, values[key]) for key, decode in decoders.items() if values.get(key) is not None
    }
    return {**values, **changed} if changed else values


def _decoded(decode: Decode, stored: Json) -> Json:
    try:
        return decode(stored)
    except Exception:  # noqa: BLE001 - code of a plugin; a faulty value must not hide its item
        return stored
