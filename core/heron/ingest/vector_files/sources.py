"""What readers of files with vectors have in common: they read bundles, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from attrs import frozen

from heron.ingest.vector_files.names import Named

if TYPE_CHECKING:
    from heron.vectors.matrix import DType

Array = np.ndarray[Any, Any]

_BUNDLE_BYTES = 16 * 1024 * 1024


@frozen(eq=False)
class Bundle:
    """Some rows of a file: the names of their owners, their places in the file, and their vectors of shape (n, size)."""

    names: Sequence[Named]
    places: Sequence[int]
    vectors: Array


class Source(Protocol):
    """A file with vectors of `size` numbers each; places in it are numbers of rows or lines, as `unit` says.

    A key that is added for these vectors has the type of number `dtype`.
    """

    file: Path
    unit: Literal["row", "line"]
    size: int
    dtype: DType

    def bundles(self) -> Iterator[Bundle]:
        """The whole file from its beginning; raises InvalidInput that names the place of a fault."""


def place_in(source: Source, number: int) -> str:
    """A place as messages name it: rows are numbered from 0, as in NumPy, and lines from 1."""
    return f"{source.file}, {source.unit} {number}"


def rows_of_bundle(size: int) -> int:
    """How many vectors of `size` numbers are in memory at a time."""
    return max(256, min(16_384, _BUNDLE_BYTES // (4 * size)))
