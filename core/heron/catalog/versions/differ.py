"""Compares two versions: which items came, went and moved, and what has changed of the others.

Rows are compared as lines first. Only rows that differ are read, and blocks that both versions have are not even decompressed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, pairwise
from typing import TypeVar

from attrs import frozen

from heron.catalog.versions.blocks import Block, Values, uuid_of
from heron.catalog.versions.changes import change_of, name_of
from heron.catalog.versions.frozen_rows import as_now
from heron.versions import DatasetDiff, PlacedItem

T = TypeVar("T")

Key = tuple[bytes, int]
"""An item, and the how manieth time it is in the dataset, from 0."""

Mask = Callable[[Block], Sequence[bool] | None]


@frozen(eq=False)
class Side:
    """One of the two: its name, its blocks, and where each row stands among those that the user sees."""

    name: str
    blocks: Sequence[Block]
    places: dict[Key, int]
    mask: Mask

    @classmethod
    def of(cls, name: str, blocks: Iterable[Block], mask: Mask) -> Side:
        """Read which rows there are."""
        there, times = [*blocks], Counter[bytes]()
        places: dict[Key, int] = {}
        for block in there:
            for key in _seen(block.owners(), mask(block)):
                places[key, times[key]] = len(places)
                times[key] += 1
        return cls(name, there, places, mask)

    def lines(self, without: set[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
        """The items with the line of their columns and their own line, without those of blocks with certain digests."""
        for block in self.blocks:
            if block.digest not in without:
                head, *lines = block.lines()
                for key, line in _seen(zip(block.owners(), lines, strict=True), self.mask(block)):
                    yield key, head, line

    def values(self, wanted: set[bytes], without: set[bytes]) -> dict[bytes, Values]:
        """The values of some items, in the order of the columns of today."""
        found: dict[bytes, Values] = {}
        for block in self.blocks:
            if block.digest in without or wanted.isdisjoint(block.owners()):
                continue
            names, rows = block.rows()
            found.update(
                (key, as_now(names, values))
                for key, values in zip(block.owners(), rows, strict=True)
                if key in wanted
            )
        return found


def diff(old: Side, new: Side) -> DatasetDiff:
    """What is different between two sides."""
    shared = {block.digest for block in old.blocks} & {block.digest for block in new.blocks}
    added = [key for key in new.places if key not in old.places]
    gone = [key for key in old.places if key not in new.places]
    common = [key for key in new.places if key in old.places]
    moved = [common[place] for place in out_of_order([old.places[key] for key in common])]
    before = {key: hash((head, line)) for key, head, line in old.lines(shared)}
    items = {key for key, _ in common}
    differs = {  # what is not in `before` stands in a block that both have, and so is equal
        key
        for key, head, line in new.lines(shared)
        if key in items and key in before and before[key] != hash((head, line))
    }
    names = {key for key, _ in (*added, *moved)}
    new_values = new.values(differs | names, set())
    old_values = old.values(differs | {key for key, _ in gone}, set())
    changed = [
        change
        for key in dict.fromkeys(key for key, _ in common if key in differs)
        if (change := change_of(uuid_of(key), old_values[key], new_values[key])) is not None
    ]

    def placed(keys: Iterable[Key], values: dict[bytes, Values]) -> tuple[PlacedItem, ...]:
        return tuple(
            PlacedItem(name_of(values[key[0]]), uuid_of(key[0]), old.places.get(key), new.places.get(key))
            for key in keys
        )

    return DatasetDiff(
        old.name,
        new.name,
        placed(added, new_values),
        placed(gone, old_values),
        placed(moved, new_values),
        tuple(changed),
        len(items) - len(changed),
    )


def out_of_order(numbers: Sequence[int]) -> list[int]:
    """The places of as few numbers as possible without which the others ascend."""
    if all(first < second for first, second in pairwise(numbers)):
        return []
    ends: list[int] = []
    """For each length, the smallest number with which an ascending row of this length ends."""
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        length = bisect_left(ends, number)
        if length == len(ends):
            ends.append(number)
            places.append(place)
        else:
            ends[length], places[length] = number, place
        before.append(places[length - 1] if length else -1)
    kept, place = set[int](), places[-1]
    while place >= 0:
        kept.add(place)
        place = before[place]
    return [place for place in range(len(numbers)) if place not in kept]


def _seen(values: Iterable[T], mask: Sequence[bool] | None) -> Iterable[T]:
    return values if mask is None else compress(values, mask)
