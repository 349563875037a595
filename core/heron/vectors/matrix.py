"""The vectors themselves: one append-only file, all vectors of one size, little-endian, with no header."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from heron.errors import CatalogueError, InvalidInput
from heron.inside import open_file
from heron.vectors.files import checksum, sync_folder

Array = np.ndarray[Any, Any]
DType = Literal["float32", "float16"]

BLOCK_ROWS = 256
"""Rows that have one checksum."""

_BLOCK = 8 * 1024 * 1024
"""Bytes that are converted and written at a time."""


_MOST_NUMBERS = 2**20
"""More than any vector has."""

_FORGED = "it is damaged, or forged: restore a backup"


class Matrix:
    """A file of rows. The caller knows how many of them are committed; rows beyond are leftovers."""

    def __init__(self, path: Path, size: int, dtype: DType) -> None:
        """Vectors of `size` numbers of type `dtype`, in the file `path`, which need not exist yet; raises CatalogueError."""
        if not 0 < size <= _MOST_NUMBERS:
            raise CatalogueError(
                f"the catalogue says that vectors in {path} have {size:,} numbers", hint=_FORGED
            )
        self.path = path
        self.size = size
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.row_bytes = size * self.dtype.itemsize

    def write(self, start: int, vectors: Array, before: int = 0) -> list[tuple[int, int]]:
        """Write `vectors`, shape (n, size), as the rows from `start` on, and flush them to disk.

        Returns the checksums (CRC-32) of the blocks of `BLOCK_ROWS` rows that were written to, each with the number of its block;
        the first goes on from `before`, that of the rows of its block before `start`.

        Rows from `start` on that are there already belong to a transaction that was rolled back, and are
        replaced or cut off. Raises CatalogueError if the file has fewer rows than `start` or cannot be
        written, InvalidInput for another shape, and for numbers that are too large for the type of the file.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.size:
            raise InvalidInput(
                f"{self.path.name} takes vectors of {self.size} numbers, not an array of shape {vectors.shape}"
            )
        sums = {start // BLOCK_ROWS: before}
        with self._explained():
            is_new = not os.path.lexists(self.path)
            with open_file(self.path, "xb" if is_new else "r+b") as stream:
                self._require(os.fstat(stream.fileno()).st_size // self.row_bytes, start)
                stream.seek(start * self.row_bytes)
                for first, block in self._converted(vectors):
                    stream.write(block.data)
                    _add_sums(sums, start + first, block)
                stream.truncate()
                stream.flush()
                os.fsync(stream.fileno())
            if is_new:
                sync_folder(self.path.parent)
        return list(sums.items()) if len(vectors) else []

    def checksum(self, rows: range) -> int:
        """The checksum (CRC-32) of some rows as they are in the file; raises CatalogueError if it cannot be read."""
        with self._explained():
            return checksum(self.path, rows.stop * self.row_bytes, start=rows.start * self.row_bytes)

    def rows_there(self) -> int:
        """The number of complete rows in the file; 0 if there is no file."""
        with self._explained():
            return self.path.stat().st_size // self.row_bytes if self.path.exists() else 0

    def mapped(self, count: int) -> Array:
        """The first `count` rows, shape (count, size), memory-mapped read-only; CatalogueError if there are
        fewer.
        """
        self._require(self.rows_there(), count)
        if not count:
            return np.empty((0, self.size), self.dtype)
        with self._explained(), open_file(self.path, "rb") as stream:
            return np.memmap(stream, self.dtype, "r", shape=(count, self.size)).view(np.ndarray)

    def _require(self, there: int, needed: int) -> None:
        if needed < 0:
            raise CatalogueError(f"the catalogue says that {self.path} has {needed:,} vectors", hint=_FORGED)
        if there < needed:
            raise CatalogueError(
                f"{self.path} is cut short: it has {there:,} of {needed:,} vectors",
                hint="see heron vectors verify",
            )

    def _converted(self, vectors: Array) -> Iterator[tuple[int, Array]]:
        """Vectors in the type of the file, in blocks, each with the place of its first."""
        step = max(1, _BLOCK // self.row_bytes)
        for start in range(0, len(vectors), step):
            try:
                with np.errstate(over="raise"):
                    yield start, np.ascontiguousarray(vectors[start : start + step], self.dtype)
            except FloatingPointError:
                raise InvalidInput(f"a vector has a number that is too large for {self.dtype.name}") from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CatalogueError(f"{self.path}: {error.strerror or error}") from error


def _add_sums(sums: dict[int, int], row: int, vectors: Array) -> None:
    """Add vectors, of which the first is written as `row`, to the checksums of their blocks."""
    place = 0
    while place < len(vectors):
        block = (row + place) // BLOCK_ROWS
        end = min(len(vectors), (block + 1) * BLOCK_ROWS - row)
        sums[block] = zlib.crc32(vectors[place:end].data, sums.get(block, 0))
        place = end


__all__ = ["BLOCK_ROWS", "Array", "DType", "Matrix"]
