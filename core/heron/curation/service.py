"""The curation service: duplicates, uniqueness, diverse subsets, and leakage between datasets."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import frozen

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.datasets import DatasetRef
from heron.catalog.items import ItemService
from heron.catalog.vectors import VectorStore
from heron.curation.keeping import best_first
from heron.curation.lookup import Lookup
from heron.curation.records import (
    DuplicateGroup,
    Duplicates,
    Hashed,
    Leakage,
    Pair,
    Ranked,
    Ranking,
    Subset,
    Way,
)
from heron.errors import InvalidInput
from heron.metadata.keys import printable
from heron.models import Query
from heron.storage.service import StorageService

if TYPE_CHECKING:
    from heron.catalog.vector_sets import OpenSet
    from heron.curation.chosen import Array, Chosen

THRESHOLD = 0.95
"""Cosine from which on two vectors are near duplicates, unless said otherwise."""

NEIGHBOURS = 10
"""Nearest vectors that uniqueness is about, unless said otherwise."""

_EXACT_MOST = 500_000
"""Vectors of which every pair is compared even where there is an index; an index takes about as long for so many."""

Progress = Callable[[int], None]


def _silent(done: int) -> None:
    """Tell nobody."""


@frozen(eq=False)
class _Compared:
    """The vectors of a key that are compared: how many items have some, and how many have none."""

    key: str
    opened: OpenSet
    chosen: Chosen
    items: int
    without: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not compared, in sentences."""
        notes = []
        if self.without:
            notes.append(f"{_counted(self.without, 'item')} without a vector under {self.key!r} left out")
        if self.chosen.zeros:
            notes.append(f"{_counted(self.chosen.zeros, 'vector')} of zeros left out, which have no direction")
        return tuple(notes)


