"""Writes datasets as JSON and as JSON lines, row by row, with the members and frames of each item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from heron.convert import dumps, frame_to_dict, item_to_dict, member_to_dict
from heron.models import DatasetRow, Frame, Json, Member


def row_to_dict(row: DatasetRow) -> dict[str, Json]:
    """A dataset row as plain data, without members and frames."""
    return {"position": row.position, **item_to_dict(row.item)}


def json_pieces(known: dict[str, Json], members: Iterable[Member], frames: Iterable[Frame]) -> Iterator[str]:
    """The text of a JSON object in pieces: what is known of an item, then `members` and `frames` if it has any."""
    text = dumps(known)
    if not members and not frames:  # most items, which have no streams
        yield text
        return
    yield text[:-1]
    first = "," if known else ""
    for name, values in (
        ("members", (member_to_dict(position, member) for position, member in enumerate(members))),
        ("frames", map(frame_to_dict, frames)),
    ):
        before = f'{first}"{name}":['
        for value in values:
            yield before + dumps(value)
            before = ","
        if before == ",":
            yield "]"
            first = ","
    yield "}"


class JsonExporter:
    """A JSON array with one object for each row."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows one after the other and return their number."""
        count = 0
        stream.write(b"[")
        for count, row in enumerate(rows, start=1):
            stream.write(b"\n" if count == 1 else b",\n")
            _write(row, stream)
        stream.write(b"\n]\n")
        return count


class JsonLinesExporter:
    """One JSON object for each row, on a line of its own."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows one after the other and return their number."""
        count = 0
        for row in rows:
            _write(row, stream)
            stream.write(b"\n")
            count += 1
        return count


def _write(row: DatasetRow, stream: IO[bytes]) -> None:
    for piece in json_pieces(row_to_dict(row), row.members, row.frames):
        stream.write(piece.encode())
