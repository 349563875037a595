"""Functions in Python that SQLite calls, and what they raised, of which SQLite itself says nothing."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident

from heron.catalog.database import Database
from heron.errors import QueryError
from heron.models import Json


class Failures:
    """Defines functions, and keeps the error of a failed one until the statement that called it has ended, by thread."""

    def __init__(self) -> None:
        self._raised: dict[int, QueryError] = {}

    def define(self, database: Database, name: str, arguments: int, function: Callable[..., Json]) -> None:
        """Give the connection of this thread a deterministic function."""

        def called(*values: Json) -> Json:
            try:
                return function(*values)
            except QueryError as error:
                self._raised[get_ident()] = error
                raise

        database.connection.create_function(name, arguments, called, deterministic=True)

    def take(self) -> QueryError | None:
        """The error of the statement that has just failed in this thread, if a function raised it."""
        return self._raised.pop(get_ident(), None)
