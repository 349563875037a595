"""Leakage: items that two datasets share: the same item, equal content, or near vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from heron.catalog.vectors.sets import OpenSet
from heron.curation.chosen import Array, choose, without_means
from heron.curation.groups import Groups, united
from heron.curation.lookup import Lookup
from heron.curation.pairs import close_pairs, in_rounds
from heron.curation.records import TURNS, Leak, Leakage, Why, undone
from heron.curation.turning import Turn, turned
from heron.wording import counted

_Found = tuple[int, int, Why, float | None, int, int, int]
"""An item of the second and one of the first dataset, the reason, the cosine, the frames, by inner ids, and what was done to the
picture of the first dataset to give that of the second, by its place in `TURNS`.
"""

_ORDER: dict[Why, int] = {"same item": 0, "equal content": 1, "near": 2}
"""The most certain reasons first."""


class Leaks:
    """Collects the leaks between the items of two datasets, by inner ids."""

    def __init__(self, lookup: Lookup, first: Array, second: Array) -> None:
        self._lookup = lookup
        self._first, self._second = first, second
        self._leaks: list[_Found] = []
        self._add_same()
        self.notes: list[str] = self._add_equal()

    def _add_same(self) -> None:
        self._same = np.intersect1d(self._first, self._second)
        self._leaks += [(id, id, "same item", None, 0, 0, 0) for id in self._same.tolist()]

    def _add_equal(self) -> list[str]:
        """Add leaks by equal hashes, each to the first item with that hash; returns notes about items without a hash."""
        of_first, of_second = (self._lookup.hashes(ids) for ids in (self._first, self._second))
        holder: dict[str, int] = {}
        for id, content in sorted(of_first.items()):
            holder.setdefault(content, id)
        same = set(self._same.tolist())
        for id, content in sorted(of_second.items()):
            if id not in same and content in holder:
                self._leaks.append((id, holder[content], "equal content", None, 0, 0, 0))
        without = len(self._first) + len(self._second) - len(of_first) - len(of_second)
        return [f"{counted(without, 'item')} without a content hash"] if without else []

    def add_near(
        self,
        opened: OpenSet,
        threshold: float,
        progress: Callable[[int], None],
        *,
        frames: bool,
        turns: Sequence[Turn] = (),
    ) -> None:
        """Add pairs with a cosine of `threshold` or more, except pairs that leak already.

        With `turns`, each vector of the second dataset is also compared with those of the first one turned by each of them.
        """
        self.notes += opened.doubts
        sets = [choose(opened, ids, frames=frames) for ids in (self._second, self._first)]
        if turns:
            sets = [without_means(chosen) for chosen in sets]
        for name, chosen, ids in zip(("second", "first"), sets, (self._second, self._first), strict=True):
            without = len(ids) - len(np.unique(chosen.items))
            if without:
                self.notes.append(
                    f"{counted(without, 'item')} of the {name} dataset without a vector under {opened.kept.key!r}"
                )
        known = {(second, first) for second, first, *_ in self._leaks}
        found = Groups(int(max(self._first.max(), self._second.max())) + 1)
        for done, turn in enumerate((None, *turns)):
            other, number = (sets[1], 0) if turn is None else (turned(sets[1], turn), turn.number)
            advanced = partial(in_rounds, progress, done * len(sets[0]), 1 + len(turns))
            for part in close_pairs(sets[0], other, threshold, advanced):
                of_frames = np.stack([sets[0].frames[part.first], other.frames[part.second]])
                notes = of_frames * len(TURNS) + np.array([[number], [undone(number)]])
                found.add(sets[0].items[part.first], other.items[part.second], part.scores, notes)
        if found.thinned:
            self.notes.append(
                "there are too many pairs to list all: only the nearest of each item are listed"
            )
        in_second = set(self._second.tolist())
        in_first = set(self._first.tolist())
        for low, high, score, *notes in found.pairs().T.tolist():
            (low_frame, to_low), (high_frame, to_high) = (divmod(int(note), len(TURNS)) for note in notes)
            there: _Found = (int(low), int(high), "near", score, low_frame, high_frame, to_low)
            back: _Found = (int(high), int(low), "near", score, high_frame, low_frame, to_high)
            for leak in (there, back):
                if leak[0] in in_second and leak[1] in in_first and leak[:2] not in known:
                    self._leaks.append(leak)

    def told(self, key: str | None, threshold: float | None) -> Leakage:
        """All leaks, the most certain first; leaks of items deleted meanwhile are left out."""
        names = self._lookup.names(id for leak in self._leaks for id in leak[:2])
        numbers = self._lookup.frame_numbers(frame for leak in self._leaks for frame in leak[4:6] if frame)
        left = [leak for leak in self._leaks if leak[0] in names and leak[1] in names]
        left.sort(key=lambda leak: (_ORDER[leak[2]], -(leak[3] or 0), leak[0], leak[1]))
        leaks = [
            Leak(
                *names[item],
                *names[of],
                why,
                score,
                numbers.get(frame),
                numbers.get(of_frame),
                TURNS[turn] or None,
            )
            for item, of, why, score, frame, of_frame, turn in left
        ]
        groups = self._groups({id: names[id][0] for leak in left for id in leak[:2]}, left)
        return Leakage(
            tuple(leaks), groups, len(self._first), len(self._second), key, threshold, tuple(self.notes)
        )

    def _groups(self, uuids: Mapping[int, str], leaks: Sequence[_Found]) -> tuple[tuple[str, ...], ...]:
        """The UUIDs of items that are connected by leaks, in groups, the largest group first."""
        ids = np.array(sorted(uuids), np.int64)
        ends = np.array([leak[:2] for leak in leaks], np.int64).reshape(-1, 2)
        roots = united(np.arange(len(ids)), *np.searchsorted(ids, ends).T)
        grouped: dict[int, list[str]] = {}
        for id, root in zip(ids.tolist(), roots.tolist(), strict=True):
            grouped.setdefault(root, []).append(uuids[id])
        return tuple(sorted(map(tuple, grouped.values()), key=lambda group: -len(group)))
