"""The truth: one append-only file of vectors, all of one size, little-endian, with nothing else in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from heron.errors import CatalogueError, InvalidInput
from heron.vectors.files import sync_folder

Array = np.ndarray[Any, Any]
DType = Literal["float32", "float16"]

_BLOCK = 8 * 1024 * 1024
"""Bytes that are converted at a time."""


class Matrix:
    """A file of rows. How many of them count is known to its owner; rows beyond are leftovers."""

    def __init__(self, path: Path, size: int, dtype: DType) -> None:
        """Name the file, which need not be there yet, of vectors of `size` numbers of type `dtype`."""
        self.path = path
        self.size = size
        self.dtype = np.dtype(dtype).newbyteorder("<")
        self.row_bytes = size * self.dtype.itemsize

    def write(self, start: int, vectors: Array) -> None:
        """Let the file end with `vectors`, shape (n, size), its rows from `start` on; on disk on return.

        What lay there, or behind, is of a transaction that was rolled back, and goes. Raises CatalogueError
        where the file has fewer rows than `start` or cannot be written, InvalidInput for another shape, and
        for numbers that are too large for the type of the file.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.size:
            raise InvalidInput(
                f"{self.path.name} takes vectors of {self.size} numbers, not an array of shape {vectors.shape}"
            )
        with self._explained():
            is_new = not self.path.exists()
            with self.path.open("xb" if is_new else "r+b") as stream:
                self._require(os.fstat(stream.fileno()).st_size // self.row_bytes, start)
                stream.seek(start * self.row_bytes)
                for block in self._converted(vectors):
                    stream.write(block.data)
                stream.truncate()
                stream.flush()
                os.fsync(stream.fileno())
            if is_new:
                sync_folder(self.path.parent)

    def rows_there(self) -> int:
        """Whole rows in the file; 0 where there is none."""
        with self._explained():
            return self.path.stat().st_size // self.row_bytes if self.path.exists() else 0

    def mapped(self, count: int) -> Array:
        """The first `count` rows, shape (count, size), mapped to be read; CatalogueError where it has fewer."""
        self._require(self.rows_there(), count)
        if not count:
            return np.empty((0, self.size), self.dtype)
        with self._explained():
            return np.memmap(self.path, self.dtype, "r", shape=(count, self.size)).view(np.ndarray)

    def _require(self, there: int, needed: int) -> None:
        if there < needed:
            raise CatalogueError(
                f"{self.path} is cut short: it has {there:,} of {needed:,} vectors",
                hint="see heron vectors verify",
            )

    def _converted(self, vectors: Array) -> Iterator[Array]:
        step = max(1, _BLOCK // self.row_bytes)
        for start in range(0, len(vectors), step):
            try:
                with np.errstate(over="raise"):
                    yield np.ascontiguousarray(vectors[start : start + step], self.dtype)
            except FloatingPointError:
                raise InvalidInput(f"a vector has a number that is too large for {self.dtype.name}") from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CatalogueError(f"{self.path}: {error.strerror or error}") from error


__all__ = ["Array", "DType", "Matrix"]
