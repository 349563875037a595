"""What curation tells: groups of duplicates, rankings, subsets and leaks, each item by its UUID and name."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import field, frozen

from heron.records import Record
from heron.times import moment_or_none

Way = Literal["hash", "pairs", "index"]
"""How things were compared: by content hash, every pair of vectors, or what the index finds near."""

Why = Literal["same item", "equal content", "near"]
"""Why an item leaks."""


@frozen(repr=False)
class Candidate(Record):
    """An item as far as it matters for choosing among duplicates. `size` is in bytes, `time` when its file was changed."""

    uuid: str
    name: str
    folder: str
    kind: str
    width: int | None = None
    height: int | None = None
    size: int | None = None
    sharpness: float | None = None
    time: datetime | None = field(default=None, converter=moment_or_none)


@frozen(repr=False)
class Pair(Record):
    """Two items, by UUID, that are near each other: the cosine, and the frames it is of, where it is of frames."""

    first: str
    second: str
    score: float
    first_frame: int | None = None
    second_frame: int | None = None


@frozen(repr=False)
class DuplicateGroup(Record):
    """Items that are equal or alike. The first one is the best; `reason` says by what: `largest, sharpest`."""

    items: tuple[Candidate, ...]
    reason: str
    pairs: tuple[Pair, ...] = ()

    @property
    def kept(self) -> str:
        """The UUID of the best one."""
        return self.items[0].uuid

    @property
    def redundant(self) -> tuple[str, ...]:
        """The UUIDs of the others."""
        return tuple(item.uuid for item in self.items[1:])


@frozen(repr=False)
class Duplicates(Record):
    """Groups of duplicates, those with most items first.

    `compared` is the number of items that were compared, `left_out` of those that have no hash, or no vector. `notes` are
    sentences about what should be known of the result.
    """

    groups: tuple[DuplicateGroup, ...]
    compared: int
    left_out: int
    way: Way
    key: str | None = None
    threshold: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> list[str]:
        """The UUIDs of the best items of all groups."""
        return [group.kept for group in self.groups]

    @property
    def redundant(self) -> list[str]:
        """The UUIDs of all others in groups: what could go."""
        return [uuid for group in self.groups for uuid in group.redundant]


@frozen(repr=False)
class Ranked(Record):
    """An item in an order, by UUID and name; None is the score of one that is compared with nothing."""

    uuid: str
    name: str
    score: float | None


@frozen(repr=False)
class Ranking(Record):
    """Items by their uniqueness, the most unique first; `neighbours` is the number of nearest ones it is about."""

    items: tuple[Ranked, ...]
    key: str
    neighbours: int
    compared: int
    left_out: int
    way: Way
    notes: tuple[str, ...] = ()


@frozen(repr=False)
class Subset(Record):
    """Items that cover a set, in the order in which they were taken.

    The score of each is its cosine with the nearest of those before it. Each item of the set has one of the subset with
    a cosine of `covered` or more.
    """

    items: tuple[Ranked, ...]
    key: str
    covered: float
    compared: int
    left_out: int
    notes: tuple[str, ...] = ()


@frozen(repr=False)
class Leak(Record):
    """An item of the second dataset that the first one holds too: itself, with equal content, or a near one.

    `item` is of the second and `of` of the first dataset, with UUID and name. `score` is a cosine; the frames are those it
    is of, where it is of frames.
    """

    item: str
    name: str
    of: str
    of_name: str
    why: Why
    score: float | None = None
    frame: int | None = None
    of_frame: int | None = None


@frozen(repr=False)
class Leakage(Record):
    """What two datasets share: the surest leaks first.

    `first` and `second` are the numbers of items of the datasets, `groups` the UUIDs of items that are connected by leaks.
    """

    leaks: tuple[Leak, ...]
    groups: tuple[tuple[str, ...], ...]
    first: int
    second: int
    key: str | None
    threshold: float | None
    notes: tuple[str, ...] = ()

    @property
    def items(self) -> list[str]:
        """The UUIDs of the items of the second dataset that leak, each once."""
        return list(dict.fromkeys(leak.item for leak in self.leaks))


@frozen(repr=False)
class Hashed(Record):
    """What hashing did: items that have a hash now, those that failed, and the first reasons."""

    hashed: int
    failed: int = 0
    problems: tuple[str, ...] = ()
