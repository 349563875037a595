"""Vector sets opened for search: the memory-mapped vectors, the owner of each row, and which rows are
deleted.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np
from attrs import evolve, frozen

from heron.catalog.vectors.rows import Contents, VectorRows, VectorSet
from heron.vectors.space import Space

Array = np.ndarray[Any, Any]

_TAIL = 20_000
"""If more rows than this have no codes, opening the set extends the codes."""


@frozen(eq=False)
class OpenSet:
    """A set at one moment. `items` and `frames` are inner ids by row, int64; frame 0 stands for the item
    itself.

    `live` says which rows are not deleted; rows that the file has lost are not live. `doubts` are sentences about what cannot
    be trusted, for every answer that comes from these vectors.
    """

    kept: VectorSet
    space: Space
    items: Array
    frames: Array
    live: Array
    missing: int
    doubts: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of rows of the matrix, including deleted ones."""
        return len(self.items)


class OpenSets:
    """Opens sets, and keeps them open as long as they do not change."""

    def __init__(self, rows: VectorRows) -> None:
        self._rows = rows
        self._open: dict[str, tuple[tuple[VectorSet, int], OpenSet]] = {}

    def get(self, key: str) -> OpenSet | None:
        """The present set of a key; None if it has no vectors. Raises CatalogueError if its file is lost."""
        known = self._open.get(key)
        state = self._rows.state(key)
        if known is not None and known[0] == state:
            return known[1]
        opened = self._opened(key, known[1] if known is not None else None) if state is not None else None
        if opened is None:
            self._open.pop(key, None)
            return None
        if not self._rows.is_changing:  # an uncommitted state may be rolled back
            self._open[key] = opened
        return opened[1]

    def _opened(self, key: str, before: OpenSet | None) -> tuple[tuple[VectorSet, int], OpenSet] | None:
        """Open a set; `before`, the same set at an earlier moment, saves reading its owners again."""
        return self._rows.steady(key, lambda kept: self._read(kept, before))

    def _read(self, kept: VectorSet, before: OpenSet | None) -> tuple[tuple[VectorSet, int], OpenSet] | None:
        if before is not None and (before.missing or before.kept.file != kept.file):
            before = None
        now = self._rows.contents(kept.key, before.count if before is not None else 0)
        if before is not None and now is not None and now.kept.file != before.kept.file:
            before, now = None, self._rows.contents(kept.key)  # another process compacted it in between
        if now is None or now.kept.row_count == len(now.gaps):
            return None
        space = self._rows.space(now.kept)
        if not space.count:
            space.matrix.mapped(
                now.kept.row_count
            )  # raises an error that says what is missing, and what to do
        codes = space.view().codes
        if space.count - (codes.rows if codes is not None else 0) > _TAIL:
            space.refresh()
        doubts = tuple(self._doubts(now.kept, space))
        return (now.kept, len(now.gaps)), evolve(_open_set(now, before, space), doubts=doubts)

    def _doubts(self, kept: VectorSet, space: Space) -> Iterator[str]:
        """What is seen at once: lost rows, and a first or last block that has other bytes than those that were written."""
        advice = f"; heron vectors verify {shlex.quote(kept.key)} says more"
        if space.count < kept.row_count:
            yield f"{kept.row_count - space.count:,} of {kept.row_count:,} vectors of {kept.key!r} are lost{advice}"
        if any(self._rows.sums.damaged(kept.id, space.matrix, ends_only=True)):
            yield f"some vectors of {kept.key!r} were changed outside of Heron{advice}"


def _open_set(now: Contents, before: OpenSet | None, space: Space) -> OpenSet:
    items, frames = np.zeros((2, now.kept.row_count), dtype=np.int64)
    if before is not None:
        items[: before.count], frames[: before.count] = before.items, before.frames
    items[now.rows], frames[now.rows] = now.items, now.frames
    live = items > 0
    live[now.gaps] = False
    count = space.count
    return OpenSet(now.kept, space, items[:count], frames[:count], live[:count], now.kept.row_count - count)
