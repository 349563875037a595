"""Vectors in a NumPy array, `.npy`, with the ids of their items in a second file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from heron.errors import InvalidInput
from heron.ingest.vector_files.names import ids_in
from heron.ingest.vector_files.sources import Array, Bundle, rows_of_bundle

if TYPE_CHECKING:
    from heron.vectors.matrix import DType


def ids_beside(file: Path) -> Path:
    """The default file for the ids of a `.npy` file: `vectors.ids.txt` for `vectors.npy`."""
    return file.with_suffix(".ids.txt")


class NpySource:
    """An array of shape (n, size) and a file with n ids. The array is memory-mapped again for each bundle, never loaded."""

    unit: Literal["row", "line"] = "row"

    def __init__(self, file: Path, ids: Path, by: str | None, *, was_named: bool) -> None:
        array = self._array(file)
        if not was_named and not ids.is_file():
            raise InvalidInput(
                f"{file}: there is no file with the ids of these vectors",
                hint=f"give a file with an id for each vector as --ids, or put it beside as {ids.name}",
            )
        self.file, self._ids, self._by = file, ids, by
        self.size = array.shape[1]
        self.dtype: DType = "float16" if array.dtype == np.float16 else "float32"

    @staticmethod
    def _array(file: Path) -> Array:
        from heron.vectors.npy import read_npy

        array = read_npy(file)
        if array.ndim != 2 or not array.size:
            raise InvalidInput(
                f"{file} contains an array of shape {array.shape}",
                hint="expected the shape (number of vectors, numbers of each)",
            )
        return array

    def bundles(self) -> Iterator[Bundle]:
        """The rows with their ids; raises InvalidInput if the numbers of vectors and ids differ."""
        ids = ids_in(self._ids, self._by)
        count, step = len(self._array(self.file)), rows_of_bundle(self.size)
        for start in range(0, count, step):
            vectors = np.array(self._array(self.file)[start : start + step])
            names = list(islice(ids, len(vectors)))
            if len(names) < len(vectors):
                raise self._mismatch(start + len(names), count)
            yield Bundle(names, range(start, start + len(vectors)), vectors)
        more = sum(1 for _ in ids)
        if more:
            raise self._mismatch(count + more, count)

    def _mismatch(self, ids: int, vectors: int) -> InvalidInput:
        return InvalidInput(f"{self._ids} has {ids:,} ids, but {self.file} has {vectors:,} vectors")
