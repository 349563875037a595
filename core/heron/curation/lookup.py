"""What curation asks of the catalogue: which items a query means, and what is known of items by their inner ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from attrs import evolve

from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.datasets import DatasetService
from heron.catalog.referring import DatasetRef
from heron.convert import dumps, loads
from heron.curation.records import Candidate
from heron.models import Query
from heron.search.planning import Plan, Planner
from heron.search.service import SearchService
from heron.search.values import FieldValues, field_values

Array = np.ndarray[Any, Any]

_CANDIDATE = (
    "SELECT items.id, uuid, name, (SELECT path FROM folders WHERE folders.id = folder_id) AS folder, kind, width, height, "
    "size, json_extract(facts, '$.metric.sharpness') AS sharpness, coalesce(modified_at, created_at) AS time FROM items"
)
_BUNDLE = 10_000


class Lookup:
    """Answers by inner ids; what the acting user may not see is not there."""

    def __init__(
        self,
        database: Database,
        access: Access,
        planner: Planner,
        search: SearchService,
        datasets: DatasetService,
    ) -> None:
        self._database = database
        self._access = access
        self._planner = planner
        self._search = search
        self._datasets = datasets

    def plan(self, query: Query | None, *, frames: bool = False) -> Plan:
        """The SQL condition, on items joined with frames if these are asked for, of what a query finds."""
        query = query or Query()
        if not (query.is_similarity or query.limit or query.cursor):
            return self._planner.plan(evolve(query, sort=None), frames=frames)
        ids = [item.id for item in self._search.all(query)]
        return Plan("items.id IN (SELECT value FROM json_each(?))", (dumps(ids),), ())

    def field(self, name: str, *, frames: bool = False) -> FieldValues:
        """A field of the query language to be read; raises QueryError."""
        return field_values(self._planner, name, frames=frames)

    def rows(self, sql: str, parameters: Iterable[Any]) -> list[Row]:
        """The rows of a statement that a plan is part of; raises QueryError where it cannot be evaluated."""
        return self._planner.answer(sql, list(parameters))

    def ids(self, query: Query | None) -> Array:
        """The inner ids of the items that a query finds, ascending, int64; of all where there is none."""
        plan = self.plan(query)
        return self._array(f"SELECT items.id FROM items WHERE {plan.condition}", plan.parameters)

    def of_dataset(self, dataset: DatasetRef) -> Array:
        """The inner ids of the items of a dataset, ascending, each once; raises NotFound."""
        found = self._datasets.get(dataset)
        return self._array(
            "SELECT DISTINCT items.id FROM dataset_rows JOIN items ON items.id = item_id "
            f"WHERE dataset_id = ? AND {self._access.scope('item', 'items')}",
            [found.id],
        )

    def equal(self, ids: Array) -> list[list[int]]:
        """Those of some items that have equal content hashes, group by group."""
        rows = self._database.rows(
            "SELECT json_group_array(id) FROM items WHERE id IN (SELECT value FROM json_each(?)) "
            "AND content_hash IS NOT NULL GROUP BY content_hash HAVING count(*) > 1 ORDER BY min(id)",
            [dumps(ids.tolist())],
        )
        return [sorted(loads(row[0])) for row in rows]

    def hashes(self, ids: Array) -> dict[int, str]:
        """The content hash of each of some items that has one."""
        rows = self._database.rows(
            "SELECT id, content_hash FROM items WHERE id IN (SELECT value FROM json_each(?)) "
            "AND content_hash IS NOT NULL",
            [dumps(ids.tolist())],
        )
        return {row[0]: row[1] for row in rows}

    def of_several_files(self, ids: Array) -> int:
        """How many of some items are made of several files."""
        rows = self._database.rows(
            "SELECT count(DISTINCT item_id) FROM members WHERE item_id IN (SELECT value FROM json_each(?))",
            [dumps(ids.tolist())],
        )
        return int(rows[0][0])

    def candidates(self, ids: Iterable[int]) -> dict[int, Candidate]:
        """Some items as candidates, by inner id."""
        return self._by_id(_CANDIDATE, ids, lambda row: Candidate(*row[1:]))

    def kinds(self, ids: Iterable[int]) -> dict[int, str]:
        """The kinds of some items, by inner id."""
        return self._by_id("SELECT items.id, kind FROM items", ids, lambda row: row[1])

    def names(self, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
        """UUID and name of some items, by inner id."""
        return self._by_id("SELECT items.id, uuid, name FROM items", ids, lambda row: (row[1], row[2]))

    def frame_numbers(self, ids: Iterable[int]) -> dict[int, int]:
        """The numbers of some frames, by inner id."""
        rows = self._database.rows(
            "SELECT id, number FROM frames WHERE id IN (SELECT value FROM json_each(?))",
            [dumps(list(dict.fromkeys(ids)))],
        )
        return {row[0]: row[1] for row in rows}

    def _by_id(self, select: str, ids: Iterable[int], make: Callable[[Row], Any]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), _BUNDLE):
            rows = self._database.rows(
                f"{select} WHERE items.id IN (SELECT value FROM json_each(?)) AND {self._access.scope('item', 'items')}",
                [dumps(wanted[start : start + _BUNDLE])],
            )
            found.update((row[0], make(row)) for row in rows)
        return found

    def _array(self, select: str, parameters: Iterable[Any]) -> Array:
        rows = self.rows(f"SELECT json_group_array(id) FROM ({select})", parameters)
        return np.sort(np.array(loads(rows[0][0]), dtype=np.int64))
