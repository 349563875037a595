"""The vectors that a method compares, by key and query, with notes about what is left out."""

from __future__ import annotations

import numpy as np
from attrs import evolve, frozen

from heron.catalog.vectors.sets import OpenSet
from heron.catalog.vectors.store import VectorStore
from heron.curation.chosen import Array, Chosen, choose, without_means
from heron.errors import InvalidInput
from heron.wording import counted

_EXACT_MOST = 500_000
"""Up to this number of vectors, every pair is compared even if there is an index, since it takes about as long."""


class NothingToCompare(InvalidInput):
    """There is no item with a vector; `key` is the key of the vectors if it is known, `left_out` the number of items
    without one.
    """

    def __init__(
        self, message: str, hint: str | None = None, key: str | None = None, left_out: int = 0
    ) -> None:
        super().__init__(message, hint=hint)
        self.key = key
        self.left_out = left_out


@frozen(eq=False)
class Compared:
    """Vectors of items under a key, and how many items have some and how many have none."""

    opened: OpenSet
    chosen: Chosen
    items: int
    without: int
    told: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key of the vectors."""
        return self.opened.kept.key

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about what is not compared."""
        notes = [*self.opened.doubts, *self.told]
        if self.without:
            notes.append(f"{counted(self.without, 'item')} without a vector under {self.key!r}, left out")
        if self.chosen.zeros:
            notes.append(
                f"{counted(self.chosen.zeros, 'vector')} of zeros, which have no direction, left out"
            )
        return tuple(notes)

    @property
    def has_index(self) -> bool:
        """Whether the index is faster than comparing all pairs: it exists, and most of the vectors that it covers
        are chosen.
        """
        chosen, space = self.chosen, self.opened.space
        if len(chosen) <= _EXACT_MOST or len(chosen.means) or 2 * len(chosen) < space.count:
            return False
        status = space.status()
        is_graph_enough = status.expansion is not None and 2 * status.graph.rows > space.count
        return is_graph_enough or (status.are_partitions_useful and 2 * status.partitions.rows > space.count)


def comparable_turned(there: Compared) -> Compared:
    """What can be turned: vectors that are stored, but not means of the vectors of frames; raises NothingToCompare."""
    chosen = without_means(there.chosen)
    items = len(np.unique(chosen.items))
    if items == there.items:
        return there
    left_out = counted(there.items - items, "item")
    told = f"{left_out} with vectors of frames only left out; --frames compares these"
    if not items:
        raise NothingToCompare(told, None, there.key, there.items)
    return evolve(there, chosen=chosen, items=items, told=(*there.told, told))


def opened_set(vectors: VectorStore, key: str | None) -> OpenSet:
    """The vectors of a key, or of the default key; raises NothingToCompare if there are none."""
    kept = [vectors._named(key)] if key is not None else vectors._embedding_keys()
    opened = vectors._opened(kept[0].key) if kept else None
    if opened is None:
        raise nothing_there()
    return opened


def nothing_there() -> NothingToCompare:
    """What is raised where there are no vectors."""
    return NothingToCompare("there are no vectors", "heron embed makes some")


def compared(opened: OpenSet, ids: Array, *, frames: bool) -> Compared:
    """The vectors of items by inner id, with `frames` also of their frames; raises NothingToCompare if there are none."""
    chosen = choose(opened, ids, frames=frames)
    if not len(chosen):
        raise NothingToCompare(
            f"of {counted(len(ids), 'item')}, none has a vector under {opened.kept.key!r}",
            "heron embed makes vectors, --key names others",
            opened.kept.key,
            len(ids),
        )
    items = len(np.unique(chosen.items))
    return Compared(opened, chosen, items, len(ids) - items)
