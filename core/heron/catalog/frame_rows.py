"""The rows of frames: inserting and merging them for many items, and turning them into records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from attrs import fields_dict

from heron.catalog.database import Database, Row
from heron.catalog.places import located
from heron.catalog.reading import Columns
from heron.catalog.stored import dumper
from heron.catalog.vectors.rows import Owner
from heron.convert import loads
from heron.metadata.validation import Validator, Vectors
from heron.models import FRAME_FIELDS, Frame, Member, NewFrame

Owned = tuple[int, str, Sequence[NewFrame]]
"""Frames of one item: its inner id, its name for messages, and the frames."""

BARE = (
    "metadata = '{}' AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.item_id = frames.item_id "
    "AND vectors.frame_id = frames.id AND mark IS NULL)"
)
"""The SQL condition that a frame has neither metadata nor a vector that was given."""

InsertFrames = Callable[[Database, Validator, Sequence[Owned], "KeepVectors"], int]
"""Inserts frames; returns their number."""

KeepVectors = Callable[[Iterable[tuple[Owner, Vectors]]], None]
"""Stores the vectors that were given as metadata of frames."""

_GIVEN = [
    field
    for field in FRAME_FIELDS.values()
    if field.attribute in fields_dict(NewFrame) and field.name not in ("number", "metadata")
]
_values = dumper(_GIVEN)
COLUMNS_OF_FRAMES = ["item_id", "number", "metadata", *(field.name for field in _GIVEN)]
"""The columns of a new frame, in the order of `first_rows`."""

_KEPT = ", ".join(
    f"{name} = max({name}, excluded.{name})"
    if field.form == "boolean"
    else f"{name} = coalesce(excluded.{name}, {name})"
    for field in _GIVEN
    for name in [field.name]
)
_NEW = (
    f"INSERT INTO frames ({', '.join(COLUMNS_OF_FRAMES)}) VALUES ({', '.join('?' * len(COLUMNS_OF_FRAMES))})"
)
_PLAIN = f"{_NEW} ON CONFLICT (item_id, number) DO UPDATE SET {_KEPT}"
_MERGED = f"{_PLAIN}, metadata = excluded.metadata"


def insert_frames(
    database: Database, validator: Validator, owners: Iterable[Owned], keep_vectors: KeepVectors
) -> int:
    """Insert frames, or merge them into existing ones; returns their number. Raises MetadataError."""
    count = 0
    vectors: list[tuple[Owner, Vectors]] = []
    for id, name, frames in owners:
        count += len(frames)
        database.execute_many(  # all of them first, so that their ids have this order
            _PLAIN, [(id, frame.number, "{}", *_values(frame)) for frame in frames]
        )
        rows = list(_with_metadata(database, validator, (id, name, frames), vectors))
        if rows:
            database.execute_many(_MERGED, rows)
    keep_vectors(vectors)
    return count


def insert_first_frames(
    database: Database, validator: Validator, owners: Sequence[Owned], keep_vectors: KeepVectors
) -> int:
    """Insert frames of items that have none yet; returns their number. Raises MetadataError.

    This takes half the time of `insert_frames`, whose statement can also update, and so runs with triggers.
    """
    if has_twice(owners):
        return insert_frames(database, validator, owners, keep_vectors)
    vectors: list[tuple[Owner, Vectors]] = []
    database.execute_many(_NEW, first_rows(validator, owners, vectors))
    keep_vectors(
        (
            (id, database.value("SELECT id FROM frames WHERE item_id = ? AND number = ?", [id, number])),
            of_frame,
        )
        for (id, number), of_frame in vectors
    )
    return sum(len(frames) for _, _, frames in owners)


def has_twice(owners: Sequence[Owned]) -> bool:
    """Whether an item is given two frames of one number."""
    return any(len({frame.number for frame in frames}) < len(frames) for _, _, frames in owners)


def first_rows(
    validator: Validator, owners: Iterable[Owned], vectors: list[tuple[Owner, Vectors]]
) -> Iterator[Sequence[Any]]:
    """The rows of new frames; vectors in their metadata are added to the list, by number of the frame."""
    for id, name, frames in owners:
        for frame in frames:
            text = "{}"
            if frame.metadata:
                place = f"{name}, frame {frame.number}"
                given, of_frame = validator.without_vectors(validator.encode(frame.metadata, place))
                text = validator.write(given, place)
                if of_frame:
                    vectors.append(((id, frame.number), of_frame))
            yield id, frame.number, text, *_values(frame)


def _with_metadata(
    database: Database, validator: Validator, owned: Owned, vectors: list[tuple[Owner, Vectors]]
) -> Iterator[Sequence[Any]]:
    """The rows of the frames that have metadata; vectors in it are added to the list."""
    id, name, frames = owned
    for frame in frames:
        if not frame.metadata:
            continue
        place = f"{name}, frame {frame.number}"
        given, of_frame = validator.without_vectors(validator.encode(frame.metadata, place))
        row = database.row(
            "SELECT id, metadata FROM frames WHERE item_id = ? AND number = ?", [id, frame.number]
        )
        assert row is not None
        if of_frame:
            vectors.append(((id, row["id"]), of_frame))
        text = validator.write({**loads(row["metadata"]), **given}, place)
        yield id, frame.number, text, *_values(frame)


def renumber(database: Database, item: int, members: Sequence[Member]) -> None:
    """Renumber the frames of an item after its members have changed; frames of files that it lost are deleted."""
    sql = f"SELECT {located('url')}, frame_count FROM members WHERE item_id = ? ORDER BY position"
    rows = database.rows(sql, [item])
    old = [place for url, count in rows for place in _places(url, count)]
    new = {place: n for n, place in enumerate(p for m in members for p in _places(m.url, m.frame_count))}
    if all(new.get(place) == number for number, place in enumerate(old)):
        return
    moved = [(-1 - new[place], item, number) for number, place in enumerate(old) if place in new]
    database.execute_many("UPDATE frames SET number = ? WHERE item_id = ? AND number = ?", moved)
    database.execute("DELETE FROM frames WHERE item_id = ? AND number >= 0", [item])
    database.execute("UPDATE frames SET number = -1 - number WHERE item_id = ?", [item])


def _places(url: str, count: int) -> Iterator[tuple[str, int]]:
    return ((url, number) for number in range(count))


_READ = Columns(
    "frames", FRAME_FIELDS, [name for name in fields_dict(Frame) if name not in ("item", "vectors")]
)
_OTHERS = slice(1, len(_READ.names))
FRAME_COLUMNS = _READ.selected()
"""The columns that a SELECT from frames must name first for `frame_of`."""


def frame_of(row: Row | Sequence[Any], item: str) -> Frame:
    """The record of a row selected with `FRAME_COLUMNS`, for the item with this UUID; raises CatalogueError."""
    values = _READ.values(row, item)
    return Frame(values[0], item, *values[_OTHERS])
