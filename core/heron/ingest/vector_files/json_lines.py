"""Vectors in JSON lines: `{"uuid": "…", "frame": 12, "vector": [0.1, …]}`."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from heron.convert import loads
from heron.errors import InvalidInput, NotFound
from heron.ingest.vector_files.names import Named, named_in
from heron.ingest.vector_files.sources import Bundle, place_in, rows_of_bundle
from heron.metadata.keys import printable

if TYPE_CHECKING:
    from heron.vectors.matrix import DType

Array = np.ndarray[Any, Any]

COLUMNS = ("vector", "embedding")
"""Other names that the column of numbers can have, besides the key."""

_LONGEST = 1024 * 1024
"""The longest line in bytes; a vector of 4,096 numbers takes a tenth of it."""


class JsonLinesSource:
    """A file with an object on each line; empty lines are skipped."""

    unit: Literal["row", "line"] = "line"
    dtype: DType = "float32"

    def __init__(self, file: Path, key: str, by: str | None) -> None:
        self.file, self._key, self._by = file, key, by
        first = next(self._rows(), None)
        if first is None:
            raise InvalidInput(f"{file} contains no vectors")
        self.size = len(first[2])

    def bundles(self) -> Iterator[Bundle]:
        """The vectors in the order of the lines."""
        names: list[Named] = []
        places: list[int] = []
        vectors: list[Array] = []
        for name, number, vector in self._rows():
            if len(vector) != self.size:
                raise InvalidInput(
                    f"{place_in(self, number)}: expected {self.size:,} numbers, got {len(vector):,}"
                )
            names.append(name)
            places.append(number)
            vectors.append(vector)
            if len(names) == rows_of_bundle(self.size):
                yield Bundle(names, places, np.stack(vectors))
                names, places, vectors = [], [], []
        if names:
            yield Bundle(names, places, np.stack(vectors))

    def _rows(self) -> Iterator[tuple[Named, int, Array]]:
        for number, line in self._lines():
            place = place_in(self, number)
            try:
                row = loads(line.removeprefix(BOM_UTF8))
            except InvalidInput as error:
                raise InvalidInput(f"{place}: {error.message}") from error
            if not isinstance(row, dict):
                raise InvalidInput(f"{place}: expected an object, got {printable(row)}")
            yield named_in(row, place, self._by), number, self._vector(row, place)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        try:
            with self.file.open("rb") as stream:
                number = 0
                while line := stream.readline(_LONGEST):
                    number += 1
                    if len(line) == _LONGEST:
                        raise InvalidInput(f"{place_in(self, number)} has more than {_LONGEST:,} bytes")
                    if line.strip():
                        yield number, line
        except FileNotFoundError:
            raise NotFound(f"{self.file} is not there") from None
        except OSError as error:
            raise InvalidInput(f"{self.file} cannot be read: {error.strerror or error}") from error

    def _vector(self, row: dict[str, Any], place: str) -> Array:
        column = next((name for name in (self._key, *COLUMNS) if name in row), None)
        if column is None:
            raise InvalidInput(f"{place} has no vector", hint=f"call it {self._key!r} or vector")
        try:
            vector = np.asarray(row[column])
        except ValueError:
            vector = np.empty(0, dtype=object)
        if vector.ndim != 1 or vector.dtype.kind not in "fiu" or not len(vector):
            raise InvalidInput(f"{place}: {column} is not a list of numbers")
        return vector.astype(np.float64)
