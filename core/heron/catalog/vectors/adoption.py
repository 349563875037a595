"""Moves vectors into the store that were written as JSON metadata before their key was in the schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, frozen

from heron.catalog.access import Access, Noun
from heron.catalog.database import Database, Row
from heron.catalog.items import BUNDLE
from heron.catalog.vectors.rows import Owner, VectorRows
from heron.convert import loads
from heron.metadata.schema import Schema
from heron.metadata.text_values import from_text
from heron.models import Json, now
from heron.records import Record

SHOWN = 20

_TABLES: tuple[tuple[Noun, str], ...] = (("item", "items"), ("frame", "frames"))

_HOLDERS = {
    "items": "items.id AS item_id, 0 AS frame_id, items.name AS shown FROM items",
    "frames": "frames.item_id, frames.id AS frame_id, items.name || ', frame ' || frames.number AS shown "
    "FROM frames JOIN items ON items.id = frames.item_id",
}


@frozen(repr=False)
class Adopted(Record):
    """How many vectors were moved, and how many values were not, with the first reasons."""

    key: str
    moved: int
    left: int
    reasons: tuple[str, ...]


@define
class Adoption:
    """Moves the values of one key, which `keep` stores as vectors of shape (n, size). Each batch is one
    transaction, so an interrupted run can be continued.
    """

    database: Database
    rows: VectorRows
    keep: Callable[[str, Sequence[Owner], Any], object]
    schema: Schema
    key: str
    replace: bool
    moved: int = 0
    left: int = 0

    def __call__(self) -> Adopted:
        """Move all values."""
        reasons: list[str] = []
        for table in _HOLDERS:
            after: int | None = 0
            while after is not None:
                with self.database.write():
                    after = self._bundle(table, after, reasons)
        return Adopted(self.key, self.moved, self.left, tuple(reasons))

    def _bundle(self, table: str, after: int, reasons: list[str]) -> int | None:
        """Move one batch of values; returns the id after which to continue, None at the end."""
        rows = self._rows(table, after)
        if not rows:
            return None
        taken = self._taken(rows)
        good: list[tuple[Row, list[float]]] = []
        for row in rows:
            try:
                if (row["item_id"], row["frame_id"]) in taken:
                    raise ValueError("there is a vector already")
                good.append((row, self._vector(row)))
            except ValueError as error:
                self.left += 1
                if len(reasons) < SHOWN:
                    reasons.append(f"{row['shown']}: {error}")
        self._move(table, good)
        return int(rows[-1]["id"])

    def _rows(self, table: str, after: int) -> Sequence[Row]:
        path = _path(self.key)
        return self.database.rows(
            f"SELECT {table}.id, json_type({table}.metadata, ?) AS kind, json_extract({table}.metadata, ?) AS value, "
            f"{_HOLDERS[table]} WHERE {table}.id > ? AND json_type({table}.metadata, ?) IS NOT NULL "
            f"ORDER BY {table}.id LIMIT ?",
            [path, path, after, path, BUNDLE],
        )

    def _taken(self, rows: Sequence[Row]) -> set[Owner]:
        """The owners that have a vector which must not be replaced."""
        kept = self.rows.find(self.key)
        if kept is None or self.replace:
            return set()
        return set(self.rows.fingerprints(kept, list({row["item_id"] for row in rows})))

    def _vector(self, row: Row) -> list[float]:
        """The vector of a value, which may be text if it comes from a CSV file; raises ValueError."""
        value: Json = loads(row["value"]) if row["kind"] == "array" else row["value"]
        if row["kind"] == "text":
            value = from_text(self.key, row["value"], self.schema)
        encoded: list[float] = self.schema.encoder(self.schema.require(self.key))(value)
        return encoded

    def _move(self, table: str, good: Sequence[tuple[Row, list[float]]]) -> None:
        import numpy as np

        if not good:
            return
        owners = [(row["item_id"], row["frame_id"]) for row, _ in good]
        self.keep(self.key, owners, np.array([vector for _, vector in good], dtype=np.float32))
        ids = [row["id"] for row, _ in good]
        self.database.execute_many(
            f"UPDATE {table} SET metadata = json_remove(metadata, ?) WHERE id = ?",
            [(_path(self.key), id) for id in ids],
        )
        if table == "items":
            self.database.execute_many(
                "UPDATE items SET updated_at = ? WHERE id = ?", [(now(), i) for i in ids]
            )
        self.moved += len(ids)


def has_values(database: Database, access: Access, key: str) -> bool:
    """Whether metadata that the user sees has values of a key; scans all metadata if there are none."""
    rows: list[Any] = [
        database.row(
            f"SELECT 1 FROM {table} WHERE json_type(metadata, ?) IS NOT NULL AND {access.scope(noun, table)} LIMIT 1",
            [_path(key)],
        )
        for noun, table in _TABLES
    ]
    return any(rows)


def require_values(access: Access, key: str) -> None:
    """Check the right to change all items and frames whose metadata has values of a key."""
    for noun, table in _TABLES:
        access.require_where("update", noun, f"json_type({table}.metadata, ?) IS NOT NULL", [_path(key)])


def _path(key: str) -> str:
    return f'$."{key}"'
