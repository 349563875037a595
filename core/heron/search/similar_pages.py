"""Pages in the order of similarity: a cursor names the score and the row at which its page ended, so that rows that come and go
between two pages neither repeat a row nor hide one.

The first page may come from an index that misses rows; the later pages compare all vectors. What the index missed belongs above the end of
the first page, and is shown by the second. So the cursor of such a page carries the rows that were shown, until a page ends below them.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, frozen

from heron.models import Json, Query
from heron.search.paging import damaged, made_cursor, opened_cursor

if TYPE_CHECKING:
    from heron.search.ranking import Ranked

Array = np.ndarray[Any, Any]

MOST_BY_INDEX = 1_000
"""Longer pages compare all vectors: the cursor of a page that may have missed rows carries all rows of that page."""


@frozen
class Row:
    """A row in the order of similarity: its score, and the inner id that orders rows of equal scores."""

    score: float
    id: int

    def is_before(self, other: Row) -> bool:
        """Whether this row stands before another one."""
        return (-self.score, self.id) < (-other.score, other.id)


@frozen(eq=False)
class Place:
    """Where a page begins: behind the row `after`, without the rows `shown`, which end at the row `floor`.

    `seen` is the number of rows on the pages before.
    """

    seen: int = 0
    after: Row | None = None
    floor: Row | None = None
    shown: Array | None = None

    @classmethod
    def of(cls, cursor: str | None, fingerprint: str) -> Place:
        """The place that a cursor names; raises QueryError for a cursor of another query, and for a damaged one."""
        values = opened_cursor(cursor, fingerprint, 5)
        if values is None:
            return cls()
        packed, *floor, score, id, seen = values
        place = cls(seen, _row(score, id), _row(*floor), _unpacked(packed))
        if seen < 1 or (place.shown is None) != (place.floor is None) or not (place.after or place.floor):
            raise damaged()
        return place

    def cursor(self, fingerprint: str) -> str:
        """The cursor that names this place."""
        rows = [
            value
            for row in (self.floor, self.after)
            for value in ((row.score, row.id) if row else (None, None))
        ]
        return made_cursor(fingerprint, [_packed(self.shown), *rows, self.seen])

    def fresh(self, ids: Array, scores: Array) -> Array:
        """Which of some rows no page before has shown, bool."""
        kept = np.ones(len(ids), bool) if self.shown is None else ~np.isin(ids, self.shown)
        if self.after is not None:
            score = np.float32(self.after.score)
            kept &= (scores < score) | ((scores == score) & (ids > self.after.id))
        return kept

    def behind(self, ids: Array, scores: Array, *, is_sure: bool) -> Place:
        """The place behind a page of these rows; unless `is_sure`, rows that belong above its end may have been missed."""
        last, seen = Row(float(scores[-1]), int(ids[-1])), self.seen + len(ids)
        if not self.seen and not is_sure:
            return Place(seen, None, last, np.sort(ids))
        if self.floor is not None and last.is_before(self.floor):
            return evolve(self, seen=seen, after=last)
        return Place(seen, last)


def similar_page(
    query: Query,
    limit: int,
    fingerprint: str,
    of: Callable[[Ranked], Array],
    nearest: Callable[[Query, int], Ranked | None],
) -> tuple[Ranked | None, Array, str | None]:
    """The most similar rows, which of them are on a page, and the cursor of the next page.

    `nearest` finds the most similar rows for a query, so many, and `of` takes their ids from what it finds. Raises QueryError.
    """
    place = Place.of(query.cursor, fingerprint)
    wanted = limit + 1 if query.nearest is None else max(0, min(limit + 1, query.nearest - place.seen))
    asked = evolve(query, exact=query.exact or place.seen > 0 or limit > MOST_BY_INDEX)
    count = place.seen + wanted
    while True:
        found = nearest(asked, max(1, count))
        if found is None:
            return None, np.empty(0, np.int64), None
        positions = np.flatnonzero(place.fresh(of(found), found.scores))[:wanted]
        if len(positions) == wanted or len(found.scores) < count:
            break
        count *= 2  # rows have come since
    here = positions[:limit]
    if len(positions) <= limit:
        return found, here, None
    behind = place.behind(of(found)[here], found.scores[here], is_sure=found.plan.is_sure)
    return found, here, behind.cursor(fingerprint)


def _row(score: Json, id: Json) -> Row | None:
    if score is None and id is None:
        return None
    if type(score) not in (int, float) or type(id) is not int:
        raise damaged()
    return Row(float(score), id)


def _packed(ids: Array | None) -> str | None:
    """Ascending ids as a short text."""
    if ids is None:
        return None
    return base64.b85encode(zlib.compress(np.diff(ids, prepend=0).astype("<i8").tobytes(), 9)).decode()


def _unpacked(text: Json) -> Array | None:
    """The ids of a text that `_packed` made; raises QueryError for another one."""
    if text is None:
        return None
    try:
        opened = zlib.decompressobj()
        content = opened.decompress(base64.b85decode(text), 8 * MOST_BY_INDEX)
        if not opened.eof:
            raise damaged()
        return np.frombuffer(content, "<i8").cumsum()
    except (ValueError, TypeError, binascii.Error, zlib.error):
        raise damaged() from None
