"""Files with vectors as they are read: in bundles, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from attrs import frozen

from heron.errors import InvalidInput
from heron.ingest.vector_files.names import Named, ids_in

if TYPE_CHECKING:
    from heron.vectors.matrix import DType

Array = np.ndarray[Any, Any]

_BUNDLE_BYTES = 16 * 1024 * 1024


@frozen(eq=False)
class Bundle:
    """Some rows of a file: what names their owners, their places in the file, and their vectors of shape (n, size)."""

    names: Sequence[Named]
    places: Sequence[int]
    vectors: Array


class Source(Protocol):
    """A file with vectors of `size` numbers each; `unit` is what its places are numbers of.

    A key that is made for them is of `dtype`.
    """

    file: Path
    unit: Literal["row", "line"]
    size: int
    dtype: DType

    def bundles(self) -> Iterator[Bundle]:
        """The whole file from its beginning; raises InvalidInput naming the faulty place."""


def place_in(source: Source, number: int) -> str:
    """How a message names a place: rows count from 0, as in NumPy, and lines from 1."""
    return f"{source.file}, {source.unit} {number}"


def rows_of_bundle(size: int) -> int:
    """How many vectors of `size` numbers are in memory at a time."""
    return max(256, min(16_384, _BUNDLE_BYTES // (4 * size)))


def opened(file: Path, key: str, *, ids: Path | None, by: str | None) -> Source:
    """The vectors of a file, by its suffix; raises NotFound and InvalidInput."""
    suffix = file.suffix.lower()
    if suffix == ".npy":
        return NpySource(file, ids or ids_beside(file), by, was_named=ids is not None)
    if suffix == ".npz":
        raise InvalidInput(
            f"{file}: an .npz holds several arrays", hint="numpy.save writes one of them as .npy"
        )
    if suffix not in (".parquet", ".jsonl", ".ndjson"):
        raise InvalidInput(f"{file}: a file with vectors ends with .npy, .parquet or .jsonl")
    if ids is not None:
        raise InvalidInput(f"{file} names its items itself, leave {ids} out")
    if suffix == ".parquet":
        from heron.ingest.vector_files.parquet import ParquetSource

        return ParquetSource(file, key, by)
    from heron.ingest.vector_files.json_lines import JsonLinesSource

    return JsonLinesSource(file, key, by)


def ids_beside(file: Path) -> Path:
    """Where the ids of a `.npy` file are looked for, and written: `vectors.ids.txt` for `vectors.npy`."""
    return file.with_suffix(".ids.txt")


class NpySource:
    """An array of shape (n, size) and a file with as many ids. It is mapped anew for each bundle, and never loaded."""

    unit: Literal["row", "line"] = "row"

    def __init__(self, file: Path, ids: Path, by: str | None, *, was_named: bool) -> None:
        array = self._array(file)
        if not was_named and not ids.is_file():
            raise InvalidInput(
                f"{file}: whose are these vectors?",
                hint=f"name a file with an id for each by --ids, or put it beside as {ids.name}",
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
                f"{file} holds an array of shape {array.shape}",
                hint="rows of vectors are needed: (number of vectors, numbers of each)",
            )
        return array

    def bundles(self) -> Iterator[Bundle]:
        """The rows with their ids; raises InvalidInput where there are more of the one than of the other."""
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
