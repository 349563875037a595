"""The records of dataset versions: a version, what changed between two of them, and what became of its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from attrs import field, frozen

from heron.models import Json
from heron.records import Identified, Record, cut, line
from heron.times import moment


@frozen(eq=False, repr=False)
class DatasetVersion(Identified):
    """A numbered version of a dataset, which never changes.

    `row_count` and `unhashed` count the rows that the acting user sees, and those of them whose file has no known hash.
    `sources` say, in order, by what the rows were chosen: a collection, a preset with its query, a condition, a folder, or items that were
    given; `schema` is the schema of then. `digest` is the SHA-256 of all rows: versions with equal rows have equal
    ones. Sources and digest are known to users who see all items.
    """

    id: int
    uuid: str
    dataset: str
    number: int
    note: str
    row_count: int
    unhashed: int
    sources: tuple[Mapping[str, Json], ...]
    schema: Mapping[str, Json]
    digest: str | None
    created_at: datetime = field(converter=moment)
    created_by: str

    @property
    def name(self) -> str:
        """How commands and verbs name it: `rain-1@2`."""
        return f"{self.dataset}@{self.number}"

    def _shown(self) -> Iterator[str]:
        yield f"{cut(repr(self.name), 50)} {self.row_count} rows, {self.uuid}"


@frozen(repr=False)
class PlacedItem(Record):
    """An item of one of two versions: its name, its position in the older one and in the newer one, None where it is not."""

    name: str
    item: str
    old: int | None
    new: int | None


@frozen(repr=False)
class ChangedItem(Record):
    """An item of two versions that is not the same in both. Each value is a pair, old and new; None stands for no value.

    `metadata` is by key, `frames` by number of the frame and then by key (a frame that came or went has the key ``), `fields`
    are name, folder, URL and facts. `content` is by what tells that the file has changed: its hash, size, ETag or time, and
    `members` for the files of a group or series.
    """

    name: str
    item: str
    metadata: Mapping[str, tuple[Json, Json]] = field(factory=dict, hash=False)
    frames: Mapping[int, Mapping[str, tuple[Json, Json]]] = field(factory=dict, hash=False)
    fields: Mapping[str, tuple[Json, Json]] = field(factory=dict, hash=False)
    content: Mapping[str, tuple[Json, Json]] = field(factory=dict, hash=False)

    def _shown(self) -> Iterator[str]:
        yield f"{line(self.name, 40)} {', '.join([*self.metadata, *self.fields, *self.content])}"


@frozen(repr=False)
class DatasetDiff(Record):
    """What is different between two versions, or a version and the present: `old` and `new` name them.

    `moved` are as few items as possible: if they are left out, the others have the same order in both. `unchanged` is the number of
    items that are equal in both, wherever they stand.
    """

    old: str
    new: str
    added: tuple[PlacedItem, ...]
    gone: tuple[PlacedItem, ...]
    moved: tuple[PlacedItem, ...]
    changed: tuple[ChangedItem, ...]
    unchanged: int

    @property
    def is_empty(self) -> bool:
        """Whether both are equal."""
        return not (self.added or self.gone or self.moved or self.changed)


FileState = Literal["unchanged", "changed", "gone", "unreadable", "unknown"]
"""What a file is beside what is known of it; `unknown` if what is known does not suffice to tell."""


@frozen(repr=False)
class VerifiedFile(Record):
    """A file of a dataset: the name and UUID of its item, its URL, and whether it is what it was, with a reason if not."""

    name: str
    item: str
    url: str
    state: FileState
    reason: str = ""
