"""Groups of duplicates: from equal hashes, and from pairs of vectors, to items with one of them to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from heron.curation.chosen import Array, Chosen
from heron.curation.compared import Compared
from heron.curation.crowd import Crowd
from heron.curation.equal import representatives
from heron.curation.groups import Groups
from heron.curation.keeping import best_first
from heron.curation.lookup import Lookup
from heron.curation.pairs import Pairs, close_pairs, in_rounds, indexed_pairs
from heron.curation.records import TURNS, Candidate, DuplicateGroup, Duplicates, Pair, undone
from heron.curation.turning import Turn, turned
from heron.wording import counted


def equal_files(lookup: Lookup, ids: Array) -> Duplicates:
    """Groups of items with equal content hashes."""
    equal = lookup.equal(ids)
    candidates = lookup.candidates(id for group in equal for id in group)
    there = [[candidates[id] for id in group if id in candidates] for group in equal]
    groups = [DuplicateGroup(*best_first(group)) for group in there if len(group) > 1]
    without = np.setdiff1d(ids, list(lookup.hashes(ids)))
    several = len(lookup.of_several_files(without))
    notes = [] if len(ids) else ["no item was found, so nothing was compared"]
    if several:
        notes.append(f"{counted(several, 'item')} of several files, which have no hash, left out")
    if len(without) > several:
        left_out = counted(len(without) - several, "item")
        notes.append(
            f"{left_out} without a content hash left out; heron duplicates --hash-missing hashes them"
        )
    compared = len(ids) - len(without)
    return Duplicates(_largest_first(groups), compared, len(without), "hash", notes=tuple(notes))


def near_items(
    lookup: Lookup,
    compared: Compared,
    threshold: float,
    *,
    exact: bool,
    progress: Callable[[int], None],
    turns: Sequence[Turn] = (),
) -> Duplicates:
    """Groups of items that are connected by pairs of vectors with a cosine of `threshold` or more.

    With `turns`, each vector is also compared with the others turned by each of them. The items of a group have the same kind, unless vectors of frames are compared: a photograph can be in a film.
    """
    chosen, by_index = compared.chosen, compared.has_index and not exact
    ids, owner = np.unique(chosen.items, return_inverse=True)
    by_id = {} if (chosen.frames > 0).any() else lookup.kinds(ids.tolist())
    kinds = np.unique([by_id.get(id, "") for id in ids.tolist()], return_inverse=True)[1]
    found = Groups(len(ids))
    stands_for = representatives(chosen, kinds[owner])
    others = np.flatnonzero(stands_for != np.arange(len(chosen)))
    _add(found, chosen, (owner, kinds), Pairs(stands_for[others], others, np.ones(len(others))))
    left = np.flatnonzero(stands_for == np.arange(len(chosen)))
    few = chosen.at(left)
    crowd = Crowd(few, owner[left], kinds, threshold)
    rounds = 1 + len(turns)
    for done, turn in enumerate((None, *turns)):
        other = None if turn is None else turned(few, turn)
        advanced = partial(in_rounds, progress, done * len(few), rounds)
        pairs = (
            indexed_pairs(compared.opened.space, few, threshold, advanced, other)
            if by_index
            else close_pairs(few, None, threshold, advanced, crowd, other)
        )
        for part in pairs:
            of_items = Pairs(left[part.first], left[part.second], part.scores)
            _add(found, chosen, (owner, kinds), of_items, 0 if turn is None else turn.number)
    notes = [*compared.notes]
    if by_index:
        notes.append("the index was used, which can miss some pairs")
    if found.thinned or crowd.dropped or len(others):
        notes.append(
            "there are too many pairs to list all: only the nearest of each item are listed; the groups are complete"
        )
    return Duplicates(
        _groups(lookup, ids, found), compared.items, compared.without, "index" if by_index else "pairs",
        compared.key, threshold, tuple(notes),
    )  # fmt: skip


def _add(found: Groups, chosen: Chosen, of: tuple[Array, Array], pairs: Pairs, turn: int = 0) -> None:
    """Make pairs of items of pairs of places, and add those whose items have the same kind.

    The note of each item is its frame, and what was done to its picture to give that of the other: `turn` to the second.
    """
    owner, kinds = of
    first, second = owner[pairs.first], owner[pairs.second]
    differ = (first != second) & (kinds[first] == kinds[second])
    frames = chosen.frames[np.stack([pairs.first, pairs.second])]
    notes = frames * len(TURNS) + np.array([[undone(turn)], [turn]])
    found.add(first[differ], second[differ], pairs.scores[differ], notes[:, differ])


def _groups(lookup: Lookup, ids: Array, found: Groups) -> tuple[DuplicateGroup, ...]:
    """The groups with two or more items, with their pairs by descending score; items deleted meanwhile are left out."""
    held, labels = found.pairs(), found.labels().tolist()
    roots, sizes = np.unique(labels, return_counts=True)
    members = np.flatnonzero(np.isin(labels, roots[sizes > 1])).tolist()
    candidates = lookup.candidates(ids[members].tolist())
    of_place = {place: candidates[id] for place in members if (id := int(ids[place])) in candidates}
    frames, turn = held[3:] // len(TURNS), held[3] % len(TURNS)
    numbers = lookup.frame_numbers(int(frame) for frame in np.unique(frames) if frame)
    uuids = {place: candidate.uuid for place, candidate in of_place.items()}
    pairs: dict[int, list[Pair]] = {}
    order = np.argsort(-held[2], kind="stable")
    columns = [column[order].astype(np.int64).tolist() for column in (*held[:2], *frames, turn)]
    for first, second, of, to, how, score in zip(*columns, held[2, order].tolist(), strict=True):
        if first in uuids and second in uuids:
            pair = Pair(
                uuids[first], uuids[second], score, numbers.get(of), numbers.get(to), TURNS[how] or None
            )
            pairs.setdefault(labels[first], []).append(pair)
    grouped: dict[int, list[Candidate]] = {}
    for place, candidate in of_place.items():
        grouped.setdefault(labels[place], []).append(candidate)
    return _largest_first(
        [
            DuplicateGroup(*best_first(group), tuple(pairs.get(root, ())))
            for root, group in grouped.items()
            if len(group) > 1
        ]
    )


def _largest_first(groups: list[DuplicateGroup]) -> tuple[DuplicateGroup, ...]:
    return tuple(sorted(groups, key=lambda group: -len(group.items)))
