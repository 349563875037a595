"""Checksums of the vectors, one for each block of rows: what was changed in a file outside of Heron is found, and not searched unnoticed.

A checksum is written in the transaction that adds the rows. Sets of older versions of Heron have none until they are compacted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from heron.catalog.database import Database
from heron.vectors.matrix import BLOCK_ROWS

if TYPE_CHECKING:
    from heron.vectors.matrix import Array, Matrix

_OF_SET = (  # one statement, so that the sums are those of so many rows
    "SELECT block, crc, row_count FROM vector_sums JOIN vector_sets ON vector_sets.id = set_id "
    "WHERE set_id = ? AND file = ?{ends} ORDER BY block"
)
_OF_BLOCK = "SELECT crc FROM vector_sums WHERE set_id = ? AND block = ?"
_KEEP = "INSERT INTO vector_sums (set_id, block, crc) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET crc = excluded.crc"
_FORGET = "DELETE FROM vector_sums WHERE set_id = ? AND block >= ?"


class BlockSums:
    """The checksums of the sets of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, set_id: int, matrix: Matrix, start: int, vectors: Array) -> None:
        """Write vectors as the rows from `start` on, with the checksums of their blocks; raises as `Matrix.write` does."""
        block = start // BLOCK_ROWS
        before = 0 if start % BLOCK_ROWS == 0 else self._database.value(_OF_BLOCK, [set_id, block])
        sums = matrix.write(start, vectors, before or 0)
        if before is None:
            sums = sums[1:]  # the first rows of this block were never summed
        self.forget(set_id, block + (before is None))
        self._database.execute_many(_KEEP, [(set_id, *of_block) for of_block in sums])

    def forget(self, set_id: int, first: int = 0) -> None:
        """Forget the checksums of the blocks from `first` on."""
        self._database.execute(_FORGET, [set_id, first])

    def damaged(self, set_id: int, matrix: Matrix, *, ends_only: bool = False) -> Iterator[range]:
        """The blocks of a set, as ranges of rows, whose bytes in the file are not those that were written; with `ends_only` only the
        first and the last one are looked at.

        Blocks that the file has lost are none of them. If other processes have added rows since the set was read, these are looked at
        too; if they have given it another file, nothing is: its rows are others now.
        """
        ends = " AND block IN (0, (row_count - 1) / ?)" if ends_only else ""
        asked = [set_id, matrix.path.stem, *([BLOCK_ROWS] if ends_only else [])]
        rows = self._database.rows(_OF_SET.format(ends=ends), asked)
        there = matrix.rows_there()
        for block, crc, count in rows:
            of_block = range(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, count))
            if of_block.start < of_block.stop <= there and matrix.checksum(of_block) != crc:
                yield of_block