class CurationService:
    """Finds what is there twice, what is rare, and what covers the rest. Vectors are compared by cosine.

    Where a verb takes a key, None is the first one that an embedder made vectors for; where it takes a query, None is all
    items. `progress` is told how many vectors are done with.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        items: ItemService,
        vectors: VectorStore,
        storage: StorageService,
        lookup: Lookup,
    ) -> None:
        self._database = database
        self._access = access
        self._items = items
        self._vectors = vectors
        self._storage = storage
        self._lookup = lookup

    def exact_duplicates(self, query: Query | None = None) -> Duplicates:
        """Groups of items whose files are equal, by their content hashes."""
        ids = self._ids(query)
        equal = self._lookup.equal(ids)
        candidates = self._lookup.candidates(id for group in equal for id in group)
        groups = [DuplicateGroup(*best_first([candidates[id] for id in group])) for group in equal]
        without = len(ids) - len(self._lookup.hashes(ids))
        notes = (f"{_counted(without, 'item')} without a content hash left out",) if without else ()
        return Duplicates(_largest_first(groups), len(ids) - without, without, "hash", notes=notes)

    def hash_missing(self, query: Query | None = None, *, progress: Progress = _silent) -> Hashed:
        """Keep the SHA-256 of the files of items that have no hash. Items of several files have none."""
        self._access.require("update", "item")
        plan = self._lookup.plan(query)
        rows = self._lookup.rows(
            f"SELECT uuid FROM items WHERE {plan.condition} AND content_hash IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM members WHERE item_id = items.id)",
            plan.parameters,
        )
        from heron.curation.hashing import hash_items

        return hash_items([row[0] for row in rows], self._items, self._storage, self._database, progress)

    def near_duplicates(
        self,
        key: str | None = None,
        threshold: float = THRESHOLD,
        query: Query | None = None,
        *,
        frames: bool = False,
        exact: bool = False,
        progress: Progress = _silent,
    ) -> Duplicates:
        """Groups of items that are connected by pairs with a cosine of `threshold` or more.

        An item is known by its own vector, or else by the mean of those of its frames; with `frames`, items are as near as
        the nearest two of all their vectors. Each pair is compared, unless there are more than 500,000 vectors and an index:
        that is asked then for what is near, which may miss some, and `exact` forbids it.
        """
        _check_cosine(threshold)
        compared = self._compared(key, query, frames=frames)
        from heron.curation.groups import Groups
        from heron.curation.pairs import close_pairs, indexed_pairs

        chosen, np = compared.chosen, _numpy()
        ids, owner = np.unique(chosen.items, return_inverse=True)
        by_index = not exact and _has_index(compared)
        pairs = (
            indexed_pairs(compared.opened.space, chosen, threshold, progress)
            if by_index
            else close_pairs(chosen, None, threshold, progress)
        )
        found = Groups(len(ids))
        for part in pairs:
            frames_of = chosen.frames[np.stack([part.first, part.second])]
            found.add(owner[part.first], owner[part.second], part.scores, frames_of)
        way: Way = "index" if by_index else "pairs"
        notes = [*compared.notes]
        if by_index:
            notes.append("the index was asked for what is near, which may miss some pairs")
        if found.thinned:
            notes.append("of very many pairs only the nearest of each item are told; the groups hold all")
        groups = self._groups(ids, found.labels(), found.pairs())
        return Duplicates(
            groups, compared.items, compared.without, way, compared.key, threshold, tuple(notes)
        )

    def uniqueness(
        self,
        key: str | None = None,
        query: Query | None = None,
        *,
        neighbours: int = NEIGHBOURS,
        limit: int | None = None,
        keep: bool = False,
        progress: Progress = _silent,
    ) -> Ranking:
        """Items by how far they are from those nearest to them: 1 - the mean cosine with the `neighbours` nearest.

        That is the sum of distances of Angiulli and Pizzuti, "Fast outlier detection in high dimensional spaces", PKDD
        2002, as a mean, with 1 - cosine for the distance. `limit` tells the first ones only. With `keep` the number is kept
        as `metric.uniqueness` of each item, to sort and filter by.
        """
        if keep:
            self._access.require("update", "item")
        if neighbours < 1:
            raise InvalidInput(f"neighbours is {neighbours}, at least 1 is needed")
        _check_count("limit", limit)
        compared = self._compared(key, query, frames=False)
        chosen, np = compared.chosen, _numpy()
        if len(chosen) < 2:
            raise InvalidInput("there is one item only, nothing to compare it with")
        from heron.curation.neighbours import indexed_cosines, nearest_cosines

        k, by_index = min(neighbours, len(chosen) - 1), _has_index(compared)
        cosines = (
            indexed_cosines(compared.opened.space, chosen, k, progress)
            if by_index
            else nearest_cosines(chosen, k, progress)
        )
        scores = np.round(1 - cosines.mean(axis=1, dtype=np.float64), 6)
        if keep:
            self._keep_uniqueness(chosen.items, scores)
        order = np.lexsort((chosen.items, -scores))[:limit]
        notes = (*compared.notes, *(("the index was asked, which may miss some of the nearest",) * by_index))
        ranked = self._ranked(chosen.items[order], scores[order])
        way: Way = "index" if by_index else "pairs"
        return Ranking(ranked, compared.key, k, compared.items, compared.without, way, notes)

    def diverse(self, key: str | None = None, count: int = 100, query: Query | None = None) -> Subset:
        """`count` items that cover the set: first the one nearest to the mean, then each time the one farthest from all taken.

        That is Gonzalez' greedy k-center (1985). Where there are fewer items, all are taken, and a note says so.
        """
        _check_count("count", count)
        compared = self._compared(key, query, frames=False)
        from heron.curation.diversity import spread

        chosen, notes = compared.chosen, compared.notes
        if count > len(chosen):
            notes = (*notes, f"there are {_counted(len(chosen), 'item')} only, all were taken")
        found = spread(chosen, min(count, len(chosen)))
        ranked = self._ranked(chosen.items[found.places], found.scores)
        covered = round(found.covered, 6)
        return Subset(ranked, compared.key, covered, compared.items, compared.without, notes)

    def leakage(
        self,
        first: DatasetRef,
        second: DatasetRef,
        key: str | None = None,
        threshold: float = THRESHOLD,
        *,
        frames: bool = True,
        progress: Progress = _silent,
    ) -> Leakage:
        """Items of the second dataset that are in the first one too, have equal content there, or are near one of it.

        Near are two items of which any two vectors, those of frames among them unless `frames` is False, have a cosine of
        `threshold` or more. Where there are no vectors and no key is named, only identity and content are compared, and a
        note says so.
        """
        _check_cosine(threshold)
        self._access.require("read", "item")
        ids = self._lookup.of_dataset(first), self._lookup.of_dataset(second)
        from heron.curation.leaks import Leaks

        leaks = Leaks(self._lookup, *ids)
        notes = leaks.notes
        if key is None and not self._vectors.embedding_keys():
            return leaks.told(None, None, (*notes, "there are no vectors, so no near items were looked for"))
        opened = self._opened(key)
        leaks.add_near(opened, threshold, progress, frames=frames)
        return leaks.told(opened.kept.key, threshold, leaks.notes)

    def _ids(self, query: Query | None) -> Array:
        self._access.require("read", "item")
        ids = self._lookup.ids(query)
        if not len(ids):
            raise InvalidInput("no item is like that, so there is nothing to compare")
        return ids

    def _opened(self, key: str | None) -> OpenSet:
        """The vectors of a key, or of the first one there is; raises InvalidInput where there are none."""
        there = [kept.key for kept in self._vectors.embedding_keys()]
        if key is None and there:
            key = there[0]
        opened = self._vectors.opened(key) if key is not None and key in there else None
        if opened is None:
            under = f" under {printable(key)}" if key is not None else ""
            hint = f"there are some under: {', '.join(there)}" if there else "heron embed makes some"
            raise InvalidInput(f"there are no vectors{under}", hint=hint)
        return opened

    def _compared(self, key: str | None, query: Query | None, *, frames: bool) -> _Compared:
        opened = self._opened(key)
        ids, np = self._ids(query), _numpy()
        from heron.curation.chosen import choose

        chosen = choose(opened, ids, frames=frames)
        if not len(chosen):
            raise InvalidInput(
                f"none of the {_counted(len(ids), 'item')} has a vector under {opened.kept.key!r}",
                hint="heron embed makes them, or name another key",
            )
        count = len(np.unique(chosen.items))
        return _Compared(opened.kept.key, opened, chosen, count, len(ids) - count)

    def _groups(self, ids: Array, labels: Array, pairs: Array) -> tuple[DuplicateGroup, ...]:
        """The groups with two items or more, with their pairs by descending score."""
        np = _numpy()
        roots, sizes = np.unique(labels, return_counts=True)
        members = np.flatnonzero(np.isin(labels, roots[sizes > 1]))
        candidates = self._lookup.candidates(ids[members].tolist())
        frames = self._lookup.frame_numbers(int(frame) for frame in pairs[3:].ravel() if frame)
        told: dict[int, list[Pair]] = {}
        for first, second, score, *of in pairs[:, np.argsort(-pairs[2], kind="stable")].T.tolist():
            uuids = (candidates[int(ids[int(place)])].uuid for place in (first, second))
            numbers = (frames.get(int(frame)) for frame in of)
            told.setdefault(int(labels[int(first)]), []).append(Pair(*uuids, score, *numbers))
        of_root: dict[int, list[int]] = {}
        for place in members.tolist():
            of_root.setdefault(int(labels[place]), []).append(int(ids[place]))
        return _largest_first(
            [
                DuplicateGroup(*best_first([candidates[id] for id in group]), tuple(told[root]))
                for root, group in of_root.items()
            ]
        )

    def _ranked(self, ids: Array, scores: Array) -> tuple[Ranked, ...]:
        names = self._lookup.names(ids.tolist())
        found = zip(ids.tolist(), scores.tolist(), strict=True)
        return tuple(
            Ranked(*names[id], None if math.isnan(score) else round(score, 6)) for id, score in found
        )

    def _keep_uniqueness(self, ids: Array, scores: Array) -> None:
        self._database.execute_many(
            "UPDATE items SET facts = json_set(facts, '$.metric.uniqueness', ?) WHERE id = ?",
            zip(scores.tolist(), ids.tolist(), strict=True),
        )


def _has_index(compared: _Compared) -> bool:
    """Whether asking the index is faster than comparing all pairs: it is there, and most of its vectors are compared."""
    chosen, space = compared.chosen, compared.opened.space
    if len(chosen) <= _EXACT_MOST or len(chosen.means) or 2 * len(chosen) < space.count:
        return False
    status = space.status()
    return status.expansion is not None and 2 * status.graph.rows > space.count


def _check_cosine(threshold: float) -> None:
    if not -1 <= threshold <= 1:
        raise InvalidInput(f"the threshold is {threshold:g}, a cosine from -1 to 1 is needed")


def _check_count(name: str, count: int | None) -> None:
    if count is not None and count < 1:
        raise InvalidInput(f"{name} is {count}, at least 1 is needed")


def _largest_first(groups: list[DuplicateGroup]) -> tuple[DuplicateGroup, ...]:
    return tuple(sorted(groups, key=lambda group: -len(group.items)))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _numpy() -> Any:
    import numpy

    return numpy
