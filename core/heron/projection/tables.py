"""Projected points as a table for other tools: JSON, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from heron.convert import dumps
from heron.errors import InvalidInput, PluginError
from heron.models import utc_iso
from heron.projection.colouring import Value, in_utc

Row = Sequence[Value]

_SQL_TYPES = {bool: "BOOLEAN", int: "DOUBLE", float: "DOUBLE", datetime: "TIMESTAMP"}
_TEXT = "VARCHAR"


def write_table(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes], suffix: str) -> int:
    """Write rows, with a value for each column, in the format of a suffix, as a stream; returns the number of
    rows.

    Dates are written in UTC, NaN and infinity as missing. A Parquet column has numbers, truth values or
    timestamps if all its values are of that type, else text. Raises InvalidInput for an unknown suffix,
    PluginError if duckdb is missing.
    """
    writers = {".json": _write_json, ".csv": _write_csv, ".parquet": _write_parquet}
    writer = writers.get(suffix.lower())
    if writer is None:
        raise InvalidInput(f"a table cannot be written as {suffix!r}", hint=f"there are {', '.join(writers)}")
    return writer(columns, rows, stream)


def _write_json(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes]) -> int:
    count = 0
    stream.write(b"[")
    for count, row in enumerate(rows, start=1):
        stream.write((b"\n" if count == 1 else b",\n") + _object(columns, row))
    stream.write(b"\n]\n")
    return count


def _write_csv(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes]) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(map(_cell, row))
        count += 1
    text.detach()
    return count


def _cell(value: Value) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else "" if plain is None else dumps(plain)


def _write_parquet(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes]) -> int:
    """Write a temporary file of JSON lines, which duckdb converts; a million rows take seconds."""
    try:
        import duckdb
    except ImportError as error:
        raise PluginError("writing Parquet needs duckdb", hint='pip install "heron[parquet]"') from error
    seen: list[set[type]] = [set() for _ in columns]
    count = 0
    with TemporaryDirectory() as directory, duckdb.connect() as connection:
        lines, table = Path(directory) / "rows.jsonl", Path(directory) / "rows.parquet"
        with lines.open("wb") as spool:
            for row in rows:
                for types, value in zip(seen, row, strict=True):
                    types.add(type(value))
                spool.write(_object(columns, row) + b"\n")
                count += 1
        types_of_columns = dict(zip(columns, map(_sql_type, seen), strict=True))
        found = connection.read_json(str(lines), columns=types_of_columns, format="newline_delimited")
        found.write_parquet(str(table))
        with table.open("rb") as written:
            shutil.copyfileobj(written, stream)
    return count


def _sql_type(seen: set[type]) -> str:
    kinds = {_SQL_TYPES.get(kind, _TEXT) for kind in seen - {type(None)}}
    return kinds.pop() if len(kinds) == 1 else _TEXT


def _object(columns: Sequence[str], row: Row) -> bytes:
    return dumps(dict(zip(columns, map(_plain, row), strict=True))).encode()


def _plain(value: Value) -> str | bool | float | None:
    if isinstance(value, datetime):
        return utc_iso(in_utc(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
