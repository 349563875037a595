"""Python functions that SQLite calls, and the exceptions that they raised, which SQLite itself does not report."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident

from heron.catalog.database import Database
from heron.errors import QueryError
from heron.models import Json


class Failures:
    """Defines functions. The error of a failed function is kept, by thread, until the statement has ended."""

    def __init__(self) -> None:
        self._raised: dict[int, QueryError] = {}

    def define(self, database: Database, name: str, arguments: int, function: Callable[..., Json]) -> None:
        """Define a deterministic function on the connection of this thread."""

        def called(*values: Json) -> Json:
            try:
                return function(*values)
            except QueryError as error:
                self._raised[get_ident()] = error
                raise

        database.define(name, arguments, called)

    def take(self) -> QueryError | None:
        """The exception of a function that made the last statement of this thread fail; None if there was none."""
        return self._raised.pop(get_ident(), None)
