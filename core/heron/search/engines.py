"""The only place where the engine that answers a plan is chosen."""

from __future__ import annotations

from heron.search.engine import Engine
from heron.search.plan import Plan
from heron.search.sqlite_engine import SqliteEngine


class Engines:
    """The engines of a workspace."""

    def __init__(self, sqlite: SqliteEngine) -> None:
        self._sqlite = sqlite

    def of(self, plan: Plan) -> Engine:
        """The engine that answers a plan: SQLite, for all plans."""
        return self._sqlite
