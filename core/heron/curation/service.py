"""The curation service: duplicates, uniqueness, diverse subsets, and leakage between datasets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heron.answers import CarriedOver
from heron.catalog.access import WORKSPACE, Access
from heron.catalog.carrying import Carrying
from heron.catalog.database import Database
from heron.catalog.findings import Findings
from heron.catalog.items import ItemService
from heron.catalog.referring import DatasetRef
from heron.catalog.vectors.sets import OpenSet
from heron.catalog.vectors.store import VectorStore
from heron.curation.chosen import Array, scratch
from heron.curation.compared import Compared, NothingToCompare, comparable_turned, compared, opened_set
from heron.curation.diversity import spread
from heron.curation.duplicates import equal_files, near_items
from heron.curation.hashing import hash_items
from heron.curation.leaks import Leaks
from heron.curation.lookup import Lookup
from heron.curation.neighbours import indexed_cosines, nearest_cosines
from heron.curation.records import DuplicateGroup, Duplicates, Hashed, Leakage, Ranked, Ranking, Subset
from heron.curation.samplers import sampled
from heron.curation.sheet import GroupSheet, sheet_of_duplicates, sheet_of_leaks
from heron.curation.turning import copies_from, turning_key, turns_of
from heron.errors import InvalidInput
from heron.hooks import PluginManager
from heron.models import Dataset, Query
from heron.pictures.files import checked_size
from heron.pictures.service import PictureService
from heron.search.similar import Embedders
from heron.storage.service import StorageService
from heron.storage.waiting import patiently
from heron.wording import counted

THRESHOLD = 0.95
"""The cosine at or above which two vectors are near duplicates, where their embedder gives no other."""

NEIGHBOURS = 10
"""Default number of nearest vectors for uniqueness."""

Progress = Callable[[int], None]


def _silent(done: int) -> None:
    """Report no progress."""


class CurationService:
    """Finds duplicates, unusual items, diverse subsets and leaks. Vectors are compared by cosine.

    If a key is None, the first key that has vectors is used; keys of embedders for pictures only come before
    others. If a query is None, all items are meant. An item is compared by its own vector, or else by the mean
    of the vectors of its frames; with `frames`, by each of its vectors. `progress` is called with the number
    of vectors done.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        items: ItemService,
        vectors: VectorStore,
        storage: StorageService,
        pictures: PictureService,
        lookup: Lookup,
        plugins: Callable[[], PluginManager],
        embedders: Embedders,
    ) -> None:
        self._plugins = plugins
        self._embedders = embedders
        self._access = access
        self._findings = Findings(database, access)
        self._carrying = Carrying(database, access)
        self._items = items
        self._vectors = vectors
        self._storage = storage
        self._pictures = pictures
        self._lookup = lookup

    def exact_duplicates(self, query: Query | None = None) -> Duplicates:
        """Groups of items with equal files, by their content hashes; no groups if the query finds no items."""
        self._access.require("read", WORKSPACE)
        lookup = self._lookup.begun()
        return equal_files(lookup, lookup.ids(query))

    @patiently()
    def hash_missing(self, query: Query | None = None, *, progress: Progress = _silent) -> Hashed:
        """Store the SHA-256 of the files of items that have no hash; items of several files never have one."""
        self._access.require("read", WORKSPACE)
        uuids = self._lookup.unhashed(query)
        return hash_items(uuids, self._items, self._storage, self._findings, progress)

    def near_duplicates(
        self,
        key: str | None = None,
        threshold: float | None = None,
        query: Query | None = None,
        *,
        frames: bool = False,
        exact: bool = False,
        turned: bool = False,
        progress: Progress = _silent,
    ) -> Duplicates:
        """Groups of items that are connected by pairs with a cosine of `threshold` or more.

        Without `threshold`, it is the one that the embedder of the key recommends, or else 0.95. With `turned`, copies that are
        mirrored, or rotated by 90, 180 or 270 degrees, are found too, in eight times the time; without a key, the first one whose
        vectors tell how pictures are turned is used, that of `phash` first. Raises InvalidInput for vectors that do not tell. With `frames`, the similarity of two items is the highest of all their vectors. Every pair is compared,
        unless there are more than 500,000 vectors and an index; the index then finds the neighbours and can
        miss some; `exact` prevents that.
        """
        _check_cosine(threshold)
        if turned:
            self._access.require("read", WORKSPACE)
            key = turning_key(self._vectors, self._embedders, key)
        lookup, turns = self._lookup.begun(), []
        there = self._compared(key, query, frames=frames)
        if turned:
            there, turns = comparable_turned(there), turns_of(self._embedders.of(there.opened.kept))
        least = self._threshold(threshold, there.opened)
        return near_items(lookup, there, least, exact=exact, progress=progress, turns=turns)

    def carry_over(self, found: Duplicates, *, dry_run: bool = False) -> CarriedOver:
        """Copy what people have done with redundant items to the kept one of each group, as far as it lacks it.

        That is keys of metadata, memberships in collections, and rows of datasets, which are added at the end. Nothing is
        overwritten: a key whose values differ is listed as a conflict. All groups are changed in one transaction; with
        `dry_run` nothing is changed. Vectors and metadata of frames are not copied.
        """
        self._access.require("read", WORKSPACE)
        groups = [(group.kept, group.redundant) for group in found.groups if _is_worked_on(group)]
        return self._carrying.planned(groups) if dry_run else self._carrying.carry_over(groups)

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
        """Items by their distance from their nearest items: 1 - the mean cosine with the `neighbours` nearest.

        That is the weight of Angiulli and Pizzuti, "Fast outlier detection in high dimensional spaces", PKDD
        2002, as a mean, with 1 - cosine for the distance. `limit` returns only the first ones. With `keep` the
        value is stored as `metric.uniqueness` of each item, to sort and filter by.
        """
        _check_count("neighbours", neighbours)
        _check_count("limit", limit)
        lookup, there = self._lookup.begun(), self._compared(key, query, frames=False)
        chosen, notes = there.chosen, there.notes
        if len(chosen) < 2:
            raise InvalidInput("there is only one item, so there is nothing to compare it with")
        names = {}
        if keep:
            self._findings.require(chosen.items.tolist())
            names = lookup.names(chosen.items.tolist())
        k = min(neighbours, len(chosen) - 1)
        if there.has_index:
            cosines = indexed_cosines(there.opened.space, chosen, k, progress)
            notes = (*notes, "the index was used, which can miss some neighbours")
        else:
            cosines = nearest_cosines(chosen, k, progress)
        scores = np.round(1 - np.nanmean(cosines, axis=1, dtype=np.float64), 6)
        if keep:
            scored = zip(chosen.items.tolist(), scores.tolist(), strict=True)
            self._findings.keep_uniqueness((id, names[id][0], score) for id, score in scored if id in names)
        order = np.lexsort((chosen.items, -scores))[:limit]
        return Ranking(
            self._ranked(lookup, chosen.items[order], scores[order]), there.key, k, there.items, there.without,
            "index" if there.has_index else "pairs", notes,
        )  # fmt: skip

    def diverse(self, key: str | None = None, count: int = 100, query: Query | None = None) -> Subset:
        """`count` items that cover the set: the one nearest to the mean, then in each step the one farthest
        from all chosen so far.

        This is the greedy k-center algorithm of Gonzalez (1985). If there are fewer items, all are chosen, and
        a note says so.
        """
        _check_count("count", count)
        lookup, there = self._lookup.begun(), self._compared(key, query, frames=False)
        chosen, notes = there.chosen, there.notes
        if count > len(chosen):
            notes = (*notes, f"there are only {counted(len(chosen), 'item')}, so all were chosen")
        found = spread(chosen, min(count, len(chosen)))
        ranked = self._ranked(lookup, chosen.items[found.places], found.scores)
        return Subset(ranked, there.key, round(found.covered, 6), there.items, there.without, notes)

    def sample(
        self,
        sampler: str = "random",
        count: int = 100,
        query: Query | None = None,
        *,
        key: str | None = None,
        seed: int = 0,
    ) -> Subset:
        """`count` items that a sampler of a plugin chooses by their vectors; `random` is built in.

        If there are fewer items, all are chosen, and a note says so. Raises PluginError for a sampler that is not available or fails.
        """
        _check_count("count", count)
        self._plugins().require(self._plugins().sampler(sampler))
        lookup, there = self._lookup.begun(), self._compared(key, query, frames=False)
        chosen, notes = there.chosen, there.notes
        if count > len(chosen):
            notes = (*notes, f"there are only {counted(len(chosen), 'item')}, so all were chosen")
        units = scratch((len(chosen), chosen.size))
        for start, block in chosen.blocks():
            units[start : start + len(block)] = block
        found = sampled(self._plugins(), sampler, chosen, units, min(count, len(chosen)), seed)
        ranked = self._ranked(lookup, chosen.items[found.places], found.scores)
        return Subset(ranked, there.key, round(found.covered, 6), there.items, there.without, notes)

    def leakage(
        self,
        first: DatasetRef,
        second: DatasetRef,
        key: str | None = None,
        threshold: float | None = None,
        *,
        frames: bool = True,
        turned: bool = False,
        progress: Progress = _silent,
    ) -> Leakage:
        """Items of the second dataset that the first one contains too: the same item, equal content, or a near one.

        Two items are near if any two of their vectors have a cosine of `threshold` or more; vectors of frames count
        unless `frames` is False. Without `threshold`, it is as for `near_duplicates`. If there are no vectors and no key is named, only identity and content are compared,
        and a note says so. With `turned`, copies that are mirrored or rotated are found too, as by `near_duplicates`; raises InvalidInput
        for vectors that do not tell.
        """
        _check_cosine(threshold)
        self._access.require("read", WORKSPACE)
        leaks = Leaks(self._lookup.begun(), self._of_dataset(first), self._of_dataset(second))
        if turned:
            key = turning_key(self._vectors, self._embedders, key)
        if key is None and not self._vectors._embedding_keys():
            leaks.notes.append("there are no vectors, so near items were not looked for")
            return leaks.told(None, None)
        opened = opened_set(self._vectors, key)
        least = self._threshold(threshold, opened)
        turns = turns_of(self._embedders.of(opened.kept)) if turned else []
        leaks.add_near(opened, least, progress, frames=frames, turns=turns)
        return leaks.told(opened.kept.key, least)

    def sheet(self, found: Duplicates | Leakage, *, columns: int = 6, size: int = 192) -> GroupSheet:
        """The pictures of groups of duplicates, or of leaks, side by side; `size` is the size of a cell in pixels.

        Groups are shown until there are about 300 pictures. Raises InvalidInput if there are no groups.
        """
        self._access.require("read", WORKSPACE)
        checked_size(size)
        if columns < 1:
            raise InvalidInput(f"a sheet of {columns:,} columns cannot be made", hint="give 1 or more")
        if isinstance(found, Duplicates):
            return sheet_of_duplicates(found, self._pictures.thumbnail, columns, size)
        return sheet_of_leaks(found, self._pictures.thumbnail, columns, size)

    def _ids(self, query: Query | None) -> Array:
        self._access.require("read", WORKSPACE)
        ids = self._lookup.ids(query)
        if not len(ids):
            raise NothingToCompare("no item matches, so there is nothing to compare")
        return ids

    def _of_dataset(self, dataset: DatasetRef) -> Array:
        ids = self._lookup.of_dataset(dataset)
        if not len(ids):
            name = dataset.title if isinstance(dataset, Dataset) else str(dataset)
            raise InvalidInput(f"dataset {name!r} is empty, so there is nothing to compare")
        return ids

    def _compared(self, key: str | None, query: Query | None, *, frames: bool) -> Compared:
        return compared(opened_set(self._vectors, key), self._ids(query), frames=frames)

    def _threshold(self, given: float | None, opened: OpenSet) -> float:
        recommended = copies_from(self._embedders, opened.kept) if given is None else given
        return THRESHOLD if recommended is None else recommended

    def _ranked(self, lookup: Lookup, ids: Array, scores: Array) -> tuple[Ranked, ...]:
        names = lookup.names(ids.tolist())
        found = zip(ids.tolist(), scores.tolist(), strict=True)
        return tuple(
            Ranked(*names[id], None if np.isnan(score) else round(score, 6))
            for id, score in found
            if id in names
        )


def _is_worked_on(group: DuplicateGroup) -> bool:
    return any(item.work for item in group.items[1:])


def _check_cosine(threshold: float | None) -> None:
    if threshold is not None and not -1 <= threshold <= 1:
        raise InvalidInput(f"the threshold is {threshold:g}, a cosine from -1 to 1 is needed")


def _check_count(name: str, count: int | None) -> None:
    if count is not None and count < 1:
        raise InvalidInput(f"{name} is {count}, at least 1 is needed")
