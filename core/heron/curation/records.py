"""The results of curation: groups of duplicates, rankings, subsets and leaks, each item with its UUID and name."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import field, frozen

from heron.records import Record
from heron.times import moment_or_none

Way = Literal["hash", "pairs", "index"]
"""How items were compared: by content hash, by every pair of vectors, or by the index."""

Why = Literal["same item", "equal content", "near"]
"""Why an item leaks."""


TURNS = ("", *(f"rotated by {degrees}" for degrees in (90, 180, 270)), "mirrored", *(f"mirrored and rotated by {degrees}" for degrees in (90, 180, 270)))  # fmt: skip
"""The ways in which a picture can be turned: mirrored, left to right, and then rotated counterclockwise by degrees."""


def undone(turn: int) -> int:
    """The turn that undoes a turn, by their places in `TURNS`: what is mirrored undoes itself."""
    return turn if turn >= 4 else -turn % 4


@frozen(repr=False)
class Candidate(Record):
    """What is compared to choose among duplicates. `size` is in bytes, `time` is when the file was changed.

    `lossless` and `quality` are facts of pictures (None for unknown). `metadata` is the number of keys, plus the frames
    with metadata; `collections` and `datasets` are the numbers of those that hold the item.
    """

    uuid: str
    name: str
    folder: str
    kind: str
    width: int | None = None
    height: int | None = None
    size: int | None = None
    sharpness: float | None = None
    time: datetime | None = field(default=None, converter=moment_or_none)
    captured_at: datetime | None = field(default=None, converter=moment_or_none)
    media_type: str | None = None
    mode: str | None = None
    lossless: bool | None = None
    quality: int | None = None
    metadata: int = 0
    collections: int = 0
    datasets: int = 0

    @property
    def work(self) -> int:
        """How much people have done with it: keys of metadata, collections and datasets."""
        return self.metadata + self.collections + self.datasets


@frozen(repr=False)
class Pair(Record):
    """Two items, by UUID, that are near each other: the cosine, and the frames if vectors of frames were compared.

    `turn` is what was done to the picture of the first to give that of the second, one of `TURNS`; None if nothing was.
    """

    first: str
    second: str
    score: float
    first_frame: int | None = None
    second_frame: int | None = None
    turn: str | None = None


@frozen(repr=False)
class DuplicateGroup(Record):
    """Items that are equal or similar. The first one is the best; `reason` says why: `largest, least loss`."""

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

    @property
    def turns(self) -> dict[str, str]:
        """What was done to the picture of the kept item to give those of others, by UUID: of those that are turned and in a pair with it."""
        found: dict[str, str] = {}
        for pair in self.pairs:
            turn = TURNS.index(pair.turn or "")
            if pair.first == self.kept:
                found.setdefault(pair.second, TURNS[turn])
            elif pair.second == self.kept:
                found.setdefault(pair.first, TURNS[undone(turn)])
        return {uuid: turn for uuid, turn in found.items() if turn}


@frozen(repr=False)
class Duplicates(Record):
    """Groups of duplicates, the largest first.

    `compared` is the number of items that were compared, `left_out` the number of items without a hash or vector.
    `notes` are sentences that explain the result.
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
        """The UUIDs of all other items of groups, which are redundant."""
        return [uuid for group in self.groups for uuid in group.redundant]


@frozen(repr=False)
class Ranked(Record):
    """An item of a ranking, by UUID and name; its score is None if it was not compared with another."""

    uuid: str
    name: str
    score: float | None


@frozen(repr=False)
class Ranking(Record):
    """Items by their uniqueness, the most unique first; `neighbours` is the number of nearest items that it is computed from."""

    items: tuple[Ranked, ...]
    key: str
    neighbours: int
    compared: int
    left_out: int
    way: Way
    notes: tuple[str, ...] = ()


@frozen(repr=False)
class Subset(Record):
    """Items that cover a set, in the order in which they were chosen.

    The score of an item is its cosine with the nearest item chosen before it. Each item of the set has a cosine of
    `covered` or more with an item of the subset.
    """

    items: tuple[Ranked, ...]
    key: str
    covered: float
    compared: int
    left_out: int
    notes: tuple[str, ...] = ()


@frozen(repr=False)
class Leak(Record):
    """An item of the second dataset that is in the first one too: the same item, equal content, or a near one.

    `item` belongs to the second and `of` to the first dataset, with UUID and name. `score` is a cosine; the frames are
    given if vectors of frames were compared. `turn` is what was done to the picture of the first dataset to give that of the
    second, one of `TURNS`; None if nothing was.
    """

    item: str
    name: str
    of: str
    of_name: str
    why: Why
    score: float | None = None
    frame: int | None = None
    of_frame: int | None = None
    turn: str | None = None


@frozen(repr=False)
class Leakage(Record):
    """The leaks between two datasets, the most certain first.

    `first` and `second` are the numbers of items of the datasets, `groups` the UUIDs of items that are connected by
    leaks.
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
    """The result of hashing: the number of items that got a hash, the number that failed, and the first reasons; `waiting`
    items have a store that did not answer, or refused the credentials: the same call again takes just them.
    """

    hashed: int
    failed: int = 0
    problems: tuple[str, ...] = ()
    waiting: int = 0
