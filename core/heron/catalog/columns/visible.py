"""The rows of items, frames and vectors that the acting user may see, in blocks of inner ids, with memory for one block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

from heron.catalog.access import Access
from heron.catalog.database import Database, Row
from heron.catalog.frame_rows import FRAME_COLUMNS
from heron.catalog.items import item_columns
from heron.catalog.schema import SchemaService
from heron.catalog.vectors.rows import VectorSet
from heron.catalog.vectors.store import VectorStore
from heron.errors import CatalogueError
from heron.metadata.schema import Schema
from heron.models import Json
from heron.organisation import User

T = TypeVar("T")

Table = Literal["items", "frames"]

BUNDLE = 20_000
"""The most rows that are read by one statement."""


class VisibleRows:
    """Reads a catalogue row by row. Items whose files are gone are left out, as everywhere."""

    def __init__(
        self, database: Database, access: Access, schema: SchemaService, vectors: VectorStore
    ) -> None:
        self._database = database
        self._access = access
        self._schema = schema
        self._vectors = vectors

    def in_one_state(self, work: Callable[[], T]) -> T:
        """What `work` returns; all that it reads is of one state of the catalogue."""
        return self._database.in_one_state(work)

    @property
    def _there(self) -> str:
        """The SQL condition on the items that are shown."""
        return f"{self._access.scope('item', 'items')} AND items.deleted_at IS NULL"

    def user(self) -> User:
        """The acting user."""
        return self._access.user

    def schema(self) -> Schema:
        """The keys of metadata."""
        return self._schema.current()

    def shown(self, metadata: Sequence[dict[str, Json]]) -> Sequence[dict[str, Json]]:
        """Stored metadata in the form that people see."""
        return self._schema._shown.metadata(metadata)

    def workspace(self) -> str:
        """The UUID of the workspace, which a copy of it has too; raises CatalogueError for a file that is too old to have one."""
        try:
            return str(self._database.value("SELECT uuid FROM workspace"))
        except CatalogueError as error:
            raise CatalogueError(
                "the catalogue is of an older Heron, and cannot be written to bring it up to date",
                hint="open it once as a user who may write it",
            ) from error

    def counts(self) -> tuple[int, int]:
        """The number of items, and that of frames."""
        items = self._database.value(f"SELECT count(*) FROM items WHERE {self._there}")
        frames = self._database.value(f"SELECT count(*) FROM {self._source('frames')}")
        return int(items), int(frames)

    def blocks(self, table: Table, size: int) -> Iterator[tuple[int, int]]:
        """The ranges of inner ids, above one and up to another, in which there are rows; all are of the same size."""
        above = 0
        while True:
            first = self._database.value(f"SELECT min(id) FROM {table} WHERE id > ?", [above])
            if first is None:
                return
            above = (first - 1) // size * size
            yield above, above + size
            above += size

    def bundles(self, table: Table, above: int, up_to: int) -> Iterator[Sequence[Row]]:
        """The rows of a block by inner id, some at a time. Frames have a column `item`, the UUID of their item."""
        columns = item_columns(self._access) if table == "items" else f"{FRAME_COLUMNS}, items.uuid AS item"
        yield from self._bundles(columns, table, above, up_to)

    def texts(self, table: Table, column: Literal["facts", "metadata", "metrics"]) -> Iterator[Sequence[str]]:
        """The JSON texts of a column that are not empty."""
        for rows in self._bundles(
            f"{table}.id, {table}.{column}", table, 0, 2**63 - 1, f"{table}.{column} <> '{{}}'"
        ):
            yield [row[1] for row in rows]

    def _bundles(
        self, columns: str, table: Table, above: int, up_to: int, condition: str = "1"
    ) -> Iterator[Sequence[Row]]:
        while True:
            rows = self._database.rows(
                f"SELECT {columns} FROM {self._source(table)} AND {table}.id > ? AND {table}.id <= ? AND {condition} "
                f"ORDER BY {table}.id LIMIT {BUNDLE}",
                [above, up_to],
            )
            if rows:
                yield rows
            if len(rows) < BUNDLE:
                return
            above = rows[-1]["id"]

    def _source(self, table: Table) -> str:
        """The tables of a SELECT and its first condition."""
        if table == "items":
            return f"items WHERE {self._there}"
        scope = self._access.scope("frame", "frames")
        return f"frames JOIN items ON items.id = frames.item_id WHERE {self._there} AND {scope}"

    def vector_sets(self) -> Sequence[VectorSet]:
        """The sets of vectors with vectors of visible items, by key."""
        return [kept for kept in self._vectors._rights.all() if self._vectors._rights.has_some(kept)]

    def numbers(self, kept: VectorSet) -> Any:
        """All vectors of a set, mapped from its file, of shape (rows, size); raises CatalogueError if rows are lost."""
        return self._vectors._rows.matrix(kept).mapped(kept.row_count)

    def owners(self, kept: VectorSet, first: int, end: int) -> Sequence[tuple[int, str, int | None]]:
        """The rows of a set from one up to another, which is left out: row, UUID of the item, and number of the frame."""
        rows = self._database.rows(
            "SELECT vectors.row, items.uuid, frames.number FROM vectors JOIN items ON items.id = vectors.item_id "
            "LEFT JOIN frames ON frames.id = vectors.frame_id AND vectors.frame_id > 0 "
            f"WHERE vectors.set_id = ? AND vectors.row >= ? AND vectors.row < ? AND {self._there} "
            "AND (vectors.frame_id = 0 OR frames.id IS NOT NULL) ORDER BY vectors.row",
            [kept.id, first, end],
        )
        return [(row[0], row[1], row[2]) for row in rows]
