"""Writes datasets as JSON, as JSON lines and as CSV, row by row."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from heron.convert import dumps, item_to_dict, loads
from heron.models import ITEM_FIELDS, DatasetRow, Json

_COLUMNS = ("position", *(name for name, field in ITEM_FIELDS.items() if field.exported))


def row_to_dict(row: DatasetRow) -> dict[str, Json]:
    """A dataset row as plain data."""
    return {"position": row.position, **item_to_dict(row.item)}


class JsonExporter:
    """A JSON array with one object for each row."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows one after the other and return their number."""
        count = 0
        stream.write(b"[")
        for count, row in enumerate(rows, start=1):
            stream.write(b"\n" if count == 1 else b",\n")
            stream.write(dumps(row_to_dict(row)).encode())
        stream.write(b"\n]\n")
        return count


class JsonLinesExporter:
    """One JSON object for each row, on a line of its own."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows one after the other and return their number."""
        count = 0
        for row in rows:
            stream.write(dumps(row_to_dict(row)).encode() + b"\n")
            count += 1
        return count


class CsvExporter:
    """A table: `position`, the exported fields of the item, then a column `metadata.KEY` for each key that occurs, and `tags`."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the table and return the number of rows; a temporary file stores them until all keys are known."""
        keys: dict[str, None] = {}
        with tempfile.TemporaryFile() as spool:
            for row in rows:
                record = row_to_dict(row)
                keys.update(dict.fromkeys(record["metadata"]))
                spool.write(dumps(record).encode() + b"\n")
            spool.seek(0)
            text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
            writer = csv.writer(text)
            writer.writerow([*_COLUMNS, *(f"metadata.{key}" for key in keys), "tags"])
            count = 0
            for line in spool:
                count += 1
                record = loads(line)
                metadata = record["metadata"]
                cells = [record.get(name) for name in _COLUMNS] + [metadata.get(key) for key in keys]
                writer.writerow([*map(_cell, cells), " | ".join(record["tags"])])
            text.detach()
        return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)
