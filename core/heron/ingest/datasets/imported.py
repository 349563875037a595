"""A dataset of another tool as a stream of units: what its importer yields, located, checked, and with what the schema keeps of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from heron.convert import dumps
from heron.errors import BadCredentials, HeronError, InvalidInput, Unreachable
from heron.hooks import PluginManager
from heron.hooks.door import guarded
from heron.hooks.importers import DatasetImporter, ImportEntry
from heron.ingest.datasets.source import DatasetSource, inside
from heron.ingest.manifest.entries import Entries, as_unicode
from heron.ingest.manifest.reading import Flags
from heron.ingest.units import Unit
from heron.metadata.keys import printable
from heron.metadata.schema import Schema
from heron.models import Json

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_TEXTS = ("varchar", "text")
_FORMS = (str, int, float, bool)


class ImportedDataset:
    """A dataset that an importer reads; it has what `Manifest` has."""

    def __init__(
        self,
        plugins: PluginManager,
        record: DatasetImporter,
        path: Path,
        entries: Entries,
        schema: Schema,
        root: Path | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """`root` is the folder of its files, `keys` the keys of the schema for its annotations, by what these are called."""
        self.path = path
        self.entries = entries
        self.schema = schema
        self._plugins = plugins
        self._record = record
        self._who = plugins.named(record)
        self._root = root
        self._keys = dict(keys or {})
        self._source: DatasetSource | None = None
        self._left_out: set[str] = set()
        if others := sorted({*self._keys} - {*record.annotations}):
            known = ", ".join(record.annotations) or "none"
            raise InvalidInput(
                f"the format {record.name} has no {printable(others[0])}",
                hint=f"its annotations are: {known}",
            )
        for key in self._keys.values():
            schema.require(key)

    def flags(self) -> Flags:
        """A second run adds only what is new, as for files."""
        return Flags(skip_duplicates=True)

    def share(self) -> float | None:
        """The share of the file that was read."""
        return self._source.share() if self._source is not None else None

    def digest(self) -> str:
        """A hash of the dataset."""
        return self._opened().digest()

    def units(self) -> Iterator[Unit]:
        """The units of all entries, in order; raises InvalidInput if the dataset is damaged or of another format."""
        self._left_out.clear()
        source = self._source = self._opened()
        importer = self._plugins.load(self._record)
        stream: Iterator[Any] | None = None
        while True:
            with guarded(self._who, "entries", self.path.name, InvalidInput):
                if stream is None:
                    stream = iter(importer.entries(source))
                entry = next(stream, None)
                if entry is not None and not isinstance(entry, ImportEntry):
                    raise TypeError(f"it yielded {type(entry).__name__}, expected ImportEntry")
            if entry is None:
                return
            yield self._unit(entry, source)

    def _opened(self) -> DatasetSource:
        record = self._record
        source = DatasetSource(self.path, self._root)
        if self.path.is_dir() and not record.reads_folder:
            raise InvalidInput(f"{self.path} is a folder", hint=f"the format {record.name} is one file")
        names = (self.path.name.lower(), self.path.name.lower().removesuffix(".gz"))
        if (
            record.suffixes
            and not self.path.is_dir()
            and not any(n.endswith(tuple(record.suffixes)) for n in names)
        ):
            raise InvalidInput(
                f"{self.path.name}: a file of the format {record.name} ends with {' or '.join(record.suffixes)}"
            )
        return source

    def _unit(self, entry: ImportEntry, source: DatasetSource) -> Unit:
        place = as_unicode(str(entry.place))
        notes = [as_unicode(f"{place}: {note}") for note in entry.notes]
        if entry.problem is not None:
            return Unit(place, "", problem=as_unicode(f"{place}: {entry.problem}"), notes=tuple(notes))
        try:
            metadata = {**entry.metadata, **self._kept(entry, notes)}
            raw: dict[str, Json] = {"title": entry.name, "metadata": metadata or None}
            if entry.files:
                raw["images"] = [self._located(file, place, source) for file in entry.files]
            else:
                raw["url"] = self._located(entry.file, place, source)
        except (BadCredentials, Unreachable):
            raise
        except HeronError as error:
            return Unit(place, "", problem=as_unicode(str(error)), notes=tuple(notes))
        unit = self.entries.unit(raw, place, entry.kind)
        return evolve(unit, notes=(*notes, *unit.notes)) if notes else unit

    def _located(self, file: str, place: str, source: DatasetSource) -> str:
        """The URL of a file, or its path below the folder of the files."""
        if not isinstance(file, str):
            raise InvalidInput(f"{place}: the file is {printable(file)}, expected a text")
        if _SCHEME.match(file) and not file.lower().startswith("file:"):
            return file
        try:
            return inside(source.files, file).as_uri()
        except InvalidInput as error:
            raise InvalidInput(f"{place}: the file {error.message}", hint=error.hint) from error

    def _kept(self, entry: ImportEntry, notes: list[str]) -> dict[str, Json]:
        """Those annotations of an entry that the schema has a key for; the first entry without one says so."""
        kept: dict[str, Json] = {}
        for name, value in entry.annotations.items():
            key = self._keys.get(name, name)
            known = self.schema.get(key)
            if value is None or value in ("", [], {}):
                continue
            if known is None:
                if name not in self._left_out:
                    self._left_out.add(name)
                    notes.append(
                        f"{entry.place}: {printable(name)} is not kept, here and in further entries, since the schema has no key {printable(key)} "
                        f"(heron schema add {key} text, and import again with --upsert-metadata)"
                    )
                continue
            kept[key] = _as(known.type, value)
        return kept


def _as(type: str, value: Json) -> Json:
    """An annotation in the form of a type: a list of texts is one text with commas, and what is nested is JSON."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], _FORMS):
        value = value[0]
    if type not in _TEXTS or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return dumps(value)
