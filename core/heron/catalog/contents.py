"""What an item consists of, as streams: the files of a group, sequence or series, and chosen frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.frame_rows import FRAME_COLUMNS, frame_of
from heron.catalog.limits import BUNDLE
from heron.catalog.paths import path_sql
from heron.catalog.places import located
from heron.catalog.shown import ShownMetadata
from heron.errors import InvalidInput
from heron.metadata.keys import printable
from heron.models import Frame, FrameChoice, Item, Member

T = TypeVar("T")

_CHOICES: dict[FrameChoice, str] = {
    "none": "0",
    "metadata": "frames.metadata <> '{}'",
    "key": "frames.is_key",
    "marked": "(frames.is_key OR frames.metadata <> '{}')",
    "all": "1",
}
"""The SQL condition of each choice of frames."""

_MEMBER = (
    f"{located('members.url')}, members.size, members.etag, members.frame_count, {path_sql('members.url')}"
)

HAS = (
    "iif((SELECT 1 FROM members LIMIT 1), EXISTS (SELECT 1 FROM members WHERE members.item_id = items.id), 0) AS has_members, "
    "iif((SELECT 1 FROM frames LIMIT 1), EXISTS (SELECT 1 FROM frames WHERE frames.item_id = items.id), 0) AS has_frames"
)
"""Columns of a SELECT from items that tell whether an item has members, and frames; a table without rows is asked once."""


@frozen
class Again(Generic[T]):
    """A stream that begins anew for each loop over it."""

    begin: Callable[[], Iterator[T]]

    def __iter__(self) -> Iterator[T]:
        return self.begin()


class Contents:
    """Reads members and frames of items, a bundle at a time. The items were read by a verb that asked for access."""

    def __init__(self, database: Database, access: Access, shown: ShownMetadata) -> None:
        self._database = database
        self._access = access
        self._shown = shown

    def members(self, item: Item) -> Iterator[Member]:
        """The files of an item of several files, in order."""
        after = -1
        while True:
            rows = self._database.rows(
                f"SELECT {_MEMBER}, members.position FROM {self._members()} AND members.position > ? "
                "ORDER BY members.position LIMIT ?",
                [item.id, after, BUNDLE],
            )
            for row in rows:
                *values, after = row
                yield Member(*values)
            if len(rows) < BUNDLE:
                return

    def frames(self, item: Item, choice: FrameChoice = "all") -> Iterator[Frame]:
        """The chosen frames of an item by number."""
        source, after = self._frames(choice), -1
        while choice != "none":
            rows = self._database.rows(
                f"SELECT {FRAME_COLUMNS} FROM {source} AND number > ? ORDER BY number LIMIT ?",
                [item.id, after, BUNDLE],
            )
            yield from self._shown.of(frame_of(row, item.uuid) for row in rows)
            if len(rows) < BUNDLE:
                return
            after = rows[-1]["number"]

    def member_count(self, item: Item) -> int:
        """The number of `members`, without reading them."""
        return int(self._database.value(f"SELECT count(*) FROM {self._members()}", [item.id]))

    def frame_count(self, item: Item, choice: FrameChoice = "all") -> int:
        """The number of `frames`, without reading them."""
        return int(self._database.value(f"SELECT count(*) FROM {self._frames(choice)}", [item.id]))

    def _members(self) -> str:
        """The members of one item, as SQL from FROM on."""
        return (
            "members JOIN items ON items.id = members.item_id "
            f"WHERE members.item_id = ? AND {self._access.scope('item', 'items')}"
        )

    def _frames(self, choice: FrameChoice) -> str:
        """The chosen frames of one item, as SQL from FROM on."""
        return (
            f"frames WHERE item_id = ? AND {choice_sql(choice)} AND {self._access.scope('frame', 'frames')}"
        )

    def again(self, item: Item, choice: FrameChoice | None = None) -> Iterable[Any]:
        """The members of an item, or its chosen frames, as a stream that can be read again."""
        if choice is None:
            return Again(lambda: self.members(item))
        return Again(lambda: self.frames(item, choice))

    def of(self, row: Row, item: Item, choice: FrameChoice) -> tuple[Iterable[Member], Iterable[Frame]]:
        """The members and chosen frames of an item as streams; its row was selected with `HAS`."""
        members = self.again(item) if row["has_members"] else ()
        return members, self.again(item, choice) if row["has_frames"] and choice != "none" else ()


def choice_sql(choice: FrameChoice) -> str:
    """The SQL condition of a choice of frames; raises InvalidInput for another word."""
    if choice not in _CHOICES:
        raise InvalidInput(
            f"{printable(choice)} is not a choice of frames", hint=f"one of {', '.join(_CHOICES)}"
        )
    return _CHOICES[choice]
