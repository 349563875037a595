"""Writes datasets as CSV: a table of the items, one of their members, and one of their frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

from heron.convert import dumps, frame_to_dict, loads, member_to_dict
from heron.export.files import Scratch
from heron.export.plain import row_to_dict
from heron.models import FRAME_FIELDS, ITEM_FIELDS, DatasetRow, Json

_ITEM = ("position", *(name for name, field in ITEM_FIELDS.items() if field.exported))
_OF_ITEM = ("position", "uuid", "name")
_MEMBER = ("position", "url", "path", "size", "etag", "frame_count")
_FRAME = tuple(name for name in FRAME_FIELDS if name not in ("metadata", "metrics"))

MEMBERS_COLUMNS = (*_OF_ITEM, *(f"member.{name}" for name in _MEMBER))
"""The header of a table of members; `position`, `uuid` and `name` are those of the item."""

FRAMES_COLUMNS = (*_OF_ITEM, *(f"frame.{name}" for name in _FRAME))
"""The beginning of the header of a table of frames."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is run as a formula by spreadsheets."""


class CsvExporter:
    """A table: `position`, the exported fields of the item, then a column `metadata.KEY` for each key that occurs, and `tags`.

    With `safe_cells`, texts that a spreadsheet would run as a formula get a leading apostrophe.
    """

    def __init__(self, *, safe_cells: bool = False) -> None:
        self._cell = _safe_cell if safe_cells else _cell

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the table and return the number of rows; a temporary file stores them until all keys are known."""

        def cells(record: dict[str, Json]) -> list[Json]:
            return [*(record.get(name) for name in _ITEM), " | ".join(record["tags"])]

        return _written(map(row_to_dict, rows), (*_ITEM, "tags"), cells, stream, cell=self._cell)


class CsvMembersExporter:
    """A table of the files of items of several files, one a row."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the table and return the number of rows of the dataset."""
        count = 0
        with _Table(stream) as writer:
            writer.writerow(MEMBERS_COLUMNS)
            for row in rows:
                count += 1
                for position, member in enumerate(row.members):
                    record = member_to_dict(position, member)
                    writer.writerow(map(_cell, [*_named(row), *map(record.get, _MEMBER)]))
        return count


class CsvFramesExporter:
    """A table of the chosen frames of the items, one a row, with a column `frame.metadata.KEY` for each key that occurs."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the table and return the number of rows of the dataset."""
        count = 0

        def records() -> Iterator[dict[str, Json]]:
            nonlocal count
            for row in rows:
                count += 1
                for frame in row.frames:
                    yield {"item": _named(row), **frame_to_dict(frame)}

        def cells(record: dict[str, Json]) -> list[Json]:
            return [*record["item"], *map(record.get, _FRAME)]

        _written(records(), FRAMES_COLUMNS, cells, stream, prefix="frame.metadata.")
        return count


def _named(row: DatasetRow) -> list[Json]:
    return [row.position, row.item.uuid, row.item.name]


def _written(
    records: Iterable[dict[str, Json]],
    columns: Sequence[str],
    cells: Callable[[dict[str, Json]], list[Json]],
    stream: IO[bytes],
    prefix: str = "metadata.",
    cell: Callable[[Any], str] | None = None,
) -> int:
    """Write records with a column for each metadata key that occurs, and return their number.

    Keys are known only at the end, so a temporary file stores the records until then. A last column `tags` stays the last.
    """
    keys: dict[str, None] = {}
    fixed = len(columns) - (columns[-1] == "tags")
    with Scratch() as spool:
        for record in records:
            keys.update(dict.fromkeys(record["metadata"]))
            spool.write(dumps(record).encode() + b"\n")
        count = 0
        with _Table(stream) as writer:
            writer.writerow([*columns[:fixed], *(f"{prefix}{key}" for key in keys), *columns[fixed:]])
            for line in spool.lines():
                count += 1
                record = loads(line)
                row = cells(record)
                row[fixed:fixed] = map(record["metadata"].get, keys)
                writer.writerow(map(cell or _cell, row))
    return count


class _Table:
    """A CSV writer on a binary stream, which stays open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)

    def __enter__(self) -> Any:
        return csv.writer(self._text)

    def __exit__(self, *error: object) -> None:
        self._text.detach()


def _safe_cell(value: Any) -> str:
    """A cell that spreadsheets take for text: only texts are changed, so that negative numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)
