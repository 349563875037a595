"""The search service: a query becomes pages of items or frames, a count, a stream of all, or an explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from heron.answers import Explanation, QueryName
from heron.catalog.database import Database
from heron.catalog.items import BUNDLE, PAGE, ItemService
from heron.catalog.listed import listed
from heron.errors import InvalidInput
from heron.models import Frame, Item, Json, Match, Query
from heron.pages import Page
from heron.search.asked import asked_query, checked
from heron.search.engines import Engines
from heron.search.orders import Order, Orders, no_rows
from heron.search.paging import fingerprint_of, made_cursor, opened_cursor
from heron.search.plan import Plan
from heron.search.planning import Planner
from heron.search.tree import Among, Field, Table, fields_in

if TYPE_CHECKING:
    from heron.catalog.frames import FrameService
    from heron.catalog.vectors.store import VectorStore
    from heron.search.ranking import Array, Ranked
    from heron.search.similar import Similar, Sought
    from heron.search.sureness import Scale

_MAX_INTEGER = 2**63 - 1
_FACTS_OF = 1_000
"""The number of items whose media facts are read for suggestions."""

NEAREST = 100
"""The number of most similar rows that a sort orders, unless the query says how many, or has a least score."""

MOST_SIMILAR = 1_000
"""The number of most similar rows that windows show, unless the query says how many, or has a least score."""


@frozen(eq=False)
class _Found:
    """A page before its rows are read: inner ids, cursor, and for similarity the scores and the frames found."""

    ids: list[int]
    cursor: str | None
    scores: dict[int, float] | None = None
    shown: dict[int, int] | None = None
    key: str | None = None
    notes: Sequence[str] = ()
    scale: Scale | None = None


class SearchService:
    """Answers queries; call it for a page."""

    def __init__(
        self,
        database: Database,
        planner: Planner,
        engines: Engines,
        items: ItemService,
        frames: Callable[[], FrameService],
        vectors: Callable[[], VectorStore],
        similar: Callable[[], Similar],
    ) -> None:
        self._planner = planner
        self._engines = engines
        self._items = items
        self._frames = frames
        self._vectors = vectors
        self._similar = similar
        self._orders = Orders(database)

    def __call__(self, query: Query | str | None = None, **parts: Any) -> Page[Item]:
        """One page of items (100 unless `limit` says otherwise); `parts` are the fields of `Query`.

        A text alone is natural language. If an item was found by the vector of a frame, its match names the frame. Raises
        QueryError for an invalid condition, sort, cursor or text.
        """
        asked = asked_query(query, parts)
        found = self._page(asked, "items")
        return self._told(asked, found, self._fetch(found.ids))

    def frames(self, query: Query | str | None = None, **parts: Any) -> Page[Frame]:
        """One page of frames, by default in the order in which they were added; each names its item.

        A condition may use `frame.number`, `frame.seconds`, `frame.is_key`, a frame's metadata as `frame.KEY` and its
        metrics as `metric.NAME`; all other names are about the item. Raises QueryError.
        """
        asked = asked_query(query, parts)
        found = self._page(asked, "frames")
        return self._told(asked, found, self._fetch_frames(found.ids))

    def window(
        self, query: Query | str | None = None, *, start: int = 0, frames: bool = False, **parts: Any
    ) -> Page[Item] | Page[Frame]:
        """The rows of a query from position `start` on, 100 unless `limit` says otherwise: a part of a long grid or table.

        The positions hold as long as the catalogue does not change; to read everything, follow the cursor of a page instead,
        which this page does not have. A similarity search has `nearest` rows, all that reach `min_score`, or 1,000. The part from 0 has notes.
        Raises as a page does.
        """
        asked = checked(asked_query(query, parts))
        table: Table = "frames" if frames else "items"
        if start < 0 or asked.cursor is not None:
            raise InvalidInput(f"start is {start}, at least 0 is needed, without a cursor")
        order = self._orders.of(fingerprint_of(asked, table), lambda: self._order(asked, table))
        part = slice(start, start + (asked.limit or PAGE))
        ids = order.ids[part].tolist()
        rows: list[Any] = self._fetch_frames(ids) if frames else self._fetch(ids)
        found = _Found(ids, None, key=order.key, scale=order.scale)
        if order.scores is not None and order.frames is not None:
            found = evolve(found, **_by_id(ids, order.scores[part], order.frames[part]))
        if start:
            return Page(rows, None, self._matches(rows, found), order.key)
        plan = self._planner.plan(asked, frames=frames)
        return self._told(asked, evolve(found, notes=self._notes_of(plan, ids)), rows)

    def _order(self, query: Query, table: Table) -> Order:
        """All rows of a query in its order."""
        plan = self._planner.plan(evolve(query, cursor=None), frames=table == "frames")
        if not query.is_similarity:
            return Order(self._engines.of(plan).order(plan))
        sought = self._similar().of(query)
        ranked = self._nearest(query, sought, table, _number(query, MOST_SIMILAR))
        if ranked is None:
            return Order(*no_rows(), sought.key)
        ids = ranked.frames if table == "frames" else ranked.items
        scale = self._similar().sureness.of(query, sought.key, sought.vector)
        if query.sort is None:
            return Order(ids, ranked.scores, ranked.frames, sought.key, scale)
        narrowed = plan.narrowed(Among(table, ids.tolist()))
        order = self._engines.of(narrowed).order(narrowed)
        places = ids.argsort()[ids[ids.argsort()].searchsorted(order)]
        return Order(order, ranked.scores[places], ranked.frames[places], sought.key, scale)

    def all(self, query: Query | str | None = None, **parts: Any) -> Iterator[Item]:
        """Every item of a query as a stream, up to `limit` items; of those that are not read yet, only their numbers are in memory."""
        query = checked(asked_query(query, parts))
        if (find := self._lists(query)) is not None:
            yield from listed(self._items, find, query.limit)
            return
        left = query.limit
        while left != 0:
            page = self(evolve(query, limit=BUNDLE if left is None else min(left, BUNDLE)))
            yield from page
            if page.cursor is None:
                return
            left = None if left is None else left - len(page)
            query = evolve(query, cursor=page.cursor)

    def _lists(self, query: Query) -> Callable[[], Array] | None:
        """What lists the inner ids of all items of a query, where columns give them at once; None where pages have to be read one after the other."""
        if query.cursor is not None or (query.is_similarity and query.sort is not None):
            return None
        if query.is_similarity:
            sought = self._similar().of(query)
            most = min(query.limit or _MAX_INTEGER, query.nearest or _MAX_INTEGER)
            nothing, find = no_rows()[0], self._nearest
            return lambda: nothing if (found := find(query, sought, "items", most)) is None else found.items
        plan = self._planner.plan(query)
        engine = self._engines.in_memory(plan) if plan.condition is not None or plan.sort else None
        return None if engine is None else lambda: engine.order(plan)

    def count(self, query: Query | str | None = None, **parts: Any) -> int:
        """Number of items that a query finds; limit, sort and cursor are ignored."""
        return self._count(asked_query(query, parts), "items")

    def count_frames(self, query: Query | str | None = None, **parts: Any) -> int:
        """Number of frames that a query finds."""
        return self._count(asked_query(query, parts), "frames")

    def values(
        self, rows: Sequence[Item] | Sequence[Frame], names: str, *, frames: bool = False
    ) -> list[dict[str, Json]]:
        """The values of some fields for items, or with `frames` for frames: a dict with these names for each row.

        `names` are names of conditions, separated by commas: `name,width,exif.Model,city`. A value is JSON in the form in
        which it is written, and None if a row has no value. Raises QueryError for a name that is not a field.
        """
        columns = self._values(rows, self._columns(names, frames=frames), frames=frames)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def names(self, *, frames: bool = False) -> list[QueryName]:
        """The names that conditions can use, sorts and facets most of them: keys, fields, facts of the newest items, functions."""
        return self._planner.offered(self._items._names_of_facts(_FACTS_OF), frames=frames)

    def _columns(self, names: str, *, frames: bool = False) -> dict[str, Field]:
        """The fields of comma-separated names, by name; raises QueryError."""
        return self._planner.columns(names, frames=frames)

    def _named(self, query: Query, *, frames: bool = False) -> dict[str, Field]:
        """The fields by which a query sorts and on which it has conditions, by name; none of vectors."""
        plan = self._planner.plan(query, frames=frames)
        used = [*(term.field for term in plan.sort), *fields_in(plan.condition)]
        return {field.name: field for field in used if field.home not in ("vector", "frame vector")}

    def _values(
        self, rows: Sequence[Item] | Sequence[Frame], fields: Mapping[str, Field], *, frames: bool = False
    ) -> dict[str, list[Json]]:
        """The values of fields for items or frames, a list for each name."""
        from heron.search.values import shown

        table: Table = "frames" if frames else "items"
        stored = self._engines.of(Plan(table)).values(table, list(fields.values()), [row.id for row in rows])
        return {
            name: [shown(field, value) for value in of]
            for (name, field), of in zip(fields.items(), stored, strict=True)
        }

    def notes(self, query: Query | str | None = None, *, frames: bool = False, **parts: Any) -> Sequence[str]:
        """Sentences about what the answer of a query leaves out, such as values of a key that count as missing."""
        asked = evolve(asked_query(query, parts), cursor=None)
        of_vectors = self._doubts(asked, (), (), self._similar().key_of(asked)) if asked.is_similarity else ()
        return (*self._planner.plan(asked, frames=frames).notes, *of_vectors)

    def _why_nothing(self, query: Query, *, frames: bool = False) -> Sequence[str]:
        """Sentences about what to try instead of a query that finds nothing."""
        if query.is_similarity and query.has_floor:
            bare = evolve(query, min_score=None, min_sure=None, sort=None, cursor=None, limit=1)
            best = self._page(bare, "frames" if frames else "items")
            if best.scores:
                [score] = best.scores.values()
                sure = f", which is {best.scale.of(score):.2f} sure" if best.scale is not None else ""
                return [f"The best score is {score:.3f}{sure}."]
        plan = self._planner.plan(evolve(query, sort=None, cursor=None), frames=frames)
        if query.is_similarity and plan.condition is None:
            return []
        from heron.search.nothing import why_nothing

        return why_nothing(plan, self._engines)

    def explain(self, query: Query | str | None = None, *, frames: bool = False, **parts: Any) -> Explanation:
        """How a query is answered; the query is run once to find out."""
        from heron.search.explained import of_conditions, of_similarity

        query = checked(asked_query(query, parts))
        table: Table = "frames" if frames else "items"
        plan = self._planner.plan(query, frames=frames)
        explained, fetch = self._engines.of(plan).explain(plan), self._fetch_frames if frames else self._fetch
        if not query.is_similarity:
            return of_conditions(explained, lambda: self._page(query, table).ids, fetch)
        return of_similarity(
            explained,
            table,
            lambda: self._similar().of(query),
            lambda sought: self._nearest(query, sought, table, query.nearest or query.limit or PAGE),
            fetch,
            self._vectors()._opened,
        )

    def _page(self, query: Query, table: Table) -> _Found:
        """The inner ids of one page, and the cursor of the next."""
        checked(query)
        if not query.is_similarity:
            return self._sorted_page(query, table)
        if query.sort is None:
            return self._similar_page(query, table)
        sought = self._similar().of(query)
        ranked = self._nearest(query, sought, table, _number(query, NEAREST))
        if ranked is None:
            return _Found([], None, {}, {}, sought.key)
        ids = (ranked.frames if table == "frames" else ranked.items).tolist()
        page = self._sorted_page(query, table, ids)
        scale = self._similar().sureness.of(query, sought.key, sought.vector)
        return evolve(page, key=sought.key, scale=scale, **_by_id(ids, ranked.scores, ranked.frames))

    def _similar_page(self, query: Query, table: Table) -> _Found:
        """A page in the order of similarity."""
        from heron.search.similar_pages import similar_page

        sought = self._similar().of(query)
        ranked, here, cursor = similar_page(
            query,
            query.limit or PAGE,
            fingerprint_of(query, table),
            lambda found: found.frames if table == "frames" else found.items,
            lambda asked, count: self._nearest(asked, sought, table, count),
        )
        if ranked is None:
            return _Found([], None, {}, {}, sought.key)
        ids = (ranked.frames if table == "frames" else ranked.items)[here].tolist()
        scale = self._similar().sureness.of(query, sought.key, sought.vector)
        found = _Found(ids, cursor, key=sought.key, notes=ranked.notes, scale=scale)
        return evolve(found, **_by_id(ids, ranked.scores[here], ranked.frames[here]))

    def _nearest(self, query: Query, sought: Sought, table: Table, count: int) -> Ranked | None:
        """The most similar rows, none below `min_score` and `min_sure`; None if there are no vectors."""
        import numpy as np

        from heron.search.ranking import ranked

        plan = self._planner.plan(evolve(query, sort=None), frames=table == "frames")
        opened = self._vectors()._opened(sought.key)
        if opened is None:
            return None
        count = min(count, opened.count)
        engine, least = self._engines.of(plan), self._floor(query, sought)
        found = ranked(opened, sought, plan, engine, count, exact=query.exact, least=least)
        if least is None:
            return found
        good = found.scores >= np.float32(least)
        if not found.plan.is_sure and np.count_nonzero(good) < count:
            # no later page will show what was missed
            return self._nearest(evolve(query, exact=True), sought, table, count)
        return evolve(found, items=found.items[good], frames=found.frames[good], scores=found.scores[good])

    def _floor(self, query: Query, sought: Sought) -> float | None:
        """The score that rows have to reach."""
        if query.min_sure is None:
            return query.min_score
        scale = self._similar().sureness.of(query, sought.key, sought.vector)
        assert scale is not None  # `of` raises otherwise
        return max(scale.least(query.min_sure), -1.0 if query.min_score is None else query.min_score)

    def _sorted_page(self, query: Query, table: Table, among: Sequence[int] | None = None) -> _Found:
        """A page in the order of the sort, by default in the order in which rows were added."""
        plan = self._planner.plan(query, frames=table == "frames")
        fingerprint, limit = fingerprint_of(query, table), query.limit or PAGE
        values = opened_cursor(query.cursor, fingerprint, len(plan.sort))
        after = (values[-1], values[:-1]) if values is not None else None
        if among is not None:
            plan = plan.narrowed(Among(table, among))
        most = min(limit, _MAX_INTEGER - 1) + 1
        rows = self._engines.of(plan, goes_on=after is not None).page(plan, most, after)
        cursor = None
        if len(rows) > limit:
            last, of_last = rows[limit - 1]
            cursor = made_cursor(fingerprint, [*of_last, last])
        told = self._notes_of(plan, rows or query.cursor)
        return _Found([id for id, _ in rows[:limit]], cursor, notes=told)

    def _told(self, query: Query, found: _Found, rows: Sequence[Any]) -> Page[Any]:
        """The page of the rows that were found, with what is to be said of it."""
        matches = self._matches(rows, found)
        notes = (*found.notes, *self._doubts(query, rows, matches, found.key))
        return Page(rows, found.cursor, matches, found.key, notes)

    def _notes_of(self, plan: Plan, has_some: object) -> Sequence[str]:
        """What is to be said of a condition that has found something, or nothing."""
        if has_some or not plan.facts:
            return plan.notes
        from heron.search.nothing import of_no_fact

        return *plan.notes, *of_no_fact(plan.facts, self._items._names_of_facts(_FACTS_OF), _FACTS_OF)

    def _count(self, query: Query, table: Table) -> int:
        checked(evolve(query, limit=None))
        if query.is_similarity:
            asked, most = evolve(query, exact=True), query.nearest or _MAX_INTEGER
            ranked = self._nearest(asked, self._similar().of(query), table, most)
            return len(ranked.items) if ranked is not None else 0
        plan = self._planner.plan(query, frames=table == "frames")
        return self._engines.of(plan).count(plan)

    def _matches(self, rows: Sequence[Item | Frame], found: _Found) -> Sequence[Match]:
        if found.scores is None or found.shown is None:
            return ()
        frames = self._frames()._records(number for number in found.shown.values() if number)
        sure = found.scale.of if found.scale is not None else lambda score: None
        return [
            Match(score := found.scores[row.id], frames.get(found.shown.get(row.id, 0)), sure(score))
            for row in rows
        ]

    def _doubts(
        self, query: Query, rows: Sequence[Item | Frame], matches: Sequence[Match], key: str | None
    ) -> Sequence[str]:
        """What the scores of a page are worth, by the vectors that were compared; of no rows, what a least score for a text is worth."""
        opened = self._vectors()._opened(key) if key is not None else None
        not_trusted = opened.doubts if opened is not None else ()
        if key is None or not (matches or (query.text and query.min_score is not None)):
            return not_trusted
        from heron.search.doubts import of_unsure

        compared = [match.frame or row for row, match in zip(rows, matches, strict=True)]
        return (*not_trusted, *self._similar().doubts(key, query, compared), *of_unsure(query, matches))

    def _fetch(self, ids: Sequence[int]) -> list[Item]:
        found = self._items._records(ids)
        return [found[id] for id in ids if id in found]

    def _fetch_frames(self, ids: Sequence[int]) -> list[Frame]:
        found = self._frames()._records(ids)
        return [found[id] for id in ids if id in found]


def _number(query: Query, default: int) -> int:
    """How many of the most similar rows a query means; with a least score, all that reach it."""
    return query.nearest or (_MAX_INTEGER if query.has_floor else default)


def _by_id(ids: Sequence[int], scores: Array, frames: Array) -> dict[str, Any]:
    """The scores of rows and the frames that were found, by inner id, as a `_Found` has them."""
    found = {"scores": scores, "shown": frames}
    return {name: dict(zip(ids, values.tolist(), strict=True)) for name, values in found.items()}
