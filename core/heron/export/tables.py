"""Writes datasets as CSV: a table of the items, one of their members, and one of their frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from heron.catalog.dataset_rows import Columns, DatasetRows
from heron.convert import dumps, frame_to_dict, loads, member_to_dict
from heron.export.files import Scratch
from heron.export.headers import (
    FRAME,
    FRAMES_COLUMNS,
    FRAMES_PREFIX,
    ITEM,
    MEMBER,
    MEMBERS_COLUMNS,
    PREFIX,
    SAFE,
    safe_text,
)
from heron.export.plain import columns_of, plain_rows
from heron.models import DatasetRow, Json


class CsvExporter:
    """A table: `position`, the exported fields of the item, then a column `metadata.KEY` for each key that occurs, and `tags`.

    With `safe_cells`, texts that a spreadsheet would run as a formula get a leading apostrophe, and a last column says so.
    """

    def __init__(self, *, safe_cells: bool = False) -> None:
        self._safe = safe_cells

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the table and return the number of rows; a temporary file stores them until all keys are known."""
        given = rows.columns(_OF_ITEM) if isinstance(rows, DatasetRows) else columns_of(rows)
        with Scratch() as spool:
            keys, count, parts = self._spooled(given, spool)
            with _Table(stream) as writer:
                header = [*ITEM, *(f"{PREFIX}{key}" for key in keys), "tags"]
                writer.writerow([*header, SAFE] if self._safe else header)
            for known, size in parts:
                if known == len(keys):
                    for block in spool.part(size):
                        stream.write(block)
                else:
                    _widen(spool.part(size), len(ITEM) + known, len(keys) - known, stream)
        return count

    def _spooled(
        self, rows: Iterable[Columns], spool: Scratch
    ) -> tuple[list[str], int, list[tuple[int, int]]]:
        """Write all rows to a temporary file; returns the keys, the number of rows, and the parts of the file: how many keys
        were known while each was written, and its length in bytes.
        """
        cell = _safe_cell if self._safe else _cell
        keys: dict[str, None] = {}
        parts: list[tuple[int, int]] = []
        count = 0

        def cells(values: Sequence[Any]) -> Sequence[Any]:
            """A column of cells; the writer takes what it writes as `_cell` does."""
            return values if not self._safe and {*map(type, values)} <= _WRITTEN else [*map(cell, values)]

        for columns in rows:
            there = len(columns["position"])
            nothing = [None] * there
            metadata = columns["metadata"]
            keys.update(dict.fromkeys(key for record in metadata for key in record))
            table = [cells(columns.get(name, nothing)) for name in ITEM]
            table += [cells([record.get(key) for record in metadata]) for key in keys]
            table.append(cells([" | ".join(tags) for tags in columns["tags"]]))
            table += [nothing] if self._safe else []
            text = io.StringIO(newline="")
            csv.writer(text).writerows(zip(*table, strict=True))
            data = text.getvalue().encode()
            spool.write(data)
            before = parts.pop() if parts and parts[-1][0] == len(keys) else (len(keys), 0)
            parts.append((len(keys), before[1] + len(data)))
            count += there
        return [*keys], count, parts


def _widen(blocks: Iterable[bytes], place: int, more: int, stream: IO[bytes]) -> None:
    """Write rows with empty cells at a place, for keys that were not known when they were made."""
    with _Table(stream) as writer:
        for row in csv.reader(_lines(blocks)):
            writer.writerow([*row[:place], *[""] * more, *row[place:]])


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from (line.decode() + "\n" for line in whole)
    if rest:
        yield rest.decode()


_OF_ITEM = (*ITEM, "metadata", "tags")
_WRITTEN = {str, int, type(None)}
"""The types of which the writer of CSV makes the same cells as `_cell`."""


class CsvMembersExporter:
    """A table of the files of items of several files, one a row."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the table and return the number of rows of the dataset."""
        count = 0
        with _Table(stream) as writer:
            writer.writerow(MEMBERS_COLUMNS)
            for known, members, _ in plain_rows(rows):
                count += 1
                for position, member in enumerate(members):
                    record = member_to_dict(position, member)
                    writer.writerow(map(_cell, [*_named(known), *map(record.get, MEMBER)]))
        return count


class CsvFramesExporter:
    """A table of the chosen frames of the items, one a row, with a column `frame.metadata.KEY` for each key that occurs."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the table and return the number of rows of the dataset; a temporary file stores the frames until all keys are known."""
        count, keys = 0, dict[str, None]()
        with Scratch() as spool:
            for known, _, frames in plain_rows(rows):
                count += 1
                for frame in frames:
                    keys.update(dict.fromkeys(frame.metadata))
                    spool.write(dumps({"item": _named(known), **frame_to_dict(frame)}).encode() + b"\n")
            with _Table(stream) as writer:
                writer.writerow([*FRAMES_COLUMNS, *(f"{FRAMES_PREFIX}{key}" for key in keys)])
                for record in map(loads, spool.lines()):
                    cells = [*record["item"], *map(record.get, FRAME), *map(record["metadata"].get, keys)]
                    writer.writerow(map(_cell, cells))
        return count


def _named(known: dict[str, Any]) -> list[Json]:
    return [known["position"], known["uuid"], known["name"]]


class _Table:
    """A CSV writer on a binary stream, which stays open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="")

    def __enter__(self) -> Any:
        return csv.writer(self._text)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._text.flush()
        self._text.detach()


def _safe_cell(value: Any) -> str:
    """A cell that spreadsheets take for text: only texts are changed, so that negative numbers stay numbers."""
    return safe_text(value) if isinstance(value, str) else _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)
