"""Metadata from a JSON, JSONL, CSV or Parquet file, in which each row names its item by UUID, URL, path or name."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from attrs import field, frozen

from heron.catalog.items import ItemService, bundles
from heron.catalog.metadata import MetadataService
from heron.convert import loads_given, without_secrets
from heron.errors import HeronError, InvalidInput, NotFound, PluginError
from heron.export.headers import (
    FRAMES_COLUMNS,
    FRAMES_PREFIX,
    MEMBERS_COLUMNS,
    PREFIX,
    SAFE,
    is_exported,
    is_safe,
    plain_text,
)
from heron.ingest.forms import form_of, is_of_lines, lines_of, opened, table_of
from heron.ingest.metadata_keys import unknown_keys
from heron.json_stream import elements
from heron.metadata.schema import Schema
from heron.models import MAX_METADATA, Json, utc_iso
from heron.records import Record
from heron.uuids import is_uuid

COLUMNS = {
    "uuid": "uuid",
    "id": "uuid",
    "url": "url",
    "objectUrl": "url",
    "name": "name",
    "title": "name",
    "path": "path",
}
"""The columns that can name an item, in this order, and what each one is; a `path` beside another one is metadata."""


_NAMING = {*COLUMNS, "metadata"}
_LOWER = {name.lower() for name in COLUMNS}
_NOTHING: tuple[Json, ...] = (None, "", [], {})


@frozen(repr=False)
class MetadataFileReport(Record):
    """The result of a metadata file. `ambiguous` maps each name that several items have to their number; rows
    with such a name changed nothing. `passed_over` has the columns that are not metadata, such as the fields of items in an
    exported dataset, and `unknown_keys` the keys of the file that the schema does not know. Only a dry run has `would_change`,
    the number of items whose metadata would change; nothing was updated then.
    """

    updated: int
    unmatched: tuple[str, ...]
    ambiguous: Mapping[str, int] = field(hash=False)
    passed_over: tuple[str, ...] = ()
    unknown_keys: tuple[str, ...] = ()
    rows: int = 0
    would_change: int | None = None


Name = tuple[str, str]
"""How an item is named (`uuid`, `url`, `path` or `name`), and the name."""

Row = tuple[Sequence[Name], dict[str, Json]]
"""The names of the item, each for when no item has the one before, and the metadata."""


def apply_file(
    file: Path,
    items: ItemService,
    metadata: MetadataService,
    schema: Schema,
    *,
    by: str | None,
    replace: bool,
    as_is: bool,
    dry_run: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> MetadataFileReport:
    """Merge the metadata of a file into items, or replace theirs by it, in batches; raises InvalidInput that
    names the invalid row.

    The keys of the whole file are checked first, see `unknown_keys`. With `dry_run` nothing is written. `progress` is called
    with the number of rows that are done, and of all rows once the file was read.
    """
    unmatched: list[str] = []
    ambiguous: dict[str, int] = {}
    passed_over: dict[str, None] = {}
    count = 0

    def rows() -> Iterator[Row]:
        return (_split(row, place, by, passed_over) for place, row in read_rows(file, schema))

    total = 0

    def keys() -> Iterator[dict[str, Json]]:
        nonlocal total
        for _, values in rows():
            total += 1
            yield values

    unknown = unknown_keys(file, keys(), schema, as_is=as_is)
    changed: set[int] = set()
    updated = 0
    try:
        for bundle in bundles(rows()):
            progress(count, total)
            count += len(bundle)
            found = _find(items, bundle)
            updates: list[tuple[Any, Mapping[str, Json]]] = []
            for (names, values), uuids in zip(bundle, found, strict=True):
                key = names[0][1]
                if len(uuids) == 1:
                    updates.append((uuids[0], values))
                elif uuids:
                    ambiguous[key] = len(uuids)
                else:
                    unmatched.append(without_secrets(key))
            if dry_run:
                changed |= metadata._would_change(updates, replace=replace)
            else:
                updated += metadata.replace(updates) if replace else metadata.merge(updates)
    except HeronError as error:
        if updated:
            done = f"the {updated:,} items of the batches before were updated"
            error.hint = f"{error.hint}; {done}" if error.hint else done
        raise
    return MetadataFileReport(
        updated,
        tuple(unmatched),
        ambiguous,
        tuple(passed_over),
        tuple(unknown),
        count,
        len(changed) if dry_run else None,
    )


def read_rows(file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    """The rows of a file with their places, as a stream except for JSON."""
    readers = {".json": _json, ".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv}
    form = form_of(file)
    if form not in readers and file.suffix.lower() != ".parquet":
        raise InvalidInput(
            f"{file}: a metadata file ends with {', '.join(readers)}, .parquet",
            hint="pack any of them but Parquet as .gz",
        )
    try:
        if form not in readers:
            yield from _parquet(file)
            return
        with file.open("rb") as raw, opened(raw, file) as stream:
            yield from readers[form](stream, file, schema)
    except FileNotFoundError:
        raise NotFound(f"{file} is not there") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text") from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from error


def _json(stream: IO[bytes], file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    if is_of_lines(stream, _is_row):
        yield from _jsonl(stream, file, schema)
        return
    for path, row in elements(stream, str(file)):
        if path.startswith("$["):
            yield _object(row, f"{file}: {path}")
        else:  # {"UUID": {…}}
            place, metadata = _object(None if path.endswith("]") else row, f"{file}: {path}")
            yield place, {"uuid": path.removeprefix("$."), "metadata": metadata}


def _is_row(value: dict[str, Any], is_followed: bool) -> bool:
    """Whether an object is a row that names its item, and not {"UUID": {…}}."""
    return any(key.lower() in _LOWER and not isinstance(found, dict) for key, found in value.items())


def _jsonl(stream: IO[bytes], file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    for number, line in enumerate(lines_of(stream, str(file)), start=1):
        if line.strip():
            place = f"{file}, line {number}"
            try:
                row = loads_given(line)
            except InvalidInput as error:
                raise InvalidInput(f"{place}: {error.message}") from error
            yield _object(row, place)


def _csv(stream: IO[bytes], file: Path, schema: Schema) -> Iterator[tuple[str, dict[str, Json]]]:
    from heron.metadata.text_values import from_text

    table = table_of(stream, str(file), _is_header, MAX_METADATA, strict=False)
    reader = csv.DictReader(())
    reader.reader = table.rows
    try:
        header = reader.fieldnames or []
        _check_is_of_items(file, header, schema)
        reader.fieldnames = _distinct(file, header)
        exported = is_exported(header) or any(column.startswith(PREFIX) for column in header)
        safe = is_safe(header)
        for row in reader:
            place = f"{file}, line {table.line}"
            if None in row:
                raise InvalidInput(f"{place} has more cells than the header")
            if safe:
                row = {column: plain_text(text or "") for column, text in row.items() if column != SAFE}
            fields = {c: text for c, text in row.items() if exported and not c.startswith(PREFIX)}
            cells = {c.removeprefix(PREFIX): text for c, text in row.items() if c not in fields}
            values = {key: from_text(key, text, schema) for key, text in cells.items() if text}
            yield place, {**fields, "metadata": values} if exported else values
    except csv.Error as error:
        raise InvalidInput(f"{file} is not valid CSV: {error}") from error


def _is_header(cells: Sequence[str]) -> bool:
    return is_exported(cells) or any(cell.strip().lower() in _LOWER for cell in cells)


def _distinct(file: Path, header: Sequence[str]) -> list[str]:
    """The names of the columns; raises InvalidInput if two have the same. Columns without a name get blank ones, so
    that their cells are not lost before they are refused.
    """
    doubled = [column for column, number in Counter(header).items() if number > 1 and column]
    if doubled:
        raise InvalidInput(
            f"{file} has several columns {', '.join(map(repr, doubled))}",
            hint="each column needs a name of its own",
        )
    return [column or " " * number for number, column in enumerate(header, start=1)]


def _check_is_of_items(file: Path, header: Sequence[str], schema: Schema) -> None:
    """Raise InvalidInput for an exported table of frames or members: their values are not those of the items."""
    exported = is_exported(header)
    for what, prefix, columns in (
        ("frames", "frame.", FRAMES_COLUMNS),
        ("members", "member.", MEMBERS_COLUMNS),
    ):
        for column in header:
            ours = column in columns or column.startswith(FRAMES_PREFIX) or exported
            if ours and column.startswith(prefix) and schema.get(column) is None:
                raise InvalidInput(
                    f"{file} is an exported table of {what}, which has no metadata of items: its column {column} is of {what}",
                    hint="export the dataset as csv or json to import the metadata of its items",
                )


def _parquet(file: Path) -> Iterator[tuple[str, dict[str, Json]]]:
    try:
        import duckdb
    except ImportError as error:
        raise PluginError("reading Parquet needs duckdb", hint='pip install "heron[parquet]"') from error
    if not file.is_file():
        raise FileNotFoundError(file)
    try:
        with duckdb.connect() as connection:
            columns = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [str(file)]).description
            names = [column[0] for column in columns]
            instants = [name for name, kind, *_ in columns if str(kind) == "TIMESTAMP WITH TIME ZONE"]
            quoted = ('"' + name.replace('"', '""') + '"' for name in instants)
            in_utc = ", ".join(f"make_timestamp(epoch_us({name})) AS {name}" for name in quoted)
            replace = f" REPLACE ({in_utc})" if in_utc else ""  # duckdb itself would need pytz for them
            cursor = connection.execute(f"SELECT *{replace} FROM read_parquet(?)", [str(file)])
            number = 0
            while batch := cursor.fetchmany(1000):
                for row in batch:
                    values = dict(zip(names, row, strict=True))
                    yield (
                        f"{file}, row {number}",
                        {name: _plain(value, name in instants) for name, value in values.items()},
                    )
                    number += 1
    except duckdb.Error as error:
        raise InvalidInput(f"{file} is not readable Parquet: {str(error).splitlines()[0]}") from error


def _plain(value: Any, is_utc: bool) -> Any:
    """A Parquet value as JSON: UUIDs, dates and times become text."""
    if isinstance(value, datetime):
        return utc_iso(value.replace(tzinfo=UTC)) if is_utc else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _object(row: Any, place: str) -> tuple[str, dict[str, Json]]:
    if not isinstance(row, dict):
        raise InvalidInput(f"{place}: expected an object, got {type(row).__name__}")
    return place, row


def _split(row: dict[str, Json], place: str, by: str | None, passed_over: dict[str, None]) -> Row:
    """A row of a file: the first column that names an item, and the other columns as metadata.

    Unless `by` says how items are named, the URL, and in an exported dataset the path, is for when no item has that UUID: the
    file may come from another workspace. If the row has an object `metadata`, the other columns are not metadata; they are added to `passed_over`. Many tables have an `id` that is not a UUID; it does not name an item, and is metadata.
    """
    lower = {key.lower(): key for key in reversed(row)}
    for name, kind in COLUMNS.items():
        column = lower.get(name.lower())
        if column is None or (by is not None and kind != by):
            continue
        value = row[column]
        if not isinstance(value, str) or not value or (name == "id" and by is None and not is_uuid(value)):
            continue
        nested = row.get("metadata")
        others = {k: v for k, v in row.items() if k != column and k.lower() not in ("uuid", "url")}
        if isinstance(nested, dict):
            passed_over.update((k, None) for k, v in others.items() if v not in _NOTHING and k not in _NAMING)
        kept = nested if isinstance(nested, dict) else others
        names = [(kind, value.lower() if kind == "uuid" else value)]
        if by is None and kind == "uuid":
            beside = ("url", "path") if isinstance(nested, dict) else ("url",)
            names += [
                (other, found) for other in beside if isinstance(found := row.get(other), str) and found
            ]
        return names, kept
    raise InvalidInput(f"{place} names no item", hint=f"give it a column {by or 'uuid, url, path or name'}")


def _find(items: ItemService, rows: Sequence[Row]) -> list[list[str]]:
    """The UUIDs of the items that each row names."""
    found: list[list[str]] = [[] for _ in rows]
    left = [(place, names) for place, (names, _) in enumerate(rows)]
    for depth in range(max((len(names) for names, _ in rows), default=0)):
        left = [(place, names) for place, names in left if not found[place] and len(names) > depth]
        for kind in dict.fromkeys(names[depth][0] for _, names in left):
            of_kind = [(place, names[depth][1]) for place, names in left if names[depth][0] == kind]
            matches = items._called(kind, (name for _, name in of_kind))
            for place, name in of_kind:
                found[place] = [uuid for _, uuid in matches.get(name, ())]
    return found
