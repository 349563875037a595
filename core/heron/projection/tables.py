"""Projected points as a table for other tools: JSON, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from heron.convert import dumps
from heron.errors import InvalidInput, PluginError
from heron.models import utc_iso
from heron.projection.colouring import Value

Row = Sequence[Value]

_SQL_TYPES = {bool: "BOOLEAN", int: "DOUBLE", float: "DOUBLE", datetime: "TIMESTAMP"}
_TEXT = "VARCHAR"


def write_table(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes], suffix: str) -> int:
    """Write rows, with a value for each column, in the format of a suffix as they come; returns how many there were.

    Dates are written in UTC, NaN and infinity as missing. In Parquet a column is of numbers, truth values or timestamps
    where all its values are, else of text. Raises InvalidInput for another suffix, PluginError where duckdb is missing.
    """
    writers = {".json": _write_json, ".csv": _write_csv, ".parquet": _write_parquet}
    writer = writers.get(suffix.lower())
    if writer is None:
        raise InvalidInput(
            f"a table cannot be written as {suffix!r}", hint=f"there are {', '.join(writers)}"
        )
    return writer(columns, rows, stream)


def _write_json(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes]) -> int:
    count = 0
    stream.write(b"[")
    for count, line in enumerate(_lines(columns, rows), start=1):
        stream.write((b"\n" if count == 1 else b",\n") + line)
    stream.write(b"\n]\n")
    return count


def _write_csv(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes]) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(columns)
    count = 0
    for count, row in enumerate(rows, start=1):
        cells = map(_plain, row)
        writer.writerow(["" if cell is None else cell if isinstance(cell, str) else dumps(cell) for cell in cells])
    text.detach()
    return count


def _write_parquet(columns: Sequence[str], rows: Iterable[Row], stream: IO[bytes]) -> int:
    """By way of a file of JSON lines, from which duckdb writes a million rows in seconds."""
    try:
        import duckdb
    except ImportError as error:
        raise PluginError("writing Parquet needs duckdb", hint='pip install "heron[parquet]"') from error
    types: list[set[type]] = [set() for _ in columns]
    count = 0
    with TemporaryDirectory() as directory, duckdb.connect() as connection:
        lines, table = Path(directory) / "rows.jsonl", Path(directory) / "rows.parquet"
        with lines.open("wb") as spool:
            for count, line in enumerate(_lines(map(str, range(len(columns))), _noted(rows, types)), start=1):
                spool.write(line + b"\n")
        names = {str(place): _sql_type(seen) for place, seen in enumerate(types)}
        renamed = ", ".join(f'"{place}" AS {_quoted(name)}' for place, name in enumerate(columns))
        query = f"SELECT {renamed} FROM read_json($lines, columns = {names}, format = 'newline_delimited')"
        connection.execute(
            f"COPY ({query}) TO '{_escaped(table)}' (FORMAT parquet)", {"lines": str(lines)}
        )
        with table.open("rb") as found:
            shutil.copyfileobj(found, stream)
    return count
