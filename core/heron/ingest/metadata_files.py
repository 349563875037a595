"""Metadata from a file: JSON, JSONL, CSV or Parquet, each row naming its item by UUID, URL or name."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from heron.catalog.database import Database
from heron.catalog.items import bundles
from heron.catalog.metadata import MetadataService
from heron.convert import loads
from heron.errors import InvalidInput, NotFound, PluginError
from heron.metadata.schema import Schema
from heron.models import Json

COLUMNS = {"uuid": "uuid", "id": "uuid", "url": "url", "objectUrl": "url", "name": "name", "title": "name"}
"""Column names that name an item, and what each names it by."""


@frozen
class MetadataFileReport:
    """What a metadata file did; `ambiguous` holds how many items a name has. Those rows changed nothing."""

    updated: int
    unmatched: tuple[str, ...]
    ambiguous: Mapping[str, int]


Row = tuple[str, dict[str, Json]]


def apply_file(
    file: Path,
    database: Database,
    metadata: MetadataService,
    schema: Schema,
    *,
    by: str | None,
    replace: bool,
) -> MetadataFileReport:
    """Merge, or replace by, the metadata of a file, bundle by bundle; raises InvalidInput naming the faulty row."""
    apply = metadata.replace if replace else metadata.merge
    updated = 0
    unmatched: list[str] = []
    ambiguous: dict[str, int] = {}
    rows = (_split(row, place, by) for place, row in read_rows(file, schema))
    for kind, bundle in _by_kind(rows):
        found = _find(database, kind, [key for key, _ in bundle])
        updates: list[tuple[Any, Mapping[str, Json]]] = []
        for key, values in bundle:
            uuids = found.get(key, [])
            if len(uuids) == 1:
                updates.append((uuids[0], values))
            elif uuids:
                ambiguous[key] = len(uuids)
            else:
                unmatched.append(key)
        updated += apply(updates)
    return MetadataFileReport(updated, tuple(unmatched), ambiguous)


def read_rows(file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    """The rows of a file with their places, as a stream except for JSON."""
    readers = {".json": _json, ".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise InvalidInput(f"{file}: a metadata file ends with {', '.join(readers)}")
    try:
        yield from reader(file, schema)
    except FileNotFoundError:
        raise NotFound(f"{file} is not there") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is no UTF-8 text") from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from error


def _json(file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    try:
        data = loads(file.read_bytes())
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error.message}") from error
    if isinstance(data, dict):  # {"UUID": {…}}
        data = [
            {"uuid": uuid, **values} if isinstance(values, dict) else values for uuid, values in data.items()
        ]
    if not isinstance(data, list):
        raise InvalidInput(f"{file} holds neither an array nor an object")
    for number, row in enumerate(data):
        yield _object(row, f"{file}: $[{number}]")


def _jsonl(file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                place = f"{file}, line {number}"
                try:
                    row = loads(line)
                except InvalidInput as error:
                    raise InvalidInput(f"{place}: {error.message}") from error
                yield _object(row, place)


def _csv(file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    from heron.metadata.text_values import from_text

    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        try:
            for number, row in enumerate(reader, start=2):
                if None in row:
                    raise InvalidInput(f"{file}, line {number} has more cells than the header")
                if any(column.startswith("metadata.") for column in row):  # an exported dataset
                    row = {
                        key: text
                        for key, text in row.items()
                        if key in COLUMNS or key.startswith("metadata.")
                    }
                cells = {key.removeprefix("metadata."): text or "" for key, text in row.items()}
                yield (
                    f"{file}, line {number}",
                    {key: from_text(key, text, schema) for key, text in cells.items()},
                )
        except csv.Error as error:
            raise InvalidInput(f"{file} is no CSV: {error}") from error


def _parquet(file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    try:
        import duckdb
    except ImportError as error:
        raise PluginError("reading Parquet needs duckdb", hint='pip install "heron[parquet]"') from error
    if not file.is_file():
        raise FileNotFoundError(file)
    try:
        with duckdb.connect() as connection:
            cursor = connection.execute("SELECT * FROM read_parquet(?)", [str(file)])
            names = [column[0] for column in cursor.description]
            number = 0
            while batch := cursor.fetchmany(1000):
                for row in batch:
                    yield f"{file}, row {number}", dict(zip(names, row, strict=True))
                    number += 1
    except duckdb.Error as error:
        raise InvalidInput(f"{file} is no readable Parquet: {str(error).splitlines()[0]}") from error


def _object(row: Any, place: str) -> tuple[str, dict[str, Json]]:
    if not isinstance(row, dict):
        raise InvalidInput(f"{place}: expected an object, got {type(row).__name__}")
    return place, row


def _split(row: dict[str, Json], place: str, by: str | None) -> tuple[str, Row]:
    """What names the item, by what, and the metadata."""
    column = next(
        (name for name, kind in COLUMNS.items() if name in row and (by is None or kind == by)), None
    )
    if column is None or not isinstance(row[column], str) or not row[column]:
        wanted = by or "uuid, url or name"
        raise InvalidInput(f"{place} names no item", hint=f"give it a column {wanted}")
    nested = row.get("metadata")
    others = {key: value for key, value in row.items() if key not in (column, "uuid", "url")}
    kept = nested if isinstance(nested, dict) else others
    return COLUMNS[column], (row[column], kept)


def _by_kind(rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, list[Row]]]:
    """Bundles of rows that name their items in the same way."""
    for bundle in bundles(rows):
        for kind in dict.fromkeys(kind for kind, _ in bundle):
            yield kind, [row for other, row in bundle if other == kind]


def _find(database: Database, kind: str, keys: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for bundle in bundles(dict.fromkeys(keys), 500):
        marks = ",".join("?" * len(bundle))
        for row in database.rows(
            f"SELECT {kind} AS key, uuid FROM items WHERE {kind} IN ({marks}) AND deleted_at IS NULL", bundle
        ):
            found.setdefault(row["key"], []).append(row["uuid"])
    return found
