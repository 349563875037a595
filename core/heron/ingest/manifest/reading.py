"""Reading a manifest as a stream of units: JSON with an array for each kind, JSONL, and CSV."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from attrs import define, frozen

from heron.errors import InvalidInput, NotFound
from heron.ingest.forms import form_of, is_of_lines, lines_of, opened
from heron.ingest.manifest.entries import Entries, as_unicode
from heron.ingest.manifest.tables import table_units
from heron.ingest.units import Unit
from heron.json_stream import LineReader, elements
from heron.media.kinds import plain
from heron.metadata.keys import printable
from heron.metadata.schema import Schema
from heron.models import Json, Kind

_FLAGS = {"skipduplicateurls": "skip_duplicates", "upsertmetadata": "upsert_metadata"}
_FLAG_TEXT = re.compile(rb'"(skip_?duplicate_?urls|upsert_?metadata)"', re.IGNORECASE)

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv")
"""The endings of manifests, each also with `.gz` behind it."""


@frozen
class Flags:
    """What a manifest says about a second run; None if it does not say."""

    skip_duplicates: bool | None = None
    upsert_metadata: bool | None = None


@define
class Manifest:
    """A manifest on disk. A faulty entry becomes a unit with a problem; a file that cannot be read further raises."""

    path: Path
    entries: Entries
    schema: Schema
    _size: int = 0
    _stream: IO[bytes] | None = None

    def units(self) -> Iterator[Unit]:
        """The units of all entries, in order; raises InvalidInput if the file is damaged, and NotFound."""
        try:
            with self._opened() as (form, stream):
                if form == ".json":
                    yield from self._json(stream)
                elif form == ".csv":
                    yield from table_units(stream, str(self.path), self.entries, self.schema)
                else:
                    yield from self._lines(stream)
        except FileNotFoundError:
            raise NotFound(f"{self.path} is not there") from None
        except OSError as error:
            raise InvalidInput(f"{self.path} cannot be read: {error.strerror or error}") from error

    @contextmanager
    def _opened(self) -> Iterator[tuple[str, IO[bytes]]]:
        """The form of the content, one of the endings, and the content itself."""
        form = form_of(self.path)
        if form not in SUFFIXES:
            raise InvalidInput(
                f"{self.path}: a manifest ends with {', '.join(SUFFIXES)}, or one of them and .gz"
            )
        with self.path.open("rb") as raw, opened(raw, self.path) as stream:
            self._stream, self._size = raw, self.path.stat().st_size
            try:
                if form == ".json" and is_of_lines(stream, self._is_entry):
                    form = ".jsonl"
                yield form, stream
            finally:
                self._stream = None

    def _is_entry(self, value: dict[str, Json], is_followed: bool) -> bool:
        """Whether the object of the first line is an entry, and not a whole manifest, which may contain notes of any name."""
        names = {plain(key) for key in value}
        if any(name.startswith("objecturl") for name in names):
            return True
        return is_followed and (bool(names & {"url", "kind", "type"}) or names <= _FLAGS.keys())

    def share(self) -> float | None:
        """The share of the file that was read, from 0 to 1; None if it is not known."""
        if self._stream is None or self._stream.closed or not self._size:
            return None
        return min(1.0, self._stream.tell() / self._size)

    def flags(self) -> Flags:
        """The flags of a JSON or JSONL manifest; they can be anywhere in the file."""
        found: dict[str, bool] = {}
        if form_of(self.path) not in (".json", ".jsonl", ".ndjson") or not self._may_have_flags():
            return Flags()
        for key, place, value in self._members():
            _take_flag(key, value, place, found)
        return Flags(**found)

    def digest(self) -> str:
        """The SHA-256 of the file, with which a resumed import checks that the file has not changed."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _may_have_flags(self) -> bool:
        """Whether the name of a flag occurs anywhere in the file, which is a fast check."""
        with suppress(OSError, InvalidInput), self._opened() as (_, stream):
            before = b""
            while block := stream.read(1 << 20):
                if _FLAG_TEXT.search(before + block):
                    return True
                before = block[-64:]
        return False  # perhaps it cannot be read: reading the units reports that

    def _members(self) -> Iterator[tuple[str, str, Json]]:
        """Candidates for flags, as (key, place, value). Errors in the file are ignored here: `units` reports them."""
        with suppress(InvalidInput), self._opened() as (form, stream):
            if form == ".json":
                for path, value in elements(stream, str(self.path)):
                    yield path.removeprefix("$."), path, value
                return
            read = LineReader()
            for number, line in enumerate(lines_of(stream, str(self.path)), start=1):
                row = None
                if _FLAG_TEXT.search(line):
                    with suppress(InvalidInput):
                        row = read(line)
                for key, value in row.items() if isinstance(row, dict) else ():
                    yield key, f"line {number}.{key}", value

    def _json(self, stream: IO[bytes]) -> Iterator[Unit]:
        kinds: dict[str, Kind | None] = {}
        for path, value in elements(stream, str(self.path), mark_repeated=True):
            name = path[2 : path.rfind("[")] if path.endswith("]") and path[1] == "." else ""
            if path[1] == "[":
                yield self.entries.unit(value, path)
            elif name:
                if name not in kinds:
                    try:
                        kinds[name] = self.entries.kind_named(name, f"$.{name}")
                    except InvalidInput as error:
                        kinds[name] = None
                        yield Unit(as_unicode(f"$.{name}"), "", problem=as_unicode(str(error)))
                if kinds[name] is not None:
                    yield self.entries.unit(value, path, kinds[name])
            elif plain(path[2:]) not in _FLAGS:
                yield from self._member_problem(path, value)

    def _member_problem(self, path: str, value: Json) -> Iterator[Unit]:
        """The problem of a member of the manifest that is not an array; unknown flags and notes are skipped."""
        if plain(path[2:]) == "objecturl":
            hint = 'put it into an array, such as {"images": [{"objectUrl": "…"}]}'
            yield Unit("$", "", problem=f"$: found an entry, expected arrays of entries ({hint})")
            return
        try:
            self.entries.kind_named(path[2:], path)
        except InvalidInput:
            names = self.entries.kinds.names_in_manifests()
            close = difflib.get_close_matches(plain(path[2:]), [*_FLAGS, *names], n=1, cutoff=0.85)
            if close:
                meant = "skip_duplicate_urls" if close[0].startswith("skip") else close[0]
                meant = "upsert_metadata" if close[0].startswith("upsert") else meant
                yield Unit(
                    path, "", problem=f"{path}: {printable(path[2:])} is unknown (did you mean {meant}?)"
                )
            return
        if value is not None:
            yield Unit(path, "", problem=f"{path}: expected an array, got {printable(value)}")

    def _lines(self, stream: IO[bytes]) -> Iterator[Unit]:
        read = LineReader()
        for number, line in enumerate(lines_of(stream, str(self.path)), start=1):
            if not line.strip():
                continue
            place = f"line {number}"
            try:
                row = read(line)
            except InvalidInput as error:
                yield Unit(place, "", problem=f"{place}: {error.message}")
                continue
            if isinstance(row, dict) and row and all(plain(key) in _FLAGS for key in row):
                continue
            yield self.entries.unit(row, place)


def _take_flag(key: str, value: Json, place: str, found: dict[str, bool]) -> None:
    name = _FLAGS.get(plain(key))
    if name is None or value is None:
        return
    if not isinstance(value, bool):
        raise InvalidInput(f"{place}: expected true or false, got {printable(value)}")
    found[name] = value
