"""Sets get a new file with the rows that are kept: without deleted and replaced ones, or without those that cannot be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from heron.catalog.database import Database
from heron.catalog.vectors.rows import Contents, VectorRows, VectorSet, new_file
from heron.errors import CatalogueError

_BLOCK = 8192

_RENUMBER = (
    "CREATE TEMP TABLE moved AS SELECT row AS old, row_number() OVER (ORDER BY row) - 1 AS new "
    "FROM vectors WHERE set_id = :set",
    "CREATE UNIQUE INDEX temp.moved_old ON moved(old)",
    "UPDATE vectors SET row = -1 - (SELECT new FROM moved WHERE old = row) WHERE set_id = :set",
    "UPDATE vectors SET row = -1 - row WHERE set_id = :set",
    "DELETE FROM vector_gaps WHERE set_id = :set",
    "DROP TABLE moved",
)


class Renewal:
    """Writes the files of sets anew. A process that has the old file open can read it to the end."""

    def __init__(self, database: Database, rows: VectorRows) -> None:
        self._database = database
        self._rows = rows

    def untrusted(self, kept: VectorSet) -> list[str]:
        """What is wrong with the vectors of a set, one sentence each: the file is cut short, or was changed outside of Heron."""
        matrix = self._rows.matrix(kept)
        there, found = matrix.rows_there(), []
        if there < kept.row_count:
            lost = kept.row_count - there
            found.append(
                f"{lost:,} of {kept.row_count:,} vectors of {kept.key!r} are lost: {matrix.path} is cut short"
            )
        damaged = list(self._rows.sums.damaged(kept.id, matrix))
        return [*found, changed_outside(kept.key, damaged)] if damaged else found

    def compact(self, kept: VectorSet) -> int:
        """Copy the live rows to a new file, in their order, and switch the set to it.

        Returns the number of rows left out. Raises CatalogueError if the file was changed outside of Heron.
        """
        with self._database.write():
            now = self._rows.contents(kept.key)
            if now is None or not len(now.gaps):
                return 0
            damaged = list(self._rows.sums.damaged(now.kept.id, self._rows.matrix(now.kept)))
            if damaged:
                raise CatalogueError(
                    changed_outside(kept.key, damaged),
                    hint=f"heron vectors verify {kept.key!r} --repair deletes these vectors",
                )
            self._write_anew(now)
        return len(now.gaps)

    def drop_untrusted(self, key: str) -> int:
        """Delete the rows that a file, cut short, has lost, and those of blocks that were changed outside of Heron; returns how
        many vectors that were.

        The remaining rows get a new file, so that a process that has the set open notices the change, also
        once it has as many rows again.
        """
        with self._database.write():
            kept = self._rows.find(key)
            if kept is None:
                return 0
            matrix = self._rows.matrix(kept)
            there = min(matrix.rows_there(), kept.row_count)
            damaged = list(self._rows.sums.damaged(kept.id, matrix))
            if there == kept.row_count and not damaged:
                return 0
            dropped = sum(
                self._database.execute(
                    "DELETE FROM vectors WHERE set_id = ? AND row >= ? AND row < ?",
                    [kept.id, of.start, of.stop],
                )
                for of in (*damaged, range(there, kept.row_count))
            )
            self._database.execute("DELETE FROM vector_gaps WHERE set_id = ? AND row >= ?", [kept.id, there])
            self._database.execute("UPDATE vector_sets SET row_count = ? WHERE id = ?", [there, kept.id])
            now = self._rows.contents(key)
            assert now is not None
            self._write_anew(now)
        return dropped

    def _write_anew(self, now: Contents) -> None:
        """Give a set a new file with its live rows."""
        target = evolve(now.kept, file=new_file())
        count = self._copy(now, target)
        for statement in _RENUMBER:
            self._database.execute(statement, {"set": target.id})  # type: ignore[arg-type]
        self._database.execute(
            "UPDATE vector_sets SET file = ?, row_count = ? WHERE id = ?", [target.file, count, target.id]
        )

    def _copy(self, now: Contents, target: VectorSet) -> int:
        import numpy as np

        self._rows.sums.forget(target.id)
        mapped, matrix = self._rows.matrix(now.kept).mapped(now.kept.row_count), self._rows.matrix(target)
        count, live = 0, np.sort(now.rows)
        for start in range(0, len(live), _BLOCK):
            block = mapped[live[start : start + _BLOCK]]
            self._rows.sums.write(target.id, matrix, count, block)
            count += len(block)
        return count


def changed_outside(key: str, damaged: Sequence[range]) -> str:
    """The sentence about blocks of vectors whose bytes are not those that were written."""
    named = ", ".join(f"{rows.start:,} to {rows.stop - 1:,}" for rows in damaged[:3])
    more = f", and {len(damaged) - 3:,} further blocks" if len(damaged) > 3 else ""
    return f"vectors of {key!r} were changed outside of Heron: rows {named}{more}"
