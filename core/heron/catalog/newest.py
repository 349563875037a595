"""Whether inner ids of items can have been given anew: SQLite gives the id of a deleted newest row to the next one."""

from __future__ import annotations

from attrs import frozen

from heron.catalog.database import Database
from heron.times import now


@frozen
class Newest:
    """The newest item at a moment, deleted or not. As long as it is there, no id up to its own has been given to another item."""

    database: Database
    moment: str
    item: tuple[int, str] | None

    @classmethod
    def of(cls, database: Database) -> Newest:
        """The newest item now."""
        row = database.row("SELECT id, uuid FROM items ORDER BY id DESC LIMIT 1")
        return cls(database, now(), None if row is None else (row[0], row[1]))

    def is_there(self) -> bool:
        """Whether it still is."""
        if self.item is None:
            return True
        id, uuid = self.item
        return self.database.row("SELECT 1 FROM items WHERE id = ? AND uuid = ?", [id, uuid]) is not None
