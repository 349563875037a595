"""The engine that answers plans with columns; what they cannot answer exactly, and pending rows, it asks of SQLite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, frozen

from heron.answers import Explanation
from heron.catalog.columns.kept import Opened, TableColumns
from heron.catalog.database import Database
from heron.columns.segments import Segment, UnreadableSegment
from heron.models import Json
from heron.search import tree
from heron.search.column_finding import conjuncts, evaluated, written
from heron.search.column_parts import NotInColumns
from heron.search.column_sorting import all_rows, first_rows, merged
from heron.search.column_tallies import Counting, of_all
from heron.search.column_values import Rows
from heron.search.column_writer import ColumnWriter
from heron.search.engine import Further, Row, no_more
from heron.search.plan import Plan
from heron.search.sqlite_engine import SqliteEngine
from heron.search.tally import Counts, Tally
from heron.search.tree import Field, Table
from heron.search.values import Value as PlainValue

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Answer = TypeVar("Answer")

_FEW = 20_000
"""So many rows are looked up in SQLite for the parts of a condition that the columns cannot answer."""


@frozen
class _Found:
    """The rows of a segment that are in a plan: bool for each row."""

    segment: Segment
    mask: Array

    def ids(self) -> Array:
        return self.segment.ids[self.mask]


class ColumnsEngine:
    """Answers plans of one table by its columns. What finds the rows of items is in `item_columns`, of frames in `frame_columns`."""

    def __init__(self, database: Database, sqlite: SqliteEngine, columns: TableColumns) -> None:
        self._database = database
        self._sqlite = sqlite
        self._columns = columns

    def _begin(self, opened: Opened | None) -> None:
        """Begin with a state of the catalogue: forget what was found in another one."""
        raise NotImplementedError

    def _writer(self, segment: Segment) -> ColumnWriter:
        """What writes expressions over a segment."""
        raise NotImplementedError

    def _is_elsewhere(self, part: tree.Condition) -> bool:
        """Whether a condition says nothing of the columns of this table: `_there` finds the rows for which it is true."""
        raise NotImplementedError

    def _there(self, opened: Opened, elsewhere: Sequence[tree.Condition]) -> Sequence[Array]:
        """The rows of each segment that the acting user sees and for which conditions on what is elsewhere are true: bool.

        They are not deleted, not replaced and not pending.
        """
        raise NotImplementedError

    def ids(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan, int64, ascending."""
        import numpy as np

        def answer(found: Sequence[_Found], pending: Plan | None) -> Array:
            parts = [rows.ids() for rows in found]
            if pending is not None:
                parts.append(self._sqlite.ids(pending))
            return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)

        return self._answered(plan, answer, self._sqlite.ids)

    def mask(self, plan: Plan, size: int) -> Array:
        """Whether the row of each inner id below `size` is in the plan."""
        found = self.quick_mask(plan, size)
        return self._sqlite.mask(plan, size) if found is None else found

    def quick_mask(self, plan: Plan, size: int) -> Array | None:
        """The same, where columns alone can tell."""
        import numpy as np

        def answer(found: Sequence[_Found], pending: Plan | None) -> Array:
            mask = np.zeros(size, dtype=bool)
            parts = [rows.ids() for rows in found]
            if pending is not None:
                parts.append(self._sqlite.ids(pending))
            for ids in parts:
                mask[ids[ids < size]] = True
            return mask

        def by_sqlite(asked: Plan) -> Array | None:
            return None if asked is plan else self._sqlite.mask(asked, size)

        return self._answered(plan, answer, by_sqlite)

    def count(self, plan: Plan) -> int:
        """The number of rows of a plan."""

        def answer(found: Sequence[_Found], pending: Plan | None) -> int:
            counted = sum(int(rows.mask.sum()) for rows in found)
            return counted + (self._sqlite.count(pending) if pending is not None else 0)

        return self._answered(plan, answer, self._sqlite.count)

    def page(self, plan: Plan, limit: int, after: Row | None = None) -> Sequence[Row]:
        """The first `limit` rows in the order of the plan, or those after a row."""

        def by_sqlite(plan: Plan) -> Sequence[Row]:
            return self._sqlite.page(plan, limit, after)

        def answer(found: Sequence[_Found], pending: Plan | None) -> Sequence[Row]:
            ids = first_rows(
                [(rows.segment, rows.mask) for rows in found], plan.sort, self._writer, limit, after
            )
            values = self._sqlite.values(plan.table, [term.field for term in plan.sort], ids)
            rows: list[Row] = [
                (id, tuple(column[place] for column in values)) for place, id in enumerate(ids)
            ]
            if pending is None:
                return rows
            others = by_sqlite(pending)
            return merged(rows, others, [term.descending for term in plan.sort])[:limit]

        if plan.condition is None and not plan.sort:
            return by_sqlite(plan)
        return self._answered(plan, answer, by_sqlite)

    def order(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan in its order."""

        def answer(found: Sequence[_Found], pending: Plan | None) -> Array:
            others = self._sqlite.page(pending, -1) if pending is not None else ()
            rows = [(rows.segment, rows.mask) for rows in found]
            return all_rows(rows, plan.sort, self._writer, others)

        if not plan.sort:
            return self.ids(plan)
        return self._answered(plan, answer, self._sqlite.order)

    def tallies(self, plan: Plan, tallies: Sequence[Tally], further: Further = no_more) -> Sequence[Counts]:
        """Counts over the rows of a plan, for each tally, and for those that they lead to."""

        def answer(found: Sequence[_Found], pending: Plan | None) -> Sequence[Counts]:
            rows = [(part.segment, part.mask) for part in found]
            count = 0 if pending is None else self._sqlite.count(pending)
            counting = Counting(rows, self._writer, count)
            narrowed = cache(lambda: self._few(plan, found, pending))

            def counted(wanted: Sequence[Tally]) -> Sequence[Counts]:
                others: Sequence[Counts] = [[] for _ in wanted]
                if pending is not None:
                    others = self._sqlite.tallies(pending, list(map(of_all, wanted)))
                made = []
                for tally, more in zip(wanted, others, strict=True):
                    try:
                        made.append(counting.counts(tally, more))
                    except NotInColumns:  # the others are counted by columns all the same
                        made += self._sqlite.tallies(narrowed(), [tally])
                return made

            first = counted(tallies)
            return [*first, *counted(further(first))]

        return self._answered(plan, answer, lambda plan: self._sqlite.tallies(plan, tallies, further))

    def keeps(self, plan: Plan, ids: Array) -> Array:
        """Whether each of some rows is in the plan; only these rows are looked up."""
        return self._sqlite.keeps(plan, ids)

    def values(self, table: Table, fields: Sequence[Field], ids: Sequence[int]) -> Sequence[Sequence[Json]]:
        """The values of fields for some rows, a list for each field."""
        return self._sqlite.values(table, fields, ids)

    def plain_values(
        self, table: Table, fields: Sequence[Field], ids: Array
    ) -> Sequence[Sequence[PlainValue]]:
        """The plain values of fields for some rows; an object is made of each only when somebody reads it."""

        def answer(found: Sequence[_Found], pending: Plan | None) -> Sequence[Sequence[PlainValue]]:
            rows = Rows([(part.segment, part.mask) for part in found], ids)
            others: Sequence[Sequence[Json]] = [()] * len(fields)
            if len(rows.missing):
                others = self._sqlite.values(table, fields, rows.missing.tolist())
            return [
                rows.gathered(field, self._writer, more) for field, more in zip(fields, others, strict=True)
            ]

        return self._answered(Plan(table), answer, lambda _: self._sqlite.plain_values(table, fields, ids))

    def explain(self, plan: Plan) -> Explanation:
        """The SQL of a plan's condition, with its parameters, and the engine that answers it."""
        found = self._answered(plan, lambda found, pending: "columns", lambda plan: "SQLite")
        return evolve(self._sqlite.explain(plan), engine=found)

    def _answered(
        self,
        plan: Plan,
        answer: Callable[[Sequence[_Found], Plan | None], Answer],
        by_sqlite: Callable[[Plan], Answer],
    ) -> Answer:
        """The answer from the rows that the columns find and the plan of pending rows, in one state of the catalogue."""

        def work() -> Answer | None:
            opened = self._columns.opened()
            self._begin(opened)
            found = None if opened is None else self._found(opened, plan)
            if found is None or opened is None:
                return None
            pending = plan.narrowed(tree.Among(plan.table, opened.pending)) if opened.pending else None
            try:
                return answer(found, pending)
            except NotInColumns:
                return by_sqlite(self._few(plan, found, pending))

        for attempt in range(2):
            try:
                answered = self._database.in_one_state(work)
                if answered is not None:
                    return answered
                break
            except NotInColumns:
                break
            except UnreadableSegment:
                if attempt:  # and not because another process has just replaced it
                    self._columns.give_up()
        return by_sqlite(plan)

    def _few(self, plan: Plan, found: Sequence[_Found], pending: Plan | None) -> Plan:
        """The plan for SQLite of what the columns cannot tell: of the rows that they found, unless these are many."""
        if sum(int(rows.mask.sum()) for rows in found) > _FEW:
            return plan
        among: tree.Condition = tree.Among(plan.table, [id for rows in found for id in rows.ids().tolist()])
        if pending is not None and pending.condition is not None:
            among = tree.Any((among, pending.condition))
        return plan.narrowed(among)

    def _found(self, opened: Opened, plan: Plan) -> Sequence[_Found] | None:
        """The rows of each segment; None if SQLite answers faster."""
        parts = list(conjuncts(plan.condition))
        if any(map(_has_index, parts)):
            return None
        elsewhere = [part for part in parts if self._is_elsewhere(part)]
        own = [part for part in parts if not self._is_elsewhere(part)]
        known = [written(self._writer(segment), own) for segment in opened.segments]
        left = [part for place, part in enumerate(own) if any(place not in of for of in known)]
        if left and len(left) == len(parts):
            return None
        chosen = [place for place in range(len(own)) if all(place in of for of in known)]
        found = [
            _Found(segment, evaluated(segment, [of[place] for place in chosen], there))
            for segment, of, there in zip(opened.segments, known, self._there(opened, elsewhere), strict=True)
        ]
        if not left:
            return found
        if sum(int(rows.mask.sum()) for rows in found) > _FEW:
            return None
        rest = Plan(plan.table, tree.All(tuple(left)))
        return [self._kept(rows, rest) for rows in found]

    def _kept(self, rows: _Found, rest: Plan) -> _Found:
        import numpy as np

        places = np.flatnonzero(rows.mask)
        mask = np.zeros(len(rows.mask), dtype=bool)
        if len(places):
            mask[places[self._sqlite.keeps(rest, rows.segment.ids[places])]] = True
        return _Found(rows.segment, mask)


def _has_index(part: tree.Condition) -> bool:
    """Whether SQLite finds the rows of a condition by an index: the few items of a URL, a path or a UUID."""
    match part:
        case tree.Comparison("=", tree.FieldRef(field), tree.Value()):
            return (field.home, field.path) in (
                ("column", ("url",)),
                ("column", ("uuid",)),
                ("derived", ("path",)),
            )
    return False
