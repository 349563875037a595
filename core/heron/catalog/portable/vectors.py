"""Merges the vectors of an export: finds those that clash, and stores those that are not here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from heron.catalog.database import Database
from heron.catalog.portable.matching import Clashes
from heron.catalog.vectors.rows import MadeBy, VectorSet
from heron.catalog.vectors.store import VectorStore
from heron.metadata.schema import Schema
from heron.portable import PortableVectors

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

Blocks = Callable[[PortableVectors], Iterator[Any]]
"""Reads the vectors of a set of an export again, block by block, each of shape (n, size)."""

_THERE = "iif(v.frame = 0, 0, (SELECT target FROM staged.frames WHERE seq = v.frame))"


class VectorMerging:
    """The vectors of the sets of an export."""

    def __init__(self, database: Database, vectors: VectorStore, clashes: Clashes, blocks: Blocks) -> None:
        self._database = database
        self._vectors = vectors
        self._rows = vectors._rows
        self._clashes = clashes
        self._blocks = blocks
        self.notes: list[str] = []

    def match(self, number: int, given: PortableVectors, schema: Schema) -> tuple[int, int]:
        """Mark the vectors of a set that are not to be stored; returns the numbers of new ones and of equal ones."""
        run = self._database.connection.execute
        run("UPDATE staged.vectors SET skip = 0 WHERE vector_set = ?", [number])
        key = schema.get(given.key)
        shape = (
            (key.parameters.get("size"), key.parameters.get("dtype", "float32")) if key is not None else None
        )
        kept = self._rows.find(given.key)
        if shape != (given.size, given.dtype):
            run("UPDATE staged.vectors SET skip = 1 WHERE vector_set = ?", [number])
            self.notes.append(
                f"the vectors of {given.key!r} are left out: that key has no vectors of {given.size:,} numbers ({given.dtype}) here"
            )
            return 0, 0
        if kept is not None and self._is_other(kept, given):
            made = f"made by {_maker(kept)} here, and by {_maker(given)} in the export"
            if self._clashes.add("vectors", given.key, made) != "take":
                run("UPDATE staged.vectors SET skip = 1 WHERE vector_set = ?", [number])
                return 0, 0
            kept = None
        run(
            "UPDATE staged.vectors SET skip = 1 WHERE vector_set = ? AND item IN "
            "(SELECT seq FROM staged.items WHERE state IN ('keep', 'refuse'))",
            [number],
        )
        same = self._compare(number, given, kept) if kept is not None else 0
        new = self._database.value(
            "SELECT count(*) FROM staged.vectors WHERE vector_set = ? AND NOT skip", [number]
        )
        return int(new), same

    def _is_other(self, kept: VectorSet, given: PortableVectors) -> bool:
        return bool(self._rows.live_count(kept)) and (kept.embedder, kept.model, kept.revision) != (
            given.embedder,
            given.model,
            given.revision,
        )

    def _compare(self, number: int, given: PortableVectors, kept: VectorSet) -> int:
        """Compare the vectors of equal items bit by bit; returns the number of equal ones."""
        found = f"""
            FROM staged.vectors AS v JOIN staged.items AS i ON i.seq = v.item JOIN main.vectors AS h ON h.item_id = i.target
            AND h.frame_id = {_THERE} AND h.set_id = ? WHERE v.vector_set = ? AND i.state = 'same'"""
        if self._database.value(f"SELECT 1 {found} LIMIT 1", [kept.id, number]) is None:
            return 0
        mapped = self._rows.matrix(kept).mapped(kept.row_count)
        same = start = 0
        for block in self._blocks(given):
            rows = self._database.rows(
                f"SELECT v.row, h.row AS here, i.name {found} AND v.row >= ? AND v.row < ? ORDER BY v.row",
                [kept.id, number, start, start + len(block)],
            )
            skipped = []
            for row in rows:
                if mapped[row["here"]].tobytes() == block[row["row"] - start].tobytes():
                    same += 1
                elif self._clashes.add("vectors", f"{given.key} of {row['name']}", "other numbers") == "take":
                    continue
                skipped.append((number, row["row"]))
            self._database.connection.executemany(
                "UPDATE staged.vectors SET skip = 1 WHERE vector_set = ? AND row = ?", skipped
            )
            start += len(block)
        return same

    def land(self, number: int, given: PortableVectors) -> int:
        """Store the vectors of a set that are not skipped; returns their number."""
        if (
            self._database.value(
                "SELECT 1 FROM staged.vectors WHERE vector_set = ? AND NOT skip LIMIT 1", [number]
            )
            is None
        ):
            return 0
        rights = self._vectors._rights
        rights.require("update", given.key)
        kept = self._rows.find(given.key)
        if kept is not None and self._is_other(kept, given):
            self._vectors._access.require("delete", kept)
            rights.require_all_of(kept)
            self._rows.delete(kept)
            kept = None
        if kept is None or not self._rows.live_count(kept):
            kept = self._rows.ensure(given.key, given.size, given.dtype)
            if given.embedder is not None:
                self._rows.made_by(
                    kept, MadeBy(given.embedder, given.model, given.revision or "", given.takes_text)
                )
        start = stored = 0
        for block in self._blocks(given):
            rows = self._database.rows(
                f"SELECT v.row, i.target AS item, {_THERE} AS frame, v.mark FROM staged.vectors AS v "
                "JOIN staged.items AS i ON i.seq = v.item "
                "WHERE v.vector_set = ? AND NOT v.skip AND v.row >= ? AND v.row < ? ORDER BY v.row",
                [number, start, start + len(block)],
            )
            if rows:
                chosen = block if len(rows) == len(block) else block[[row["row"] - start for row in rows]]
                owners = [(row["item"], row["frame"]) for row in rows]
                self._vectors._keep(given.key, owners, chosen, [row["mark"] for row in rows])
                stored += len(rows)
            start += len(block)
        return stored


def _maker(made: VectorSet | PortableVectors) -> str:
    if made.embedder is None:
        return "nobody that is known"
    return " ".join(filter(None, (made.embedder, made.model, made.revision and f"({made.revision})")))
