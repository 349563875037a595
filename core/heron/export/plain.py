"""Writes datasets as JSON and as JSON lines, row by row, with the members and frames of each item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import IO, Any, cast

from heron.catalog.dataset_rows import Columns, DatasetRows, Plain
from heron.catalog.limits import bundles
from heron.convert import dumps, frame_to_dict, item_to_dict, member_to_dict
from heron.models import DatasetRow, Frame, Json, Member


def plain_rows(rows: Iterator[DatasetRow]) -> Iterator[Plain]:
    """Rows as plain data, read from the catalogue as such where they come from there."""
    if isinstance(rows, DatasetRows):
        return rows.plain()
    return ((_row_to_dict(row), row.members, row.frames) for row in rows)


def columns_of(rows: Iterable[DatasetRow]) -> Iterator[Columns]:
    """Rows that are not read from the catalogue, as `DatasetRows.columns` gives them."""
    for given in bundles(rows):
        records = [_row_to_dict(row) for row in given]
        names = dict.fromkeys(name for record in records for name in record)
        columns: Columns = {name: [record.get(name) for record in records] for name in names}
        yield {**columns, "members": [row.members for row in given], "frames": [row.frames for row in given]}


def _row_to_dict(row: DatasetRow) -> dict[str, Any]:
    known = {"position": row.position, **item_to_dict(row.item)}
    return {**known, "vectors": row.vectors} if row.vectors else known


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
        ("frames", map(frame_as_json, frames)),
    ):
        before = f'{first}"{name}":['
        for value in values:
            yield before + dumps(value)
            before = ","
        if before == ",":
            yield "]"
            first = ","
    yield "}"


def frame_as_json(frame: Frame) -> dict[str, Any]:
    """A frame as plain data, with the vectors that it was given."""
    known = frame_to_dict(frame)
    return {**known, "vectors": _lists(frame.vectors)} if frame.vectors else known


def _lists(vectors: Mapping[str, Any]) -> dict[str, list[float]]:
    """Vectors as JSON can hold them, with the digits of a float64, for the fewest digits do not always lead back."""
    return {key: vector.tolist() for key, vector in vectors.items()}


class JsonExporter:
    """A JSON array with one object for each row."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows one after the other and return their number."""
        stream.write(b"[")
        count = _write(rows, stream, "\n", ",\n")
        stream.write(b"\n]\n")
        return count


class JsonLinesExporter:
    """One JSON object for each row, on a line of its own."""

    def write(self, rows: Iterator[DatasetRow], stream: IO[bytes]) -> int:
        """Write the rows one after the other and return their number."""
        count = _write(rows, stream, "", "\n")
        if count:
            stream.write(b"\n")
        return count


def _write(rows: Iterator[DatasetRow], stream: IO[bytes], first: str, between: str) -> int:
    """Write the rows with what stands before the first one and between two, and return their number."""
    count = 0
    before = first
    given = rows.texts() if isinstance(rows, DatasetRows) else ([row] for row in plain_rows(rows))
    for some in given:
        count += len(some)
        for is_text, group in groupby(some, lambda row: type(row) is str):
            if is_text:
                stream.write((before + between.join(cast(Iterable[str], group))).encode())
                before = between
                continue
            for known, members, frames in cast(Iterable[Plain], group):
                if "vectors" in known:
                    known["vectors"] = _lists(known["vectors"])
                stream.write(before.encode())
                before = between
                for piece in json_pieces(known, members, frames):
                    stream.write(piece.encode())
    return count
