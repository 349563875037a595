"""The records of what was sent to annotation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import field, frozen

from heron.records import Identified, Record, cut
from heron.times import moment


@frozen(eq=False, repr=False)
class SentTasks(Identified):
    """What was sent to annotation at one time: items of a project as tasks in a file.

    `item_count` and `frame_count` count what is still there, and the acting user may see.
    """

    id: int
    uuid: str
    project: str
    collection: str
    format: str
    file: str
    item_count: int
    frame_count: int
    sent_by: str
    sent_at: datetime = field(converter=moment)

    def _shown(self) -> Iterator[str]:
        yield f"{self.item_count} items of {cut(repr(self.project), 40)} as {self.format}, {self.sent_by}, {self.uuid}"


@frozen(repr=False)
class SentItem(Record):
    """An item that was sent to annotation, by its UUID and its name, with the numbers of the frames that went with it."""

    item: str
    name: str
    frames: tuple[int, ...]

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 50)} {len(self.frames)} frames, {self.item}"


@frozen(repr=False)
class Sending(Record):
    """What a sending did: the items and frames that were sent, and the items that were not.

    Those were sent before (`skipped`), are in no dataset of the project (`outside`), or are not taken by the format
    (`not_taken`). `sent` is None if nothing was written.
    """

    sent: SentTasks | None
    items: int
    frames: int
    skipped: int
    outside: int
    not_taken: int

    def _shown(self) -> Iterator[str]:
        yield f"{self.items} items, {self.frames} frames, {self.skipped + self.outside + self.not_taken} left out"
