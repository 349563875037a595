"""The form of a manifest or a metadata file: what its name and its first line say, and how it is opened."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import IO, Any

from attrs import frozen

from heron.errors import InvalidInput
from heron.json_stream import LONGEST, LineReader

SEPARATORS = (",", ";", "\t", "|")
"""What may stand between the cells of a table, the default first."""

_NAMED = re.compile(r'^"?sep=(.)"?[;,\t|]*\s*$', re.IGNORECASE)
"""The line with which a spreadsheet is told the separator."""


def form_of(path: Path) -> str:
    """The ending that says the form, in lower case and without `.gz`: `.json` of `runs.JSON.gz`."""
    suffix = path.suffix.lower()
    return path.with_suffix("").suffix.lower() if suffix == ".gz" else suffix


@contextmanager
def opened(raw: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """The content of an open file, unpacked if its name ends with `.gz`; raises InvalidInput if it is damaged."""
    if path.suffix.lower() != ".gz":
        yield raw
        return
    try:
        with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
            yield stream  # type: ignore[misc]  # it is an io.BufferedIOBase
    except gzip.BadGzipFile as error:
        raise InvalidInput(f"{path} is not a gzip file", hint="take the .gz off its name") from error
    except (EOFError, zlib.error) as error:
        raise InvalidInput(f"{path} is damaged or was cut off: {error}") from error


def lines_of(stream: IO[Any], name: str) -> Iterator[Any]:
    """The lines of a stream of bytes or text; raises InvalidInput for one that is too long to be held in memory."""
    number = 0
    while line := stream.readline(LONGEST):
        number += 1
        if len(line) == LONGEST:
            raise InvalidInput(f"{name}, line {number} is longer than {LONGEST >> 20} MB")
        yield line


def is_of_lines(stream: IO[bytes], is_entry: Callable[[dict[str, Any], bool], bool]) -> bool:
    """Whether a file that is named like JSON has an object in each line, as JSONL; the stream is then at its beginning again.

    `is_entry` judges the object of the first line, and is told whether another object follows in the next one.
    """
    first, more = _with_text(stream, LONGEST), _with_text(stream, 1024)
    stream.seek(0)
    if not first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    try:
        value = LineReader()(first)
    except InvalidInput:
        return False
    return isinstance(value, dict) and is_entry(value, more.lstrip().startswith(b"{"))


def _with_text(stream: IO[bytes], most: int) -> bytes:
    """The next line that is not blank, or its beginning; nothing at the end."""
    while (line := stream.readline(most)) and not line.strip():
        pass
    return line


@frozen
class Table:
    """The rows of a table, and the number of the line before its first one."""

    rows: Any
    """A reader of the `csv` module."""

    before: int = 0

    @property
    def line(self) -> int:
        """The number of the last line that was read."""
        return self.before + int(self.rows.line_num)


def table_of(
    stream: IO[bytes], name: str, is_header: Callable[[Sequence[str]], bool], longest: int, *, strict: bool
) -> Table:
    """The rows of a table in UTF-8, whose separator its first line says: `sep=;`, or a header that only this one divides.

    `longest` is the most characters of a cell. The rows raise csv.Error, UnicodeDecodeError and InvalidInput.
    """
    csv.field_size_limit(max(csv.field_size_limit(), longest))
    lines = lines_of(TextIOWrapper(stream, encoding="utf-8-sig", newline=""), name)
    before: list[str] = []
    for line in lines:
        before.append(line)
        if line.strip():
            break
    said = _NAMED.match(before[-1]) if before else None
    if said:
        return Table(csv.reader(lines, strict=strict, delimiter=said[1]), len(before))
    header = before[-1:] or [""]
    divided = (one for one in SEPARATORS if is_header(_cells(header, one)))
    rows = csv.reader(chain(before, lines), strict=strict, delimiter=next(divided, SEPARATORS[0]))
    return Table(rows)


def _cells(line: list[str], separator: str) -> list[str]:
    """The cells of a line; none if the separator does not make any."""
    try:
        return next(csv.reader(line, delimiter=separator), [])
    except csv.Error:
        return []
