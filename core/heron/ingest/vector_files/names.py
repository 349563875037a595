"""Which item or frame a vector belongs to: read from a list of ids, or from the row of a table."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from heron.catalog.called import ANY
from heron.errors import InvalidInput, NotFound
from heron.ingest.metadata_files import COLUMNS
from heron.json_stream import elements
from heron.metadata.keys import printable
from heron.uuids import is_uuid

FRAME = "frame"
"""The column with the number of a frame; it is empty for the vector of an item."""

_WITH_FRAME = re.compile(r"(?P<name>.+?)(?P<apart>\t#?|,#|#)(?P<frame>[0-9]{1,9})", re.DOTALL)
_MOST = 2**31
_LONGEST = 65_536
"""The longest id in characters; a longer one is not read to its end."""

_BLOCK = 4096


class Named(NamedTuple):
    """The name of a vector's owner, an item or a frame.

    `kind` is the column of items in which to look for `name`. If `#12` was cut off as the number of a frame, `whole` is
    the text with it, since `#12` may also be a part of the name.
    """

    kind: str
    name: str
    frame: int | None = None
    whole: str | None = None

    @property
    def shown(self) -> str:
        """The name as reports show it."""
        return self.name if self.frame is None else f"{self.name}#{self.frame}"


def named_by(text: str, by: str | None = None, frame: int | None = None) -> Named:
    """The owner that an id means: a UUID, URL, name or path. Without `frame`, it can end with the number of a frame, `#12`."""
    found = _WITH_FRAME.fullmatch(text) if frame is None else None
    if found is None:
        return _named(text, by, frame)
    whole = text if found["apart"] == "#" else None
    return _named(found["name"], by, int(found["frame"]), whole)


def _named(name: str, by: str | None, frame: int | None, whole: str | None = None) -> Named:
    kind = by or ("uuid" if is_uuid(name) else "url" if "://" in name else ANY)
    return Named(kind, name.lower() if kind == "uuid" else name, frame, whole)


def columns_naming(columns: Sequence[str], by: str | None) -> list[str]:
    """The columns that name items, the preferred one first."""
    lower = {column.lower(): column for column in reversed(columns)}
    return [
        lower[name.lower()] for name, kind in COLUMNS.items() if name.lower() in lower and by in (None, kind)
    ]


def named_in(row: Mapping[str, Any], place: str, by: str | None) -> Named:
    """The owner of a row: its first column that names an item, and its column `frame`."""
    frame = _frame(row.get(FRAME), place)
    kinds = {name.lower(): kind for name, kind in COLUMNS.items()}
    for column in columns_naming(list(row), by):
        value = row[column]
        if isinstance(value, str) and value and (column.lower() != "id" or by or is_uuid(value)):
            return _named(value, kinds[column.lower()], frame)
    raise InvalidInput(f"{place} names no item", hint=f"give it a column {by or 'uuid, url, path or name'}")


def _frame(value: Any, place: str) -> int | None:
    """The number of a frame in a table; it can be text, or a float if the column also has missing values."""
    if value is None or value == "" or value != value:
        return None
    number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) else value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if type(number) is not int or not 0 <= number < _MOST:
        raise InvalidInput(f"{place}: {printable(value)} is not a frame number; frames are numbered from 0")
    return number


def ids_in(file: Path, by: str | None) -> Iterator[Named]:
    """The owners that a file lists, in order.

    The file is a `.npy` of texts, a JSON array, a CSV with a header, or a text file with an id on each line. Raises
    NotFound, and InvalidInput that names the place of the fault.
    """
    readers = {".npy": _npy, ".json": _json, ".csv": _csv}
    try:
        yield from readers.get(file.suffix.lower(), _lines)(file, by)
    except FileNotFoundError:
        raise NotFound(f"{file} is not there") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text") from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}") from error


def _lines(file: Path, by: str | None) -> Iterator[Named]:
    with file.open(encoding="utf-8-sig", newline="\n") as stream:
        number = 0
        while line := stream.readline(_LONGEST):
            number += 1
            text = line.rstrip("\r\n")
            if not text.strip() or len(line) == _LONGEST:
                fault = "is too long for an id" if text.strip() else "is empty, each line names an item"
                raise InvalidInput(f"{file}, line {number} {fault}")
            yield named_by(text, by)


def _csv(file: Path, by: str | None) -> Iterator[Named]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        try:
            columns = list(reader.fieldnames or [])
            if not columns_naming(columns, by):
                raise InvalidInput(
                    f"{file} has no column that names items",
                    hint=f"its first line must name a column {by or 'uuid, url, path or name'}",
                )
            for row in reader:
                yield named_in(row, f"{file}, line {reader.line_num}", by)
        except csv.Error as error:
            raise InvalidInput(f"{file} is not valid CSV: {error}") from error


def _json(file: Path, by: str | None) -> Iterator[Named]:
    with file.open("rb") as stream:
        for path, value in elements(stream, str(file)):
            place = f"{file}: {path}"
            if not path.startswith("$["):
                raise InvalidInput(f"{place}: expected an array of ids", hint='["UUID", "UUID#12", "name"]')
            if isinstance(value, dict):
                yield named_in(value, place, by)
            elif isinstance(value, str) and value:
                yield named_by(value, by)
            else:
                raise InvalidInput(f"{place}: {printable(value)} is not an id, expected text")


def _npy(file: Path, by: str | None) -> Iterator[Named]:
    import numpy as np

    try:
        ids = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, TypeError, SyntaxError) as error:
        if "object" in str(error).lower():
            raise InvalidInput(
                f"{file} contains Python objects, which are not read",
                hint=f"numpy.save({file.name!r}, numpy.array(ids, dtype=str)) writes texts",
            ) from error
        raise InvalidInput(f"{file} is not an array that NumPy can read") from error
    if not isinstance(ids, np.ndarray) or ids.ndim != 1 or ids.dtype.kind not in "US":
        raise InvalidInput(f"{file} is not a list of texts", hint="numpy.array(ids, dtype=str) is one")
    if ids.dtype.itemsize > 4 * _LONGEST:
        raise InvalidInput(f"{file} has texts that are too long for ids")
    for start in range(0, len(ids), _BLOCK):
        for row, text in enumerate(ids[start : start + _BLOCK].tolist(), start):
            try:
                name = text if isinstance(text, str) else text.decode()
            except UnicodeDecodeError:
                raise InvalidInput(f"{file}, row {row} is not UTF-8 text") from None
            if not name:
                raise InvalidInput(f"{file}, row {row} is empty, each row names an item")
            yield named_by(name, by)
