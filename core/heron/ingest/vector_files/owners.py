"""Finds the owners of the vectors of a file: names become inner ids, and an item or frame can have one vector only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import Factory, define

from heron.catalog.frames import FrameService
from heron.catalog.items import ItemService
from heron.catalog.vectors.rows import Owner
from heron.convert import without_secrets
from heron.ingest.vector_files.names import Named

Array = np.ndarray[Any, Any]

SHOWN = 20
"""The number of names that a report lists: of names that match no item, and of names that match several."""


@define
class Strangers:
    """Vectors whose owner was not found: their number, and the first names."""

    unmatched: int = 0
    ambiguous: int = 0
    first_unmatched: list[str] = Factory(list)
    first_ambiguous: dict[str, int] = Factory(dict)

    def note(self, name: Named, items: int) -> None:
        """Count a name for which no owner was found: no item or several have it, or one item that lacks the frame."""
        if items > 1:
            self.ambiguous += 1
            if len(self.first_ambiguous) < SHOWN:
                self.first_ambiguous[name.shown] = items
        else:
            self.unmatched += 1
            if len(self.first_unmatched) < SHOWN:
                self.first_unmatched.append(without_secrets(name.shown))


class Lookup:
    """Finds the items and frames that the user sees by name."""

    def __init__(self, items: ItemService, frames: FrameService) -> None:
        self._items = items
        self._frames = frames
        self.strangers = Strangers()

    def __call__(self, names: Sequence[Named]) -> Array:
        """The inner ids of the item and frame of each name, int64 of shape (n, 2); zeros if none was found."""
        items = self._called(names)
        meant = [_meant(name, items) for name in names]
        frames = self._frames._numbered(
            [(ids[0], n.frame) for n, ids in meant if len(ids) == 1 and n.frame is not None]
        )
        found = np.zeros((len(names), 2), dtype=np.int64)
        for row, (name, ids) in enumerate(meant):
            owner = _owner(ids, name.frame, frames)
            if owner is None:
                self.strangers.note(name, len(ids))
            else:
                found[row] = owner
        return found

    def _called(self, names: Sequence[Named]) -> dict[tuple[str, str], list[int]]:
        """The inner ids of the items that have a name, by kind of name and name."""
        found: dict[tuple[str, str], list[int]] = {}
        for kind in dict.fromkeys(name.kind for name in names):
            texts = (text for name in names if name.kind == kind for text in (name.name, name.whole) if text)
            matches = self._items._called(kind, texts)
            found.update(((kind, text), [id for id, _ in called]) for text, called in matches.items())
        return found


def _meant(name: Named, items: Mapping[tuple[str, str], list[int]]) -> tuple[Named, list[int]]:
    """A name, read with or without a frame number at its end, and the items that have it."""
    ids = items.get((name.kind, name.name), [])
    if not ids and name.whole is not None and (name.kind, name.whole) in items:
        return Named(name.kind, name.whole), items[name.kind, name.whole]
    return name, ids


def _owner(items: Sequence[int], frame: int | None, frames: Mapping[tuple[int, int], int]) -> Owner | None:
    """The inner ids of the item and its frame; None unless exactly one item has the name, and it has the frame."""
    if len(items) != 1:
        return None
    id = 0 if frame is None else frames.get((items[0], frame))
    return (items[0], id) if id is not None else None


def first_repeated(owners: Array) -> tuple[int, int] | None:
    """The first row with the same owner as an earlier row, as (earlier, this one); rows without an owner do not count."""
    known = np.flatnonzero(owners[:, 0])
    order = known[np.lexsort((known, owners[known, 1], owners[known, 0]))]
    is_repeated = (owners[order[1:]] == owners[order[:-1]]).all(axis=1)
    if not is_repeated.any():
        return None
    later, earlier = order[1:][is_repeated], order[:-1][is_repeated]
    place = int(np.argmin(later))
    return int(earlier[place]), int(later[place])


def as_owners(rows: Array) -> list[Owner]:
    """The rows of an array of inner ids, in the form that the store expects."""
    return list(map(tuple, rows.tolist()))
