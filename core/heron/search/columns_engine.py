"""The engine that answers plans of items with columns; what they cannot answer exactly, and pending items, it asks of SQLite."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve, frozen

from heron.answers import Explanation
from heron.catalog.access import Access
from heron.catalog.columns.service import ColumnService, Opened
from heron.catalog.database import Database
from heron.catalog.folders import FolderService
from heron.columns.segments import Segment, UnreadableSegment
from heron.models import Json
from heron.search import tree
from heron.search.column_parts import NotInColumns
from heron.search.column_sorting import all_rows, first_rows, merged
from heron.search.column_tallies import Counting, of_all
from heron.search.column_writer import ColumnWriter, Memberships
from heron.search.engine import Row
from heron.search.plan import Plan
from heron.search.sqlite_engine import SqliteEngine
from heron.search.tally import Counts, Tally
from heron.search.tree import Field, Table

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]

Answer = TypeVar("Answer")
Found = TypeVar("Found")

_FEW = 20_000
"""So many rows are looked up in SQLite for the parts of a condition that the columns cannot answer."""


@frozen
class _Found:
    """The rows of a segment that are in a plan: bool for each row."""

    segment: Segment
    mask: Array

    def ids(self) -> Array:
        return self.segment.ids[self.mask]


class _Names:
    """Finds what names mean in SQLite, once in a query."""

    def __init__(self, sqlite: SqliteEngine, folders: FolderService) -> None:
        self._sqlite = sqlite
        self._folders = folders
        self._found: dict[Hashable, Any] = {}

    def folders(self, path: str, recursive: bool) -> Sequence[int]:
        """The inner ids of a folder, and if `recursive` of those below it."""
        return self._once(
            (path, recursive), lambda: self._folders._ids_from(self._folders.get(path), recursive=recursive)
        )

    def folder_paths(self) -> Mapping[int, str]:
        """The paths of all folders by their inner ids."""
        return self._once("folders", self._folders._paths_by_id)

    def items(self, condition: tree.Condition) -> Array:
        """The inner ids of the items for which a condition is true."""
        return self._once(condition, lambda: self._sqlite.ids(Plan("items", condition)))

    def _once(self, key: Hashable, find: Callable[[], Found]) -> Found:
        if key not in self._found:
            self._found[key] = find()
        found: Found = self._found[key]
        return found


class _Reached:
    """Which rows of segments are in the folders that a user reads. Segments never change, so each is looked at once."""

    def __init__(self, folders: Sequence[int]) -> None:
        self.folders = folders
        self._rows: dict[Hashable, Array] = {}

    def keep(self, segments: Sequence[Segment]) -> None:
        """Forget the rows of all other segments, which are in use no more."""
        files = {segment.file for segment in segments}
        if self._rows.keys() - files:
            self._rows = {file: rows for file, rows in self._rows.items() if file in files}

    def rows(self, segment: Segment, items: Sequence[int]) -> Array:
        """The rows of a segment in one of the folders, and those of some items: bool."""
        import numpy as np

        if segment.file not in self._rows:
            is_reached = np.zeros(max([0, *self.folders]) + 1, dtype=bool)
            is_reached[list(self.folders)] = True
            self._rows[segment.file] = is_reached[_folders_of(segment, len(is_reached))]
        rows = self._rows[segment.file]
        return rows | np.isin(segment.ids, np.asarray(items, np.int64)) if items else rows


def _folders_of(segment: Segment, end: int) -> Array:
    """The folder of each row; 0, which no folder is, for items that are gone and for folders from `end` on."""
    import numpy as np

    title = segment.columns.get(("column", ("folder_id",), "whole"))
    if title is None:
        return np.zeros(len(segment.ids), np.int64)  # all of its items are gone
    held: Array = segment.column(title).fill_null(0).to_numpy()
    return np.where(held < end, held, 0)


class ColumnsEngine:
    """Answers plans of items by the columns, those of frames by SQLite."""

    def __init__(
        self,
        database: Database,
        access: Access,
        sqlite: SqliteEngine,
        columns: ColumnService,
        folders: FolderService,
    ) -> None:
        self._database = database
        self._access = access
        self._sqlite = sqlite
        self._columns = columns
        self._folders = folders
        self._names: Memberships = _Names(sqlite, folders)
        self._reached = _Reached(())

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
        import numpy as np

        def answer(found: Sequence[_Found], pending: Plan | None) -> Array:
            mask = np.zeros(size, dtype=bool)
            parts = [rows.ids() for rows in found]
            if pending is not None:
                parts.append(self._sqlite.ids(pending))
            for ids in parts:
                mask[ids[ids < size]] = True
            return mask

        return self._answered(plan, answer, lambda plan: self._sqlite.mask(plan, size))

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
                [(rows.segment, rows.mask) for rows in found], plan.sort, self._names, limit, after
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
            return all_rows(rows, plan.sort, self._names, others)

        if not plan.sort:
            return self.ids(plan)
        return self._answered(plan, answer, self._sqlite.order)

    def tallies(self, plan: Plan, tallies: Sequence[Tally]) -> Sequence[Counts]:
        """Counts over the rows of a plan, for each tally."""

        def answer(found: Sequence[_Found], pending: Plan | None) -> Sequence[Counts]:
            rows = [(part.segment, part.mask) for part in found]
            others: Sequence[Counts] = [[] for _ in tallies]
            count = 0
            if pending is not None:
                others = self._sqlite.tallies(pending, list(map(of_all, tallies)))
                count = self._sqlite.count(pending)
            counting = Counting(rows, self._names, count)
            return [counting.counts(tally, more) for tally, more in zip(tallies, others, strict=True)]

        return self._answered(plan, answer, lambda plan: self._sqlite.tallies(plan, tallies))

    def keeps(self, plan: Plan, ids: Array) -> Array:
        """Whether each of some rows is in the plan; only these rows are looked up."""
        return self._sqlite.keeps(plan, ids)

    def values(self, table: Table, fields: Sequence[Field], ids: Sequence[int]) -> Sequence[Sequence[Json]]:
        """The values of fields for some rows, a list for each field."""
        return self._sqlite.values(table, fields, ids)

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
        """The answer from the rows that the columns find and the plan of pending items, in one state of the catalogue."""

        def work() -> Answer | None:
            opened = self._columns._opened()
            self._names = _Names(self._sqlite, self._folders)  # in this state of the catalogue
            found = None if opened is None else self._found(opened, plan)
            if found is None or opened is None:
                return None
            pending = plan.narrowed(tree.Among("items", opened.pending)) if opened.pending else None
            return answer(found, pending)

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
                    self._columns._give_up()
        return by_sqlite(plan)

    def _found(self, opened: Opened, plan: Plan) -> Sequence[_Found] | None:
        """The rows of each segment; None if SQLite answers faster."""
        parts = list(_conjuncts(plan.condition))
        if any(map(_has_index, parts)):
            return None
        written = [_written(ColumnWriter(segment, self._names), parts) for segment in opened.segments]
        left = [part for place, part in enumerate(parts) if any(place not in known for known in written)]
        if left and len(left) == len(parts):
            return None
        chosen = [place for place in range(len(parts)) if all(place in known for known in written)]
        found = []
        reach = self._access.reach()
        if reach is not None and self._reached.folders != reach.folders:
            self._reached = _Reached(reach.folders)
        for segment, known in zip(opened.segments, written, strict=True):
            there = _visible(segment, opened.pending)
            if reach is not None:
                there &= self._reached.rows(segment, reach.items)
            mask = _evaluated(segment, [known[place] for place in chosen], there)
            found.append(_Found(segment, mask))
        self._reached.keep(opened.segments)
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


def _conjuncts(condition: tree.Condition | None) -> Iterable[tree.Condition]:
    """The conditions that must all be true."""
    if isinstance(condition, tree.All):
        for part in condition.parts:
            yield from _conjuncts(part)
    elif condition is not None:
        yield condition


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


@frozen
class _Written:
    """A condition as an expression over one segment.

    One that costs much is evaluated for the rows that others leave, unless it is tied to all rows of the segment.
    """

    expression: polars.Expr
    is_late: bool


def _written(writer: ColumnWriter, parts: Sequence[tree.Condition]) -> dict[int, _Written]:
    """Expressions of the parts that the columns of a segment can answer, by place."""
    found = {}
    for place, part in enumerate(parts):
        writer.is_slow = writer.is_tied = False
        try:
            expression = writer.condition(part)
        except NotInColumns:
            continue
        found[place] = _Written(expression, writer.is_slow and not writer.is_tied)
    return found


def _visible(segment: Segment, pending: Sequence[int]) -> Array:
    """Which rows of a segment are neither replaced nor deleted nor pending: bool."""
    import numpy as np

    mask = segment.living().copy()
    if pending:
        given = np.asarray(pending, np.int64)
        places = np.searchsorted(segment.ids, given)
        inside = places < len(mask)
        places, given = places[inside], given[inside]
        mask[places[segment.ids[places] == given]] = False
    return mask


def _evaluated(segment: Segment, parts: Sequence[_Written], mask: Array) -> Array:
    """The rows of a mask for which all parts are true."""
    import numpy as np
    import polars as pl

    first = [part.expression for part in parts if not part.is_late]
    if first:
        expression = reduce(and_, first)
        mask &= _truth(segment.table_for(expression), expression)
    late = [part.expression for part in parts if part.is_late]
    if late:
        expression = reduce(and_, late)
        if mask.all():
            return _truth(segment.table_for(expression), expression)
        names = sorted(set(expression.meta.root_names())) or ["id"]
        places = np.flatnonzero(mask)
        if len(places):
            rows = segment.table(names).select(names).filter(pl.Series(mask))
            mask[places] = _truth(rows, expression)
    return mask


def _truth(frame: polars.DataFrame, expression: polars.Expr) -> Array:
    """For each row whether an expression is true; bool."""
    import numpy as np

    found: Array = frame.select(expression.fill_null(False).alias("found"))["found"].to_numpy()
    return found if len(found) == frame.height else np.full(frame.height, bool(found[0]))
