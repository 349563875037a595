"""Projections: points of vectors in two dimensions; the latest projection of each key and method is stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import field, frozen

from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.vectors.rows import Owner, VectorSet
from heron.convert import dumps, loads, structure, unstructure
from heron.models import Query, now
from heron.times import moment

Point = tuple[Owner, float, float]
"""Inner ids of an item and one of its frames, 0 for the item itself, and the coordinates."""

_INSERT_POINT = "INSERT INTO projection_points SELECT ?, id, ?, ?, ? FROM items WHERE id = ?"
_FIND = "SELECT * FROM projections WHERE set_id = ? AND method = ?"


@frozen
class StoredProjection:
    """A stored projection: the vectors from which it was made, and the number of its points.

    It was made from those of the first `row_count` rows of the matrix `file` that the query found.
    """

    id: int
    set_id: int
    method: str
    query: Query
    file: str
    row_count: int
    point_count: int
    created_at: datetime = field(converter=moment)


class ProjectionStore:
    """The projections of a workspace."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def find(self, kept: VectorSet, method: str) -> StoredProjection | None:
        """The projection of a set by a method; None if there is none."""
        row = self._database.row(_FIND, [kept.id, method])
        return _projection(row) if row is not None else None

    def all(self, kept: VectorSet) -> list[StoredProjection]:
        """The projections of a set, by method."""
        rows = self._database.rows("SELECT * FROM projections WHERE set_id = ? ORDER BY method", [kept.id])
        return [_projection(row) for row in rows]

    def point_count(self, found: StoredProjection) -> int:
        """Number of points of items that the user sees."""
        if self._access.sees_all("item"):
            return found.point_count
        return int(
            self._database.value(
                "SELECT count(*) FROM projection_points JOIN items ON items.id = item_id "
                f"WHERE projection_id = ? AND {self._access.scope('item', 'items')}",
                [found.id],
            )
        )

    def put(
        self, kept: VectorSet, method: str, query: Query, points: Iterable[Point], count: int
    ) -> StoredProjection:
        """Store the `count` points of a set in the state in which it was read; they replace its points by that method.

        Points of items that were deleted meanwhile are left out.
        """
        self._access.require("update", kept)
        with self._database.write():
            self.remove(kept, method)
            self._database.execute(
                "INSERT INTO projections (set_id, method, query, file, row_count, point_count, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    kept.id, method, dumps(unstructure(query)), kept.file, kept.row_count, count, now(),
                ],
            )  # fmt: skip
            found = self.find(kept, method)
            assert found is not None
            self._database.execute_many(
                _INSERT_POINT, ((found.id, frame, x, y, item) for (item, frame), x, y in points)
            )
        return found

    def points(self, found: StoredProjection) -> list[tuple[int, int, float, float]]:
        """The points as (item, frame, x, y), by inner ids of item and frame; the frame is 0 for the item itself."""
        rows = self._database.rows(
            "SELECT item_id, frame_id, x, y FROM projection_points WHERE projection_id = ? "
            "ORDER BY item_id, frame_id",
            [found.id],
        )
        return [tuple(row) for row in rows]

    def remove(self, kept: VectorSet, method: str) -> int:
        """Delete the projection of a set by a method; returns how many there were."""
        self._access.require("update", kept)
        return self._database.execute(
            "DELETE FROM projections WHERE set_id = ? AND method = ?", [kept.id, method]
        )


def _projection(row: Row) -> StoredProjection:
    query = structure(loads(row["query"]), Query, "the query of a projection")
    names = [name for name in StoredProjection.__annotations__ if name != "query"]
    return StoredProjection(query=query, **{name: row[name] for name in names})
