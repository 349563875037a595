"""The only place where the engine that answers a plan is chosen."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from heron.catalog.access import Access
from heron.catalog.database import Database
from heron.catalog.folders import FolderService
from heron.search.engine import Engine
from heron.search.plan import Plan
from heron.search.sqlite_engine import SqliteEngine

if TYPE_CHECKING:
    from heron.catalog.columns.service import ColumnService
    from heron.search.item_columns import ItemColumnsEngine


class Engines:
    """The engines of a workspace."""

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

    def of(self, plan: Plan, *, goes_on: bool = False) -> Engine:
        """The engine that answers a plan: columns if its table has some that are worth it, SQLite for small catalogues."""
        if plan.table == "items":
            is_used = self._columns._items.are_used(is_new=not goes_on)
            return self._with_columns if is_used else self._sqlite
        if not self._columns._frames.are_used(is_new=not goes_on):
            return self._sqlite
        from heron.search.frame_columns import FrameColumnsEngine

        items = self.of(Plan("items"), goes_on=goes_on)
        return FrameColumnsEngine(self._database, self._sqlite, self._columns._frames, items)

    def in_memory(self, plan: Plan) -> Engine | None:
        """The engine that answers a plan from columns in memory; None where SQLite does."""
        engine = self.of(plan)
        return None if engine is self._sqlite else engine

    @cached_property
    def _with_columns(self) -> ItemColumnsEngine:
        from heron.search.item_columns import ItemColumnsEngine

        return ItemColumnsEngine(
            self._database, self._access, self._sqlite, self._columns._items, self._folders
        )
