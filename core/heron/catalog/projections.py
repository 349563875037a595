"""Projections: points of vectors in two dimensions; the latest projection of each key and method is stored."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.vectors.rows import Owner, VectorSet
from heron.convert import dumps, loads, structure, unstructure
from heron.models import Query, now
from heron.times import moment

Array = np.ndarray[Any, Any]

Point = tuple[Owner, float, float]
"""Inner ids of an item and one of its frames, 0 for the item itself, and the coordinates."""

_INSERT_POINT = "INSERT INTO projection_points SELECT ?, id, ?, ?, ? FROM items WHERE id = ?"
_FIND = "SELECT * FROM projections WHERE set_id = ? AND method = ?"

_POINTS = (
    "SELECT item_id, frame_id, x, y FROM projection_points WHERE projection_id = ? ORDER BY item_id, frame_id"
)
_SUMS = "SELECT count(*), sum(item_id), sum(frame_id), total(x), total(y) FROM projection_points WHERE projection_id = ?"


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


@frozen(eq=False)
class StoredPoints:
    """Points by inner ids of item and frame: int64, and float32 of shape (n, 2). The frame is 0 for the item itself.

    The arrays are not to be changed.
    """

    items: Array
    frames: Array
    places: Array

    def __len__(self) -> int:
        return len(self.items)

    def of(self, mask: Array) -> StoredPoints:
        """Some of the points."""
        if mask.all():
            return self
        return StoredPoints(self.items[mask], self.frames[mask], self.places[mask])


_KEPT: dict[tuple[Path, int, datetime], tuple[tuple[Any, ...], StoredPoints]] = {}
"""The points of the last few projections, for all workspaces of the process: a server has one for each thread and user."""

_MOST = 4
"""The number of projections whose points are kept; those of 1,000,000 rows take 24 MB."""


class ProjectionStore:
    """The projections of a workspace."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access
        self._last: tuple[tuple[int, datetime, Hashable], StoredPoints] | None = None

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

    def points(self, found: StoredProjection) -> StoredPoints:
        """The points of a projection, by inner ids of item and frame. They are read once in a process while they are the same."""
        key = (found.id, found.created_at, self._database.state())
        if self._last is not None and self._last[0] == key:
            return self._last[1]
        points = self._database.in_one_state(lambda: self._points(found))
        if not self._database.is_writing and self._database.state() == key[2]:
            self._last = key, points
        return points

    def _points(self, found: StoredProjection) -> StoredPoints:
        # Points are only removed once they are stored, so these sums tell whether they are still the same.
        sums = tuple(self._database.rows(_SUMS, [found.id])[0])
        key = (self._database.path, found.id, found.created_at)
        kept = _KEPT.pop(key, None)
        points = kept[1] if kept is not None and kept[0] == sums else self._read(found)
        _KEPT[key] = (sums, points)
        while len(_KEPT) > _MOST:
            _KEPT.pop(next(iter(_KEPT), key), None)
        return points

    def _read(self, found: StoredProjection) -> StoredPoints:
        cursor = self._database.connection.cursor()
        cursor.row_factory = None
        rows = cursor.execute(_POINTS, [found.id])
        read = np.fromiter(rows, [("item", "i8"), ("frame", "i8"), ("x", "f4"), ("y", "f4")])
        places = np.stack([read["x"], read["y"]], axis=1)
        return StoredPoints(*(_fixed(each) for each in (read["item"].copy(), read["frame"].copy(), places)))

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


def _fixed(array: Array) -> Array:
    array.flags.writeable = False
    return array
