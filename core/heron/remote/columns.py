"""Binary columns: arrays of numbers, UUIDs and texts, as a browser and NumPy read them without looking at each value.

A block begins with `HRNC`, the length of its head and the length of its body (4 and 8 bytes, little-endian). The head is JSON:
`{"rows": 3, "columns": [{"name": "x", "type": "float32", "offset": 0, "bytes": 12}, …]}`, with spaces at its end so that the body
begins at a multiple of 8 bytes, as does each column in it. Types are `float32`, `float64`, `int32`; `uuid` (16 bytes a row);
`text` (the ends of the texts as uint32, then their UTF-8); and `category` (int32 places in the list `values`, -1 for none). A column
with `width` has so many numbers a row. An answer is one block after another.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO
from uuid import UUID

import numpy as np
from attrs import frozen

from heron.columns.gathered import Gathered
from heron.convert import dumps, loads
from heron.errors import InvalidInput

Array = np.ndarray[Any, Any]

MAGIC = b"HRNC"
_HEAD = struct.Struct("<4sIQ")
_NUMBERS = {"float32": "<f4", "float64": "<f8", "int32": "<i4"}
_START = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class Column:
    """One column before it is written: its type, its bytes, and what else its reader has to know."""

    type: str
    content: bytes
    more: Mapping[str, Any] = {}


def numbers(values: Array, type: str = "float32") -> Column:
    """A column of numbers, or of vectors of one length."""
    array = np.ascontiguousarray(values, _NUMBERS[type])
    return Column(type, array.tobytes(), {"width": array.shape[1]} if array.ndim == 2 else {})


def uuids(values: Sequence[str]) -> Column:
    """A column of UUIDs."""
    if isinstance(values, Gathered):
        values = [values.series.str.join("").item()]
    return Column("uuid", bytes.fromhex("".join(values).replace("-", "")))


def texts(values: Sequence[str]) -> Column:
    """A column of texts."""
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    ends = np.cumsum([len(value) for value in encoded], dtype="<u4") if encoded else np.empty(0, "<u4")
    return Column("text", ends.tobytes() + b"".join(encoded))


def values(given: Sequence[Any]) -> Column:
    """A column of values of one field: numbers or times as float64, NaN for none, and categories otherwise.

    Times are seconds since 1970 in UTC.
    """
    if isinstance(given, Gathered):
        return _gathered(given)
    there = [value for value in given if value is not None]
    if there and all(type(value) in (int, float) for value in there):
        is_whole = all(type(value) is int for value in there)
        array = np.array([np.nan if value is None else value for value in given], float)
        return Column("float64", array.astype("<f8").tobytes(), {"whole": is_whole})
    if there and all(isinstance(value, datetime) for value in there):
        seconds = [np.nan if value is None else (value - _START).total_seconds() for value in given]
        return Column("float64", np.array(seconds, "<f8").tobytes(), {"times": True})
    places: dict[Any, int] = {}
    codes = [-1 if value is None else places.setdefault((type(value), value), len(places)) for value in given]
    kinds = [value for _, value in places]
    return Column("category", np.array(codes, "<i4").tobytes(), {"values": kinds})


def _gathered(given: Gathered) -> Column:
    """The column that `values` makes of the same values, without looking at each."""
    import polars as pl

    series = given.series
    if series.null_count() == len(series):
        return Column("category", np.full(len(series), -1, "<i4").tobytes(), {"values": []})
    if given.look in ("number", "time"):
        array = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
        if given.look == "time":
            return Column("float64", (array / 1e6).astype("<f8").tobytes(), {"times": True})
        is_whole = series.dtype == pl.Int64
        if given.whole is not None:
            is_whole = bool((given.whole | series.is_null()).all())
        return Column("float64", array.astype("<f8").tobytes(), {"whole": is_whole})
    labels: Sequence[Any] = given.labels
    if given.look == "text":
        texts = series.drop_nulls().unique(maintain_order=True)
        series, labels = series.cast(pl.Enum(texts)).to_physical(), texts.to_list()
    codes = series.cast(pl.Int32).fill_null(-1).to_numpy()
    return Column("category", codes.astype("<i4").tobytes(), {"values": list(labels)})


def written(rows: int, columns: Mapping[str, Column]) -> Iterator[bytes]:
    """A block of columns, in pieces."""
    told, body, place = [], [], 0
    for name, column in columns.items():
        told.append(
            {"name": name, "type": column.type, "offset": place, "bytes": len(column.content), **column.more}
        )
        gap = -len(column.content) % 8
        body += [column.content, b"\0" * gap]
        place += len(column.content) + gap
    head = dumps({"rows": rows, "columns": told}).encode()
    head += b" " * (-(len(head) + _HEAD.size) % 8)
    yield _HEAD.pack(MAGIC, len(head), place) + head
    yield from body


def read(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each block of a stream: the number of its rows, and its columns, as arrays or lists, by name."""
    while start := _exactly(stream, _HEAD.size, may_end=True):
        magic, length, size = _HEAD.unpack(start)
        if magic != MAGIC:
            raise InvalidInput("these are no columns")
        head = loads(_exactly(stream, length))
        body = memoryview(_exactly(stream, size))
        yield head["rows"], {told["name"]: _column(told, body, head["rows"]) for told in head["columns"]}


def _exactly(stream: BinaryIO, size: int, *, may_end: bool = False) -> bytes:
    found = stream.read(size)
    if len(found) != size and not (may_end and not found):
        raise InvalidInput("the columns are cut short")
    return found


def _column(told: Mapping[str, Any], body: memoryview, rows: int) -> Any:
    content = body[told["offset"] : told["offset"] + told["bytes"]]
    match told["type"]:
        case "uuid":
            return [str(UUID(bytes=bytes(content[16 * row : 16 * row + 16]))) for row in range(rows)]
        case "text":
            ends = np.frombuffer(content, "<u4", rows).tolist()
            whole = bytes(content[4 * rows :])
            starts = [0, *ends[:-1]]
            return [whole[a:b].decode("utf-8", "surrogatepass") for a, b in zip(starts, ends, strict=True)]
        case "category":
            known = told["values"]
            return [known[code] if code >= 0 else None for code in np.frombuffer(content, "<i4").tolist()]
    array = np.frombuffer(content, _NUMBERS[told["type"]])
    if "width" in told:
        return array.reshape(-1, told["width"])
    if told.get("times"):
        return [None if value != value else _START + timedelta(seconds=value) for value in array.tolist()]
    if "whole" in told:
        kind = int if told["whole"] else float
        return [None if value != value else kind(value) for value in array.tolist()]
    return array
