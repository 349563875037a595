"""An open catalogue with its acting user: what a workspace is before it has services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from heron.catalog.access import Access, acting_user
from heron.catalog.database import Database
from heron.errors import HeronError
from heron.inside import DIRECTORY
from heron.notebooks import OPEN

if TYPE_CHECKING:
    from heron.hooks import PluginManager
    from heron.organisation import User


class OpenCatalogue:
    """An open catalogue. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        root: Path,
        load_plugins: Callable[[], PluginManager],
        *,
        user: str | None = None,
        create: bool = False,
        read_only: bool = False,
    ) -> None:
        self.root = root
        self.asks_often = False
        """Whether the process asks many queries, as a server does: then columns are used from 20,000 items on, from its first query.

        Set it before the first query. A notebook or script need not: it is found out after a few queries.
        """
        self._load_plugins = load_plugins
        self._database = Database(root / DIRECTORY, create=create)
        try:
            self.access = Access(self._database, acting_user(self._database, user))
        except HeronError:
            self._database.close()
            raise
        self._database.refuses_writes = read_only
        OPEN.add(self)

    @property
    def user(self) -> User:
        """The acting user."""
        return self.access.user

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Several verbs as one: all that they write is kept together, or after an error nothing of it.

        Other processes wait with their writing until it ends, so it is not for long work; imports, embedding and
        the making of pictures refuse to run in it. Raises CatalogueBusy, CatalogueError.
        """
        with self._database.write():
            yield

    def close(self) -> None:
        """Close the catalogue."""
        OPEN.discard(self)
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.root}>"
