"""The engine that answers plans with SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from heron.answers import Explanation
from heron.catalog.access import Access
from heron.catalog.collections import CollectionService
from heron.catalog.database import Database
from heron.catalog.database import Row as DatabaseRow
from heron.catalog.folders import FolderService
from heron.catalog.items import bundles
from heron.catalog.schema import SchemaService
from heron.convert import dumps, loads
from heron.errors import CatalogueError, QueryError
from heron.models import Json
from heron.search.engine import Further, Row, no_more
from heron.search.plan import Plan
from heron.search.sqlite import SqliteWriter
from heron.search.sqlite_functions import Failures
from heron.search.tally import Bins, Counts, Extent, Mean, Ranked, Spans, Tally, Values
from heron.search.tree import Field, Table
from heron.search.values import Value as PlainValue
from heron.search.values import plain

if TYPE_CHECKING:
    import numpy

    from heron.catalog.datasets import DatasetService
    from heron.catalog.projects import ProjectService
    from heron.hooks import PluginManager

    Array = numpy.ndarray[Any, Any]

_SOURCES = {"items": "items", "frames": "frames JOIN items ON items.id = frames.item_id"}
_WANTED = {  # CROSS JOIN keeps the order of `wanted`: each wanted row is looked up
    "items": "json_each(?) AS wanted CROSS JOIN items ON items.id = wanted.value",
    "frames": "json_each(?) AS wanted CROSS JOIN frames ON frames.id = wanted.value "
    "CROSS JOIN items ON items.id = frames.item_id",
}
_BUNDLE = 10_000
"""The number of rows whose values are read by one statement."""


class SqliteEngine:
    """Answers plans by SQL on the catalogue file."""

    def __init__(
        self,
        database: Database,
        access: Access,
        folders: FolderService,
        schema: SchemaService,
        collections: CollectionService,
        datasets: Callable[[], DatasetService],
        projects: Callable[[], ProjectService],
        plugins: Callable[[], PluginManager],
    ) -> None:
        self._database = database
        self._access = access
        self._folders = folders
        self._schema = schema
        self._collections = collections
        self._datasets = datasets
        self._projects = projects
        self._plugins = plugins
        self._failures = Failures()

    def ids(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan, int64, ascending."""
        import numpy as np

        return np.sort(self._ids(plan))

    def mask(self, plan: Plan, size: int) -> Array:
        """Whether the row of each inner id below `size` is in the plan."""
        import numpy as np

        mask = np.zeros(size, dtype=bool)
        ids = self._ids(plan)
        mask[ids[ids < size]] = True
        return mask

    def quick_mask(self, plan: Plan, size: int) -> None:
        """None: all rows would have to be looked at."""

    def count(self, plan: Plan) -> int:
        """The number of rows of a plan."""
        condition, parameters = self._condition(plan)
        rows = self._rows(f"SELECT count(*) FROM {_SOURCES[plan.table]} WHERE {condition}", parameters)
        return int(rows[0][0])

    def page(self, plan: Plan, limit: int, after: Row | None = None) -> Sequence[Row]:
        """The first `limit` rows in the order of the plan, or those after a row."""
        condition, parameters = self._condition(plan)
        writer, table = self._writer(), plan.table
        sort = [(writer.field(term.field), term.descending) for term in plan.sort]
        if after is not None:
            behind, given = _behind(sort, after, table)
            condition, parameters = f"{condition} AND ({behind})", [*parameters, *given]
        rows = self._rows(
            f"SELECT {', '.join([f'{table}.id', *(sql for sql, _ in sort)])} FROM {_SOURCES[table]} "
            f"WHERE {condition} ORDER BY {_ordering(sort, table)} LIMIT ?",
            [*parameters, limit],
        )
        return [(row[0], row[1:]) for row in map(tuple, rows)]

    def order(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan in its order."""
        import numpy as np

        condition, parameters = self._condition(plan)
        sort = [(self._writer().field(term.field), term.descending) for term in plan.sort]
        rows = self._rows(
            f"SELECT {plan.table}.id FROM {_SOURCES[plan.table]} WHERE {condition} "
            f"ORDER BY {_ordering(sort, plan.table)}",
            parameters,
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def tallies(self, plan: Plan, tallies: Sequence[Tally], further: Further = no_more) -> Sequence[Counts]:
        """Counts over the rows of a plan, for each tally, and for those that they lead to."""

        def work() -> Sequence[Counts]:
            counts = [self._tally(plan, tally) for tally in tallies]
            return [*counts, *(self._tally(plan, tally) for tally in further(counts))]

        return self._database.in_one_state(work)

    def _tally(self, plan: Plan, tally: Tally) -> Counts:
        condition, parameters = self._condition(plan)
        value = self._writer().field(tally.field)
        source = f"(SELECT {value} AS v FROM {_SOURCES[plan.table]} WHERE {condition})"
        match tally:
            case Extent():
                chosen = "count(*) - count(v), count(DISTINCT v), count(v), min(v), max(v)"
                missing, distinct, present, least, greatest = tuple(
                    self._rows(f"SELECT {chosen} FROM {source}", parameters)[0]
                )
                return [(None, missing), (least, distinct), (greatest, present)]
            case Values(_, most):
                order, limit = "2 DESC, v", [most]
                group = "v"
            case Bins(_, low, high, count):
                group = f"min(CAST((v - ?) * {count}.0 / ? AS INTEGER), {count - 1})"
                order, limit = "1", [-1]
                parameters = [low, high - low, *parameters]
            case Spans(_, length):
                group, order, limit = f"substr(v, 1, {length})", "1", [-1]
            case Mean():
                chosen = "avg(v), count(v)"
                mean, present = self._rows(f"SELECT {chosen} FROM {source}", parameters)[0]
                return [(mean, present)] if present else []
            case Ranked(_, places):
                ranked = (
                    f"SELECT v, row_number() OVER (ORDER BY v) AS place FROM {source} WHERE v IS NOT NULL"
                )
                wanted = "SELECT value FROM json_each(?)"
                sql = f"SELECT v, place FROM ({ranked}) WHERE place IN ({wanted}) ORDER BY place"
                return [
                    (row[0], row[1]) for row in self._rows(sql, [*parameters, dumps(sorted(set(places)))])
                ]
        sql = (
            f"SELECT {group}, count(*) FROM {source} WHERE v IS NOT NULL GROUP BY 1 ORDER BY {order} LIMIT ?"
        )
        return [(row[0], row[1]) for row in self._rows(sql, [*parameters, *limit])]

    def keeps(self, plan: Plan, ids: Array) -> Array:
        """Whether each of some rows is in the plan; only these rows are looked up."""
        import numpy as np

        condition, parameters = self._condition(plan)
        rows = self._rows(
            f"SELECT wanted.value FROM {_WANTED[plan.table]} WHERE {condition}",
            [dumps(np.unique(ids).tolist()), *parameters],
        )
        return np.isin(ids, [row[0] for row in rows])

    def values(self, table: Table, fields: Sequence[Field], ids: Sequence[int]) -> Sequence[Sequence[Json]]:
        """The values of fields for some rows, a list for each field."""
        writer = self._writer()
        chosen = ", ".join(["wanted.value", *(writer.field(field) for field in fields)])
        sql = f"SELECT {chosen} FROM {_WANTED[table]} WHERE {self._scope(table)}"
        found: dict[int, tuple[Json, ...]] = {}
        for bundle in bundles(dict.fromkeys(map(int, ids)), _BUNDLE):
            for row in self._rows(sql, [dumps(bundle)]):
                id, *values = row
                found[id] = tuple(values)
        nothing = (None,) * len(fields)
        rows = [found.get(int(id), nothing) for id in ids]
        return [[row[place] for row in rows] for place in range(len(fields))]

    def plain_values(
        self, table: Table, fields: Sequence[Field], ids: Array
    ) -> Sequence[Sequence[PlainValue]]:
        """The plain values of fields for some rows, a tuple for each field."""
        found = self.values(table, fields, ids.tolist())
        return [
            tuple(plain(field, each) for each in values) for field, values in zip(fields, found, strict=True)
        ]

    def explain(self, plan: Plan) -> Explanation:
        """The SQL of a plan's condition, with its parameters."""
        condition, parameters = self._condition(plan)
        return Explanation(condition, tuple(parameters))

    def _ids(self, plan: Plan) -> Array:
        """The inner ids of all rows of a plan in any order; reading them as one JSON text is several times faster."""
        import numpy as np

        condition, parameters = self._condition(plan)
        rows = self._rows(
            f"SELECT json_group_array({plan.table}.id) FROM {_SOURCES[plan.table]} WHERE {condition}",
            parameters,
        )
        return np.array(loads(rows[0][0]), dtype=np.int64)

    def _condition(self, plan: Plan) -> tuple[str, list[Json]]:
        """The SQL condition of a plan, without deleted rows and rows that the user may not see."""
        writer = self._writer()
        parts = [self._scope(plan.table), "items.deleted_at IS NULL"]
        if plan.condition is not None:
            parts.append(writer.condition(plan.condition))
        return " AND ".join(parts), writer.parameters

    def _scope(self, table: Table) -> str:
        """The SQL condition for the rows that the acting user may see."""
        return self._access.listing() if table == "items" else self._access.scope("frame", table)

    def _writer(self) -> SqliteWriter:
        return SqliteWriter(
            self._database, self._schema, self._folders, self._collections, self._datasets, self._projects,
            self._plugins, self._failures,
        )  # fmt: skip

    def _rows(self, sql: str, parameters: Sequence[Json]) -> list[DatabaseRow]:
        """The rows of a statement; raises QueryError if SQLite cannot evaluate it, for instance for an overflow."""
        try:
            return self._database.rows(sql, parameters)
        except CatalogueError as error:
            cause = error.__cause__
            failure = self._failures.take()
            if failure is not None:
                raise failure from error
            if getattr(cause, "sqlite_errorcode", None) not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG):
                raise
            if "stack overflow" in str(cause) or "maximum depth" in str(cause):
                raise QueryError("the condition is nested too deeply") from error
            raise QueryError(f"the query cannot be evaluated: {cause}") from error


def _ordering(sort: Sequence[tuple[str, bool]], table: str) -> str:
    """What stands behind ORDER BY for terms, each with whether it is descending; rows that are equal are in the order of their ids."""
    return "".join(f"{sql} {'DESC' if down else 'ASC'} NULLS LAST, " for sql, down in sort) + f"{table}.id"


def _behind(sort: Iterable[tuple[str, bool]], after: Row, table: Table) -> tuple[str, list[Json]]:
    """The condition that a row comes after one with these values: nulls last, then by inner id."""
    id, values = after
    cases: list[str] = []
    parameters: list[Json] = []
    equal: list[str] = []
    equal_values: list[Json] = []
    for (sql, down), value in zip(sort, values, strict=True):
        if value is not None:
            behind = f"({sql} {'<' if down else '>'} ? OR {sql} IS NULL)"
            cases.append(" AND ".join([*equal, behind]))
            parameters += [*equal_values, value]
        equal.append(f"{sql} IS ?")
        equal_values.append(value)
    cases.append(" AND ".join([*equal, f"{table}.id > ?"]))
    return " OR ".join(f"({case})" for case in cases), [*parameters, *equal_values, id]
