"""Finds the rows of frames in columns; conditions on their items are answered by the engine of items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve

from heron.catalog.columns.kept import Opened, TableColumns
from heron.catalog.database import Database
from heron.columns.segments import Segment
from heron.models import FRAME_FIELDS
from heron.search import tree
from heron.search.column_finding import visible
from heron.search.column_parts import NotInColumns, Parts
from heron.search.column_writer import ColumnWriter, families
from heron.search.columns_engine import ColumnsEngine
from heron.search.engine import Engine
from heron.search.plan import Plan
from heron.search.sqlite_engine import SqliteEngine

if TYPE_CHECKING:
    import numpy
    import polars

    Array = numpy.ndarray[Any, Any]
    Expr = polars.Expr

_OWNER = ("column", ("item_id",), "whole")
_HOMES: Mapping[tree.Home, tree.Home] = {
    "frame": "column", "frame metadata": "metadata", "frame metric": "fact",
}  # fmt: skip
"""Where the columns of frames have what stands in these places."""


class FrameColumnsEngine(ColumnsEngine):
    """Answers plans of frames by their columns, together with an engine of items."""

    def __init__(
        self, database: Database, sqlite: SqliteEngine, columns: TableColumns, items: Engine
    ) -> None:
        super().__init__(database, sqlite, columns)
        self._items = items
        self._owners = Owners(items, 1)

    def _begin(self, opened: Opened | None) -> None:
        segments = () if opened is None else opened.segments
        size = 1 + max(
            [
                0,
                *(
                    segment.bound(segment.columns[_OWNER])
                    for segment in segments
                    if _OWNER in segment.columns
                ),
            ]
        )
        self._owners = Owners(self._items, size)

    def _writer(self, segment: Segment) -> ColumnWriter:
        return FrameColumnWriter(segment, self._owners)

    def _is_elsewhere(self, part: tree.Condition) -> bool:
        return set(_tables(part)) == {"items"}

    def _there(self, opened: Opened, elsewhere: Sequence[tree.Condition]) -> Sequence[Array]:
        condition = tree.All(tuple(elsewhere)) if elsewhere else None
        return [
            visible(segment, opened.pending) & self._owners.frames(segment, condition)
            for segment in opened.segments
        ]


class Owners:
    """The items of frames: for which of them conditions are true. Each condition is answered once."""

    def __init__(self, items: Engine, size: int) -> None:
        """All inner ids of items are below `size`."""
        self._items = items
        self._size = size
        self._masks: dict[tree.Condition | None, Array] = {}

    def frames(self, segment: Segment, condition: tree.Condition | None) -> Array:
        """Whether the condition is true for the item of each frame, which the acting user sees: bool."""
        import numpy as np

        if _OWNER not in segment.columns:
            return np.zeros(len(segment.ids), dtype=bool)  # all of its frames are gone
        if condition not in self._masks:
            self._masks[condition] = self._items.mask(Plan("items", condition), self._size)
        found: Array = self._masks[condition][segment.column(segment.columns[_OWNER]).fill_null(0).to_numpy()]
        return found


class FrameColumnWriter(ColumnWriter):
    """Writes conditions on frames for one segment.

    What is about items alone becomes one value for each frame, whether it is true. So a negation of both is written as
    negations of its parts, since an unknown part is not true, and its negation is not true either.
    """

    declared = families(FRAME_FIELDS)
    table = "frames"

    def __init__(self, segment: Segment, owners: Owners) -> None:
        super().__init__(segment)
        self._owners = owners

    def condition(self, node: tree.Condition) -> Expr:
        """A condition: a boolean expression, null where it is unknown."""
        import polars as pl

        tables = set(_tables(node))
        if tables == {"items"}:
            self.is_tied = True
            return pl.lit(pl.Series(self._owners.frames(self._segment, node)))
        if len(tables) > 1:
            if isinstance(node, tree.Not):
                return self.condition(_negated(node.part))
            if not isinstance(node, tree.All | tree.Any):
                raise NotInColumns
        return super().condition(node)

    def _field(self, field: tree.Field) -> Parts:
        return super()._field(_placed(field))

    def _is_missing(self, field: tree.Field) -> Expr:
        return super()._is_missing(_placed(field))

    def _member(self, name: str, arguments: Sequence[tree.Expression]) -> Parts:
        argument = arguments[0]
        if not isinstance(argument, tree.FieldRef):
            raise NotInColumns
        return super()._member(name, (tree.FieldRef(_placed(argument.field)),))


def _placed(field: tree.Field) -> tree.Field:
    """A field of frames where the columns have it; raises NotInColumns for one of items."""
    if field.home not in _HOMES:
        raise NotInColumns
    return evolve(field, home=_HOMES[field.home])


def _negated(node: tree.Condition) -> tree.Condition:
    """The negation of a condition on frames and items, as one of its parts."""
    match node:
        case tree.All(parts):
            return tree.Any(tuple(map(tree.Not, parts)))
        case tree.Any(parts):
            return tree.All(tuple(map(tree.Not, parts)))
        case tree.Not(part):
            return part
    raise NotInColumns


def _tables(node: tree.Condition) -> Iterator[tree.Table]:
    """The tables of what a condition is about."""
    match node:
        case tree.All(parts) | tree.Any(parts):
            for part in parts:
                yield from _tables(part)
        case tree.Not(part):
            yield from _tables(part)
        case tree.Among(table):
            yield table
        case tree.InFolder() | tree.InCollection() | tree.InDataset() | tree.InProject() | tree.HasFile():
            yield "items"
        case _:
            for field in tree.fields_in(node):
                yield "frames" if field.home.startswith("frame") else "items"
