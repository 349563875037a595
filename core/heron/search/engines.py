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
    from heron.search.columns_engine import ColumnsEngine


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
        """The engine that answers a plan: the columns for items if there are any, SQLite for frames and small catalogues."""
        if plan.table != "items" or not self._columns._are_used(is_new=not goes_on):
            return self._sqlite
        return self._with_columns

    @cached_property
    def _with_columns(self) -> ColumnsEngine:
        from heron.search.columns_engine import ColumnsEngine

        return ColumnsEngine(self._database, self._access, self._sqlite, self._columns, self._folders)
